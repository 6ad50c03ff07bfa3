# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PTH116, PTH119, PTH120
"""The WFDB header: one record line, one line per signal or segment, and comments."""

from __future__ import annotations

import math
import os
import re
import stat
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from precordia.core.errors import FormatError, SamplingRateError
from precordia.io.wfdb_start_time import parse_start_time

#: headers larger than this are refused before they are read
MAX_HEADER_BYTES = 16 << 20
DEFAULT_FS = 250.0
#: gain that the WFDB standard takes where none is given
DEFAULT_GAIN = 200.0

_REAL = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_FS = re.compile(rf"({_REAL})(?:/({_REAL})?(?:\(({_REAL})?\))?)?$")
_LAYOUT = re.compile(r"(\d+)(?:x(\d+))?(?::(\d+))?(?:\+(\d+))?$")
_GAIN = re.compile(rf"({_REAL})?(?:\(({_REAL})\)?)?(?:/(\S*))?$")
#: a number with more behind it that is no gain, and no name either
_MALFORMED = re.compile(rf"{_REAL}[(/,]")
_INTEGER = re.compile(r"[-+]?\d+$")


class SignalLine(NamedTuple):
    """What a header says of one signal.

    ``unit`` is empty where the line gives none (the standard then means mV); ``calibrated`` is
    False where the gain is absent or zero, and ``gain`` then holds the standard's 200 per mV.
    """

    file: str
    fmt: int
    samples_per_frame: int
    skew: int
    offset: int
    gain: float
    baseline: float
    unit: str
    calibrated: bool
    initial: int
    checksum: int | None
    name: str


class Segment(NamedTuple):
    """One segment of a multi-segment record; ``~`` is a gap, length 0 the layout."""

    name: str
    n_frames: int


class Header(NamedTuple):
    """A parsed header.

    ``n_frames`` is None where the file leaves the length open; ``uniform`` tells that all signals
    share file, layout, gain, baseline and unit, as they do in most records.
    """

    name: str
    fs: float
    counter_fs: float | None
    base_counter: float
    n_frames: int | None
    start: datetime | None
    clock: str
    signals: tuple[SignalLine, ...]
    segments: tuple[Segment, ...]
    n_signals: int
    comments: tuple[str, ...]
    repairs: tuple[tuple[str, str], ...]
    uniform: bool


def read_header(path: str | os.PathLike[str]) -> Header:
    r"""Read one ``.hea`` file.

    Parameters
    ----------
    path
        The header file.

    Returns
    -------
    The parsed header; nothing else is opened.

    Raises
    ------
    FormatError
        If the file is absent, empty, too large or not a WFDB header.
    SamplingRateError
        If the sampling rate is zero, negative or infinite.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp(), "a.hea")
    >>> _ = file.write_text("a 1 500 10\na.dat 16 1000/mV 16 0 0 0 0 II\n")
    >>> header = read_header(file)
    >>> header.fs, header.signals[0].name
    (500.0, 'II')
    """
    name = os.path.basename(path)
    try:
        info = os.stat(path)
        if not stat.S_ISREG(info.st_mode):
            raise FormatError(f"'{name}' is not a file; a WFDB header (.hea) is needed.")
        if info.st_size > MAX_HEADER_BYTES:
            raise FormatError(
                f"'{name}' has {info.st_size} bytes; a WFDB header has at most "
                f"{MAX_HEADER_BYTES}. Give the .hea file, not the signal file."
            )
        with FileIO(path) as file:
            content = file.read(info.st_size)
    except FormatError:
        raise
    except FileNotFoundError as error:
        raise FormatError(
            f"there is no header '{name}' in '{os.path.dirname(path) or '.'}'; a WFDB record "
            "needs its .hea file beside its signal files. Copy it there."
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the name is not one of a file"
        raise FormatError(
            f"the header '{name}' cannot be read ({reason}). Check the path and permissions."
        ) from error
    return parse_header(content, name=name)


def parse_header(content: bytes, *, name: str = "header") -> Header:
    r"""Parse the bytes of a WFDB header.

    Parameters
    ----------
    content
        All bytes of the file, UTF-8 or Latin-1.
    name
        What error messages call the file.

    Returns
    -------
    The parsed header.

    Raises
    ------
    FormatError
        If a line does not follow the syntax, or fewer lines arrive than the record line declares.
    SamplingRateError
        If the sampling rate is zero, negative or infinite.

    Notes
    -----
    Syntax of the WFDB header(5) page. Departures, each leaving a repair in the result: dates in
    other orders than DD/MM/YYYY (``12-May-2020``, ``2014-05-08``), date before time, and further
    text on the record line are read or set aside instead of refused. Numeric fields of a signal
    line that are absent take the standard's defaults; the first token that is not an integer
    begins the signal's name.

    Examples
    --------
    >>> parse_header(b"a 1 500 10\na.dat 212 0 12 0\n").signals[0].calibrated
    False
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = [stripped for line in text.split("\n") if (stripped := line.strip())]
    comments: list[str] = []
    if "#" in text:
        comments = [line[1:].strip() for line in lines if line[0] == "#"]
        lines = [line for line in lines if line[0] != "#"]
    if not lines or "\0" in lines[0]:
        what = "is empty" if not content.strip() else "holds no record line"
        raise FormatError(
            f"'{name}' {what}; a WFDB header begins with the record's name, number of signals and "
            "sampling rate. Fetch the file again."
        )
    record, n_segments, n_signals, fs, counter, n_frames, rest = _record_line(lines[0], name)
    start, clock, repairs = parse_start_time(rest)
    needed = n_signals if n_segments is None else n_segments
    if len(lines) - 1 < needed:
        kind = "signals" if n_segments is None else "segments"
        raise FormatError(
            f"'{name}' declares {needed} {kind} and describes {len(lines) - 1}; one line for each "
            "is needed. The header is cut short: fetch it again."
        )
    signals: tuple[SignalLine, ...] = ()
    segments: tuple[Segment, ...] = ()
    uniform = False
    if n_segments is None:
        signals, uniform = _signal_lines(lines[1 : needed + 1], name)
    else:
        segments = tuple([_segment_line(line, name) for line in lines[1 : needed + 1]])
    return Header(
        record, fs, counter[0], counter[1], n_frames, start, clock, signals, segments, n_signals,
        tuple(comments), repairs, uniform,
    )  # fmt: skip


def check_file_name(file: str, header: str) -> str:
    """Return a file name from a header, or refuse one that leaves the header's folder."""
    if (
        "/" in file or "\\" in file or ".." in file or ":" in file or "\0" in file
        or file in ("-", ".")
    ):  # fmt: skip
        raise FormatError(
            f"'{header}' names a file outside its own folder; signal files and segments must lie "
            "beside the header, named without folders. Correct the header if you trust it."
        )
    return file


def _record_line(line: str, name: str) -> tuple:
    tokens = line.split()
    record, _, count = tokens[0].rpartition("/")
    n_segments = None
    if record and count.isdecimal() and count.isascii() and len(count) < 10:
        n_segments = int(count)
        if n_segments == 0:
            raise FormatError(
                f"'{name}' declares 0 segments; a multi-segment record needs at least one. "
                "Remove '/0' from its first line if the record has no segments."
            )
    else:
        record = tokens[0]
    if len(tokens) < 2 or not _INTEGER.match(tokens[1]) or len(tokens[1]) > 9:
        raise FormatError(
            f"'{name}' is not a WFDB header: its first line has no number of signals after the "
            "record's name. Give the .hea file of a WFDB record."
        )
    n_signals = int(tokens[1])
    if n_signals < 0:
        raise FormatError(f"'{name}' declares {n_signals} signals; 0 or more are needed.")
    fs, counter = DEFAULT_FS, (None, 0.0)
    if len(tokens) > 2:
        found = _FS.match(tokens[2])
        if found is None:
            raise FormatError(
                f"'{name}' gives its sampling rate as '{tokens[2][:20]}'; a number in Hz is "
                "needed. Correct the third word of its first line."
            )
        fs = float(found[1])
        if not 0 < fs < math.inf:
            raise SamplingRateError(
                f"'{name}' declares a sampling rate of {tokens[2][:20]} Hz; a positive number is "
                "needed. Correct the third word of its first line."
            )
        if found[2] or found[3]:
            counter = (float(found[2]) if found[2] else None, float(found[3] or 0))
    n_frames = None
    if len(tokens) > 3:
        if not tokens[3].isdecimal() or not tokens[3].isascii() or len(tokens[3]) > 15:
            raise FormatError(
                f"'{name}' gives its length as '{tokens[3][:20]}'; a whole number of samples is "
                "needed. Correct the fourth word of its first line."
            )
        n_frames = int(tokens[3]) or None
    return record, n_segments, n_signals, fs, counter, n_frames, tokens[4:]


def _signal_lines(lines: list[str], name: str) -> tuple[tuple[SignalLine, ...], bool]:
    known: dict[tuple[str, str], tuple] = {}
    signals: list[SignalLine] = []
    build = tuple.__new__  # what NamedTuple calls, without checking twelve arguments
    parts = [""]
    for line in lines:
        parts = line.split(None, 8)
        if len(parts) == 9 and parts[7].isdigit():
            shared = known.get((parts[1], parts[2]))
            if shared is None:
                shared = known[parts[1], parts[2]] = _shared(parts, name)
            layout, value, baseline, unit, calibrated, used = shared
            if used:
                try:
                    zero, first, checksum = int(parts[4]), int(parts[5]), int(parts[6])
                except ValueError:
                    pass
                else:
                    if baseline is None:
                        baseline = _offset(zero, name)
                    signals.append(build(SignalLine, (
                        parts[0], *layout, value, baseline, unit, calibrated, first, checksum,
                        parts[8],
                    )))  # fmt: skip
                    continue
        signals.append(_loose_line(line, parts, name))
        known[line, ""] = ()  # whatever it says, the record is not uniform
    uniform = len(known) == 1 and len({(s.file, s.baseline) for s in signals}) == 1
    return tuple(signals), uniform


def _shared(parts: list[str], name: str) -> tuple:
    return (_layout(parts[1], name), *_gain(parts[2] if len(parts) > 2 else "", name))


def _loose_line(line: str, parts: list[str], name: str) -> SignalLine:
    """Parse a signal line that leaves fields out."""
    if len(parts) < 2:
        raise FormatError(
            f"'{name}' has a signal line without a format; a file name and a format such as '16' "
            "are needed. The header is damaged: fetch it again."
        )
    layout, value, baseline, unit, calibrated, used = _shared(parts, name)
    zero, first, checksum, label = _loose_fields(line, used)
    return SignalLine(
        parts[0], *layout, value, float(zero) if baseline is None else baseline, unit, calibrated,
        zero if first is None else first, checksum, label,
    )  # fmt: skip


def _offset(zero: int, name: str) -> float:
    """Return the count of zero millivolts, which no converter has with more than 62 bits."""
    if abs(zero) >> 62:
        raise FormatError(
            f"'{name}' gives a zero beyond any converter. The header is damaged: fetch it again."
        )
    return float(zero)


def _loose_fields(line: str, used: int) -> tuple:
    """Take the five integers as far as they go; what follows is the name."""
    rest = line.split(None, 2 + used)[2 + used :]
    found: list[int | None] = []
    tail = rest[0] if rest else ""
    while len(found) < 5 and tail:
        token, _, after = tail.partition(" ") if "\t" not in tail else _cut(tail)
        if not _INTEGER.match(token) or len(token) > 18:
            break
        found.append(int(token))
        tail = after.strip()
    _bits, zero, first, checksum, _block = found + [None] * (5 - len(found))
    return zero or 0, first, checksum, tail


def _cut(text: str) -> tuple[str, str, str]:
    parts = text.split(None, 1)
    return parts[0], " ", parts[1] if len(parts) > 1 else ""


def _layout(token: str, name: str) -> tuple[int, int, int, int]:
    found = _LAYOUT.match(token)
    if found is None or len(token) > 40:
        raise FormatError(
            f"'{name}' gives a signal format as '{token[:20]}'; a number such as 16, 212 or "
            "'16x4:2+24' is needed. The header is damaged: fetch it again."
        )
    fmt, per_frame, skew, offset = (int(n) if n else 0 for n in found.groups())
    return fmt, per_frame or 1, skew, offset


def _gain(token: str, name: str) -> tuple[float, float | None, str, bool, int]:
    found = _GAIN.match(token) if token else None
    if found is None and _MALFORMED.match(token):
        raise FormatError(
            f"'{name}' gives a gain of '{token[:30]}'; a number, then a baseline in parentheses, "
            "then a unit behind a slash were needed, as in 200(0)/mV. Correct the third word of "
            "the signal's line."
        )
    if found is None:  # the gain is left out: what stands here already belongs to the name
        return DEFAULT_GAIN, None, "", False, 0
    value = float(found[1]) if found[1] else 0.0
    baseline = float(found[2]) if found[2] else None
    unit = found[3] or ""
    if value == 0:
        return DEFAULT_GAIN, baseline, unit, False, 1
    if not 1e-12 < abs(value) < 1e15 or (baseline is not None and not abs(baseline) < 2.0**52):
        raise FormatError(
            f"'{name}' gives a gain of '{token[:30]}'; a finite number of steps per unit is "
            "needed. Correct the third word of the signal's line."
        )
    return value, baseline, unit, True, 1


def _segment_line(line: str, name: str) -> Segment:
    parts = line.split()
    if len(parts) < 2 or not parts[1].isdecimal() or len(parts[1]) > 15:
        raise FormatError(
            f"'{name}' has a segment line without a length; a segment's name and its number of "
            "samples are needed. The header is damaged: fetch it again."
        )
    return Segment(parts[0], int(parts[1]))


def header_path(path: str | os.PathLike[str]) -> Path:
    """Return the header that belongs to a path: itself, or the ``.hea`` beside a signal file."""
    given = Path(path)
    if given.suffix.lower() == ".hea":
        return given
    beside = given.with_suffix(".hea")
    return given.with_name(given.name + ".hea") if not beside.exists() else beside
