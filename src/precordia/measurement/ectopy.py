# SPDX-License-Identifier: Apache-2.0
"""What each beat is: normal, early from above, early or wide from below, paced."""

import numpy as np
from jaxtyping import Bool, Float

from precordia.core.fiducials import Fiducials
from precordia.core.measurements import BeatKind, BeatTable, empty_beats
from precordia.measurement.beat_shapes import beat_shapes
from precordia.measurement.known_median import known_median
from precordia.measurement.rhythm import rr_intervals

PREMATURE = 0.86
IRREGULAR = 0.08
_KINDS = np.array(
    [BeatKind.NORMAL, BeatKind.SUPRAVENTRICULAR, BeatKind.VENTRICULAR, BeatKind.PACED,
     BeatKind.UNCLASSIFIED], dtype=object,
)  # fmt: skip
_NORMAL, _ABOVE, _BELOW, _PACED, _UNKNOWN = range(5)


def classify_beats(
    signal: Float[np.ndarray, "lead sample"],
    fiducials: Fiducials,
    *,
    missing: Bool[np.ndarray, " sample"] | None = None,
    paced: Bool[np.ndarray, " beat"] | None = None,
) -> BeatTable:
    """Tell what each beat is from its time, its shape and its P wave.

    Parameters
    ----------
    signal
        Potential, mV.
    fiducials
        Positions of the waves; rows without a QRS are passed over.
    missing
        True where no lead was recorded.
    paced
        For each beat, whether a pacing spike precedes it.

    Returns
    -------
    BeatTable
        One row per beat.

    Notes
    -----
    Shapes come from ``beat_shapes``. The dominant shape is the most frequent one, unless another
    that is at least half as frequent is narrower by 20 ms. Prematurity is the preceding RR over the
    median of the RR between dominant beats nearby.

    A beat of another shape is ventricular where two of these hold: it is wide (15 ms more than
    the dominant shape and at least 105 ms), it is early (0.86; 0.9 where it is wide), it is very
    unlike the dominant shape (correlation below 0.75). Wide and unlike without being early counts
    only where most beats of that shape have no P wave: intermittent bundle branch block and
    pre-excitation have one. Any other early beat is supraventricular, unless the rhythm around it
    is irregularly irregular; beats that go on as fast after it are so too. Where the dominant
    shape is itself wide (130 ms), faster than 109 per minute, regular and without P waves, it is
    called ventricular: bundle branch block with a fast atrial rhythm is not told from that.

    Thresholds were set by hand on 22 records of the MIT-BIH database; how they do there is stated
    in the tests. Aberrant conduction is not told from ventricular origin, and early beats in
    atrial fibrillation are called normal.

    References
    ----------
    Chazal P de, O'Dwyer M, Reilly RB. IEEE Trans Biomed Eng 2004;51:1196-1206.
    doi:10.1109/TBME.2004.827359 (the classes, not the method)

    Examples
    --------
    >>> from precordia.core.fiducials import empty_waves, POSITIONS, CONFIDENCES
    >>> none = empty_waves(0)
    >>> waves = {name: getattr(none, name) for name in (*POSITIONS, *CONFIDENCES)}
    >>> len(classify_beats(np.zeros((1, 500)), Fiducials(fs=500, n_samples=500, **waves)))
    0
    """
    rows = np.flatnonzero(fiducials.has_qrs)
    if not rows.size:
        return empty_beats()
    fs, ms = float(fiducials.fs), 1000.0 / fiducials.fs
    onset, offset = fiducials.qrs_onset[rows], fiducials.qrs_offset[rows]
    peak = fiducials.r_peak[rows]
    peak = np.where(np.isfinite(peak), peak, onset)
    rr = rr_intervals(peak, fs, missing)
    pr = (onset - fiducials.p_onset[rows]) * ms
    qrs = (offset - onset) * ms
    qt = (fiducials.t_offset[rows] - onset) * ms
    shape, fits = beat_shapes(signal, peak, fs)
    main = _dominant(shape, qrs, len(fits))
    alike = fits[main] if len(fits) else np.full(rows.size, np.nan)
    local = _local_rr(rr, shape == main)
    prematurity = rr / local
    has_p = np.isfinite(fiducials.p_peak[rows])
    kind = _decide(shape, main, alike, qrs, has_p, rr, local, prematurity)
    if _is_ventricular_rhythm(shape == main, qrs, has_p, rr):
        kind[kind == _NORMAL] = _BELOW
    if paced is not None and paced.any():
        # A spike may be missed in single beats of a shape that otherwise follows spikes.
        mostly = [k for k in np.unique(shape[paced]) if k >= 0 and paced[shape == k].mean() > 0.5]
        kind[paced | np.isin(shape, mostly)] = _PACED
    return BeatTable(
        r_peak=peak,
        rr_ms=rr,
        kind=tuple(_KINDS[kind].tolist()),
        prematurity=prematurity,
        pr_ms=pr,
        qrs_ms=qrs,
        qt_ms=qt,
        template_correlation=alike,
    )


def _dominant(shape: np.ndarray, qrs: np.ndarray, n_shapes: int) -> int:
    if n_shapes < 2:
        return 0
    n = np.bincount(shape[shape >= 0], minlength=n_shapes)
    best = int(n.argmax())
    for k in np.argsort(-n).tolist():
        often = k != best and n[k] >= max(2, 0.5 * n[best])
        if often and known_median(qrs[shape == k]) <= known_median(qrs[shape == best]) - 20:
            best = k
    return best


def _running_median(x: np.ndarray, width: int) -> np.ndarray:
    width = min(width, x.size | 1)
    half = width // 2
    padded = np.pad(x, half, mode="reflect" if x.size > half else "edge")
    # The width is odd: the middle of the sorted window, which np.median finds more slowly.
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
    return windows[: x.size, half]


def _local_rr(rr: np.ndarray, main: np.ndarray) -> np.ndarray:
    """Median of the RR between dominant beats nearby, at every beat."""
    known = np.isfinite(rr)
    if not known.any():
        return np.full(rr.size, np.nan)
    plain = known & main & np.concatenate([[False], main[:-1]])
    if np.count_nonzero(plain) < 3:
        # Bigeminy and the like: the mean of coupling interval and pause is the cycle.
        mean = np.convolve(np.where(known, rr, known_median(rr)), np.ones(2) / 2, "same")
        return _running_median(mean, 9)
    at = np.flatnonzero(plain)
    return np.interp(np.arange(rr.size), at, _running_median(rr[at], 11))


def _decide(
    shape: np.ndarray,
    main: int,
    alike: np.ndarray,
    qrs: np.ndarray,
    has_p: np.ndarray,
    rr: np.ndarray,
    local: np.ndarray,
    prematurity: np.ndarray,
) -> np.ndarray:
    kind = np.full(shape.size, _NORMAL)
    usual = shape == main
    width = known_median(qrs[usual])
    # The width of a single beat is noisy: average it with that of its shape.
    of_shape, conducted = qrs.copy(), has_p.copy()
    for k in np.unique(shape[~usual & (shape >= 0)]).tolist():
        of_shape[shape == k] = known_median(qrs[shape == k])
        conducted[shape == k] = has_p[shape == k].mean() > 0.5
    broad = (np.where(np.isfinite(qrs), qrs, of_shape) + of_shape) / 2
    wide = broad >= (max(width + 15.0, 105.0) if width == width else 110.0)
    early = prematurity < PREMATURE
    below = ~usual & (
        (wide & (alike < 0.75) & ~conducted)
        | (wide & (prematurity < 0.9) & (alike < 0.9))
        | (early & (alike < 0.75))
    )
    kind[below] = _BELOW
    # Irregularly irregular: neighbouring dominant intervals differ by much, over and over.
    step = np.abs(np.diff(rr, prepend=np.nan)) / local
    # What an early beat does to its own interval and to the next is no irregularity.
    apart = below | early
    step[apart | np.concatenate([[False], apart[:-1]])] = np.nan
    steady = np.nan_to_num(step, nan=float(np.nan_to_num(known_median(step))))
    irregular = _running_median(steady, 31) > IRREGULAR
    kind[~below & early & ~irregular] = _ABOVE
    _extend_runs(kind, rr, irregular)
    lost = ~below & ~usual & (alike < 0.5) & ~early & ~conducted
    kind[lost] = _UNKNOWN
    return kind


def _is_ventricular_rhythm(
    usual: np.ndarray, qrs: np.ndarray, has_p: np.ndarray, rr: np.ndarray
) -> bool:
    """Tell whether the dominant shape itself is a fast, regular, wide rhythm without P waves."""
    between = rr[usual & np.isfinite(rr)]
    if between.size < 3 or has_p[usual].mean() > 0.3:
        return False
    typical = known_median(between)
    regular = known_median(np.abs(np.diff(between))) < 0.06 * typical
    return bool(known_median(qrs[usual]) >= 130.0 and typical < 550.0 and regular)


def _extend_runs(kind: np.ndarray, rr: np.ndarray, irregular: np.ndarray) -> None:
    """Carry an early beat on while the beats after it stay as fast, in place."""
    for start in np.flatnonzero(kind == _ABOVE).tolist():
        if kind[start - 1] == _ABOVE:
            continue
        before = rr[max(0, start - 10) : start][kind[max(0, start - 10) : start] == _NORMAL]
        limit = PREMATURE * known_median(before)
        k = start + 1
        while k < kind.size and rr[k] < limit and kind[k] in (_NORMAL, _ABOVE) and not irregular[k]:
            kind[k] = _ABOVE
            k += 1
