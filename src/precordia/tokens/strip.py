# SPDX-License-Identifier: Apache-2.0
"""What a tokenizer sees of a recording: one clock, no gaps, amplitude and offset set aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.core.errors import SignalError
from precordia.core.record import Record
from precordia.signal.gaps import bridge_gaps
from precordia.signal.resample import resample
from precordia.tokens.gain import HIGHEST_MV, code_gain, decode_gain

#: by what a lead is divided: its standard deviation, or the range of the whole recording
Scaling = Literal["deviation", "range"]
_FLAT_MV = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """A recording made ready for symbols.

    Attributes
    ----------
    signal
        Offset subtracted, divided by the amplitude; leads without any sample are zero.
    fs
        Sampling rate of the tokenizer, Hz.
    gain
        Codes of amplitude and offset.
    missing
        Stretches without signal in samples of the recording: lead, start, stop.
    present
        Which leads have a sample at all.
    """

    signal: Float[np.ndarray, "lead sample"]
    fs: float
    gain: Int[np.ndarray, "lead 2"]
    missing: Int[np.ndarray, "_ 3"]
    present: Bool[np.ndarray, " lead"]


def cut_strip(record: Record, fs: float, scaling: Scaling) -> Strip:
    """Make a recording ready for symbols.

    Parameters
    ----------
    record
        The recording.
    fs
        Sampling rate of the tokenizer, Hz.
    scaling
        ``"deviation"``: mean and standard deviation of each lead. ``"range"``: smallest value and
        range over all leads together.

    Raises
    ------
    SignalError
        If the recording has no lead or no sample, or amplitudes that have no code.
    """
    if not record.n_leads or not record.n_samples:
        raise SignalError(
            f"{record!r} holds no sample; tokens need at least one. Read another recording."
        )
    filled, missing = bridge_gaps(record.signal)
    present = np.logical_not(missing.all(axis=1))
    resampled = resample(filled, record.fs, fs)
    scale, offset = _scale(filled, missing, present, scaling)
    largest = max(float(scale.max()), float(np.abs(offset).max()))
    if largest > HIGHEST_MV:
        raise SignalError(
            f"{record!r} has amplitudes of {largest:.3g} mV; there are codes for up to "
            f"{HIGHEST_MV:g} mV. Check the unit of the file (uV, mV, V) and read it again."
        )
    gain = code_gain(scale, offset)
    scale, offset = decode_gain(gain)
    signal = (resampled - offset[:, None]) / scale[:, None]
    flat = np.ptp(filled, axis=1) < _FLAT_MV
    if scaling == "deviation":
        signal[flat | ~present] = 0.0
    else:
        signal[~present] = 0.0
    return Strip(signal=signal, fs=fs, gain=gain, missing=_stretches(missing), present=present)


def restore(
    signal: Float[np.ndarray, "lead sample"],
    *,
    fs: float,
    gain: Int[np.ndarray, "lead 2"],
    missing: Int[np.ndarray, "_ 3"],
    record_fs: float,
    n_samples: int,
) -> Float[np.ndarray, "lead _"]:
    """Turn the signal of a strip back into millivolts on the clock of its recording."""
    scale, offset = decode_gain(gain)
    millivolts = resample(signal * scale[:, None] + offset[:, None], fs, record_fs)
    out = np.empty((len(gain), n_samples), np.float32)
    have = min(n_samples, millivolts.shape[1])
    out[:, :have] = millivolts[:, :have]
    out[:, have:] = millivolts[:, -1:]
    for lead, start, stop in missing.tolist():
        out[lead, start:stop] = np.nan
    return out


def _scale(filled, missing, present, scaling) -> tuple[np.ndarray, np.ndarray]:
    n = len(filled)
    if scaling == "range":
        held = filled[~missing] if present.any() else np.zeros(1)
        low, high = float(held.min()), float(held.max())
        return np.full(n, max(high - low, _FLAT_MV)), np.full(n, low)
    scale, offset = np.full(n, _FLAT_MV), np.zeros(n)
    for k in np.flatnonzero(present):
        held = filled[k, ~missing[k]]
        scale[k], offset[k] = max(float(held.std()), _FLAT_MV), float(held.mean())
    return scale, offset


def _stretches(missing: np.ndarray) -> np.ndarray:
    padded = np.pad(missing, ((0, 0), (1, 1))).astype(np.int8)
    edges = np.diff(padded, axis=1)
    starts, stops = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return np.column_stack([starts, stops[:, 1]]).astype(np.int64).reshape(-1, 3)
