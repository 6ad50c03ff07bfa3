# SPDX-License-Identifier: Apache-2.0
"""Write WFDB records: header, signal files, annotations; whole or not at all."""

from __future__ import annotations

import math
import os
import re
import tempfile
import warnings
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError, OutputError
from precordia.core.output import write_whole
from precordia.core.record import Carried, Record
from precordia.io.carried_texts import texts_of
from precordia.io.wfdb_annotation import encode_annotations
from precordia.io.wfdb_flac import encode_flac
from precordia.io.wfdb_samples import FORMATS, SampleFormat, encode_samples

_NAME = re.compile(r"[A-Za-z0-9_-]+$")
#: gains of existing databases; a signal that is whole steps of one is stored without any loss
_USUAL_GAINS = (200.0, 400.0, 500.0, 1000.0, 2000.0, 204.8, 2048.0, 4880.0, 10_000.0)
#: channels of one FLAC file
_FLAC_CHANNELS = 8


class _Row(NamedTuple):
    """One signal, ready to be packed."""

    name: str
    unit: str
    per_frame: int
    gain: float
    baseline: int
    samples: Int[np.ndarray, " sample"]


def write_wfdb(
    record: Record,
    path: str | os.PathLike[str],
    *,
    fmt: str | int = "16",
    gain: float | None = None,
    companions: bool = True,
    annotations: str | None = "atr",
    identifiers: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write a record as WFDB.

    Parameters
    ----------
    record
        What to write.
    path
        The header, or the record's name; signal files are written beside it.
    fmt
        Sample format: 8, 16, 24, 32, 61, 80, 160, 212, 310, 311, or as FLAC 508, 516, 524.
    gain
        Steps per millivolt of all leads. By default a usual gain (200, 1000, ... per mV) where
        the signal consists of whole steps of it, else per lead the finest that the format holds.
    companions
        Write companions too.
    annotations
        Ending of the file of annotations, where the record carries some; None writes none.
    identifiers
        Write the patient's identifier, name and date of birth too.
    overwrite
        Replace files that are there.

    Returns
    -------
    The header.

    Raises
    ------
    OutputError
        If a file exists or cannot be written, a signal does not fit the format, or a companion
        does not share the record's clock.
    OptionError
        If ``fmt`` or ``gain`` is none.
    MissingExtraError
        If ``fmt`` is FLAC and soundfile is not installed.

    Notes
    -----
    Values come back within half a step of the format. NaN becomes the format's sentinel; format 8
    has none, and stores differences of at most 127 steps, from which its gain is chosen. A
    companion is written at its own rate where that and the record's are whole multiples of one
    frame rate. Age, sex, origin, statements and measurements become comments, and so does the
    ending of the file of annotations, which makes the reader find it. Files are prepared beside
    their final names and then renamed, the header last.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.io.wfdb import read_wfdb
    >>> record = Record(signal=np.array([[0.0, 0.5, np.nan]]), fs=500, leads=("II",))
    >>> file = write_wfdb(record, Path(tempfile.mkdtemp(), "a.hea"))
    >>> read_wfdb(file).signal
    array([[0. , 0.5, nan]], dtype=float32)
    """
    place = Path(path)
    stem = place.name[:-4] if place.name.lower().endswith(".hea") else place.name
    if not _NAME.match(stem):
        raise OutputError(
            f"'{stem[:60]}' is no name of a WFDB record; letters, digits, '-' and '_' are needed. "
            "Choose another file name."
        )
    number, kind = _format(fmt)
    if gain is not None and not 0 < gain < 1e9:
        raise OptionError(f"gain={gain} arrived; steps per millivolt above 0 are needed.")
    if record.n_leads == 0 or record.n_samples == 0:
        raise OutputError("the record has no samples; WFDB needs at least one lead and one sample.")
    frame_fs, per_frame, n_frames = _clock(record, companions)
    rows = [
        _quantise(name, "mV", per_frame, values, number, kind, gain)
        for name, values in zip(record.leads, record.signal, strict=True)
    ]
    for other in record.companions if companions else ():
        rows.append(_quantise(
            other.name, other.unit or "NU", round(other.fs / frame_fs), other.signal, number, kind,
            None,
        ))  # fmt: skip
    files, header = _lay_out(stem, rows, number, kind, n_frames, place.parent, frame_fs)
    lines = [_record_line(record, stem, len(rows), frame_fs, n_frames), *header]
    marks = record.carried.annotations if annotations is not None else None
    lines += _comments(record, identifiers)
    if marks is not None:
        lines.append(f"# Annotator: {_extension(str(annotations))}")
    text = "".join(line + "\n" for line in lines).encode()
    if marks is not None:
        rate = record.fs if per_frame > 1 else None  # positions count samples of the leads
        files[str(place.with_name(f"{stem}.{annotations}"))] = encode_annotations(marks, fs=rate)
    target = place.with_name(stem + ".hea")
    write_whole({**files, str(target): text}, overwrite=overwrite)
    lost = [
        name
        for name, held in (
            ("fiducials", record.carried.fiducials),
            ("the median beat", record.carried.median),
        )
        if held is not None
    ]
    if lost:
        warnings.warn(
            f"a WFDB header has no place for: {'; '.join(lost)}. '{target.name}' was written "
            "without.",
            stacklevel=3,
        )
    return target


def _format(fmt: str | int) -> tuple[int, SampleFormat]:
    try:
        number = int(fmt)
        return number, FORMATS[number]
    except (TypeError, ValueError, KeyError):
        known = ", ".join(map(str, FORMATS))
        raise OptionError(f"fmt={fmt!r} is no WFDB format; choose one of {known}.") from None


def _extension(extension: str) -> str:
    if not _NAME.match(extension) or extension in ("hea", "dat"):
        raise OptionError(
            f"annotations={extension[:20]!r} is no extension; letters such as 'atr' are needed."
        )
    return extension


def _clock(record: Record, companions: bool) -> tuple[float, int, int]:
    """Find the frame rate that all rates are multiples of; return it, and samples per frame."""
    if not companions or not record.companions:
        return record.fs, 1, record.n_samples
    for per_frame in range(1, 65):
        frame_fs, rest = record.fs / per_frame, record.n_samples % per_frame
        n_frames = record.n_samples // per_frame
        if rest == 0 and all(
            abs(c.fs / frame_fs - round(c.fs / frame_fs)) < 1e-6
            and c.signal.size == n_frames * round(c.fs / frame_fs) > 0
            for c in record.companions
        ):
            return frame_fs, per_frame, n_frames
    names = ", ".join(c.name for c in record.companions)
    raise OutputError(
        f"the companions {names} and the leads have rates or lengths without a common frame, which "
        "WFDB needs. Resample them, or leave them out with companions=False."
    )


def _quantise(
    name: str, unit: str, per_frame: int, values: Float[np.ndarray, " sample"], number: int,
    kind: SampleFormat, gain: float | None,
) -> _Row:  # fmt: skip
    if not name.strip() or "\n" in name or "\r" in name or name != name.strip():
        raise OutputError(
            f"a signal is named {name[:30]!r}; WFDB needs a name on one line. Rename it."
        )
    if not re.fullmatch(r"\S+", unit):
        raise OutputError(
            f"the unit of '{name[:30]}' is {unit[:20]!r}; WFDB needs one word. Rename it."
        )
    x = np.asarray(values, np.float64)
    missing = np.isnan(x)
    if missing.any() and kind.missing is None:
        raise OutputError(
            f"signal '{name}' has {int(missing.sum())} missing samples and format {number} cannot "
            "say so. Choose another format, such as '16'."
        )
    held = x[~missing]
    if held.size and not np.isfinite(held).all():
        raise OutputError(f"signal '{name}' holds infinite values; WFDB needs finite ones.")
    lowest, highest = (float(held.min()), float(held.max())) if held.size else (0.0, 0.0)
    if number == 8:
        # sixteen bits of amplitude, and steps between samples that a signed byte holds
        step = float(np.abs(np.diff(held)).max()) if held.size > 1 else 0.0
        limit = min(126.0 / step if step else math.inf, 60_000.0 / ((highest - lowest) or 1.0))
        floor, ceiling = -32_000, 32_000
    else:
        ceiling = (1 << (kind.bits - 1)) - 1
        floor = -ceiling  # the lowest integer is the sentinel
        # float32 signals carry 24 bits: finer steps would only store their rounding
        if kind.bits > 24:
            floor, ceiling = -(1 << 30), 1 << 30
        limit = (ceiling - floor - 2) / (highest - lowest) if highest > lowest else math.inf
    chosen, baseline = _gain(held, lowest, highest, limit, floor, ceiling, gain, name)
    with np.errstate(invalid="ignore"):
        steps = np.rint(x * chosen) + baseline
    samples = np.where(missing, kind.missing or 0, steps).astype(np.int64)
    if number == 8 and samples.size and np.abs(np.diff(samples)).max(initial=0) > 127:
        raise OutputError(
            f"signal '{name}' moves by more than 127 steps from one sample to the next at this "
            "gain, which format 8 cannot store. Choose a lower gain, or format '16'."
        )
    return _Row(name, unit, per_frame, chosen, baseline, samples)


def _gain(
    held: np.ndarray, lowest: float, highest: float, limit: float, floor: int, ceiling: int,
    asked: float | None, name: str,
) -> tuple[float, int]:  # fmt: skip
    """Return gain and baseline: a usual gain where it loses nothing, else the finest."""
    for usual in _USUAL_GAINS if asked is None else (asked,):
        baseline = _baseline(lowest, highest, usual, floor, ceiling)
        if usual > limit or baseline is None:
            continue
        if asked is not None or _is_whole(held, usual):
            return usual, baseline
    if asked is not None:
        raise OutputError(
            f"signal '{name}' spans {highest - lowest:.6g}, which does not fit the format at "
            f"{asked:g} steps per unit. Choose a lower gain, or a wider format."
        )
    if not math.isfinite(limit):  # a constant
        limit = min(1000.0, (ceiling - 1) / abs(highest)) if highest else 1000.0
    # short decimals make a header that people can read; rounding down keeps the range
    digits = 6 - math.floor(math.log10(limit))
    chosen = math.floor(limit * 10.0**digits) / 10.0**digits
    baseline = _baseline(lowest, highest, chosen, floor, ceiling)
    if baseline is None:
        baseline = round((floor + ceiling) / 2 - chosen * (lowest + highest) / 2)
    return chosen, baseline


def _baseline(lowest: float, highest: float, gain: float, floor: int, ceiling: int) -> int | None:
    """Return the integer for zero: 0 where that fits, else one that centres the signal."""
    if floor <= lowest * gain - 1 and highest * gain + 1 <= ceiling:
        return 0
    if (highest - lowest) * gain > ceiling - floor - 2:
        return None
    return round((floor + ceiling) / 2 - gain * (lowest + highest) / 2)


def _is_whole(held: np.ndarray, gain: float) -> bool:
    steps = held * gain
    whole = np.rint(steps)
    # a float32 value is within half a unit in the last place of what it stands for
    return bool(np.all(np.abs(steps - whole) <= 1e-6 * np.abs(steps) + 1e-9))


def _lay_out(
    stem: str, rows: Sequence[_Row], number: int, kind: SampleFormat, n_frames: int, folder: Path,
    fs: float,
) -> tuple[dict[str, bytes], list[str]]:  # fmt: skip
    """Pack rows into files; return their bytes and the signal lines."""
    files: dict[str, bytes] = {}
    lines: list[str] = []
    for k, group in enumerate(_groups(rows, kind)):
        single = not kind.flac or len(group) == len(rows)
        file = f"{stem}.dat" if single else f"{stem}_{k + 1}.dat"
        if kind.flac:
            content = _flac_bytes(
                np.stack([row.samples for row in group], axis=1), kind.bits,
                fs * group[0].per_frame,
            )  # fmt: skip
        else:
            frames = [_stored(row, number).reshape(n_frames, row.per_frame) for row in group]
            content = encode_samples(number, np.concatenate(frames, axis=1).reshape(-1))
        files[str(folder / file)] = content
        for row in group:
            layout = str(number) + (f"x{row.per_frame}" if row.per_frame > 1 else "")
            first = int(row.samples[0])
            checksum = int(row.samples.sum()) & 0xFFFF
            checksum -= 0x10000 if checksum > 0x7FFF else 0
            bits = 16 if number == 8 else kind.bits
            lines.append(
                f"{file} {layout} {_number(row.gain)}({row.baseline})/{row.unit} {bits} 0 "
                f"{first} {checksum} 0 {row.name}"
            )
    return files, lines


def _groups(rows: Sequence[_Row], kind: SampleFormat) -> list[list[_Row]]:
    if not kind.flac:
        return [list(rows)]
    groups: list[list[_Row]] = []
    for row in rows:  # a FLAC file holds up to eight channels of one rate
        if (
            not groups
            or len(groups[-1]) == _FLAC_CHANNELS
            or groups[-1][0].per_frame != row.per_frame
        ):
            groups.append([])
        groups[-1].append(row)
    return groups


def _stored(row: _Row, number: int) -> np.ndarray:
    if number != 8:
        return row.samples
    return np.diff(row.samples, prepend=row.samples[:1])


def _flac_bytes(samples: np.ndarray, bits: int, fs: float) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "signals.flac")
        encode_flac(str(file), samples, bits, fs)
        return file.read_bytes()


def _record_line(record: Record, stem: str, n_signals: int, fs: float, n_frames: int) -> str:
    line = f"{stem} {n_signals} {_number(fs)} {n_frames}"
    if record.start_time is not None:
        at = record.start_time
        at += timedelta(microseconds=500 - (at.microsecond + 500) % 1000)  # whole milliseconds
        line += f" {at:%H:%M:%S}" + (f".{at.microsecond // 1000:03d}" if at.microsecond else "")
        line += f" {at.day:02d}/{at.month:02d}/{at.year:04d}"
    return line


def _comments(record: Record, identifiers: bool) -> list[str]:
    lines = []
    patient = record.patient
    if identifiers:
        born = patient.birth_date.isoformat() if patient.birth_date else None
        told = (("Patient id", patient.patient_id), ("Name", patient.name), ("Birth date", born))
        lines += [f"# {key}: {' '.join(text.split())}" for key, text in told if text]
    if not math.isnan(record.patient.age_years):
        lines.append(f"# Age: {_number(record.patient.age_years)}")
    if record.patient.sex is not None:
        lines.append(f"# Sex: {record.patient.sex.capitalize()}")
    said = record.carried.statements
    codes = [s.code for s in said if s.scheme == "snomed-ct"]
    if codes:
        lines.append("# Dx: " + ",".join(codes))
    lines += ["# Diagnosis: " + " ".join(s.code.split()) for s in said if s.scheme == "text"]
    coded = tuple(s for s in said if s.scheme not in ("text", "snomed-ct"))
    lines += [f"# {text}" for text in texts_of(Carried(statements=coded))]
    if record.origin != "measured":
        lines.append(f"# Origin: {record.origin}")
    lines += [f"# {text}" for text in texts_of(Carried(measurements=record.carried.measurements))]
    return lines


def _number(value: float | int) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
