# SPDX-License-Identifier: Apache-2.0
"""What exchanged electrodes do to the leads."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError
from precordia.core.leads import STANDARD_12
from precordia.signal.lead_algebra import ELECTRODES, ELECTRODES_9, complete_standard_12


def swap_electrodes(
    signal: Float[np.ndarray, "lead sample"], leads: Sequence[str], first: str, second: str
) -> Float[np.ndarray, "..."]:
    """Compute the twelve leads as they would be with two electrodes exchanged.

    Parameters
    ----------
    signal
        Potential, mV; V1 to V6 and two limb leads at least.
    leads
        Name of each row.
    first, second
        Electrodes: ``RA``, ``LA``, ``LL``, ``C1`` ... ``C6``. An exchange with the right leg is
        not a permutation of these and cannot be computed from the leads.

    Returns
    -------
    The twelve leads in standard order. Applied twice, it gives the original back.

    Raises
    ------
    OptionError
        If an electrode is not one of the nine.
    LeadError
        If leads are missing.

    Notes
    -----
    Electrode potentials are reconstructed against Wilson's central terminal (which a permutation
    of RA, LA and LL does not change), exchanged, and turned into leads again: exact.

    References
    ----------
    Batchvarov VN et al. Europace 2007;9:1081-1090. doi:10.1093/europace/eum198

    Examples
    --------
    >>> twelve = complete_standard_12(np.arange(8.0)[:, None], ("I", "II", *STANDARD_12[6:]))
    >>> swap_electrodes(twelve, STANDARD_12, "RA", "LA")[0].tolist()
    [0.0]
    """
    for name in (first, second):
        if name not in ELECTRODES_9:
            raise OptionError(
                f"electrode '{name}' arrived; one of {', '.join(ELECTRODES_9)} was needed."
            )
    twelve = complete_standard_12(signal, leads)
    augmented = twelve[[STANDARD_12.index(name) for name in ("aVR", "aVL", "aVF")]]
    potentials = np.concatenate([augmented * (2 / 3), twelve[6:]])
    order = list(range(len(ELECTRODES_9)))
    a, b = ELECTRODES_9.index(first), ELECTRODES_9.index(second)
    order[a], order[b] = order[b], order[a]
    return (ELECTRODES.coefficients @ potentials[order]).astype(twelve.dtype, copy=False)
