# SPDX-License-Identifier: Apache-2.0
"""De-identified copies of files, verified before they take their names."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from precordia.core.errors import FormatError, OutputError
from precordia.core.output import write_whole
from precordia.core.record import Record
from precordia.core.statements import Statement
from precordia.core.value import Value
from precordia.deidentification.deidentify import UID_HEADER, deidentify
from precordia.deidentification.pseudonyms import Pseudonyms
from precordia.deidentification.removed import Removed, removed_between
from precordia.io.formats import FORMATS, Format, require_format
from precordia.io.read import read
from precordia.io.reader_table import load_function
from precordia.io.write import write


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Value):
    """A de-identified copy of a recording.

    Attributes
    ----------
    path
        The file, or the header of several.
    pseudonym
        What the patient is called in it.
    removed
        Kinds of what was taken out.
    lost
        What else the format could not hold, in sentences.
    """

    path: str
    pseudonym: str
    removed: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path}: {self.pseudonym}; removed: {', '.join(self.removed) or 'nothing'}"


def deidentify_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    pseudonyms: Pseudonyms,
    identity: str | None = None,
    to: str | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Copy:
    """Write a copy of a recording without its patient, and make sure that it holds nothing more.

    Parameters
    ----------
    source
        The recording; it is not changed.
    target
        The copy; its suffix decides the format, which need not be that of the original.
    pseudonyms, identity
        See `deidentify`.
    to
        Name of a format, where the suffix should not decide.
    overwrite
        Replace a copy that is there.
    **options
        Passed to the reader: ``unit``, ``fs``, ...

    Returns
    -------
    What was written and what was removed. The removed values themselves are in no result.

    Raises
    ------
    OutputError
        If the copy cannot be written, or a removed value stands in its bytes, its name or what is
        read back from it; no copy is left then.
    FormatError
        If the original cannot be read.

    Notes
    -----
    The copy is written from the record anew, so nothing of the original that the reader did not
    understand can be in it. It is written to a temporary folder, read back, compared with the
    record, and its bytes are searched for every removed value in UTF-8, Latin-1 and UTF-16 and for
    dates in twelve spellings. Digits of samples may spell a short number by chance: a value counts
    as found where it stands more often than in a copy without any text.

    Examples
    --------
    >>> from precordia.datasets.toy import toy_record  # doctest: +SKIP
    >>> deidentify_file("ward.dcm", "copy.edf", pseudonyms=told)  # doctest: +SKIP
    """
    place = Path(target)
    if place.exists() and Path(source).exists() and place.samefile(source):
        raise OutputError(
            f"'{place}' is the original, which is never changed. Choose another name for the copy."
        )
    if place.is_dir():
        raise OutputError(f"'{place}' is a folder; name a file for the copy.")
    row = _format_of_copy(place, to)
    before = read(source, **options)
    after = deidentify(before, pseudonyms=pseudonyms, identity=identity)
    stem = Path(source).name.partition(".")[0]
    return _verified_copy(before, after, stem, place, row, overwrite=overwrite)


def deidentify_into(
    source: Path,
    folder: Path,
    *,
    name: str,
    pseudonyms: Pseudonyms,
    to: str | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Copy | None:
    """Write a copy into a folder, by default in the format of the original.

    Parameters
    ----------
    source, pseudonyms, to, overwrite, **options
        See `deidentify_file`.
    folder, name
        Where, and the name without its ending.

    Returns
    -------
    What was written; None where a copy was there and ``overwrite`` is not set.

    Raises
    ------
    OutputError, FormatError
        See `deidentify_file`.
    """
    before = None
    if to is None:
        before = read(source, **options)
        to = before.source.method.removeprefix("read:")
    row = writable_format(to)
    place = folder / (name + row.suffixes[0])
    if place.exists() and not overwrite:
        return None
    before = read(source, **options) if before is None else before
    after = deidentify(before, pseudonyms=pseudonyms)
    stem = source.name.partition(".")[0]
    return _verified_copy(before, after, stem, place, row, overwrite=overwrite)


def _verified_copy(
    before: Record, after: Record, stem: str, place: Path, row: Format, *, overwrite: bool
) -> Copy:
    # A record that is called 1 or ecg names nobody.
    removed = removed_between(before, after, file_stem=stem if len(stem) >= 4 else "")
    _check_name(place, removed)
    with tempfile.TemporaryDirectory(prefix="precordia-") as held:
        folder = Path(held)
        (folder / "copy").mkdir()
        (folder / "bare").mkdir()
        written, lost = _written(after, folder / "copy" / place.name, row)
        bare, _ = _written(_without_texts(after), folder / "bare" / place.name, row)
        _check_bytes(folder, removed)
        _check_content(after, read(written), read(bare), removed)
        files = sorted((folder / "copy").iterdir(), key=lambda p: p.name == written.name)
        write_whole({place.parent / p.name: p.read_bytes() for p in files}, overwrite=overwrite)
    return Copy(
        path=str(place.parent / written.name),
        pseudonym=after.patient.patient_id or "",
        removed=removed.kinds,
        lost=lost,
    )


def writable_format(name: str) -> Format:
    """Return the format of a copy.

    Raises
    ------
    OutputError
        If that format is not written.

    Examples
    --------
    >>> writable_format("edf").name
    'edf'
    """
    row = require_format(name)
    if row.writer is None:
        raise OutputError(
            f"{row.title} is read and not written, so no copy can be made in that format. Choose "
            "another for the copy, such as 'wfdb' or 'edf', with to=."
        )
    return row


def _format_of_copy(place: Path, to: str | None) -> Format:
    if to is not None:
        return writable_format(to)
    writable = [f for f in FORMATS if f.writer and place.suffix.lower() in f.suffixes]
    if not writable:
        raise OutputError(
            f"'{place.suffix}' files are not written, so no copy can be made with that ending. "
            "Choose another, such as '.edf' or '.hea', or name a format with to=."
        )
    return writable[0]


def _written(record: Record, path: Path, row: Format) -> tuple[Path, tuple[str, ...]]:
    """Write a record with its pseudonym; return the file and what was lost."""
    assert row.writer is not None
    takes = inspect.signature(load_function(row.writer)).parameters
    told: dict[str, Any] = {"identifiers": True} if "identifiers" in takes else {}
    told |= {
        key: text for key, text in record.carried.header.items() if key in UID_HEADER & {*takes}
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        written = write(record, path, format=row.name, **told)
    return written, tuple(str(w.message) for w in caught)


def _without_texts(after: Record) -> Record:
    """Return a record whose copy has the same fields and digits, and no text of any patient's."""
    carried, median = after.carried, after.carried.median
    if median is not None:
        named = tuple(f"unknown-{k}" for k in range(1, len(median.leads) + 1))
        carried = dataclasses.replace(carried, median=dataclasses.replace(median, leads=named))
    return dataclasses.replace(
        after,
        leads=tuple(f"unknown-{k}" for k in range(1, after.n_leads + 1)),
        patient=dataclasses.replace(after.patient, patient_id="P-0"),
        companions=(),
        remarks=(),
        carried=dataclasses.replace(
            carried, header={}, statements=(Statement(code="-"),), annotations=None
        ),
    )


def _check_name(place: Path, removed: Removed) -> None:
    kinds = removed.leaks(place.name.encode())
    if kinds:
        raise OutputError(
            f"the name of the copy would tell the {kinds[0]} that is removed from its content. "
            "Choose another file name."
        )


def _check_bytes(folder: Path, removed: Removed) -> None:
    content = b"\0".join(p.read_bytes() for p in sorted((folder / "copy").iterdir()))
    bare = b"\0".join(p.read_bytes() for p in sorted((folder / "bare").iterdir()))
    kinds = removed.leaks(content, bare)
    if kinds:
        raise OutputError(
            f"the copy would still hold the {', '.join(kinds)} of the original somewhere, so it "
            "was not kept. Choose another format for the copy, and please report this."
        )


def _check_content(after: Record, back: Record, bare: Record, removed: Removed) -> None:
    """Compare what is read back with what was meant, and search it as well."""
    kinds = removed.leaks(_text(back), _text(bare))
    told = back.patient
    if kinds or told.name is not None or told.birth_date is not None:
        raise OutputError(
            "the copy, read again, still tells "
            f"{', '.join(kinds) or 'who the patient is'}, so it was not kept. Choose another "
            "format for the copy, and please report this."
        )
    if not _same_signal(after, back):
        raise FormatError(
            "the copy, read again, does not give the signal of the original, so it was not kept. "
            "Choose another format for the copy, and please report this."
        )


def _same_signal(after: Record, back: Record) -> bool:
    """Tell whether every lead came back; a companion in volts may have come back as a lead."""
    if not {*after.leads} <= {*back.leads} or back.n_samples != after.n_samples:
        return False
    rows = [back.leads.index(lead) for lead in after.leads]
    return np.allclose(back.signal[rows], after.signal, atol=_tolerance(after), equal_nan=True)


def _tolerance(record: Record) -> float:
    """Return what rounding to 16 bits may change at most, mV."""
    finite = record.signal[np.isfinite(record.signal)]
    return 1e-4 + float(np.ptp(finite)) / 60_000 if finite.size else 1e-4


def _text(record: Record) -> bytes:
    told = record.to_dict()
    del told["signal"]
    return json.dumps(told, ensure_ascii=False, default=str).encode()
