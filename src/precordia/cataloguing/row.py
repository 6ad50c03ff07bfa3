# SPDX-License-Identifier: Apache-2.0
"""One row of a catalogue: what a file is, whether it can be read, and what it says."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from precordia.core.errors import PrecordiaError
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.core.value import Value
from precordia.deidentification.pseudonyms import Pseudonyms
from precordia.delineation.rpeaks import detect_rpeaks
from precordia.io.read import read
from precordia.quality.assess import assess

#: longer statements are cut; a catalogue is no archive of reports
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueRow(Value):
    """What a catalogue says of one recording.

    Attributes
    ----------
    file
        Path within the folder, with forward slashes.
    format
        Name of the format; empty where the file could not be read.
    n_bytes
        Size of the file (of a WFDB record: of its header), bytes.
    patient
        Pseudonym of the patient; equal in all rows of one patient, empty where unknown.
    start_time
        ISO 8601; empty where unknown.
    age_years, sex, leads, n_leads, fs, n_samples, duration_s, companions
        As in the record; NaN and empty where unknown.
    missing_percent
        Samples without a value, percent.
    acceptable, quality_score, quality_reasons, unusable_leads
        The verdict of `assess`; None, NaN and empty where there is none.
    heart_rate_bpm
        From the median interval of the R-peaks found; NaN below two beats.
    n_beats
        R-peaks found.
    carried_heart_rate_bpm
        What the file itself says.
    statements
        What the file says is there: codes, or texts of at most 200 characters.
    n_annotations
        Annotations in the file.
    remarks
        Codes of what was noticed while reading and assessing.
    problem
        Why the file could not be read; empty where it could.
    """

    file: str
    format: str = ""
    n_bytes: int = 0
    patient: str = ""
    start_time: str = ""
    age_years: float = math.nan
    sex: str = ""
    leads: tuple[str, ...] = ()
    n_leads: int = 0
    fs: float = math.nan
    n_samples: int = 0
    duration_s: float = math.nan
    companions: tuple[str, ...] = ()
    missing_percent: float = math.nan
    acceptable: bool | None = None
    quality_score: float = math.nan
    quality_reasons: tuple[str, ...] = ()
    unusable_leads: tuple[str, ...] = ()
    heart_rate_bpm: float = math.nan
    n_beats: int = 0
    carried_heart_rate_bpm: float = math.nan
    statements: tuple[str, ...] = ()
    n_annotations: int = 0
    remarks: tuple[str, ...] = ()
    problem: str = ""


def describe(path: Path, *, root: Path, key: bytes, options: dict[str, Any]) -> CatalogueRow:
    """Read and assess one file.

    Parameters
    ----------
    path, root
        The file, and the folder that it is named after.
    key
        Secret of the pseudonyms.
    options
        Passed to the reader.

    Returns
    -------
    The row; of a file that cannot be read the problem alone.
    """
    name = name_within(path, root)
    try:
        n_bytes = path.stat().st_size
        record = read(path, **options)
        return _row(name, n_bytes, record, Pseudonyms(key))
    except PrecordiaError as error:
        return CatalogueRow(file=name, problem=_printable(str(error).replace(f"{root}/", "")))
    except MemoryError:
        return CatalogueRow(file=name, problem="memory ran out.")
    except OSError as error:
        return CatalogueRow(file=name, problem=f"cannot be opened ({error.strerror}).")
    except Exception as error:  # one file never stops a million others
        said = f"a mistake in precordia itself: {type(error).__name__}. Please report it."
        return CatalogueRow(file=name, problem=said)


def name_within(path: Path, root: Path) -> str:
    r"""Return what a row calls its file: bytes that are no UTF-8 are spelled ``\xff``.

    Examples
    --------
    >>> name_within(Path("ward/a b.edf"), Path("ward"))
    'a b.edf'
    """
    return _printable(path.relative_to(root).as_posix())


def _printable(text: str) -> str:
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def _row(name: str, n_bytes: int, record: Record, pseudonyms: Pseudonyms) -> CatalogueRow:
    patient, carried = record.patient, record.carried
    who = patient.patient_id or patient.name
    quality = assess(record)
    rpeaks = _rpeaks(record)
    finite = np.isfinite(record.signal).mean() if record.signal.size else math.nan
    return CatalogueRow(
        file=name,
        format=record.source.method.removeprefix("read:"),
        n_bytes=n_bytes,
        patient=pseudonyms.patient(who) if who else "",
        start_time=record.start_time.isoformat() if record.start_time else "",
        age_years=float(patient.age_years),
        sex=patient.sex or "",
        leads=record.leads,
        n_leads=record.n_leads,
        fs=record.fs,
        n_samples=record.n_samples,
        duration_s=record.duration_s,
        companions=tuple(c.name for c in record.companions),
        missing_percent=round(100 * (1 - float(finite)), 3),
        acceptable=quality.acceptable,
        quality_score=round(quality.score, 4),
        quality_reasons=tuple(r.value for r in quality.reasons),
        unusable_leads=_unusable(quality),
        heart_rate_bpm=_heart_rate_bpm(rpeaks, record.fs),
        n_beats=int(rpeaks.size),
        carried_heart_rate_bpm=float(carried.measurements.get("heart_rate_bpm", math.nan)),
        statements=tuple(re.sub(r"\s+", " ", s.code)[:_LONGEST_TEXT] for s in carried.statements),
        n_annotations=0 if carried.annotations is None else len(carried.annotations),
        remarks=tuple(dict.fromkeys(r.code for r in (*record.remarks, *quality.remarks))),
    )


def _rpeaks(record: Record) -> np.ndarray:
    try:
        return detect_rpeaks(record)
    except PrecordiaError:  # no lead, or too short: there is no rate then
        return np.empty(0, np.int64)


def _unusable(quality: Quality) -> tuple[str, ...]:
    return tuple(name for name, lead in quality.leads.items() if not lead.usable)


def _heart_rate_bpm(rpeaks: np.ndarray, fs: float) -> float:
    if rpeaks.size < 2:
        return math.nan
    return round(60 * fs / float(np.median(np.diff(rpeaks))), 1)
