# SPDX-License-Identifier: Apache-2.0
"""What is true of a simulated record by construction: fiducials and measurements."""

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from precordia.core.fiducials import CONFIDENCES, POSITIONS, Fiducials, Waves
from precordia.core.leads import STANDARD_12
from precordia.core.source import Source
from precordia.generation.lobes import (
    FRAME_TO_LEADS,
    Wave,
    evaluate,
    net_direction_deg,
    vectors,
)

_VISIBLE_MV = 0.03  # a lobe or deflection smaller than this does not count in a lead
_GRID = 240
_EIGHT = [0, 1, *range(6, 12)]


@dataclass(frozen=True, slots=True)
class WaveTruth:
    """Where things are within one wave, as fractions of its duration; NaN where absent.

    Row 0 is global, rows 1 to 12 the standard leads. Columns: onset, q, r (or the one peak of a P
    or T wave), s, offset.
    """

    table: Float[np.ndarray, "13 5"]


@functools.lru_cache(maxsize=1024)
def wave_truth(wave: Wave, *, qrs: bool, extra: Wave = ()) -> WaveTruth:
    """Find onset, peaks and offset of a wave globally and in each lead.

    Globally a wave begins with its first lobe and ends with its last: 0 and 1. In a lead only
    lobes count that reach 0.03 mV there. Peaks are extremes of the drawn wave on a fine grid.

    Parameters
    ----------
    wave
        The lobes.
    qrs
        Whether to tell Q, R and S apart.
    extra
        What else moves within the wave (the ST ramp), on the same fractions.

    Returns
    -------
    The positions as fractions.

    Examples
    --------
    >>> from precordia.generation.shapes import T_NORMAL
    >>> wave_truth(T_NORMAL, qrs=False).table[0, [0, 2, 4]].round(2).tolist()
    [0.0, 0.58, 1.0]
    """
    grid = np.linspace(0.0, 1.0, _GRID + 1)
    table = np.full((13, 5), np.nan)
    size = FRAME_TO_LEADS @ vectors(wave).T
    drawn = size @ evaluate(wave, grid)
    if extra:
        drawn = drawn + (FRAME_TO_LEADS @ vectors(extra).T) @ evaluate(extra, grid)
    together = np.sqrt((drawn[_EIGHT] ** 2).sum(axis=0))
    table[0] = 0.0, np.nan, grid[together.argmax()], np.nan, 1.0
    for row, trace, lobes in zip(table[1:], drawn, np.abs(size), strict=True):
        seen = [lobe for lobe, height in zip(wave, lobes, strict=True) if height >= _VISIBLE_MV]
        if not seen or np.abs(trace).max() < _VISIBLE_MV:
            continue
        row[0], row[4] = min(x.onset for x in seen), max(x.offset for x in seen)
        row[1:4] = (
            _qrs_peaks(trace, grid) if qrs else (np.nan, grid[np.abs(trace).argmax()], np.nan)
        )
    table.flags.writeable = False  # kept for the next call
    return WaveTruth(table)


def _qrs_peaks(trace: np.ndarray, grid: np.ndarray) -> tuple[float, float, float]:
    """Name Q, R and S: R is the largest positive deflection, or the first of an rSR'."""
    nan = float("nan")
    if trace.max() < _VISIBLE_MV:
        return float(grid[trace.argmin()]), nan, nan
    r = int(trace.argmax())
    lowest = int(trace[: r + 1].argmin())
    if trace[lowest] < -_VISIBLE_MV and lowest and trace[:lowest].max() >= 0.05:
        r = int(trace[:lowest].argmax())
    q, s = int(trace[: r + 1].argmin()), r + int(trace[r:].argmin())
    return (
        float(grid[q]) if trace[q] < -_VISIBLE_MV else nan,
        float(grid[r]),
        float(grid[s]) if trace[s] < min(trace[-1], 0.0) - _VISIBLE_MV else nan,
    )


def build_fiducials(
    rows: Float[np.ndarray, "13 beat 11"],
    confidence: Float[np.ndarray, "beat 3"],
    *,
    fs: float,
    n_samples: int,
    source: Source,
) -> Fiducials:
    """Make fiducials out of positions in seconds.

    Parameters
    ----------
    rows
        Positions in the order of ``core.fiducials.POSITIONS``, s: global, then the twelve leads.
    confidence
        Of P, QRS and T.
    fs, n_samples
        Sampling rate, Hz, and length of the record.
    source
        Provenance.

    Returns
    -------
    Positions as fractions of samples; what lies outside the record is NaN.
    """
    samples = rows * fs
    samples[(samples < 0) | (samples > n_samples - 1)] = np.nan
    peaks = samples[:, :, [1, 5, 9]]
    # a QRS complex counts where its onset or offset is seen even if no R peak is
    peaks[:, :, 1] = np.where(np.isnan(peaks[:, :, 1]), samples[:, :, 3], peaks[:, :, 1])
    certain = np.where(np.isnan(peaks), np.nan, confidence[None])
    each = [
        dict(zip((*POSITIONS, *CONFIDENCES), np.concatenate([a.T, c.T]), strict=True))
        for a, c in zip(samples, certain, strict=True)
    ]
    return Fiducials(
        fs=fs,
        n_samples=n_samples,
        leads={n: Waves(**fields) for n, fields in zip(STANDARD_12, each[1:], strict=True)},
        source=source,
        **each[0],
    )


def axis_of(wave: Wave) -> float:
    """Return the axis of a wave's net frontal area in degrees, in (-180, 180].

    Examples
    --------
    >>> from precordia.generation.shapes import T_NORMAL
    >>> round(axis_of(T_NORMAL))
    42
    """
    angle = net_direction_deg(wave)
    return 180.0 if angle == -180.0 else angle
