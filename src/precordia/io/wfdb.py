# SPDX-License-Identifier: Apache-2.0
"""Read WFDB records, the format of PhysioNet: headers, signals, segments, annotations."""

from __future__ import annotations

import dataclasses
import functools
import operator
import os
from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from precordia.core.errors import FormatError, OptionError, SignalError
from precordia.core.record import NOTHING_CARRIED, Annotations, Carried, Companion, Record, Remark
from precordia.core.source import Source
from precordia.io.signal_memory import signal_memory
from precordia.io.units import require_millivolts
from precordia.io.wfdb_annotation import read_annotation_file
from precordia.io.wfdb_comments import Remarked, parse_comments
from precordia.io.wfdb_header import Header, SignalLine, header_path, read_header
from precordia.io.wfdb_reference import reference_statements
from precordia.io.wfdb_roles import Roles, assign_roles, uncalibrated
from precordia.io.wfdb_segments import Segments
from precordia.io.wfdb_signals import Group, open_groups, read_signals

#: a record that is larger may have at most this many bytes in memory for each one on disk
_LARGEST_GROWTH = 64
_ALWAYS_ALLOWED_BYTES = 1 << 30


def read_wfdb(
    path: str | os.PathLike[str],
    *,
    start: int = 0,
    stop: int | None = None,
    annotations: str | None = None,
    ignore_checksum: bool = False,
    unit: str | None = None,
) -> Record:
    """Read a WFDB record.

    ECG leads keep their full rate; other signals become companions at their own.

    Parameters
    ----------
    path
        The header (``.hea``), a signal file beside it, or the record's name.
    start, stop
        First sample wanted and the one after the last, counted in samples of the leads; only
        that part of the files is read. The record ends where the file ends.
    annotations
        Extension of an annotation file beside the header, such as ``"atr"``; its annotations
        are returned in ``record.carried.annotations``, at samples of the record.
    ignore_checksum
        Do not compare the samples with the header's checksums (else done for whole records).
    unit
        Unit of the leads, where the header's is absent or wrong.

    Returns
    -------
    The record in millivolts, NaN where the format's sentinel or a gap stands.

    Raises
    ------
    FormatError
        If a file is absent, cut short, damaged, or names files outside its folder.
    SamplingRateError
        If the sampling rate is zero or negative.
    LeadError
        If the record holds no ECG.
    SignalError
        If ``start`` and ``stop`` name no part of the record.
    MissingExtraError
        If the signals are FLAC and soundfile is not installed.

    Notes
    -----
    Header(5), signal(5) and annot(5) of the WFDB Applications Guide. Departures: dates in other
    orders are read, with a remark; a checksum of 0 that does not hold is taken as never computed,
    with a remark; a missing or zero gain gives 200 steps per mV as the standard says, with a
    remark; signals at another rate are never resampled. ``start`` must be the first sample of a
    frame where frames hold several samples of a lead.

    References
    ----------
    Moody GB. WFDB Applications Guide, 10th ed. https://physionet.org/physiotools/wag/
    Goldberger AL et al. Circulation 2000;101:e215-e220. doi:10.1161/01.CIR.101.23.e215

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from precordia.io.wfdb_write import write_wfdb
    >>> record = Record(signal=np.eye(2, 500), fs=250, leads=("I", "II"))
    >>> file = write_wfdb(record, pathlib.Path(tempfile.mkdtemp(), "a.hea"))
    >>> read_wfdb(file, start=100, stop=350)
    Record(2 leads (I, II), 1 s at 250 Hz, measured)
    """
    place = os.fspath(path)
    if not place.endswith(".hea"):
        place = str(header_path(place))
    folder, name = os.path.split(place)
    header = read_header(place)
    unit_scale = None if unit is None else require_millivolts(unit)
    segments = groups = None
    if header.segments:
        segments = Segments(header, folder, name)
        lines = segments.lines
    else:
        lines = header.signals
    if not lines:
        raise FormatError(
            f"'{name}' describes no signals, only a record that annotations belong to; at least "
            "one ECG signal is needed. Read the annotations with read_annotations()."
        )
    roles = assign_roles(lines, name, unit_scale)
    if segments is not None:
        n_frames = segments.n_frames
    else:
        groups = open_groups(header, folder, name)
        n_frames = _length(header, groups, stop, roles.per_frame, name)
    begin, end, trim = _part(start, stop, n_frames, roles.per_frame, name)
    if segments is not None:
        segments.open(begin, end)
        n_bytes = segments.n_bytes
    else:
        n_bytes = sum([group.n_bytes for group in groups])
    _check_growth(lines, end - begin, n_bytes, name)
    signal, companions, rows = _allocate(lines, roles, end - begin, name)
    if segments is not None:
        unverified = segments.read(rows, roles, check=not ignore_checksum, unit_scale=unit_scale)
    else:
        if sum([len(group.indices) for group in groups]) < len(lines):
            for row in rows:  # a signal without a file is a gap from end to end
                row.fill(np.nan)
        unverified = read_signals(
            header, groups, rows, start=begin, stop=end, check=not ignore_checksum,
            scales=roles.scales, name=name,
        )  # fmt: skip
    if trim:
        signal = np.ascontiguousarray(signal[:, :-trim])
    said = parse_comments(header.comments)
    marks, annotations = None, annotations or said.annotator
    if annotations is not None:
        marks = _marks(place, annotations, header, roles.per_frame, start, stop, signal.shape[1])
    if header.start is None:
        start_time = None
    else:
        start_time = header.start + timedelta(seconds=begin / header.fs) if begin else header.start
    return Record(
        signal=signal,
        fs=header.fs * roles.per_frame,
        leads=roles.leads,
        patient=said.patient,
        start_time=start_time,
        origin=said.origin,  # type: ignore[arg-type]
        carried=_carried(header, said, folder, name, marks),
        companions=_companions(companions, lines, roles, header.fs) if companions else (),
        remarks=_remarks(header, roles, unverified, segments),
        source=_source(start, stop, annotations, ignore_checksum, unit),
    )


def _length(
    header: Header, groups: Sequence[Group], stop: int | None, per_frame: int, name: str
) -> int:
    """Return the number of frames, after comparing what is declared with what is there."""
    declared = header.n_frames
    if not groups:
        if declared is None:
            raise FormatError(
                f"'{name}' gives neither a length nor a signal file; one of them is needed. The "
                "header is damaged: fetch it again."
            )
        return declared
    held = min([group.n_frames for group in groups])
    if declared is None:
        if held == 0:
            raise FormatError(f"the signal files of '{name}' are empty. Fetch them again.")
        return held
    if held >= declared:
        return declared
    if stop is not None and 0 <= stop <= held * per_frame:
        return held
    short = min(groups, key=lambda group: group.n_frames).file
    advice = f", or use Python: read(path, stop={held * per_frame})" if held else ""
    raise FormatError(
        f"'{name}' declares {declared * per_frame} samples and '{short}' holds "
        f"{held * per_frame}; all of them are needed. The file is cut short: fetch it again"
        f"{advice}."
    )


def _part(
    start: int, stop: int | None, n_frames: int, per_frame: int, name: str
) -> tuple[int, int, int]:
    """Return first and last frame, and how many samples to drop behind the last one wanted."""
    n_samples = n_frames * per_frame
    if start == 0 and stop is None:
        return 0, n_frames, 0
    try:
        start, stop = operator.index(start), n_samples if stop is None else operator.index(stop)
    except TypeError:
        raise OptionError(
            f"start={start!r}, stop={stop!r} arrived; whole numbers of samples are needed. "
            "Multiply seconds by the sampling rate and round."
        ) from None
    stop = min(stop, n_samples)
    if not 0 <= start < stop:
        raise SignalError(
            f"samples {start} to {stop} of '{name}' are wanted, which has {n_samples}; "
            "0 <= start < stop is needed."
        )
    if start % per_frame:
        raise SignalError(
            f"start={start} lies inside a frame of {per_frame} samples of '{name}'; a multiple of "
            f"{per_frame} is needed. Use start={start // per_frame * per_frame}."
        )
    end = -(-stop // per_frame)
    return start // per_frame, end, end * per_frame - stop


def _check_growth(lines: Sequence[SignalLine], n_frames: int, n_bytes: int, name: str) -> None:
    needed = 4 * n_frames * sum([line.samples_per_frame for line in lines])
    if needed > _ALWAYS_ALLOWED_BYTES and needed > _LARGEST_GROWTH * n_bytes:
        raise FormatError(
            f"'{name}' declares {needed / 1e9:.3g} GB of samples over {n_bytes} bytes of files, "
            "nearly all of it gaps. Read a part of it with start= and stop=."
        )


def _allocate(
    lines: Sequence[SignalLine], roles: Roles, n_frames: int, name: str
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray | list[np.ndarray]]:
    """Return the leads, the companions, and a row of one of them for every signal."""
    try:
        signal = signal_memory(len(roles.leads), n_frames * roles.per_frame)
        if len(roles.leads) == len(lines):
            return signal, [], signal
        companions = [
            np.empty(n_frames * lines[i].samples_per_frame, np.float32)
            for i in roles.companion_rows
        ]
    except (MemoryError, ValueError) as error:
        raise FormatError(
            f"'{name}' declares {n_frames} frames of {len(lines)} signals, more than memory holds. "
            "Read a part of it with start= and stop=."
        ) from error
    place = dict(zip(roles.lead_rows, signal, strict=True))
    place.update(zip(roles.companion_rows, companions, strict=True))
    return signal, companions, [place[i] for i in range(len(lines))]


def _companions(
    rows: list[np.ndarray], lines: Sequence[SignalLine], roles: Roles, fs: float
) -> tuple[Companion, ...]:
    for row in rows:
        row.flags.writeable = False
    return tuple([
        Companion(
            name=lines[i].name, signal=row, fs=fs * lines[i].samples_per_frame, unit=lines[i].unit
        )
        for i, row in zip(roles.companion_rows, rows, strict=True)
    ])  # fmt: skip


def _carried(
    header: Header, said: Remarked, folder: str, name: str, marks: Annotations | None
) -> Carried:
    statements, entries = said.statements or reference_statements(folder, name), said.header
    if header.clock and header.start is None:
        entries["base_time"] = header.clock
    if header.counter_fs is not None:
        entries["counter_frequency"] = f"{header.counter_fs:.12g}"
        entries["base_counter"] = f"{header.base_counter:.12g}"
    if not entries and not statements and not said.measurements and marks is None:
        return NOTHING_CARRIED
    return Carried(
        statements=statements, annotations=marks, header=entries, measurements=said.measurements
    )


def _marks(
    place: str, extension: str, header: Header, per_frame: int, start: int, stop: int | None,
    n_samples: int,
) -> Annotations:  # fmt: skip
    """Return the annotations of the part that was read, at samples of the record."""
    marks, resolution = read_annotation_file(place, extension)
    sample = marks.sample
    fs, own = header.fs * per_frame, resolution or header.fs
    if own != fs:
        sample = np.rint(sample * (fs / own)).astype(np.int64)
    if start == 0 and stop is None:
        return dataclasses.replace(marks, sample=sample)
    inside = np.flatnonzero((sample >= start) & (sample < start + n_samples))
    columns = {
        field: tuple([values[i] for i in inside])
        for field in ("symbol", "aux", "subtype", "channel", "number")
        if (values := getattr(marks, field))
    }
    return dataclasses.replace(marks, sample=sample[inside] - start, **columns)


def _remarks(
    header: Header, roles: Roles, unverified: Sequence[str], segments: Segments | None
) -> tuple[Remark, ...]:
    remarks = roles.remarks
    if segments is not None and segments.uncalibrated:
        remarks += (uncalibrated(tuple(segments.uncalibrated)),)
    if header.repairs:
        remarks += tuple([Remark(code=code, text=text) for code, text in header.repairs])
    if unverified:
        remarks += (Remark(
            code="checksum-absent",
            text="The header gives 0 as the checksum of these signals, which is not their sum; "
            "the samples could not be verified: " + ", ".join(unverified) + ".",
        ),)  # fmt: skip
    return remarks


@functools.lru_cache(maxsize=8)
def _source(
    start: int, stop: int | None, annotations: str | None, ignore_checksum: bool,
    unit: str | None,
) -> Source:  # fmt: skip
    from precordia import __version__

    given = {"start": start, "stop": stop, "annotations": annotations, "unit": unit}
    parameters = {key: value for key, value in given.items() if value}
    warnings = ("checksums were not compared",) if ignore_checksum else ()
    return Source(method="read:wfdb", version=__version__, parameters=parameters, warnings=warnings)
