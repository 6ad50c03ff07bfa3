# SPDX-License-Identifier: Apache-2.0
"""Waves that experts marked: from symbols to waves, and from leads to the whole record."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from precordia.delineation.waves import WAVE_KINDS

_KIND_OF = {"p": "p", "N": "qrs", "t": "t"}
#: waves of one kind in different leads belong together while their peaks are this near, ms
_SAME_WAVE_MS = 120.0
_LEAST_LEADS = 6


@dataclass(frozen=True, slots=True)
class Wave:
    """A marked wave: kind (p, qrs, t) and samples of onset, peak, offset; NaN where unmarked."""

    kind: str
    onset: float
    peak: float
    offset: float


def parse_waves(symbols: Sequence[str], samples: Sequence[int]) -> tuple[Wave, ...]:
    """Return the waves of one lead from annotations ``( p )``, ``( N )``, ``( t )``.

    Where an annotator repeated a mark, the first onset, the first peak and the last offset count.

    Parameters
    ----------
    symbols, samples
        Annotations in order of time.

    Examples
    --------
    >>> parse_waves(["(", "N", ")"], [90, 100, 120])
    (Wave(kind='qrs', onset=90.0, peak=100.0, offset=120.0),)
    """
    waves: list[list] = []
    begin, before = math.nan, ""
    for symbol, sample in zip(symbols, samples, strict=True):
        if symbol in _KIND_OF and symbol != before:
            waves.append([_KIND_OF[symbol], begin, float(sample), math.nan])
        if symbol == "(":
            begin = begin if before == "(" else float(sample)
        elif symbol in _KIND_OF:
            begin = math.nan
        elif symbol == ")" and waves:
            waves[-1][3] = float(sample)
        before = symbol
    return tuple(Wave(*wave) for wave in waves)


def fiducials_of(waves: Sequence[Wave]) -> dict[str, np.ndarray]:
    """Return marked positions by fiducial: ``p_onset`` ... ``t_offset`` and ``qrs_peak``."""
    return {
        f"{kind}_{place}": np.array([getattr(w, place) for w in waves if w.kind == kind], float)
        for kind in WAVE_KINDS
        for place in ("onset", "peak", "offset")
    }


def join_leads(
    leads: Sequence[Sequence[Wave]], fs: float, *, least: int = _LEAST_LEADS
) -> tuple[Wave, ...]:
    """Join the waves of all leads to waves of the record.

    Parameters
    ----------
    leads
        Waves of each lead.
    fs
        Sampling rate, Hz.
    least
        Leads that must show a wave.

    Returns
    -------
    Waves that at least so many leads show: the second earliest onset, the median peak, the second
    latest offset (a single annotator's slip then moves no bound).

    Examples
    --------
    >>> marked = [[Wave("qrs", 90.0 + k, 100.0, 120.0 + k)] for k in range(6)]
    >>> join_leads(marked, 500.0)
    (Wave(kind='qrs', onset=91.0, peak=100.0, offset=124.0),)
    """
    joined = []
    for kind in WAVE_KINDS:
        pool = [(w.peak, k, w) for k, lead in enumerate(leads) for w in lead if w.kind == kind]
        pool.sort(key=lambda item: item[:2])
        peaks = np.array([item[0] for item in pool])
        cuts = np.flatnonzero(np.diff(peaks) > _SAME_WAVE_MS * fs / 1000) + 1
        for group in np.split(np.arange(len(pool)), cuts):
            if len({pool[k][1] for k in group}) < least:
                continue
            onsets = np.array([pool[k][2].onset for k in group])
            offsets = np.array([pool[k][2].offset for k in group])
            joined.append(
                Wave(
                    kind,
                    _second(np.sort(onsets[np.isfinite(onsets)])),
                    float(np.median(peaks[group])),
                    _second(np.sort(offsets[np.isfinite(offsets)])[::-1]),
                )
            )
    return tuple(joined)


def _second(ranked: np.ndarray) -> float:
    return float(ranked[min(1, ranked.size - 1)]) if ranked.size else math.nan
