# SPDX-License-Identifier: Apache-2.0
"""Settings of augmentations, checked before anything is drawn."""

from __future__ import annotations

import math
from typing import Any

from precordia.core.errors import OptionError


def check_probability(step: Any) -> None:
    """Refuse a probability that is none.

    Raises
    ------
    OptionError
        If ``step.probability`` is not a number from 0 to 1.
    """
    check_range(step, "probability", 0, 1)


def check_range(step: Any, name: str, low: float, high: float) -> None:
    """Refuse a setting outside of its bounds.

    Raises
    ------
    OptionError
        If it is not a number between them.
    """
    value = getattr(step, name)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not low <= value <= high:
        raise OptionError(
            f"'{name}' of the augmentation '{step.name}' is {value!r}; a number from {low:g} to "
            f"{high:g} is needed."
        )
