# SPDX-License-Identifier: Apache-2.0
"""Recordings to train on, wherever they are: a store, the files of a database, a simulation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError
from precordia.core.record import Record, Remark
from precordia.datasets.databases import dataset_card, list_datasets
from precordia.datasets.dataset import Dataset, load_dataset
from precordia.datasets.splits import PARTS

#: part of a record that a published split leaves out
OUTSIDE = "outside"
#: patients of PTB-XL, as every database that has its recordings names them
_SHARED = "patient:ptbxl-"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordSource:
    """Recordings with labels, patients and published parts; signals are read when asked for.

    Attributes
    ----------
    title
        What it is, for sentences.
    names, patients, folds
        Of each record.
    parts
        Published part of each record: train, validation, test or outside; empty where no split is
        published.
    classes, targets
        1, 0, or NaN where nobody knows; a column a class.
    read
        Reads a record by its number; may be sent to other processes.
    content
        Digits that change with the recordings.
    databases
        Where they come from, for the model's card.
    ages
        Years; NaN where unknown.
    males
        1 for male, 0 for female, NaN where unknown.
    members
        Database that each record is of.
    remarks
        What was noticed.
    """

    title: str
    names: tuple[str, ...]
    patients: tuple[str, ...]
    folds: tuple[str, ...]
    parts: tuple[str, ...]
    classes: tuple[str, ...]
    targets: Float[np.ndarray, "batch statement"]
    read: Callable[[int], Record]
    content: str
    ages: Float[np.ndarray, " batch"]
    males: Float[np.ndarray, " batch"]
    members: tuple[str, ...]
    databases: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def patient_keys(self) -> tuple[str, ...]:
        """Patients under names that mean the same person in every source, and nobody else.

        Databases number their patients by themselves; the keys of PTB-XL, which several hold, are
        the same in all of them.
        """
        return tuple(
            patient if patient.startswith(_SHARED) else f"{member}/{patient}"
            for patient, member in zip(self.patients, self.members, strict=True)
        )

    @property
    def fingerprint(self) -> str:
        """Digits that change with the recordings, and with which of them are taken."""
        named = hashlib.sha256("\x1f".join(self.names).encode()).hexdigest()[:8]
        return f"{self.content}-{named}"

    def of(self, rows: Int[np.ndarray, " row"]) -> RecordSource:
        """Return some of the recordings."""
        few = {
            name: tuple(getattr(self, name)[k] for k in rows)
            for name in ("names", "patients", "folds", "parts", "members")
        }
        read = partial(_read_of, self.read, np.asarray(rows))
        numbers = {name: getattr(self, name)[rows] for name in ("targets", "ages", "males")}
        return replace(self, read=read, **numbers, **few)


def source_from_dataset(
    name: str, folder: str | Path, *, task: str | None = None, **options: Any
) -> RecordSource:
    """Take the files of a database.

    Parameters
    ----------
    name, folder, task, **options
        As for `precordia.datasets.dataset.load_dataset`.
    """
    dataset = load_dataset(name, folder, task=task, **options)
    folds = tuple(item.fold for item in dataset)
    published = dataset.card.folds if any(folds) else {}  # one's own table may have no folds
    return RecordSource(
        title=f"{name}, {dataset.task}",
        names=tuple(item.name for item in dataset),
        patients=tuple(item.group for item in dataset),
        folds=folds,
        parts=tuple(_part(fold, published) for fold in folds),
        classes=dataset.classes,
        targets=dataset.targets().astype(np.float32),
        read=partial(_read_item, dataset),
        content=_digits([name, *(_file_state(item) for item in dataset)]),
        ages=np.array([item.patient.age_years for item in dataset], float),
        males=np.array([_male(item.patient.sex) for item in dataset], float),
        members=(name,) * len(dataset),
        databases=(name,),
        remarks=dataset.remarks,
    )


def source_from_store(folder: str | Path) -> RecordSource:
    """Take a store of recordings.

    Parameters
    ----------
    folder
        As for `precordia.datasets.store.open_store`.
    """
    from precordia.datasets.store import open_store

    store = open_store(folder)
    held = store.table(("dataset", "name", "fold", "age_years", "sex")).to_pydict()
    known = set(list_datasets())
    published = {d: dataset_card(d).folds if d in known else {} for d in set(held["dataset"])}
    folds = tuple(fold or "" for fold in held["fold"])
    return RecordSource(
        title=str(store),
        names=tuple(f"{d}/{n}" for d, n in zip(held["dataset"], held["name"], strict=True)),
        patients=store.patients,
        folds=folds,
        parts=parts_of(folds, held["dataset"], published),
        classes=store.classes,
        targets=store.targets(),
        read=store.record,
        content=_digits([shard.blake2b for shard in store.manifest.shards]),
        ages=np.array(held["age_years"], float),
        males=np.array([_male(sex) for sex in held["sex"]], float),
        members=tuple(held["dataset"]),
        databases=tuple(part.dataset for part in store.manifest.parts),
    )


def simulated_source(n: int, scenarios: Sequence[str], *, seed: int = 0) -> RecordSource:
    """Simulate recordings, to try things out where there is no database.

    Parameters
    ----------
    n
        How many.
    scenarios
        Names of `precordia.generation.scenarios.list_scenarios`: the classes.
    seed
        Of the simulation.

    Examples
    --------
    >>> source = simulated_source(4, ["sinus", "left-bundle-block"])
    >>> source.targets.sum(axis=0).tolist(), source.read(1).origin
    ([2.0, 2.0], 'synthetic')
    """
    from precordia.generation.scenarios import find_scenario

    if n < 1 or not scenarios:
        raise OptionError(
            f"{n} recordings of {len(scenarios)} scenarios were asked for; at least one of one is "
            "needed."
        )
    for scenario in scenarios:
        find_scenario(scenario)
    chosen = tuple(scenarios)
    names = tuple(f"simulated-{k}" for k in range(n))
    return RecordSource(
        title=f"{n} simulated recordings",
        names=names,
        patients=names,
        folds=("",) * n,
        parts=("",) * n,
        classes=chosen,
        targets=np.eye(len(chosen), dtype=np.float32)[np.arange(n) % len(chosen)],
        read=partial(_simulated, chosen, seed),
        content=_digits(["simulated", str(seed), *chosen]),
        ages=np.full(n, np.nan),
        males=np.full(n, np.nan),
        members=("simulated",) * n,
        databases=("simulated",),
    )


def _read_of(read: Callable[[int], Record], rows: np.ndarray, number: int) -> Record:
    return read(int(rows[number]))


def _simulated(scenarios: tuple[str, ...], seed: int, number: int) -> Record:
    from precordia.generation.simulate import simulate

    return simulate(
        scenarios[number % len(scenarios)],
        fs=250,
        noise="muscle",
        snr_db=15,
        seed=seed * 1_000_003 + number,
    )


def _read_item(dataset: Dataset, number: int) -> Record:
    return dataset.items[number].read()


def _male(sex: str | None) -> float:
    return {"male": 1.0, "female": 0.0}.get(sex or "", float("nan"))


def parts_of(
    folds: Sequence[str],
    members: Sequence[str],
    published: Mapping[str, Mapping[str, tuple[str, ...]]],
) -> tuple[str, ...]:
    """Return the published part of each record.

    Parameters
    ----------
    folds, members
        Fold and database of each record.
    published
        Which folds are which part, for each database.

    Returns
    -------
    train, validation, test or outside; empty where the database has no split, or none of its
    records says its fold: a folder of one's own may have folds, and need not.

    Examples
    --------
    >>> published = {"a": {"train": ("1",), "test": ("2",)}, "b": {"train": ("1",)}}
    >>> parts_of(["1", "2", "", ""], ["a", "a", "a", "b"], published)
    ('train', 'test', 'outside', '')
    """
    divided = {member for fold, member in zip(folds, members, strict=True) if fold}
    return tuple(
        _part(fold, published[member] if member in divided else {})
        for fold, member in zip(folds, members, strict=True)
    )


def _part(fold: str, published: Mapping[str, tuple[str, ...]]) -> str:
    if not published:
        return ""
    return next((part for part in PARTS if fold and fold in published.get(part, ())), OUTSIDE)


def _file_state(item: Any) -> str:
    """Return what changes when the files of a record change, without reading them."""
    files = (
        sorted(item.path.parent.glob(f"{item.path.stem}.*")) if item.path.parent.is_dir() else []
    )
    about = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return json.dumps([item.name, about, sorted(map(str, item.reading.items()))])


def _digits(words: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(words).encode()).hexdigest()[:16]
