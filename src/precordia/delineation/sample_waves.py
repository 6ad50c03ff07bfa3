# SPDX-License-Identifier: Apache-2.0
"""Waves as a class of each sample, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from precordia.delineation.reference_waves import Wave
from precordia.delineation.waves import WAVE_KINDS

#: what each sample may be; the number of a class is its place
SAMPLE_CLASSES = ("background", "P", "QRS", "T")
#: no wave is shorter, ms: what is so named is background
SHORTEST_MS = 20.0


def classes_of_samples(
    waves: Sequence[Wave], instants: Float[np.ndarray, " sample"]
) -> Float[np.ndarray, " sample"]:
    """Return the class of each sample: 0 background, 1 P, 2 QRS, 3 T; NaN where nobody knows.

    Parameters
    ----------
    waves
        Marked waves of one lead.
    instants
        Where the samples are, in the samples of the marks; ascending, fractions allowed.

    Notes
    -----
    Onset and offset belong to the wave. Nothing is known before the first and after the last mark
    (many databases leave the first and last beat unmarked), nor between a wave with only one bound
    and the next mark on the side of the bound that lacks.

    Examples
    --------
    >>> marked = [Wave("p", 2.0, 3.0, 4.0), Wave("qrs", 6.0, 7.0, 8.0)]
    >>> classes_of_samples(marked, np.arange(10.0))
    array([nan, nan,  1.,  1.,  1.,  0.,  2.,  2.,  2., nan])
    """
    said = np.zeros(len(instants))
    marks = np.array([place for w in waves for place in (w.onset, w.peak, w.offset)])
    marks = np.unique(marks[np.isfinite(marks)])
    if not marks.size:
        return np.full(len(instants), np.nan)
    for wave in waves:
        if math.isfinite(wave.onset) and math.isfinite(wave.offset):
            inside = (instants >= wave.onset) & (instants <= wave.offset)
            said[inside] = 1 + WAVE_KINDS.index(wave.kind)
    for wave in waves:
        first, last = _unknown(wave, marks)
        said[(instants > first) & (instants < last)] = np.nan
    said[(instants < marks[0]) | (instants > marks[-1])] = np.nan
    return said


def _unknown(wave: Wave, marks: np.ndarray) -> tuple[float, float]:
    """Return between which marks a wave with a bound that lacks says nothing."""
    held = [place for place in (wave.onset, wave.peak, wave.offset) if math.isfinite(place)]
    if not held or (math.isfinite(wave.onset) and math.isfinite(wave.offset)):
        return math.inf, -math.inf
    before, after = marks[marks < held[0]], marks[marks > held[-1]]
    first = wave.onset if math.isfinite(wave.onset) else (before[-1] if before.size else -math.inf)
    last = wave.offset if math.isfinite(wave.offset) else (after[0] if after.size else math.inf)
    return first, last


def runs_of_class(
    said: Float[np.ndarray, " sample"] | Int[np.ndarray, " sample"], number: int
) -> Int[np.ndarray, "_ 2"]:
    """Return the first and last sample of each stretch of a class.

    Examples
    --------
    >>> runs_of_class(np.array([1, 1, 0, 1]), 1).tolist()
    [[0, 1], [3, 3]]
    """
    edges = np.flatnonzero(np.diff(np.asarray(said == number, np.int8), prepend=0, append=0))
    return np.stack([edges[::2], edges[1::2] - 1], axis=1)


def without_short_runs(said: Int[np.ndarray, " sample"], least: float) -> np.ndarray:
    """Return classes of samples in which waves shorter than `least` samples are background.

    Examples
    --------
    >>> without_short_runs(np.array([1, 0, 2, 2, 2]), 2)
    array([0, 0, 2, 2, 2])
    """
    kept = np.array(said)
    for number in range(1, len(SAMPLE_CLASSES)):
        for first, last in runs_of_class(said, number):
            if last - first + 1 < least:
                kept[first : last + 1] = 0
    return kept
