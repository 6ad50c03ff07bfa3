# SPDX-License-Identifier: Apache-2.0
"""The input of models of waves that come without one."""

from __future__ import annotations

from precordia.core.input_filters import Butterworth
from precordia.core.input_scaling import ZScore
from precordia.core.input_spec import InputSpec
from precordia.core.input_steps import FillGaps, Resample, Window


def usual_wave_input(leads: tuple[str, ...], fs: float, seconds: float) -> InputSpec:
    """Return leads above 0.5 Hz, each by its own size, from the middle of the recording.

    Notes
    -----
    Where a wave begins does not depend on millivolts, and LUDB has none: its leads were scaled one
    by one.

    Examples
    --------
    >>> usual_wave_input(("any",), 250, 4).scale_needed
    'none'
    """
    return InputSpec(
        leads=leads,
        fs=fs,
        seconds=seconds,
        missing_leads="zero",
        steps=(
            FillGaps(),
            Butterworth(kind="highpass", order=2, low_hz=0.5),
            Resample(),
            Window(take="centre"),
            ZScore(),
        ),
    )
