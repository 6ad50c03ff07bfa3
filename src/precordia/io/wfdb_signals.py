# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PTH116, PTH118
"""The signal files of one WFDB segment: groups of signals, scaled straight into float32 rows."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from io import FileIO
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from precordia.core.errors import FormatError
from precordia.io.wfdb_flac import FlacFile
from precordia.io.wfdb_header import Header, SignalLine, check_file_name
from precordia.io.wfdb_samples import (
    SampleFormat,
    decode_samples,
    sample_format,
    stored_bytes,
    stored_samples,
)

#: samples decoded at a time: whole short records, and no more memory than a cache likes
_CHUNK = 1 << 18


class Group(NamedTuple):
    """Signals that share a file, and what that file holds."""

    path: str
    file: str
    indices: tuple[int, ...]
    lines: tuple[SignalLine, ...]
    kind: SampleFormat
    frame: int
    n_bytes: int
    n_frames: int
    flac: FlacFile | None
    uniform: bool


def open_groups(header: Header, folder: str, name: str) -> tuple[Group, ...]:
    """Look at every signal file of a header, without reading samples.

    Raises
    ------
    FormatError
        If a file is absent, lies elsewhere, or its signals contradict each other.
    """
    lines = header.signals
    gathered: dict[str, list[int]]
    if header.uniform:  # nearly every record
        gathered = {lines[0].file: list(range(len(lines)))}
    else:
        gathered = {}
        for index, line in enumerate(lines):
            rows = gathered.setdefault(line.file, [])
            if rows and rows[-1] != index - 1 and line.file != "~":
                raise FormatError(
                    f"'{name}' names the file '{line.file}' in signal lines that do not follow "
                    "each other; the signals of one file must stand together. Reorder them."
                )
            rows.append(index)
    return tuple([
        _open_group(file, [lines[i] for i in rows], rows, folder, name, header.uniform)
        for file, rows in gathered.items()
        if file != "~"
    ])  # fmt: skip


def _open_group(
    file: str, lines: list[SignalLine], indices: list[int], folder: str, name: str, uniform: bool
) -> Group:
    first = lines[0]
    check_file_name(file, name)
    kind = sample_format(first.fmt, name)
    frame = len(lines) * first.samples_per_frame if uniform else 0
    for line in () if uniform else lines:
        if line.fmt != first.fmt or line.offset != first.offset:
            raise FormatError(
                f"'{name}' gives the signals of '{file}' different formats or offsets; one file "
                "has one. Correct the header."
            )
        frame += line.samples_per_frame
    path = os.path.join(folder, file)
    try:
        info = os.stat(path)
    except (OSError, ValueError) as error:
        raise FormatError(
            f"the signal file '{file}' that '{name}' names is not beside it; a WFDB record is a "
            "header and its signal files. Copy the missing file there."
        ) from error
    if not stat.S_ISREG(info.st_mode):
        raise FormatError(f"'{file}', named by '{name}', is not a file. Correct the header.")
    flac = None
    if kind.flac:
        flac = FlacFile(path, len(lines), kind.bits, info.st_size)
        if frame != len(lines) * first.samples_per_frame or first.offset:
            raise FormatError(
                f"'{name}' gives the signals of the FLAC file '{file}' different rates or an "
                "offset, which a FLAC file cannot hold. Correct the header."
            )
        n_frames = flac.n_samples // first.samples_per_frame
    else:
        n_frames = stored_samples(first.fmt, info.st_size - first.offset) // frame
    return Group(
        path, file, tuple(indices), tuple(lines), kind, frame, info.st_size, n_frames, flac,
        uniform,
    )  # fmt: skip


def read_signals(
    header: Header,
    groups: Sequence[Group],
    targets: np.ndarray | Sequence[np.ndarray],
    *,
    start: int,
    stop: int,
    check: bool,
    scales: Sequence[float],
    name: str,
) -> tuple[str, ...]:
    """Decode frames ``start`` to ``stop`` of a segment into rows of physical values.

    Parameters
    ----------
    header, groups
        The segment and its files.
    targets
        One float32 row per signal of the header, ``(stop - start) * samples_per_frame`` long.
    start, stop
        Frames wanted; ``stop`` lies within every file.
    check
        Compare checksums where all frames are read.
    scales
        What one unit of each signal is in the unit wanted.
    name
        What error messages call the header.

    Returns
    -------
    Names of signals whose checksum field is 0 though their samples do not add up to 0.

    Raises
    ------
    FormatError
        If a file ends early or a checksum does not agree.

    Notes
    -----
    Physical value = (sample - baseline) / gain, the standard's sentinel of the format NaN.
    A signal's skew is taken out: its first samples are dropped, its end is filled from what the
    file holds beyond the last frame, else NaN. Checksums are over the stored samples, as the
    standard says. The C library counts a missing sample as -32768 whatever the format, other
    software as the sentinel itself; either sum is accepted.
    """
    unverified: list[str] = []
    whole = check and start == 0 and stop == header.n_frames
    for group in groups:
        rows = [targets[i] for i in group.indices]
        block = targets if isinstance(targets, np.ndarray) and len(rows) == len(targets) else None
        _read_group(group, rows, block, start, stop, whole, scales, unverified, name)
    return tuple(unverified)


def _read_group(
    group: Group, rows: list, block: np.ndarray | None, start: int, stop: int, whole: bool,
    scales: Sequence[float], unverified: list[str], name: str,
) -> None:  # fmt: skip
    lines, missing = group.lines, group.kind.missing
    simple = group.frame == len(lines)
    skews = lines[0][3:4] if group.uniform else [line.skew for line in lines]
    skewed = any(skews)
    first, last = start, stop
    if skewed:
        first, last = start + min(skews), min(stop + max(skews), group.n_frames)
        if whole:
            first = 0
        for row, line in zip(rows, lines, strict=True):
            kept = max(0, min(stop, group.n_frames - line.skew) - start)
            row[kept * line.samples_per_frame :] = np.nan
    wanted = [ln.checksum for ln in lines] if whole else []
    count = len(wanted) - wanted.count(None)
    sums: np.ndarray | int = 0
    gaps: np.ndarray | int = 0
    scaling = _Scaling(group, scales)
    for begin, samples in _chunks(group, first, last, name):
        end = begin + samples.shape[0]
        holes = missing is not None and int(samples.min()) == missing
        if count:
            inside = samples[: max(0, stop - begin)] if end > stop else samples
            sums = sums + _column_sums(inside)
            if holes:
                gaps = gaps + (inside == missing).sum(axis=0)
        if block is not None and simple and not skewed:
            out = block[:, begin - start : end - start]
            scaling.all(samples, out)
            if holes:
                out[missing == samples.T] = np.nan
            continue
        column = 0
        for k, (row, line) in enumerate(zip(rows, lines, strict=True)):
            per_frame = line.samples_per_frame
            lo, hi = max(begin - line.skew, start), min(end - line.skew, stop)
            if lo < hi:
                part = samples[lo + line.skew - begin : hi + line.skew - begin]
                part = part[:, column : column + per_frame]
                out = row[(lo - start) * per_frame : (hi - start) * per_frame]
                out = out.reshape(-1, per_frame)
                scaling.one(k, part, out)
                if holes:
                    out[part == missing] = np.nan
            column += per_frame
    if count:
        if simple and count == len(wanted) and isinstance(sums, np.ndarray):
            pairs = zip(sums.tolist(), wanted, strict=True)
            if not [None for total, stored in pairs if (total - stored) & 0xFFFF]:
                return
        gaps = gaps + np.zeros(group.frame, np.int64)
        sums = sums + np.zeros(group.frame, np.int64)
        _compare_checksums(group, wanted, sums, gaps, unverified, name)


class _Scaling:
    """Apply baseline and gain; in float32 where that is exact, else in float64."""

    def __init__(self, group: Group, scales: Sequence[float]) -> None:
        lines = group.lines
        if group.uniform and scales.count(scales[0]) == len(scales):
            lines = lines[:1]
        self.baselines = baselines = [line.baseline for line in lines]
        self.gains = gains = [
            line.gain / scales[i] for line, i in zip(lines, group.indices, strict=False)
        ]
        # float32 holds every integer below 2**24: the difference is exact, one division rounds
        self.light = group.kind.bits <= 16 and all(
            abs(b) < 1 << 23 and b.is_integer() for b in baselines
        )
        dtype = np.float32 if self.light else np.float64
        self.gain, self.baseline = dtype(gains[0]), dtype(baselines[0])
        if gains.count(gains[0]) < len(gains):
            self.gain = np.array(gains, dtype)[:, None]
        if baselines.count(baselines[0]) < len(baselines):
            self.baseline = np.array(baselines, dtype)[:, None]
        self.shifted = baselines.count(0.0) < len(baselines)

    def all(self, samples: np.ndarray, out: np.ndarray) -> None:
        if not self.light:
            values = samples.T - self.baseline
            np.divide(values, self.gain, out=out, casting="same_kind")
            return
        out[...] = samples.T
        if self.shifted:
            out -= self.baseline
        out /= self.gain

    def one(self, k: int, samples: np.ndarray, out: np.ndarray) -> None:
        k = min(k, len(self.gains) - 1)
        if not self.light:
            np.divide(samples - self.baselines[k], self.gains[k], out=out, casting="same_kind")
            return
        out[...] = samples
        if self.baselines[k]:
            out -= np.float32(self.baselines[k])
        out /= np.float32(self.gains[k])


def _chunks(
    group: Group, first: int, last: int, name: str
) -> Iterator[tuple[int, Int[np.ndarray, "frame sample"]]]:
    """Yield frame number and (frame, sample of a frame) integers from ``first`` to ``last``."""
    if last <= first:
        return
    frame, fmt, offset = group.frame, group.lines[0].fmt, group.lines[0].offset
    step = max(6, _CHUNK // frame // 6 * 6)
    if group.flac is not None:
        per_frame = group.lines[0].samples_per_frame
        for begin in range(first, last, step):
            end = min(begin + step, last)
            block = group.flac.samples(begin * per_frame, end * per_frame)
            # (time, signal) to frames that hold each signal's samples one after the other
            block = block.reshape(end - begin, per_frame, len(group.lines))
            yield begin, block.transpose(0, 2, 1).reshape(end - begin, frame)
        return
    # differences need everything before them, packed formats the start of their group
    begin = 0 if fmt == 8 else first - first % group.kind.group
    carry: list[int] = [line.initial for line in group.lines]
    try:
        with FileIO(group.path) as file:
            if place := offset + stored_bytes(fmt, begin * frame):
                file.seek(place)
            while begin < last:
                end = min(begin + step, last)
                n = (end - begin) * frame
                samples = decode_samples(fmt, _bytes(file, stored_bytes(fmt, n), group, name), n)
                samples = samples.reshape(-1, frame)
                if fmt == 8:
                    samples = _integrate(samples, group.lines, carry)
                if begin < first:
                    yield first, samples[first - begin :] if end > first else samples[:0]
                else:
                    yield begin, samples
                begin = end
    except OSError as error:
        raise FormatError(
            f"the signal file '{group.file}' cannot be read ({error.strerror}). Check its "
            "permissions."
        ) from error


def _bytes(file: FileIO, count: int, group: Group, name: str) -> np.ndarray:
    raw = np.empty(count, np.uint8)
    got = file.readinto(raw)
    while 0 < got < count:  # a raw file may give less than asked, at 2 GiB for one
        more = file.readinto(memoryview(raw)[got:])
        if not more:
            break
        got += more
    if got != count:
        raise FormatError(
            f"the signal file '{group.file}' ends {count - got} bytes before '{name}' says; all "
            "declared samples are needed. Fetch it again."
        )
    return raw


def _integrate(
    differences: np.ndarray, lines: tuple[SignalLine, ...], carry: list[int]
) -> np.ndarray:
    out = np.empty(differences.shape, np.int64)
    column = 0
    for k, line in enumerate(lines):
        part = slice(column, column + line.samples_per_frame)
        summed = np.cumsum(differences[:, part].reshape(-1), dtype=np.int64)
        summed += carry[k]
        if summed.size:
            carry[k] = int(summed[-1])
        out[:, part] = summed.reshape(-1, line.samples_per_frame)
        column = part.stop
    return out


def _column_sums(samples: np.ndarray) -> np.ndarray:
    """Sum columns modulo 2**16; long rows first, which is what vector units like."""
    n_frames, frame = samples.shape
    if n_frames < 200:
        return samples.sum(axis=0, dtype=np.int64)
    fold = 50  # lengths are mostly whole seconds, and sampling rates multiples of 50
    whole = n_frames // fold * fold
    folded = samples[:whole].reshape(-1, fold * frame)
    folded = np.add.reduce(folded, axis=0, dtype=samples.dtype)
    total = np.add.reduce(folded.reshape(fold, frame), axis=0, dtype=np.int64)
    if whole < n_frames:
        total += samples[whole:].sum(axis=0, dtype=np.int64)
    return total


def _compare_checksums(
    group: Group, wanted: list, sums: np.ndarray, gaps: np.ndarray, unverified: list[str],
    name: str,
) -> None:  # fmt: skip
    column = 0
    for line, stored in zip(group.lines, wanted, strict=True):
        part = slice(column, column + line.samples_per_frame)
        column = part.stop
        if stored is None:
            continue
        total = int(sums[part].sum())
        if not (total - stored) & 0xFFFF:
            continue
        missing = group.kind.missing
        if missing is not None:
            total += int(gaps[part].sum()) * (-32768 - missing)
            if not (total - stored) & 0xFFFF:
                continue
        if stored == 0:
            unverified.append(line.name)
            continue
        raise FormatError(
            f"the samples of signal '{line.name}' in '{group.file}' do not add up to the checksum "
            f"in '{name}'; the file is damaged or belongs to another header. Fetch both again, "
            "or read it as it is with ignore_checksum=True / --ignore-checksum."
        )
