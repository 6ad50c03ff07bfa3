# SPDX-License-Identifier: Apache-2.0
"""Where the fast detector sees no beat for seconds, the delineation network is asked."""

import numpy as np
from jaxtyping import Float, Int

#: a heart that pauses longer than this is rare enough to look twice
GAP_S = 2.0
_CONTEXT_S = 3.0
_SURE = 0.6
_APART_S = 0.25
_SAME_BEAT_S = 0.1
_FIRST_RHYTHM = 3


def fill_gaps(
    signal: Float[np.ndarray, "lead sample"], fs: float, marks: Int[np.ndarray, " beat"]
) -> Int[np.ndarray, "_"]:
    """Add the beats that a detector missed in long stretches without any.

    Parameters
    ----------
    signal
        Potential, mV; NaN where missing.
    fs
        Sampling rate, Hz.
    marks
        Beats found so far, ascending.

    Returns
    -------
    All beats, ascending; the same array where no stretch is longer than two seconds.

    Notes
    -----
    *Method.* Ventricular tachycardia and paced rhythms can be so unlike the beats that the fast
    detector learned that it finds none. The delineation network, which costs milliseconds, then
    reads the stretch with three seconds on either side. A beat counts where at least half of the
    leads that show QRS complexes at all have one with a confidence of 0.6. The beats of a stretch
    are taken only if they are a rhythm: at least one for every two seconds, and three where the
    record has no other beats, so that a stray complex in noise is no beat. Nothing is added
    without onnxruntime or the weights.

    Examples
    --------
    >>> fill_gaps(np.zeros((1, 5000), np.float32), 500.0, np.zeros(0, np.int64)).size
    0
    """
    edges = np.concatenate([[0], marks, [signal.shape[1]]])
    gaps = np.flatnonzero(np.diff(edges) > GAP_S * fs)
    if not gaps.size or not _ready():
        return marks
    found = [marks]
    for k in gaps.tolist():
        first, last = int(edges[k]), int(edges[k + 1])
        beats = _beats_between(signal, fs, first, last)
        needed = max(
            1 if marks.size >= _FIRST_RHYTHM else _FIRST_RHYTHM, (last - first) // (2 * fs)
        )
        if beats.size >= needed:
            found.append(beats)
    return np.sort(np.concatenate(found)) if len(found) > 1 else marks


def _ready() -> bool:
    from precordia.delineation.network import has_weights

    return has_weights()


def _beats_between(signal: np.ndarray, fs: float, first: int, last: int) -> np.ndarray:
    from precordia.delineation.network import delineate_with_network

    begin = max(0, int(first - _CONTEXT_S * fs))
    piece = signal[:, begin : int(last + _CONTEXT_S * fs)]
    if np.ptp(np.nan_to_num(piece), axis=1).max() == 0:
        return np.zeros(0, np.int64)
    leads = delineate_with_network(np.ascontiguousarray(piece), fs)
    sure = [waves.qrs[waves.qrs[:, 3] >= _SURE, 1] for waves in leads]
    sure = [peaks for peaks in sure if peaks.size]
    if not sure:
        return np.zeros(0, np.int64)
    peaks = np.sort(np.concatenate(sure))
    groups = np.split(peaks, np.flatnonzero(np.diff(peaks) > _SAME_BEAT_S * fs) + 1)
    beats = [np.median(group) for group in groups if 2 * group.size >= len(sure)]
    places = np.rint(beats).astype(np.int64) + begin
    lower = first + _APART_S * fs if first else 0
    upper = last - _APART_S * fs if last < signal.shape[1] else last
    return places[(places >= lower) & (places < upper)]
