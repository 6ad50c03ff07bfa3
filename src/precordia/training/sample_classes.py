# SPDX-License-Identifier: Apache-2.0
"""Which classes of samples a model learns."""

from __future__ import annotations

from collections.abc import Sequence

from precordia.core.errors import OptionError, unknown_name
from precordia.delineation.sample_waves import SAMPLE_CLASSES


def check_wave_classes(names: Sequence[str]) -> tuple[str, ...]:
    """Return the classes of samples, background first; all where none is named.

    Examples
    --------
    >>> check_wave_classes(["QRS"])
    ('background', 'QRS')
    """
    for name in names:
        if name not in SAMPLE_CLASSES:
            known = ", ".join(SAMPLE_CLASSES)
            raise unknown_name("class of samples", name, SAMPLE_CLASSES, listing=known)
    waves = [name for name in SAMPLE_CLASSES[1:] if not names or name in names]
    if not waves:
        raise OptionError("data.classes names no wave; one of P, QRS, T is needed, or none named.")
    return (SAMPLE_CLASSES[0], *waves)
