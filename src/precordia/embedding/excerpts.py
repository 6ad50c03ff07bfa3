# SPDX-License-Identifier: Apache-2.0
"""The windows of a record that a model sees: all of a short one, an even choice of a long one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.core.errors import LeadError, PrecordiaError, SignalError
from precordia.core.input_spec import InputSpec
from precordia.core.record import Record
from precordia.embedding.passage import model_name
from precordia.embedding.prepare import prepare
from precordia.signal.windows import window_starts

#: windows of a long record that a model sees: an hour of ten-second windows
MOST_WINDOWS = 360
#: a recording that fills less of a window than this says too little
_LEAST_FILLED = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpts:
    """Prepared windows of one record.

    Attributes
    ----------
    windows
        What the model gets.
    present
        Which leads are there, for each window.
    covers
        Samples of the record that each window covers: first, and one beyond the last.
    leads
        Leads that are there in any window.
    cautions
        What makes the windows differ from those that the model learned from, a sentence each.
    """

    windows: Float[np.ndarray, "window lead sample"]
    present: Bool[np.ndarray, "window lead"]
    covers: Int[np.ndarray, "window 2"]
    leads: tuple[str, ...]
    cautions: tuple[str, ...]


def cut_excerpts(
    record: Record,
    spec: InputSpec,
    *,
    leads: tuple[str, ...] | None = None,
    lead: str | None = None,
    piece_s: float | None = None,
    most_windows: int = MOST_WINDOWS,
) -> Excerpts:
    """Cut the windows of a record and prepare each by itself, as in training.

    Parameters
    ----------
    record
        The recording, of any length.
    spec
        What the model takes.
    leads
        Leads that may be used; all that carry a signal by default.
    lead
        Which lead a model of one lead gets.
    piece_s
        Length of the pieces that are prepared, s, where it is not that of a window: authors of
        published models prepare a recording as a whole and cut it as their input says.
    most_windows
        A longer recording is represented by this many windows, spread evenly.

    Returns
    -------
    The windows.

    Raises
    ------
    SignalError
        If the recording is too short, or no window can be prepared.
    LeadError, SamplingRateError
        If the model cannot do with these leads or this rate.

    Notes
    -----
    Windows follow one another without overlap; the last ends with the recording. A window that
    cannot be prepared (a gap too long for the model) is left out and told of. Each window is
    prepared from its own samples alone, so memory does not grow with the recording.

    Examples
    --------
    >>> from precordia.core.input_steps import Resample, Window
    >>> spec = InputSpec(leads=("II",), fs=100, seconds=10, steps=(Resample(), Window()))
    >>> day = Record(signal=np.sin(np.arange(90_000.0))[None], fs=1000, leads=("II",))
    >>> cut_excerpts(day, spec).covers[:, 0].tolist()
    [0, 10000, 20000, 30000, 40000, 50000, 60000, 70000, 80000]
    """
    useful = useful_leads(record) if leads is None else leads
    rows = [k for k, name in enumerate(record.leads) if name in useful]
    if not rows:
        raise LeadError(
            f"{model_name(spec)} needs a lead with a signal; none of the {record.n_leads} of this "
            "record can be used. 'precordia assess FILE', or assess(record), names the reasons."
        )
    shortest_s = _LEAST_FILLED * spec.seconds
    if record.n_samples < shortest_s * record.fs:
        raise SignalError(
            f"{record.n_samples / record.fs:.3g} s arrived; {model_name(spec)} needs at least "
            f"{shortest_s:g} s and learned from {spec.seconds:g} s. Take a longer recording."
        )
    width = math.ceil((piece_s or spec.seconds) * record.fs - 1e-6)
    starts = _spread(window_starts(record.n_samples, width, width), most_windows)
    windows, present, covers, doubts, failures = [], [], [], {}, []
    names: tuple[str, ...] = ()
    for start in starts.tolist():
        excerpt = Record(
            signal=record.signal[rows, start : start + width],
            fs=record.fs,
            leads=tuple(record.leads[k] for k in rows),
            origin=record.origin,
        )
        try:
            prepared = prepare(excerpt, spec, lead=lead, trust_scale=True)
        except PrecordiaError as error:
            failures.append(error)
            continue
        doubts |= dict.fromkeys(prepared.source.warnings)
        names = prepared.leads
        there = [name not in prepared.absent for name in prepared.leads]
        if piece_s is None:
            windows.append(prepared.windows[:1])
            present.append([there])
            covers.append([[start, min(start + width, record.n_samples)]])
        else:
            windows.append(prepared.windows)
            present.append([there] * len(prepared.windows))
            covers.append(np.minimum(prepared.covers + start, record.n_samples))
    if not windows:
        raise failures[0]
    there = np.concatenate([np.array(rows, bool) for rows in present])
    return Excerpts(
        windows=np.concatenate(windows),
        present=there,
        covers=np.concatenate([np.array(rows, np.int64) for rows in covers]),
        leads=tuple(name for name, any_ in zip(names, there.any(axis=0), strict=True) if any_),
        cautions=(*_about(record, spec), *doubts, *_left_out(failures, len(starts))),
    )


def useful_leads(record: Record) -> tuple[str, ...]:
    """Return the leads that carry a signal: some sample, and not the same value throughout.

    Examples
    --------
    >>> signal = np.stack([np.zeros(100), np.arange(100.0), np.full(100, np.nan)])
    >>> useful_leads(Record(signal=signal, fs=100, leads=("I", "II", "III")))
    ('II',)
    """
    if not record.n_samples:
        return ()
    span = np.fmax.reduce(record.signal, axis=1) - np.fmin.reduce(record.signal, axis=1)
    return tuple(name for name, s in zip(record.leads, span.tolist(), strict=True) if s > 0)


def _spread(starts: Int[np.ndarray, " window"], most: int) -> Int[np.ndarray, ...]:
    if starts.size <= most:
        return starts
    return starts[np.rint(np.linspace(0, starts.size - 1, most)).astype(int)]


def _about(record: Record, spec: InputSpec) -> list[str]:
    about = []
    if record.origin != "measured":
        about.append(f"the record is {record.origin}; the model learned from measured ones")
    if record.fs < spec.fs:
        about.append(f"recorded at {record.fs:g} Hz; the model learned from {spec.fs:g} Hz")
    seconds = record.n_samples / record.fs
    if seconds < 0.995 * spec.seconds:
        about.append(f"{seconds:.3g} s recorded; the model learned from {spec.seconds:g} s")
    return about


def _left_out(failures: list[PrecordiaError], n_windows: int) -> list[str]:
    if not failures:
        return []
    return [f"{len(failures)} of {n_windows} windows left out: {failures[0]}"]
