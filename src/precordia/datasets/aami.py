# SPDX-License-Identifier: Apache-2.0
"""The five beat classes of AAMI EC57 for the symbols of the MIT-BIH databases."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from precordia.core.record import Annotations

#: class of each beat symbol; marks of rhythm, noise and flutter waves are no beats
AAMI_CLASS = {
    **dict.fromkeys("NLRejB", "N"),
    **dict.fromkeys("AaJSn", "S"),
    **dict.fromkeys("VEr", "V"),
    "F": "F",
    **dict.fromkeys("/fQ?", "Q"),
}
AAMI_CLASSES = ("N", "S", "V", "F", "Q")


def aami_beats(annotations: Annotations) -> tuple[Int[np.ndarray, " beat"], tuple[str, ...]]:
    """Return the places of the beats and the AAMI class of each.

    Parameters
    ----------
    annotations
        Beats and other marks, as `read_annotations` gives them.

    Returns
    -------
    Sample indices, and one of N, S, V, F, Q for each.

    Notes
    -----
    *Method*: de Chazal's table: N holds normal, bundle branch block and escape beats of the atria
    and the node; S premature supraventricular, V premature and escape ventricular, F fusion of
    ventricular and normal, Q paced, fusion of paced and normal, and unclassified beats.

    References
    ----------
    de Chazal P et al. IEEE Trans Biomed Eng 2004;51:1196. doi:10.1109/TBME.2004.827359

    Examples
    --------
    >>> marks = Annotations(sample=np.array([5, 90, 170, 260]), symbol=("+", "N", "V", "a"))
    >>> aami_beats(marks)
    (array([ 90, 170, 260]), ('N', 'V', 'S'))
    """
    kept = [k for k, symbol in enumerate(annotations.symbol) if symbol in AAMI_CLASS]
    return annotations.sample[kept], tuple(AAMI_CLASS[annotations.symbol[k]] for k in kept)
