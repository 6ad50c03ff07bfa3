# SPDX-License-Identifier: Apache-2.0
"""The input of models that come without one."""

from __future__ import annotations

from precordia.core.input_filters import Butterworth
from precordia.core.input_spec import InputSpec
from precordia.core.input_steps import FillGaps, Resample, Window


def usual_input(leads: tuple[str, ...], fs: float, seconds: float) -> InputSpec:
    """Return millivolts above 0.5 Hz, from the middle of the recording.

    Examples
    --------
    >>> usual_input(("I", "II"), 100, 10).n_samples
    1000
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
        ),
    )
