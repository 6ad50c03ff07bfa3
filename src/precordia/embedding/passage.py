# SPDX-License-Identifier: Apache-2.0
"""A signal on its way to a model: the samples, their rate, and whether some are missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from precordia.core.errors import SignalError
from precordia.core.finite import all_finite
from precordia.core.input_spec import InputSpec

#: more numbers than this at once are refused (4 GB as float32)
MOST_NUMBERS = 1_000_000_000


@dataclass(slots=True, kw_only=True)
class Passage:
    """What one step hands to the next.

    Attributes
    ----------
    signal
        (lead, sample) before the window step, (window, lead, sample) after it.
    fs
        Rate now, Hz.
    record_fs, n_recorded
        Rate and length of the recording.
    spec
        What the model takes.
    rows
        Which of the model's rows are there; the others are absent.
    covers, recorded
        As in `Prepared`; None before the window step.
    done
        What was done, a sentence each.
    """

    signal: np.ndarray
    fs: float
    record_fs: float
    n_recorded: int
    spec: InputSpec
    rows: tuple[int, ...]
    covers: np.ndarray | None = None
    recorded: np.ndarray | None = None
    done: list[str]

    @property
    def has_gaps(self) -> bool:
        """Whether a sample is missing."""
        return not all_finite(self.signal) and bool(np.isnan(self.signal).any())


def model_name(spec: InputSpec) -> str:
    """Name a model in a sentence.

    Examples
    --------
    >>> from precordia.core.input_steps import Window
    >>> model_name(InputSpec(leads=("I",), fs=500, seconds=10, steps=(Window(),)))
    'this model'
    """
    return f"'{spec.model}'" if spec.model else "this model"


def refuse_gaps(passage: Passage, step: str) -> None:
    """Refuse a signal with missing samples where a step would spread them.

    Raises
    ------
    SignalError
        If a sample is missing.
    """
    if not passage.has_gaps:
        return
    missing = 100 * float(np.isnan(passage.signal).mean())
    raise SignalError(
        f"{missing:.3g} % of the samples are missing where {model_name(passage.spec)} needs all "
        f"of them ({step}). Choose a stretch without gaps, or a spec with a 'fill-gaps' step "
        "before it."
    )


def refuse_short(passage: Passage, extension: int) -> None:
    """Refuse a signal that a filter cannot be started on.

    Raises
    ------
    SignalError
        If there are no more samples than the filter extends the ends by.
    """
    n_samples = passage.signal.shape[-1]
    if n_samples <= extension:
        raise SignalError(
            f"{n_samples} samples at {passage.fs:g} Hz arrived; the filter of "
            f"{model_name(passage.spec)} needs more than {extension} ({extension / passage.fs:.2g} "
            "s). Take a longer recording."
        )
