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
from precordia.datasets.databases import dataset_card
from precordia.datasets.dataset import Dataset, load_dataset

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
    read
        Reads a record by its number here.
    rows
        Number of each record for `read`.
    published
        Folds of the database's own parts: train, validation, test.
    remarks
        What was noticed.

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
    ages: Float[np.ndarray, " batch"] = field(default_factory=lambda: np.zeros(0))
    sexes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    published: dict[str, tuple[str, ...]] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.names)
        targets = np.asarray(self.targets, float)
        object.__setattr__(self, "targets", targets)
        for name, empty in (("folds", ""), ("sexes", ""), ("devices", "")):
            if not getattr(self, name):
                object.__setattr__(self, name, (empty,) * n)
        if not len(self.ages):
            object.__setattr__(self, "ages", np.full(n, np.nan))
        if not self.rows:
            object.__setattr__(self, "rows", tuple(range(n)))
        if targets.shape != (n, len(self.classes)):
            raise SignalError(
                f"targets have shape {targets.shape} for {n} records and {len(self.classes)} "
                "classes; one number for each record and class is needed."
            )
        for name in ("patients", "folds", "ages", "sexes", "devices", "rows"):
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
        """Twelve digits that change with records, patients, classes and labels."""
        digest = hashlib.sha256()
        for words in (self.classes, self.names, self.patients):
            digest.update("\x1f".join(words).encode() + b"\x1e")
        digest.update(np.nan_to_num(self.targets, nan=2).astype(np.int8).tobytes())
        return digest.hexdigest()[:12]

    def part(self, rows: Sequence[int] | np.ndarray) -> Cohort:
        """Return some of the records."""
        chosen = [int(k) for k in rows]
        few = {
            name: tuple(getattr(self, name)[k] for k in chosen)
            for name in ("names", "patients", "folds", "sexes", "devices", "rows")
        }
        return replace(self, targets=self.targets[chosen], ages=self.ages[chosen], **few)

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
        return cohort_of_store(Path(place), task=wanted, database=name)
    return cohort_of_dataset(load_dataset(name, place, task=wanted, **options))


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
        devices=tuple(item.facts.get("device", "").strip() for item in items),
        read=lambda k: items[k].read(),
        published=dict(dataset.card.folds),
        remarks=tuple(dataset.remarks),
    )


def _is_store(place: Path) -> bool:
    return (place / "store.toml").is_file() or (place / "store.json").is_file()


def cohort_of_store(place: Path, *, task: str | None = None, database: str = "") -> Cohort:
    """Return the records of a store.

    Raises
    ------
    FormatError
        If the store has no labels.
    """
    from precordia.datasets.store import open_store

    store = open_store(place)
    classes = tuple(store.classes)
    if not classes:
        raise FormatError(
            f"the store '{place}' has no labels; a store of labelled records is needed. Build it "
            "from a database with a task."
        )
    named = database or str(getattr(store, "database", "") or place.stem)
    try:
        card = dataset_card(named)
        version, published = card.version, dict(card.folds)
    except KeyError:
        version, published = "", {}
    table = store.table(["name", "age_years", "sex", "device"])
    n = len(store)
    return Cohort(
        database=named,
        version=version,
        task=task or str(getattr(store, "task", "") or "labels"),
        classes=classes,
        names=tuple(map(str, table.get("name", range(n)))),
        patients=tuple(map(str, store.patients)),
        folds=tuple(map(str, store.folds)),
        targets=np.asarray(store.targets(), float),
        ages=np.asarray(table.get("age_years", np.full(n, np.nan)), float),
        sexes=tuple(str(s or "") for s in table.get("sex", [""] * n)),
        devices=tuple(str(d or "") for d in table.get("device", [""] * n)),
        read=store.record,
        published=published,
    )
