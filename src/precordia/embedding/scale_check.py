# SPDX-License-Identifier: Apache-2.0
"""Whether a recording has kept as much of its millivolts as a model depends on."""

from __future__ import annotations

import numpy as np

from precordia.core.errors import UnitError
from precordia.core.input_spec import InputSpec
from precordia.core.plausibility import (
    TYPICAL_PEAK_TO_PEAK_MV,
    amplitude_remarks,
    looks_normalised,
    scaled_one_by_one,
)
from precordia.core.record import Record
from precordia.embedding.passage import model_name

#: a scale wrong by as much is refused; smaller doubts become warnings
_SURELY_WRONG = 30.0


def scale_doubts(record: Record, spec: InputSpec, *, trust_scale: bool = False) -> tuple[str, ...]:
    """Refuse a scale that the model cannot work with, and say what is doubtful.

    Parameters
    ----------
    record
        The recording.
    spec
        What the model takes; ``spec.scale_needed`` decides what is looked at.
    trust_scale
        Refuse nothing; every doubt becomes a sentence.

    Returns
    -------
    Sentences; none where all is well.

    Raises
    ------
    UnitError
        If the signal is normalised or of a wrong unit beyond doubt, and the result depends on it.

    Examples
    --------
    >>> from precordia.core.input_steps import Window
    >>> spec = InputSpec(leads=("I",), fs=500, seconds=1, steps=(Window(),))
    >>> record = Record(signal=np.sin(np.arange(500.0))[None], fs=500, leads=("I",))
    >>> scale_doubts(record, spec)
    ()
    """
    if spec.scale_needed == "none":
        return ()
    why = ""
    if looks_normalised(record.signal, exactly=True):
        why = "every lead has zero mean and unit variance: the signal was normalised"
    else:
        why = scaled_one_by_one(record.signal)
    doubts = (why,) if why else ()
    if spec.scale_needed == "absolute" and not why:
        remarks = amplitude_remarks(record.signal, record.leads)
        doubts = tuple(remark.text for remark in remarks)
        if doubts and _far_off(record.signal):
            why = doubts[0]
    if not why or trust_scale:
        return doubts
    needed = (
        "millivolts" if spec.scale_needed == "absolute" else "leads of their true relative size"
    )
    raise UnitError(
        f"{model_name(spec)} needs {needed}; {why.rstrip('.')}. Read the original file (or give "
        "its unit when reading), choose a model that normalises each lead by itself, or say "
        "trust_scale=True if the values are right."
    )


def _far_off(signal: np.ndarray) -> bool:
    span = np.fmax.reduce(signal, axis=1) - np.fmin.reduce(signal, axis=1)
    ratio = float(np.median(span[span > 0])) / TYPICAL_PEAK_TO_PEAK_MV
    return ratio > _SURELY_WRONG or ratio < 1 / _SURELY_WRONG
