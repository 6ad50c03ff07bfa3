# SPDX-License-Identifier: Apache-2.0
"""Stretches of many recordings, prepared once and kept, from which windows are cut anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Int16

from precordia.core.errors import FormatError, PrecordiaError, SignalError
from precordia.core.input_spec import InputSpec
from precordia.core.input_steps import Window
from precordia.core.prepared import Prepared
from precordia.core.record import Record
from precordia.embedding.prepare import prepare
from precordia.training.prepared_journal import fill_journal
from precordia.training.record_source import RecordSource

_FILE = "strips.i16"
#: changes whenever the same recordings may give other strips
_VERSION = 1
#: a longer recording is divided into stretches of this length
STRETCH_S = 60.0
_LARGEST = 32767


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedStrips:
    """Stretches on the disk.

    Attributes
    ----------
    samples
        Of all strips, end to end; read in place. A unit is ``scale``.
    place, length
        First number of each strip in `samples`, and its samples in each lead.
    start
        First sample of each strip in its recording, at the rate of the windows.
    stretch
        Number of the stretch that each strip is of; a stretch of several strips has them at
        `step` from each other.
    scale
        What one unit of each lead is.
    record
        Number of the record that each strip is of.
    present
        Which leads were recorded.
    step
        Samples between the strips of a stretch.
    left_out
        Reason for each record that gave no strip, by its name.
    folder
        Where they are.
    """

    samples: Int16[np.ndarray, " number"]
    place: Int[np.ndarray, " strip"]
    length: Int[np.ndarray, " strip"]
    start: Int[np.ndarray, " strip"]
    stretch: Int[np.ndarray, " strip"]
    scale: Float[np.ndarray, "strip lead"]
    record: Int[np.ndarray, " strip"]
    present: Bool[np.ndarray, "strip lead"]
    step: int
    left_out: dict[str, str]
    folder: Path

    def cut(self, strip: int, start: int, n: int, out: Float[np.ndarray, "lead sample"]) -> None:
        """Write n samples of a strip from a sample on into an array."""
        n_leads = len(out)
        first, length = int(self.place[strip]), int(self.length[strip])
        held = self.samples[first : first + n_leads * length].reshape(n_leads, length)
        np.multiply(held[:, start : start + n], self.scale[strip, :, None], out=out)


def prepare_strips(
    source: RecordSource,
    spec: InputSpec,
    cache: str | Path,
    *,
    stretch_s: float = STRETCH_S,
    trust_scale: bool = False,
    n_jobs: int = 1,
    wait: bool = False,
    watch: Callable[[int, int, str], None] | None = None,
) -> PreparedStrips:
    """Prepare every record, or find that this was done before.

    Parameters
    ----------
    source
        The recordings.
    spec
        What the model takes.
    cache
        Folder of folders; each is named after spec and recordings.
    stretch_s
        A longer recording is divided into stretches of this length.
    trust_scale
        As for `precordia.embedding.prepare.prepare`.
    n_jobs, wait, watch
        As for `precordia.training.prepared_windows.prepare_windows`.

    Raises
    ------
    SignalError
        If no record can be prepared; the first reason is told.
    OutputError
        If another process is at it, or the disk refuses. What is done stays and is gone on from.

    Notes
    -----
    Where the spec's window is its last step, a strip is a whole stretch and a window may begin at
    any of its samples. Where steps follow the window (a normalisation of each window, say), strips
    are windows at half their length from each other, so that each was prepared by itself, as it
    will be when the model is used. Samples are kept as 16-bit numbers with a scale for each lead:
    the error is at most 1/65534 of the largest value of the lead in the strip. A stretch that is
    shorter than a window is lengthened as the spec says.
    """
    trusted = "-trusted" if trust_scale else ""
    key = f"strips{_VERSION}-{spec.fingerprint}-{source.fingerprint}-{stretch_s:g}s{trusted}"
    folder = Path(cache) / key
    lines = fill_journal(
        folder,
        _FILE,
        len(source),
        partial(_prepared, source.read, spec, stretch_s, trust_scale),
        partial(_n_bytes, spec.n_leads),
        nothing={"starts": [], "lengths": [], "stretches": [], "scales": [], "present": ""},
        about={"spec": spec.to_table(), "stretch_s": stretch_s},
        n_jobs=n_jobs,
        wait=wait,
        watch=watch,
    )
    return _opened(source, spec, folder, lines)


def _prepared(
    read: Callable[[int], Record],
    spec: InputSpec,
    stretch_s: float,
    trust_scale: bool,
    number: int,
) -> tuple[bytes, dict[str, Any]]:
    held: list[bytes] = []
    line: dict[str, Any] = {key: [] for key in ("starts", "lengths", "stretches", "scales")}
    present, reason = "", ""
    try:
        record = read(number)
        for stretch, (first, part) in enumerate(_stretches(record, max(stretch_s, spec.seconds))):
            try:
                made = prepare(part, _spec_of_stretch(spec, part), trust_scale=trust_scale)
            except PrecordiaError as error:  # one bad minute does not spoil a day
                reason = reason or str(error)
                continue
            present = "".join(str(int(lead not in made.absent)) for lead in made.leads)
            for start, window in zip(_starts(made, part.fs), made.windows, strict=True):
                scale = np.abs(window).max(axis=1) / _LARGEST
                safe = np.where(scale > 0, scale, 1)
                held.append(np.rint(window / safe[:, None]).astype("<i2").tobytes())
                line["starts"].append(round(first / part.fs * spec.fs) + start)
                line["lengths"].append(window.shape[1])
                line["stretches"].append(stretch)
                line["scales"].append([float(f"{k:.7g}") for k in scale.tolist()])
    except PrecordiaError as error:
        reason = str(error)
    return b"".join(held), line | {"present": present, "reason": "" if held else reason}


def _stretches(record: Record, seconds: float) -> list[tuple[int, Record]]:
    """Divide a long recording; the last stretch takes what is left over."""
    width = round(seconds * record.fs)
    n = max(1, record.n_samples // max(width, 1))
    if n == 1:
        return [(0, record)]
    bounds = [*(k * width for k in range(n)), record.n_samples]
    return [
        (
            a,
            Record(
                signal=record.signal[:, a:b], fs=record.fs, leads=record.leads, origin=record.origin
            ),
        )
        for a, b in pairwise(bounds)
    ]


def _spec_of_stretch(spec: InputSpec, part: Record) -> InputSpec:
    """Return the spec that prepares all of a stretch, as one strip or as a row of windows."""
    at = spec.steps.index(spec.window)
    if at < len(spec.steps) - 1:
        row = replace(spec.window, take="sliding", step_s=half(spec), tail="drop")
        return replace(spec, steps=(*spec.steps[:at], row, *spec.steps[at + 1 :]))
    n = max(spec.n_samples, math.floor(part.n_samples / part.fs * spec.fs + 1e-6))
    whole = Window(take="first", short=spec.window.short, side=spec.window.side)
    return replace(spec, seconds=n / spec.fs, steps=(*spec.steps[:at], whole))


def half(spec: InputSpec) -> float:
    """Return half the length of a window, s, as a whole number of samples."""
    return max(1, spec.n_samples // 2) / spec.fs


def _starts(made: Prepared, fs: float) -> list[int]:
    ratio = made.spec.fs / fs
    return [round(cover * ratio) for cover in made.covers[:, 0].tolist()]


def _n_bytes(n_leads: int, line: dict[str, Any]) -> int:
    return 2 * n_leads * sum(line["lengths"])


def _opened(
    source: RecordSource, spec: InputSpec, folder: Path, lines: list[dict[str, Any]]
) -> PreparedStrips:
    counts = [len(line["lengths"]) for line in lines]
    left_out = {source.names[k]: line["reason"] for k, line in enumerate(lines) if not counts[k]}
    n_numbers = sum(_n_bytes(spec.n_leads, line) for line in lines) // 2
    size = (folder / _FILE).stat().st_size
    if len(lines) != len(source) or size != 2 * n_numbers:
        raise FormatError(
            f"'{folder}' is damaged: it holds {size} bytes where {2 * n_numbers} belong. Remove "
            "the folder; it is made again."
        )
    if not n_numbers:
        name, reason = next(iter(left_out.items()))
        raise SignalError(
            f"none of {len(source)} records can be prepared. The first, '{name}': {reason}"
        )
    length = np.array([k for line in lines for k in line["lengths"]], np.int64)
    record = np.repeat(np.arange(len(lines)), counts)
    within = np.array([k for line in lines for k in line["stretches"]], np.int64)
    new = np.diff(record, prepend=-1).astype(bool) | np.diff(within, prepend=-1).astype(bool)
    present = [[int(k) for k in line["present"]] for line in lines if line["lengths"]]
    return PreparedStrips(
        samples=np.memmap(folder / _FILE, "<i2", "r", shape=(n_numbers,)),
        place=np.cumsum(length * spec.n_leads) - length * spec.n_leads,
        length=length,
        start=np.array([k for line in lines for k in line["starts"]], np.int64),
        stretch=np.cumsum(new) - 1,
        scale=np.array([k for line in lines for k in line["scales"]], np.float32),
        record=record,
        present=np.repeat(np.array(present, bool), [k for k in counts if k], axis=0),
        step=round(half(spec) * spec.fs),
        left_out=left_out,
        folder=folder,
    )
