# SPDX-License-Identifier: Apache-2.0
"""The records of a database with everything a classifier's score is divided by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, OptionError, SignalError
from precordia.core.record import Record, Remark
from precordia.datasets.databases import DATABASES, dataset_card
from precordia.datasets.dataset import Dataset, load_dataset
from precordia.datasets.store_manifest import MANIFEST

#: short words for tasks whose published names are long
TASK_WORDS = {
    "superclass": "superdiagnostic",
    "super": "superdiagnostic",
    "subclass": "subdiagnostic",
    "sub": "subdiagnostic",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cohort:
    """Records of one database with the labels of one task; signals are read when asked for.

    Attributes
    ----------
    database, version, task
        What it is.
    classes
        Names of the columns of `targets`.
    names, patients, folds
        Name of each record, key of its patient, and its published fold (empty where there is none).
    targets
        1, 0, or NaN where nobody knows.
    ages, sexes, devices
        Years (NaN unknown), ``"female"`` or ``"male"`` (empty unknown), words of the database.
    numbers
        What is to be predicted where it is no class: a number a record, or the time until an event
        and whether it came. No column where classes are.
    read
        Reads a record by its number here.
    rows
        Number of each record for `read`.
    published
        Folds of the database's own parts: train, validation, test.
    remarks
        What was noticed.
    kept
        What was found of records, by what it is and the record's number for `read`; parts share it.

    Raises
    ------
    SignalError, OptionError
        If lengths disagree, a record comes twice, or a target is no 0, 1 or NaN.
    """

    database: str
    task: str
    classes: tuple[str, ...]
    names: tuple[str, ...]
    patients: tuple[str, ...]
    targets: Float[np.ndarray, "batch statement"]
    read: Callable[[int], Record]
    version: str = ""
    folds: tuple[str, ...] = ()
    ages: Float[np.ndarray, " _"] = field(default_factory=lambda: np.zeros(0))
    numbers: Float[np.ndarray, "_ _"] = field(default_factory=lambda: np.zeros((0, 0)))
    sexes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    published: dict[str, tuple[str, ...]] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    kept: dict[str, dict[int, Any]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        n = len(self.names)
        targets = np.asarray(self.targets, float)
        object.__setattr__(self, "targets", targets)
        for name, empty in (("folds", ""), ("sexes", ""), ("devices", "")):
            if not getattr(self, name):
                object.__setattr__(self, name, (empty,) * n)
        if not len(self.ages):
            object.__setattr__(self, "ages", np.full(n, np.nan))
        if not self.numbers.size:
            object.__setattr__(self, "numbers", np.zeros((n, 0)))
        if not self.rows:
            object.__setattr__(self, "rows", tuple(range(n)))
        if targets.shape != (n, len(self.classes)):
            raise SignalError(
                f"targets have shape {targets.shape} for {n} records and {len(self.classes)} "
                "classes; one number for each record and class is needed."
            )
        for name in ("patients", "folds", "ages", "numbers", "sexes", "devices", "rows"):
            if len(getattr(self, name)) != n:
                raise SignalError(
                    f"{name} has {len(getattr(self, name))} entries for {n} records; one each is "
                    "needed."
                )
        if len(set(self.names)) != n:
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise OptionError(f"record '{twice}' comes twice; it would count twice. Keep one.")
        known = targets[np.isfinite(targets)]
        if np.isinf(targets).any() or not np.isin(known, (0, 1)).all():
            raise SignalError("targets hold numbers other than 0, 1 and NaN (unknown).")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def fingerprint(self) -> str:
        """Twelve digits that change with records, patients, classes, labels and numbers."""
        digest = hashlib.sha256()
        for words in (self.classes, self.names, self.patients):
            digest.update("\x1f".join(words).encode() + b"\x1e")
        digest.update(np.nan_to_num(self.targets, nan=2).astype(np.int8).tobytes())
        digest.update(np.ascontiguousarray(self.numbers, np.float64).tobytes())
        return digest.hexdigest()[:12]

    def part(self, rows: Sequence[int] | np.ndarray) -> Cohort:
        """Return some of the records."""
        chosen = [int(k) for k in rows]
        few = {
            name: tuple(getattr(self, name)[k] for k in chosen)
            for name in ("names", "patients", "folds", "sexes", "devices", "rows")
        }
        few |= {name: getattr(self, name)[chosen] for name in ("targets", "ages", "numbers")}
        made = replace(self, **few)
        object.__setattr__(made, "kept", self.kept)
        return made

    def frequent(self, least: int) -> Cohort:
        """Return the cohort without classes that fewer records have, and records without any."""
        kept = np.flatnonzero((self.targets == 1).sum(axis=0) >= least)
        if not kept.size:
            raise OptionError(
                f"no class of {self.database} has {least} positive records; there are "
                f"{len(self.classes)} classes. Ask for fewer."
            )
        targets = self.targets[:, kept]
        rows = np.flatnonzero((targets == 1).any(axis=1))
        few = replace(self, classes=tuple(self.classes[k] for k in kept), targets=targets)
        return few.part(rows)

    def record(self, k: int) -> Record:
        """Read a record."""
        return self.read(self.rows[k])

    def __repr__(self) -> str:
        return (
            f"Cohort({self.database}, {self.task}: {len(self)} records of "
            f"{len(set(self.patients))} patients, {len(self.classes)} classes)"
        )


def load_cohort(given: str, *, task: str | None = None, **options: Any) -> Cohort:
    """Load records from ``NAME=FOLDER``, or from a store.

    Parameters
    ----------
    given
        ``"ptbxl=FOLDER"`` for the files of a database, or the path of a store.
    task
        Which labels; the first task of the card by default. superclass and subclass are
        understood.
    **options
        What the loader of the database takes, such as ``fs=500``.

    Raises
    ------
    OptionError
        If it is neither.
    UnknownNameError, FormatError
        If there is no such database or task, or no record of it in the folder.
    """
    name, equals, place = str(given).partition("=")
    wanted = TASK_WORDS.get(task or "", task)
    if not equals:
        if Path(given).exists():
            return cohort_of_store(Path(given), task=wanted)
        raise OptionError(
            f"data is '{given}'; NAME=FOLDER is needed, such as ptbxl=data/ptbxl, or the path of a "
            "store that 'precordia dataset build' made."
        )
    if _is_store(Path(place)):
        return cohort_of_store(Path(place), task=wanted)
    return cohort_of_dataset(load_dataset(name, place, task=wanted, **options))


def place_of(given: str) -> str:
    """Return which database ``NAME=FOLDER``, or a store, is of.

    Raises
    ------
    OptionError, FormatError
        If it is neither.

    Examples
    --------
    >>> place_of("ptbxl=data")
    'ptbxl'
    """
    name, equals, _ = str(given).partition("=")
    if equals:
        return name
    if not _is_store(Path(given)):
        raise OptionError(
            f"data is '{given}'; NAME=FOLDER is needed, such as ptbxl=data/ptbxl, or the path of a "
            "store that 'precordia dataset build' made."
        )
    return cohort_of_store(Path(given)).database


def cohort_of_dataset(dataset: Dataset) -> Cohort:
    """Return the records of a database in a folder."""
    items = dataset.items
    return Cohort(
        database=dataset.card.name,
        version=dataset.card.version,
        task=dataset.task,
        classes=tuple(dataset.classes),
        names=tuple(item.name for item in items),
        patients=tuple(item.group for item in items),
        folds=tuple(item.fold for item in items),
        targets=dataset.targets().astype(float),
        ages=np.array([item.patient.age_years for item in items], float),
        sexes=tuple(item.patient.sex or "" for item in items),
        devices=tuple(" ".join(item.facts.get("device", "").split()) for item in items),
        read=lambda k: items[k].read(),
        published=dict(dataset.card.folds),
        remarks=tuple(dataset.remarks),
    )


def _is_store(place: Path) -> bool:
    return (place / MANIFEST).is_file()


def cohort_of_store(place: Path, *, task: str | None = None) -> Cohort:
    """Return the records of a store, with the labels that it was built with.

    Raises
    ------
    FormatError
        If the store has no labels.
    OptionError
        If other labels are asked for.
    """
    from precordia.datasets.store import open_store

    store = open_store(place)
    parts = store.manifest.parts
    classes = tuple(store.classes)
    if not classes:
        raise FormatError(
            f"the store '{place}' has no labels; a store of labelled records is needed. Build it "
            "from a database with a task."
        )
    built = "+".join(dict.fromkeys(part.task for part in parts))
    if task not in (None, built):
        raise OptionError(
            f"the store '{place}' has the labels of '{built}'; '{task}' was asked for. Build a "
            "store with that task, or name the folder of the database."
        )
    known = "+".join(part.dataset for part in parts)
    published = dict(dataset_card(known).folds) if known in DATABASES else {}
    held = store.table(
        ("dataset", "name", "start_s", "age_years", "sex", "device", "dataset_version")
    ).to_pydict()
    return Cohort(
        database=known,
        version=" ".join(dict.fromkeys(str(v or "") for v in held["dataset_version"])),
        task=built,
        classes=classes,
        names=_unique_names(held),
        patients=tuple(map(str, store.patients)),
        folds=tuple(str(fold or "") for fold in store.folds),
        targets=np.asarray(store.targets(), float),
        ages=np.array([np.nan if a is None else a for a in held["age_years"]], float),
        sexes=tuple(str(sex or "") for sex in held["sex"]),
        devices=tuple(" ".join(str(device or "").split()) for device in held["device"]),
        read=store.record,
        published=published,
    )


def _unique_names(held: dict[str, list[Any]]) -> tuple[str, ...]:
    """Names of records; with their database where there are several, with their start if cut."""
    several = len(set(held["dataset"])) > 1
    return tuple(
        (f"{dataset}/" if several else "") + name + (f"@{start:g}" if start else "")
        for dataset, name, start in zip(held["dataset"], held["name"], held["start_s"], strict=True)
    )
