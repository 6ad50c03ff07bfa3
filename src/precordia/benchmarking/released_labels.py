# SPDX-License-Identifier: Apache-2.0
"""Tables of labels that MERL released, as they are and put right, on records that are here."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.benchmarking.cohort import Cohort
from precordia.core.errors import FormatError, OptionError, unknown_name
from precordia.core.record import Remark
from precordia.datasets.label_table import find_files, read_table

#: of each released set: start of the names of its tables, column of the record, column of the words
_SETS = {
    "csn": ("chapman", "ecg_path", "diagnose"),
    "cpsc2018": ("icbeb", "filename", ""),
}
#: what the abbreviations of the columns mean: a code of the lexicon, or words where it has none
MEANINGS = {
    "AQW": "QWAVE", "UW": "U wave", "SR": "SR", "WPW": "WPW", "2AVB": "2AVB", "AT": "713422000",
    "VB": "BIGU", "ARS": "RAD", "STTC": "428750005", "SA": "SARRH", "STE": "STE_", "VPB": "PVC",
    "TWO": "INVT", "STTU": "ST segment tilted up", "ALS": "LAD", "APB": "PAC", "2AVB1": "MOBITZ1",
    "PRIE": "LPR", "CCR": "251199005", "CR": "251198002", "AF": "AFLT", "AVB": "233917008",
    "QTIE": "LNGQT", "LBBB": "164909002", "VEB": "75532003", "SVT": "SVTAC", "RBBB": "59118001",
    "1AVB": "1AVB", "STDD": "STD_", "MI": "MI", "AFIB": "AFIB", "TWC": "TAB_", "PWC": "164912004",
    "ERV": "EREPOL", "RVH": "RVH", "LVH": "LVH", "ST": "STACH", "JEB": "426995002",
    "VPC": "PVC", "NORM": "NORM", "CRBBB": "CRBBB", "PAC": "PAC", "CLBBB": "CLBBB", "STD": "STD_",
}  # fmt: skip
#: folds of the three tables of a set
_PARTS = {"train": "train", "val": "valid", "test": "test"}
#: columns that are no class
_ABOUT = frozenset(
    ("ecg_path", "age", "sex", "diagnose", "patient_id", "ecg_id", "filename", "validation",
     "scp_codes")
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReleasedLabels:
    """Labels of one released set.

    Attributes
    ----------
    names, folds
        Of each record; folds are ``"train"``, ``"valid"`` and ``"test"``.
    classes
        Columns.
    published
        Labels as released.
    corrected
        Labels by whole abbreviations of the same table; those released where it has no words.

    Examples
    --------
    >>> held = np.array([[1.0]])
    >>> ReleasedLabels(
    ...     names=("a",), folds=("test",), classes=("AF",), published=held, corrected=held - 1
    ... ).n_wrong
    1
    """

    names: tuple[str, ...]
    folds: tuple[str, ...]
    classes: tuple[str, ...]
    published: Float[np.ndarray, "batch statement"]
    corrected: Float[np.ndarray, "batch statement"]

    @property
    def n_wrong(self) -> int:
        """Cells of the released table that its own words contradict."""
        return int((self.published != self.corrected).sum())


def read_released(folder: str | Path, name: str) -> ReleasedLabels:
    """Read the three tables of a released set, wherever they lie below a folder.

    Parameters
    ----------
    folder
        Folder of the database, with the tables in it or below.
    name
        ``"csn"`` (chapman_train.csv, ...) or ``"cpsc2018"`` (icbeb_train.csv, ...); packed by gzip
        or not.

    Raises
    ------
    UnknownNameError
        If there is no such set.
    FormatError
        If a table is not there, or is none.

    Notes
    -----
    The released columns of CSN are whether an abbreviation occurs *within* the words of a record:
    ``AVB`` also in ``1AVB``, ``AF`` in ``AFIB``, ``ST`` in ``STE``. Put right, an abbreviation
    counts where it stands alone.

    References
    ----------
    Liu C, et al. MERL. ICML 2024. arXiv:2403.06659 (released tables)
    """
    if name not in _SETS:
        raise unknown_name("released set", name, _SETS, listing=", ".join(_SETS))
    start, record, words = _SETS[name]
    rows: list[dict[str, str]] = []
    folds: list[str] = []
    for part, fold in _PARTS.items():
        found = find_files(Path(folder), rf"{start}_{part}\.csv(\.gz)?")
        if not found:
            raise FormatError(
                f"there is no table '{start}_{part}.csv' below '{folder}'; the labels that MERL "
                "released are needed there. Copy its data_split folder beside the records."
            )
        held = read_table(found[0], [record, *filter(None, [words])])
        rows += held
        folds += [fold] * len(held)
    classes = tuple(column for column in rows[0] if column not in _ABOUT)
    published = np.array([[_label(row[c], record, row) for c in classes] for row in rows])
    corrected = published
    if words:
        said = [set(filter(None, re.split(r"[,\s]+", row[words]))) for row in rows]
        corrected = np.array([[float(c in own) for c in classes] for own in said])
    return ReleasedLabels(
        names=tuple(Path(row[record]).stem for row in rows),
        folds=tuple(folds),
        classes=classes,
        published=published,
        corrected=corrected,
    )


def with_released_labels(cohort: Cohort, released: ReleasedLabels, *, corrected: bool) -> Cohort:
    """Return the records of a cohort that a released set has, with its labels and division.

    Parameters
    ----------
    cohort
        Records of the database.
    released
        The set.
    corrected
        Whether labels are put right.

    Raises
    ------
    OptionError
        If no record is in both.

    Notes
    -----
    Classes get the codes of the lexicon for the abbreviations of the table, among which ``AF`` is
    atrial flutter and ``ST`` sinus tachycardia.
    """
    row_of = {name: k for k, name in enumerate(released.names)}
    here = [k for k, name in enumerate(cohort.names) if name in row_of]
    if not here:
        raise OptionError(
            f"none of {len(cohort)} records of {cohort.database} is in the released table, whose "
            f"names are like '{released.names[0]}'. Name the folder of that database."
        )
    rows = [row_of[cohort.names[k]] for k in here]
    labels = released.corrected if corrected else released.published
    remark = Remark(
        code="released-labels",
        text=f"labels of MERL's released table{' put right' if corrected else ' as they are'}, "
        f"{released.n_wrong} cells of which its own words contradict; {len(here)} of "
        f"{len(released.names)} records are here",
    )
    kept = cohort.part(here)
    return dataclasses.replace(
        kept,
        task=f"released-{'corrected' if corrected else 'published'}",
        classes=tuple(MEANINGS.get(name, name) for name in released.classes),
        targets=labels[rows],
        folds=tuple(released.folds[k] for k in rows),
        published={part: (part,) for part in ("train", "validation", "test")}
        | {"validation": ("valid",)},
        remarks=(*kept.remarks, remark),
    )


def _label(cell: str, record: str, row: dict[str, str]) -> float:
    try:
        return float(float(cell) > 0)
    except ValueError:
        raise FormatError(
            f"the released table holds '{cell[:20]}' for '{row[record]}'; 0 and 1 are its labels. "
            "Copy it again."
        ) from None
