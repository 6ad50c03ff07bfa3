# SPDX-License-Identifier: Apache-2.0
"""Samples that were never recorded, filled as a model expects it."""

from __future__ import annotations

import numpy as np

from precordia.core.errors import SignalError
from precordia.core.input_steps import FillGaps
from precordia.embedding.passage import Passage, model_name
from precordia.signal.gaps import bridge_gaps


def fill_gaps(step: FillGaps, passage: Passage) -> None:
    """Fill what is missing.

    Raises
    ------
    SignalError
        If a gap is longer than the step allows.
    """
    if not passage.has_gaps:
        return
    signal = passage.signal
    missing = np.isnan(signal)
    longest_s = _longest(missing) / passage.fs
    if longest_s > step.longest_s:
        raise SignalError(
            f"a gap of {longest_s:.3g} s arrived; {model_name(passage.spec)} bridges up to "
            f"{step.longest_s:g} s. Choose a stretch without it."
        )
    if step.method == "interpolate":
        filled, _ = bridge_gaps(signal)
    elif step.method == "mean":
        held = np.maximum((~missing).sum(axis=-1, keepdims=True), 1)
        mean = np.where(missing, 0.0, signal).sum(axis=-1, keepdims=True) / held
        filled = np.where(missing, mean, signal)
    else:
        filled = np.where(missing, 0.0, signal)
    passage.signal = filled
    passage.done.append(
        f"{100 * missing.mean():.3g} % of the samples, gaps of up to {longest_s:.3g} s, filled "
        f"({step.method})"
    )


def _longest(missing: np.ndarray) -> int:
    """Return the length of the longest run of missing samples in any lead."""
    rows = missing.reshape(-1, missing.shape[-1])
    # A column that is there on each side separates the leads.
    flat = np.pad(rows, ((0, 0), (1, 1))).ravel().astype(np.int8)
    change = np.diff(flat)
    runs = np.flatnonzero(change == -1) - np.flatnonzero(change == 1)
    return int(runs.max(initial=0))
