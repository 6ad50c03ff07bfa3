# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PTH113, PTH116, PTH119, PTH123
"""Read a recording from any file that holds one."""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path
from typing import Any

from precordia.core.errors import (
    FormatError,
    MissingExtraError,
    MissingFileError,
    OptionError,
    PrecordiaError,
)
from precordia.core.plausibility import amplitude_remarks, lead_remarks
from precordia.core.record import Record, Remark
from precordia.io.formats import HEAD_BYTES, Format, format_of_suffix, require_format, sniff
from precordia.io.reader_table import check_options, load_function

#: larger files are refused unless max_bytes says otherwise
MAX_BYTES = 2 << 30
#: samples of a record that the plausibility checks look at
_CHECKED_SAMPLES = 250
_WFDB = require_format("wfdb")
_SPOKEN_WITH_A_VOWEL = ("SCP", "HL7", "ISHNE", "MFER", "HDF5", "AliveCor")


def read(
    path: str | bytes | os.PathLike[str],
    *,
    format: str | None = None,
    max_bytes: int = MAX_BYTES,
    **options: Any,
) -> Record:
    """Read an ECG recording.

    The content decides which reader is used, the file name only where the content does not tell.
    Nothing is estimated: an image of a recording is refused here and belongs to ``digitise``.

    Parameters
    ----------
    path
        A file; for WFDB also the signal file or the record name without an ending, for Zarr the
        folder.
    format
        Name of a format, to override what the content says; see `list_formats`.
    max_bytes
        Files larger than this are refused.
    **options
        What the reader of the format takes. ``unit="uV"`` replaces a unit that is missing or
        wrong, wherever a format has units.

    Returns
    -------
    The record, in millivolts, with the standard lead names; ``record.remarks`` says what looks
    wrong, and nothing is repaired silently.

    Raises
    ------
    FormatError
        If the file is missing, damaged, of a format that is not read, or no recording.
    UnitError, SamplingRateError, LeadError
        If the file does not say what its numbers mean.
    OptionError
        If the reader of the format does not take an option.
    UnknownNameError
        If ``format`` is not the name of one.

    Notes
    -----
    Every record is checked once for amplitudes that no surface ECG in millivolts has and for limb
    leads that contradict leads I and II, on evenly spaced samples.

    Examples
    --------
    >>> read("nowhere.dcm")
    Traceback (most recent call last):
    precordia.core.errors.MissingFileError: there is no file 'nowhere.dcm'. Check the path ...
    """
    place = _place(path)
    if format is None and place.endswith(".hea"):
        record = _read_header(place, max_bytes, options)
    else:
        record = _read_other(place, format, max_bytes, options)
    return _checked(record)


def _place(path: object) -> str:
    try:
        place = os.fspath(path)  # type: ignore[call-overload]
    except TypeError:
        raise OptionError(
            f"a {type(path).__name__} arrived where the path of a file was needed. Give a string "
            "or a pathlib.Path."
        ) from None
    if isinstance(place, bytes):
        place = os.fsdecode(place)
    if "\0" in place or not place:
        raise FormatError(f"{place!r} is no path of a file. Give the name of a recording.")
    return place


def _read_header(place: str, max_bytes: int, options: dict[str, Any]) -> Record:
    """Read a WFDB header without looking at it twice; look again only where that fails."""
    try:
        return _call(_WFDB, place, options)
    except OptionError:
        raise
    except (FormatError, OSError):
        path = Path(place)
        head = _head(place, max_bytes)
        found = sniff(head)
        if found is None or found.name in ("wfdb", "csv"):
            raise
        return _call(found, path, options)


def _read_other(place: str, format: str | None, max_bytes: int, options: dict[str, Any]) -> Record:
    wanted = None if format is None else require_format(format)
    header = place + ".hea"
    if not os.path.isfile(place) and os.path.isfile(header) and (format or "wfdb") == "wfdb":
        return _call(require_format("wfdb"), Path(header), options)
    path = Path(place)
    if path.is_dir() and _is_store(path, max_bytes):
        return _call(require_format("zarr") if wanted is None else wanted, path, options)
    head = _head(place, max_bytes)
    if wanted is not None:
        return _call(wanted, path, options)
    if not head:
        raise FormatError(
            f"'{path.name}' is empty. A recording was needed; copy or export the file again."
        )
    found = sniff(head)
    if found is None or found.name in ("csv", "matlab"):
        header = _header_of(path)
        if header is not None:
            return _call(require_format("wfdb"), header, options)
    if found is None:
        found = format_of_suffix(path.suffix)
        # A table is recognised by its suffix too: its first rows may be anything.
        if found is None or found.name != "csv":
            raise _unrecognised(path, found)
    return _call(found, path, options)


def _head(place: str, max_bytes: int) -> bytes:
    """Return the first bytes of a file, after checking that it is one and of a sane size."""
    name = os.path.basename(place.rstrip("/\\")) or place
    try:
        status = os.stat(place)
        if stat.S_ISDIR(status.st_mode) and not os.access(place, os.R_OK | os.X_OK):
            raise FormatError(
                f"the folder '{name}' cannot be opened (Permission denied). Check the permission "
                "to read it."
            )
        if stat.S_ISDIR(status.st_mode):
            raise FormatError(
                f"'{name}' is a folder, not a recording. Name one file in it, or read each file "
                "of the folder in a loop."
            )
        if not stat.S_ISREG(status.st_mode):
            raise FormatError(
                f"'{name}' is a device or a pipe, not a file. Save the recording to a file first."
            )
        if status.st_size > max_bytes:
            raise FormatError(
                f"'{name}' has {status.st_size:,} bytes; at most {max_bytes:,} are read. If it is "
                f"a recording, cut it, or use Python: read(path, max_bytes={status.st_size})."
            )
        with open(place, "rb", buffering=0) as file:
            return file.read(HEAD_BYTES)
    except PrecordiaError:
        raise
    except FileNotFoundError:
        raise MissingFileError(
            f"there is no file '{place}'. Check the path and the spelling of the name."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FormatError(
            f"'{name}' cannot be opened ({reason}). Check the path and the permission to read it."
        ) from error


def _is_store(path: Path, max_bytes: int) -> bool:
    """Tell whether a folder is a Zarr store, after checking its size."""
    from precordia.io.zarr_store import is_store

    if not is_store(path):
        return False
    try:
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    except OSError as error:
        raise FormatError(
            f"'{path.name}' cannot be opened ({error.strerror}). Check the permission to read it."
        ) from error
    if size > max_bytes:
        raise FormatError(
            f"'{path.name}' has {size:,} bytes; at most {max_bytes:,} are read. If it is a "
            f"recording, cut it, or use Python: read(path, max_bytes={size})."
        )
    return True


def _header_of(path: Path) -> Path | None:
    """Return the WFDB header that describes a signal file; None where there is none."""
    near = [path.with_suffix(".hea")]
    if path.suffix.lower() in (".dat", ".mat", ".d", ".flac"):
        # Names such as 1002603_1.dat belong to a header with a shorter name.
        near += [h for h in sorted(path.parent.glob("*.hea"))[:1000] if h.stem in path.stem]
    mention = os.fsencode(path.name)
    for header in near:
        try:
            with open(header, "rb") as file:
                if mention in file.read(16 * HEAD_BYTES):
                    return header
        except OSError:
            continue
    return None


def _unrecognised(path: Path, by_suffix: Format | None) -> FormatError:
    if path.suffix.lower() == ".dat":
        return FormatError(
            f"'{path.name}' holds samples without a description. Its WFDB header "
            f"'{path.stem}.hea' was needed beside it; copy that too."
        )
    if by_suffix is not None and by_suffix.magic is not None:
        return FormatError(
            f"'{path.name}' is not {by_suffix.title}, whatever its name says, and its content is "
            "of no format known here. Copy or export the file again, or name the format with "
            "format=; list_formats() lists them."
        )
    return FormatError(
        f"'{path.name}' is of no format known here. If you know which it is, say so with "
        "format=; list_formats() lists what is read."
    )


def _call(row: Format, path: Path | str, options: dict[str, Any]) -> Record:
    """Call the reader of a format, and turn whatever goes wrong into a sentence."""
    if row.reader is None:
        raise _unread(row, Path(path))
    reader = load_function(row.reader)
    if options:
        check_options("reading", row, reader, options)
    try:
        return reader(path, **options)
    except FileNotFoundError:
        raise MissingFileError(
            f"there is no file '{path}'. Check the path and the spelling of the name."
        ) from None
    except PermissionError as error:
        raise FormatError(
            f"'{Path(path).name}' cannot be opened ({error.strerror}). Ask for permission to "
            "read it."
        ) from error
    except MemoryError as error:
        raise FormatError(
            f"'{Path(path).name}' needs more memory than there is. Read it on a larger machine, or "
            "export a part of it."
        ) from error
    except ImportError as error:
        if row.extra is None or isinstance(error, MissingExtraError):
            raise
        raise MissingExtraError(
            f"reading {row.title} needs {error.name}. Install it with: "
            f'pip install "precordia[{row.extra}]"'
        ) from error


def _unread(row: Format, path: Path) -> FormatError:
    if row.name == "image":
        return FormatError(
            f"'{path.name}' is an image, not a recording. "
            f"Its signal would be estimated, with digitise('{path.name}'), which this version does "
            "not have yet: ask for the file of the recording itself."
        )
    article = "an" if row.title.startswith(_SPOKEN_WITH_A_VOWEL) else "a"
    noun = "" if row.title.endswith(("file", "container", "archive", "array")) else " file"
    return FormatError(
        f"'{path.name}' is {article} {row.title}{noun}, which is recognised and not read yet. "
        + row.advice
    )


def _checked(record: Record) -> Record:
    """Add the remarks of the plausibility checks to a record."""
    signal, leads = record.signal, record.leads
    step = max(1, signal.shape[1] // _CHECKED_SAMPLES)
    # A few samples clear nearly every record; only a suspicion is looked at in full.
    remarks: tuple[Remark, ...] = ()
    if amplitude_remarks(signal[:, ::step], leads):
        remarks = amplitude_remarks(signal, leads)
    if "I" in leads and "II" in leads:
        remarks += lead_remarks(signal[:, ::step], leads)
    if not remarks:
        return record
    return dataclasses.replace(record, remarks=record.remarks + remarks)
