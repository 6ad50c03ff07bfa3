# SPDX-License-Identifier: Apache-2.0
"""Change the sampling rate without delay, aliasing or invented samples."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from precordia.core.errors import SamplingRateError
from precordia.core.fiducials import POSITIONS, Waves
from precordia.core.record import Carried, Record
from precordia.core.source import Source
from precordia.signal.gaps import bridge_gaps, check_fs

_ZERO_CROSSINGS = 32  # of the windowed sinc, on each side, at the lower of the two rates
_KAISER_BETA = 8.0  # stop band below -80 dB
_TRANSITION = 0.078  # width of the transition, as a part of the lower rate, that this beta needs
_LARGEST_DENOMINATOR = 10_000
_CHUNK = 256  # phases whose taps are computed together


def resample(
    signal: Float[np.ndarray, "... sample"], fs: float, new_fs: float
) -> Float[np.ndarray, "..."]:
    """Resample a signal with a polyphase anti-aliasing filter that has no delay.

    Sample ``k`` of the input and sample ``k * new_fs / fs`` of the output are the same instant.
    Any ratio works (360 to 500, 257 to 500, 1000 to 250).

    Parameters
    ----------
    signal
        Potential in millivolts; NaN where nothing was recorded.
    fs
        Sampling rate of the signal, Hz.
    new_fs
        Wanted sampling rate, Hz.

    Returns
    -------
    The signal at the new rate, ``ceil(n_samples * new_fs / fs)`` samples long. A sample is NaN
    where any input sample nearer than half a sampling step (of the coarser clock) is NaN, so that
    gaps stay gaps. A copy when the rates are equal.

    Raises
    ------
    SamplingRateError
        If a rate is not positive and finite, or the two differ by a factor over 10 000.
    SignalError
        If the signal holds infinite values.

    Notes
    -----
    *Method.* Kaiser-windowed sinc (beta 8, 32 zero crossings a side), applied phase by phase; the
    pass band is flat up to 0.42 of the lower rate and the stop band (-80 dB) begins at half of it.
    Each phase sums to one, so a constant stays exactly constant. The ends are extended by point
    reflection, gaps by a straight line. The ratio is taken as the nearest fraction with a
    denominator up to 10 000 (a relative error below 1e-8 for the rates in use).

    References
    ----------
    Crochiere RE, Rabiner LR. Proc IEEE 1981;69:300-331. doi:10.1109/PROC.1981.11969

    Examples
    --------
    >>> resample(np.ones((2, 3600), np.float32), 360, 500).shape
    (2, 5000)
    """
    rate, new_rate = check_fs(fs), check_fs(new_fs, name="new_fs")
    filled, missing = bridge_gaps(signal)
    dtype = np.asarray(signal).dtype
    dtype = dtype if dtype.kind == "f" else np.dtype(np.float64)
    if rate == new_rate:
        return np.array(signal, dtype=dtype)
    up, down = _ratio(rate, new_rate)
    n_samples = filled.shape[-1]
    n_new = -(-n_samples * up // down)
    if filled.size == 0:
        return np.zeros((*filled.shape[:-1], n_new), dtype)
    rows = filled.reshape(-1, n_samples)
    result = _filter_phases(rows, n_new, up, down)
    if missing.any():
        result[_missing_after(missing.reshape(rows.shape), n_new, up, down)] = np.nan
    return result.astype(dtype).reshape(*filled.shape[:-1], n_new)


def resample_record(record: Record, *, fs: float) -> Record:
    """Return the record at another sampling rate.

    Fiducials and annotations that the record carries move to the new clock with the signal.
    Companions and a carried median beat keep their own rate.

    Parameters
    ----------
    record
        The record.
    fs
        Wanted sampling rate, Hz.

    Returns
    -------
    A new record; its source names this step and the rate it came from.

    Raises
    ------
    SamplingRateError
        If the rate is not positive and finite.

    Examples
    --------
    >>> record = Record(signal=np.zeros((1, 360), np.float32), fs=360, leads=("II",))
    >>> resample_record(record, fs=500).n_samples
    500
    """
    if check_fs(fs) == record.fs:
        return record
    return replace(
        record,
        signal=resample(record.signal, record.fs, fs),
        fs=float(fs),
        carried=_carry_over(record.carried, fs / record.fs, record.n_samples),
        source=Source(
            method="resample",
            version="1",
            parameters={"from_fs": record.fs, "fs": float(fs), "of": record.source.method},
        ),
    )


def _carry_over(carried: Carried, ratio: float, n_samples: int) -> Carried:
    annotations, fiducials = carried.annotations, carried.fiducials
    if annotations is not None:
        annotations = replace(
            annotations, sample=np.rint(annotations.sample * ratio).astype(np.int64)
        )
    if fiducials is not None:
        fiducials = replace(
            fiducials,
            fs=fiducials.fs * ratio,
            n_samples=int(np.ceil(n_samples * ratio - 1e-9)),
            leads={name: _moved(waves, ratio) for name, waves in fiducials.leads.items()},
            **{name: getattr(fiducials, name) * ratio for name in POSITIONS},
        )
    return replace(carried, annotations=annotations, fiducials=fiducials)


def _moved(waves: Waves, ratio: float) -> Waves:
    return replace(waves, **{name: getattr(waves, name) * ratio for name in POSITIONS})


def _ratio(fs: float, new_fs: float) -> tuple[int, int]:
    ratio = Fraction(new_fs / fs).limit_denominator(_LARGEST_DENOMINATOR)
    if ratio == 0 or not 1 / _LARGEST_DENOMINATOR <= new_fs / fs <= _LARGEST_DENOMINATOR:
        raise SamplingRateError(
            f"a change from {fs:g} Hz to {new_fs:g} Hz arrived; a factor between 1/10000 and 10000 "
            "was needed. Check that both rates are in Hz."
        )
    return ratio.numerator, ratio.denominator


def _filter_phases(
    rows: Float[np.ndarray, "lead sample"], n_new: int, up: int, down: int
) -> Float[np.ndarray, "..."]:
    """Compute every output sample; those of one phase share their taps."""
    lower = min(1.0, up / down)  # the lower rate in units of the input rate
    half = int(np.ceil(_ZERO_CROSSINGS / lower))
    cutoff = (0.5 - _TRANSITION / 2) * lower
    padded = extend_by_point_reflection(rows, half, half + down)
    result = np.empty((rows.shape[0], n_new))
    n_phases = min(up, n_new)
    steps = np.arange(-half + 1, half + 1)
    for first in range(0, n_phases, _CHUNK):
        phases = np.arange(first, min(first + _CHUNK, n_phases))
        distance = steps[None, :] - ((phases * down) % up)[:, None] / up
        inside = np.clip(1.0 - (distance / half) ** 2, 0.0, None)
        taps = np.sinc(2 * cutoff * distance) * np.i0(_KAISER_BETA * np.sqrt(inside))
        taps /= taps.sum(axis=1, keepdims=True)
        for phase, tap in zip(phases, taps, strict=True):
            start = (phase * down) // up + 1  # padded index of tap -half + 1
            count = len(range(phase, n_new, up))
            stop = start + (count - 1) * down + 2 * half
            windows = np.lib.stride_tricks.sliding_window_view(
                padded[:, start:stop], 2 * half, axis=1
            )[:, ::down]
            result[:, phase::up] = windows @ tap
    return result


def extend_by_point_reflection(
    rows: Float[np.ndarray, "lead sample"], before: int, after: int
) -> Float[np.ndarray, "..."]:
    """Extend both ends by turning the signal around its first and last sample.

    Parameters
    ----------
    rows
        A signal without gaps.
    before, after
        Samples to add. Beyond one length of the signal the extension stays constant.

    Returns
    -------
    The longer signal.

    Examples
    --------
    >>> extend_by_point_reflection(np.array([[0.0, 1.0, 3.0]]), 1, 1).tolist()
    [[-1.0, 0.0, 1.0, 3.0, 5.0]]
    """
    n_samples = rows.shape[-1]
    head, tail = min(before, n_samples - 1), min(after, n_samples - 1)
    left = 2 * rows[:, :1] - rows[:, head:0:-1]
    right = 2 * rows[:, -1:] - rows[:, n_samples - 2 : n_samples - 2 - tail : -1]
    if tail == n_samples - 1 and tail > 0:
        right = 2 * rows[:, -1:] - rows[:, -2::-1]
    joined = np.concatenate([left, rows, right], axis=1)
    if head == before and tail == after:
        return joined
    return np.pad(joined, ((0, 0), (before - head, after - tail)), mode="edge")


def _missing_after(missing: np.ndarray, n_new: int, up: int, down: int) -> np.ndarray:
    """Mark output samples that a missing input sample is nearest to, or falls upon."""
    reach = max(0.5, down / up / 2)
    centre = np.arange(n_new) * (down / up)
    first = np.clip(np.ceil(centre - reach - 1e-9).astype(int), 0, missing.shape[1] - 1)
    last = np.clip(np.floor(centre + reach + 1e-9).astype(int), 0, missing.shape[1] - 1)
    count = np.concatenate(
        [np.zeros((missing.shape[0], 1), int), np.cumsum(missing, axis=1)], axis=1
    )
    return count[:, last + 1] > count[:, first]
