# SPDX-License-Identifier: Apache-2.0
"""Pacing spikes: which beats follow one."""

import numpy as np
from jaxtyping import Bool, Float

from precordia.core.fiducials import Waves
from precordia.measurement.beat_windows import beat_windows

MIN_FS = 240.0
MIN_SPIKE_MV = 0.08
TIMES_THE_REST = 4.0
#: what lies so many times 4 ms beside a spike is its own return and ringing, not the rest
_OWN = 3
_CHUNK = 4096


def paced_beats(
    signal: Float[np.ndarray, "lead sample"], waves: Waves, fs: float
) -> Bool[np.ndarray, " beat"]:
    """Tell which beats follow a pacing spike.

    Parameters
    ----------
    signal
        Potential, mV.
    waves
        Positions; rows without a QRS are passed over.
    fs
        Sampling rate, Hz. Below 240 Hz a spike is not told from a steep QRS, and no beat is paced.

    Returns
    -------
    Bool[np.ndarray, " beat"]
        One entry per row that holds a QRS.

    Notes
    -----
    The height of a spike at a sample is by how much the sample stands out from both neighbours
    4 ms away, on the same side; the largest over leads counts. A beat is paced where the stretch
    from 60 ms before to 20 ms after its QRS onset holds a height of at least 80 uV that is four
    times the height at any place of the beat farther than 12 ms away. Two such beats, and a fifth
    of all, make a paced record; only there are beats paced, and there half of both limits will do.
    Recorders that filter spikes away defeat this.

    Examples
    --------
    >>> from precordia.core.fiducials import empty_waves
    >>> paced_beats(np.zeros((1, 900)), empty_waves(0), 500.0).size
    0
    """
    seen = np.isfinite(waves.r_peak) | np.isfinite(waves.qrs_onset)
    rows = np.flatnonzero(seen)
    none = np.zeros(rows.size, dtype=bool)
    if not rows.size or fs < MIN_FS or signal.shape[1] < 50:
        return none
    onset, peak = waves.qrs_onset[rows], waves.r_peak[rows]
    onset = np.where(np.isfinite(onset), onset, peak - 0.06 * fs)
    at = np.round(np.nan_to_num(onset)).astype(np.int64)
    apart = max(1, round(0.004 * fs))
    before, inside, after = (round(ms * fs / 1000.0) for ms in (60.0, 20.0, 100.0))
    size, rest = np.zeros(rows.size), np.zeros(rows.size)
    for a in range(0, rows.size, _CHUNK):
        starts = at[a : a + _CHUNK] - before - apart
        cut = beat_windows(signal, starts, before + after + 2 * apart)
        height = _heights(cut, apart)
        spike = height[:, : before + inside]
        size[a : a + _CHUNK] = spike.max(axis=1)
        near = np.abs(np.arange(height.shape[1]) - spike.argmax(axis=1)[:, None]) <= _OWN * apart
        rest[a : a + _CHUNK] = np.where(near, 0.0, height).max(axis=1)
    paced = (size >= MIN_SPIKE_MV) & (size >= TIMES_THE_REST * rest)
    if np.count_nonzero(paced) < max(2, 0.2 * rows.size):
        return none
    return (size >= MIN_SPIKE_MV / 2) & (size >= TIMES_THE_REST / 2 * rest)


def _heights(cut: np.ndarray, apart: int) -> np.ndarray:
    """Measure by how much each sample stands out from both neighbours, the largest over leads."""
    middle = cut[:, :, apart:-apart]
    left, right = middle - cut[:, :, : -2 * apart], middle - cut[:, :, 2 * apart :]
    # Same side: both differences have one sign, and the smaller of them counts.
    height = np.maximum(np.minimum(left, right), np.minimum(-left, -right))
    return np.fmax.reduce(height, axis=0, initial=0.0)
