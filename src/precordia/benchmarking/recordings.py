# SPDX-License-Identifier: Apache-2.0
"""Annotated recordings that the tasks are scored on, and what their experts said."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from precordia.core.errors import FormatError, OptionError
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.core.settings import settings
from precordia.delineation.reference_waves import Wave, parse_waves
from precordia.io.read import read
from precordia.io.wfdb_annotation import read_annotations

#: versions on PhysioNet of the databases that the protocols were written for
VERSIONS = {"mitdb": "1.0.0", "ludb": "1.0.1", "cinc2011": "set-a 1.0.0"}
#: beats of annot(5); marks of rhythm, noise, flutter waves and blocked P waves are none
BEAT_SYMBOLS = frozenset("NLRBAaJSVrFejnE/fQ?")
PACED = frozenset({"102", "104", "107", "217"})
#: de Chazal's first half of mitdb without paced records: the R-peak weights were trained on it
_FIRST_HALF = (
    *(101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122, 124),
    *(201, 203, 205, 207, 208, 209, 215, 220, 223, 230),
)
MITDB_TRAINING = frozenset(map(str, _FIRST_HALF))


def data_folder(data: Path | str | None, *parts: str) -> Path:
    """Return a folder of recordings below ``data`` (or ``$PRECORDIA_DATA``).

    Raises
    ------
    OptionError
        If neither names a folder.
    FormatError
        If it is not there.
    """
    root = Path(data) if data is not None else settings().data
    if root is None:
        raise OptionError(
            "no folder of recordings was given, which this benchmark needs. Name one with data= "
            "(--data) or in the environment as PRECORDIA_DATA."
        )
    folder = root.joinpath(*parts)
    if not folder.is_dir():
        raise FormatError(
            f"there is no folder '{folder}'; this benchmark needs {'/'.join(parts)} in the "
            "folder of recordings. Fetch the database from PhysioNet and put it there."
        )
    return folder


def _headers(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.hea"), key=lambda p: (len(p.stem), p.stem))
    if not found:
        raise FormatError(
            f"the folder '{folder}' holds no WFDB header (.hea); the recordings of the database "
            "are needed there. Fetch it from PhysioNet."
        )
    return found


@dataclass(frozen=True, slots=True)
class BeatReference:
    """A recording with the beats that experts marked."""

    name: str
    patient: str
    header: Path
    beats: np.ndarray
    excluded: tuple[tuple[int, int], ...]

    def read(self) -> Record:
        """Read its first lead."""
        record = read(self.header)
        return Record(signal=record.signal[:1], fs=record.fs, leads=record.leads[:1])


def list_mitdb(data: Path | str | None) -> list[BeatReference]:
    """Return the unpaced records of the MIT-BIH arrhythmia database."""
    found = []
    for header in _headers(data_folder(data, "mitdb")):
        if header.stem in PACED or not header.with_suffix(".atr").exists():
            continue
        marks = read_annotations(header, "atr")
        beats = [s for s, c in zip(marks.sample, marks.symbol, strict=True) if c in BEAT_SYMBOLS]
        # 201 and 202 are of one patient
        patient = "201" if header.stem == "202" else header.stem
        found.append(
            BeatReference(header.stem, patient, header, np.array(beats, float), _flutter(marks))
        )
    if not found:
        raise FormatError(
            f"no unpaced recording of '{data_folder(data, 'mitdb')}' has beats marked; a file with "
            "the ending .atr is needed beside each header. Fetch the database from PhysioNet."
        )
    return found


def _flutter(marks) -> tuple[tuple[int, int], ...]:
    """Stretches of ventricular flutter or fibrillation, in which no beats are marked."""
    stretches, begin = [], None
    for sample, symbol in zip(marks.sample.tolist(), marks.symbol, strict=True):
        if symbol == "[":
            begin = sample
        elif symbol == "]" and begin is not None:
            stretches.append((begin, sample))
            begin = None
    return tuple(stretches)


def is_ludb_training(name: str) -> bool:
    """Tell whether a record of LUDB took part in training; numbers ending in 3, 6 or 9 did not.

    Examples
    --------
    >>> is_ludb_training("1"), is_ludb_training("116")
    (True, False)
    """
    return name[-1:] not in ("3", "6", "9")


@dataclass(frozen=True, slots=True)
class WaveReference:
    """A recording with the waves that experts marked in each lead."""

    name: str
    header: Path
    leads: dict[str, tuple[Wave, ...]]

    def read(self) -> Record:
        """Read all leads."""
        return read(self.header)


def list_ludb(data: Path | str | None) -> list[WaveReference]:
    """Return the records of the Lobachevsky University database."""
    found = []
    for header in _headers(data_folder(data, "ludb", "data")):
        leads = {}
        for lead in STANDARD_12:
            marks = read_annotations(header, lead.lower())
            leads[lead] = parse_waves(marks.symbol, marks.sample.tolist())
        found.append(WaveReference(header.stem, header, leads))
    return found


@dataclass(frozen=True, slots=True)
class QualityReference:
    """A recording with the verdict of the challenge's readers."""

    name: str
    header: Path
    acceptable: bool

    def read(self) -> Record:
        """Read all leads."""
        return read(self.header)


def list_cinc2011(data: Path | str | None) -> list[QualityReference]:
    """Return the labelled records of PhysioNet/CinC Challenge 2011, set-a."""
    folder = data_folder(data, "cinc2011")
    table = folder / "labels.csv"
    if not table.is_file():
        raise FormatError(
            f"there is no table '{table}'; a CSV with the columns record and quality is needed. "
            "Make it from the RECORDS-acceptable and RECORDS-unacceptable lists of set-a."
        )
    found = []
    with table.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            name, verdict = row.get("record") or "", row.get("quality") or ""
            header = folder / f"{name}.hea"
            if verdict in ("acceptable", "unacceptable") and header.exists():
                found.append(QualityReference(name, header, verdict == "acceptable"))
    if not found:
        raise FormatError(
            f"'{table}' names no recording of the folder as acceptable or unacceptable; the "
            "columns record and quality are needed. Compare it with the folder."
        )
    return found
