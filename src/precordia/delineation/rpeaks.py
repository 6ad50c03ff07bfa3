# SPDX-License-Identifier: Apache-2.0
"""R-peaks of a recording, jointly over its leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import LeadError, SamplingRateError, SignalError
from precordia.delineation import rpeaks_features, rpeaks_place, rpeaks_scorer
from precordia.delineation.rpeaks_gaps import fill_gaps
from precordia.delineation.rpeaks_plain import LONGEST_S, plain_beats
from precordia.delineation.rpeaks_wide import add_left_out

if TYPE_CHECKING:
    from precordia.core.record import Record

LOWEST_HZ = 50.0
_BLOCK_SEGMENTS = 16
_MARGIN_SEGMENTS = 2
_LARGEST_MV = 1e5
_PLAIN = 1e9


def detect_rpeaks(
    record: Record, *, lead: str | Sequence[str] | None = None
) -> Int[np.ndarray, " beat"]:
    """Find the R-peak of every beat, jointly over all leads.

    Flat, missing and noisy leads count little or nothing; upside-down leads count like any other.
    Recordings of any length are worked through in blocks; where the blocks fall changes nothing.

    Parameters
    ----------
    record
        The recording: any number of leads, 50 Hz or faster.
    lead
        Name of one lead, or names of several, to look at. All leads by default.

    Returns
    -------
    Sample index of each beat at the record's own rate, ascending. On one lead it is the main R
    deflection, or the S or Q where that dominates; over several leads, the largest joint
    deflection. Empty where nothing beats.

    Raises
    ------
    LeadError
        If the record has no lead of that name.
    SamplingRateError
        If the record is sampled slower than 50 Hz.

    Notes
    -----
    *Method*, our own: candidates are the local maxima of a slope envelope at about 125 Hz
    (after the energy detectors in the line of Pan and Tompkins); one small network judges each
    from its surroundings; where that leaves doubt a second one judges it among its neighbours,
    comparing it with what comes at the same distance from other beats (a T wave comes back after
    each, an ectopic beat does not). Beats closer than 170 ms are one; of beats closer than 250 ms a
    doubtful one is dropped unless all around come as fast. Recordings of up to 20 s whose beats
    stand out evenly from everything else are settled without the networks. Where a beat seems to be
    left out, two more networks are asked that also learned simulated wide and very fast beats (see
    `rpeaks_wide`); stretches of two seconds that are still without a beat are shown to the
    delineation network (see `rpeaks_gaps`). All four small networks were trained on MIT-BIH DS1,
    LUDB and CPSC 2021 with added noise; ``rpeaks.toml`` beside the weights holds the
    cross-validated scores.

    References
    ----------
    Pan J, Tompkins WJ. IEEE Trans Biomed Eng 1985;32:230-236. doi:10.1109/TBME.1985.325532
    Moody GB, Mark RG. IEEE Eng Med Biol Mag 2001;20:45-50. doi:10.1109/51.932724

    Examples
    --------
    >>> import numpy as np
    >>> from precordia.core.record import Record
    >>> t = np.arange(5000) / 500
    >>> beats = np.exp(-0.5 * (((t + 0.5) % 1.0 - 0.5) / 0.012) ** 2)
    >>> record = Record(signal=beats[None].astype(np.float32), fs=500.0, leads=("II",))
    >>> {500, 1000, 1500} <= set(detect_rpeaks(record).tolist())
    True
    """
    signal = record.signal
    if lead is not None:
        wanted = (lead,) if isinstance(lead, str) else tuple(lead)
        names = list(record.leads)
        for name in wanted:
            if name not in names:
                raise LeadError(
                    f"lead {name!r} was asked for; this record has {', '.join(names)}. "
                    "Choose among these, or leave lead out to use all of them."
                )
        signal = signal[[names.index(name) for name in wanted]]
    return rpeaks_of_signal(signal, record.fs)


def rpeaks_of_signal(
    signal: Float[np.ndarray, "lead sample"], fs: float
) -> Int[np.ndarray, " beat"]:
    """Find R-peaks in an array of leads; :func:`detect_rpeaks` for arrays.

    Parameters
    ----------
    signal
        Millivolt; NaN where missing.
    fs
        Sampling rate, Hz; at least 50.

    Returns
    -------
    Sample index of each beat, ascending. Empty where nothing beats.

    Raises
    ------
    SignalError
        If the array is not ``(lead, sample)``.
    SamplingRateError
        If ``fs`` is below 50.

    Examples
    --------
    >>> import numpy as np
    >>> rpeaks_of_signal(np.zeros((12, 5000)), 500.0)
    array([], dtype=int64)
    """
    signal = np.asarray(signal)
    if signal.ndim != 2:
        raise SignalError(
            f"an array of {signal.ndim} dimensions arrived; R-peaks need (lead, sample). "
            "One lead is signal[None]."
        )
    fs = float(fs)
    if not LOWEST_HZ <= fs < np.inf:
        raise SamplingRateError(
            f"fs = {fs:g} Hz arrived; R-peaks need {LOWEST_HZ:g} Hz or more. "
            "Check the rate of the recording."
        )
    grid = rpeaks_features.grid_of(fs)
    unit = grid.segment * grid.step
    n = signal.shape[1]
    if not signal.shape[0] or n < 0.5 * fs:
        return np.zeros(0, np.int64)
    n_segments = max(1, n // unit)
    if n_segments <= _BLOCK_SEGMENTS + 2 * _MARGIN_SEGMENTS:
        return fill_gaps(signal, fs, _of_block(signal, fs, grid))
    out = []
    for first in range(0, n_segments, _BLOCK_SEGMENTS):
        last = first + _BLOCK_SEGMENTS
        start = max(0, first - _MARGIN_SEGMENTS) * unit
        stop = n if last + _MARGIN_SEGMENTS >= n_segments else (last + _MARGIN_SEGMENTS) * unit
        low = first * unit - start
        high = n if last >= n_segments else last * unit - start
        out.append(_of_block(signal[:, start:stop], fs, grid, low, high) + start)
    return fill_gaps(signal, fs, np.concatenate(out))


def _of_block(signal, fs, grid, low=0, high=None):
    """Find the beats of a stretch that begins on a segment border, kept from low up to high."""
    signal = _finite(signal)
    if signal is None:
        return np.zeros(0, np.int64)
    smooth = rpeaks_features.without_spikes(signal, fs)
    found = rpeaks_features.find_candidates(smooth, fs, with_features=False)
    if not len(found.at):
        return np.zeros(0, np.int64)
    nets = rpeaks_scorer.weights()
    short = high is None and signal.shape[1] <= LONGEST_S * fs
    kept = plain_beats(found) if short else None
    if kept is None:
        found = rpeaks_features.describe_candidates(found, grid)
        kept, _ = rpeaks_scorer.decide(found, nets[:8])
        kept = add_left_out(found, kept)
    at = found.at[kept]
    if high is not None:
        centre = at * grid.step
        at = at[(centre >= low) & (centre < high)]
    if signal.shape[0] == 1:
        place = rpeaks_place.place_on_lead(smooth[0], found.leads, at, grid, fs, nets[8:])
    else:
        segment = np.minimum(at // grid.segment, found.leads.shape[1] - 1)
        place = rpeaks_place.place_jointly(smooth, at, grid, fs, found.leads[:, segment])
    if not (place[1:] > place[:-1]).all():
        place = np.unique(place)
    return place


def _finite(signal):
    """Give float32 with gaps bridged by straight lines; None where nothing moves."""
    x = np.asarray(signal, np.float32)
    if len(x) == 1 and 0.0 < x[0].dot(x[0]) < _PLAIN:
        return x
    low, high = float(x.min()), float(x.max())
    if low == high:
        return None
    if low > -_LARGEST_MV and high < _LARGEST_MV:
        return x
    x = x.copy()
    x[~(np.abs(x) < _LARGEST_MV)] = np.nan
    grid = np.arange(x.shape[1])
    for row in x:
        known = np.isfinite(row)
        if not known.any():
            row[:] = 0.0
        elif not known.all():
            row[~known] = np.interp(grid[~known], grid[known], row[known])
    return x
