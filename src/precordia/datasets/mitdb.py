# SPDX-License-Identifier: Apache-2.0
"""MIT-BIH Arrhythmia Database: 48 half hours of two leads, every beat marked."""

from __future__ import annotations

from pathlib import Path

from precordia.core.record import Patient
from precordia.datasets.aami import AAMI_CLASSES, aami_beats
from precordia.datasets.found import Found
from precordia.datasets.item import Item
from precordia.datasets.label_table import find_files, read_header_comments
from precordia.io.wfdb_annotation import read_annotations

_DS1 = (
    *(101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122, 124),
    *(201, 203, 205, 207, 208, 209, 215, 220, 223, 230),
)
_DS2 = (
    *(100, 103, 105, 111, 113, 117, 121, 123, 200, 202, 210),
    *(212, 213, 214, 219, 221, 222, 228, 231, 232, 233, 234),
)
DS1, DS2 = frozenset(map(str, _DS1)), frozenset(map(str, _DS2))
PACED = frozenset({"102", "104", "107", "217"})


def find_mitdb(folder: Path, *, task: str) -> Found:
    """Find the records of the MIT-BIH Arrhythmia Database.

    Parameters
    ----------
    folder
        Holds ``100.hea``, ``100.dat``, ``100.atr`` and so on.
    task
        beats: the AAMI classes that occur in a record. The beats themselves are
        ``aami_beats(item.read_annotations())``.

    Returns
    -------
    What was found. Folds are DS1 and DS2 of de Chazal, and ``paced`` for the four records that
    AAMI leaves out.

    Notes
    -----
    *Method*: de Chazal's division by record. Records 201 and 202 are of one patient, and stand on
    both sides of it; `split_dataset` leaves 201 out of DS1 unless it is told to keep it.

    References
    ----------
    de Chazal P et al. IEEE Trans Biomed Eng 2004;51:1196. doi:10.1109/TBME.2004.827359
    """
    found = Found(items=[], classes=AAMI_CLASSES)
    for path in find_files(folder, r"[12]\d\d\.hea"):
        name = path.stem
        if not path.with_suffix(".atr").exists():
            found.unlabelled.append(name)
            continue
        said = read_header_comments(path).patient
        patient = "201" if name == "202" else name
        beats = set(aami_beats(read_annotations(path, "atr"))[1])
        found.items.append(
            Item(
                name=name,
                path=path,
                patient=Patient(
                    patient_id=patient,
                    age_years=said.age_years,
                    sex=said.sex,
                ),
                known_as=f"mitdb-{patient}",
                labels=tuple(c for c in AAMI_CLASSES if c in beats),
                fold=_fold(name),
                annotation="atr",
            )
        )
    return found


def _fold(name: str) -> str:
    if name in PACED:
        return "paced"
    return "DS1" if name in DS1 else "DS2" if name in DS2 else ""
