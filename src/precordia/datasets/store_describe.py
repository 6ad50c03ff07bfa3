# SPDX-License-Identifier: Apache-2.0
"""Say what a store holds: records, patients, classes, folds, rates, leads and size."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from precordia.core.value import Value
from precordia.datasets.found import counted, such_as
from precordia.datasets.store import Store
from precordia.datasets.store_columns import SCHEMA

_COLUMNS = (
    *("dataset", "fs", "n_samples", "leads", "absent", "n_missing", "error_mv", "labels"),
    *("patient_id", "fold", "age_years", "sex", "acceptable"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreDescription(Value):
    """What there is in a store.

    Attributes
    ----------
    store, schema, split_hash
        Its folder, version of the layout, and what tells its split apart.
    n_records, n_patients, n_unknown_patients
        Rows; patients that are told apart; rows of which nobody knows whose they are.
    datasets, licences, tasks
        Rows of each database, its licence and its task.
    classes, known
        Rows with each class, and rows of which it is known whether they have it.
    folds
        Rows in each published fold.
    fs_hz, seconds, leads
        Rows of each sampling rate, of each length and of each set of leads.
    female, male
        Rows of either sex; the others do not say.
    age_years
        5th, 50th and 95th percentile of the ages that are known; empty where none is.
    n_acceptable, n_assessed
        Rows that were found readable, of those that were assessed.
    n_missing
        Samples that were not recorded.
    error_mv
        Largest difference between a stored and a given signal, mV.
    n_bytes, of_int16
        Size of the shards, and what part that is of the same samples in 16 bits each.
    left_out
        Records that could not be stored, of all databases.
    remarks
        What was noticed.
    """

    store: str
    schema: int
    split_hash: str
    n_records: int
    n_patients: int
    n_unknown_patients: int
    datasets: dict[str, int]
    licences: dict[str, str]
    tasks: dict[str, str]
    classes: dict[str, int]
    known: dict[str, int]
    folds: dict[str, int]
    fs_hz: dict[str, int]
    seconds: dict[str, int]
    leads: dict[str, int]
    female: int
    male: int
    age_years: tuple[float, ...]
    n_acceptable: int
    n_assessed: int
    n_missing: int
    error_mv: float
    n_bytes: int
    of_int16: float
    left_out: dict[str, str]
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        lines = [
            f"{self.store}: a store of {counted(self.n_records, 'record')}, "
            f"{self.n_bytes / 1e6:.1f} MB ({100 * self.of_int16:.0f} % of 16-bit samples)"
        ]
        for name, n in self.datasets.items():
            words = ", ".join(filter(None, (f"task {self.tasks[name]}", self.licences[name])))
            lines.append(f"data set    {name}: {n} ({words})")
        unknown = f", {self.n_unknown_patients} records of nobody known"
        lines += [
            f"patients    {self.n_patients}" + (unknown if self.n_unknown_patients else ""),
            f"sex         {self.female} female, {self.male} male",
        ]
        if self.age_years:
            low, middle, high = self.age_years
            lines.append(f"age         {middle:g} years (5 % below {low:g}, 5 % above {high:g})")
        if self.n_assessed:
            lines.append(f"quality     {self.n_acceptable} of {self.n_assessed} acceptable")
        for title, held in (
            ("folds", self.folds), ("rate, Hz", self.fs_hz), ("length, s", self.seconds),
            ("leads", self.leads),
        ):  # fmt: skip
            if held:
                few = [f"{key}: {n}" for key, n in list(held.items())[:10]]
                more = ", ..." if len(held) > len(few) else ""
                lines.append(f"{title:<12}{', '.join(few)}{more}")
        lines.append(f"{len(self.classes)} classes: records that have it, of those that say")
        lines += [f"  {n:>7} of {self.known[name]:>7}  {name}" for name, n in self.classes.items()]
        lines += [f"left out: {name}: {reason}" for name, reason in self.left_out.items()]
        return "\n".join([*lines, *(f"note: {text}" for text in self.remarks)])


def describe_store(store: Store) -> StoreDescription:
    """Count what a store holds.

    Parameters
    ----------
    store
        What `open_store` gave.

    Returns
    -------
    The counts, for print or ``to_json``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from precordia.datasets.item import Item
    >>> from precordia.datasets.store import open_store
    >>> from precordia.datasets.store_build import build_store
    >>> from precordia.datasets.toy import toy_record
    >>> folder = Path(tempfile.mkdtemp()) / "store"
    >>> _ = build_store([Item(name="toy", path=toy_record(), labels=("normal",))], folder)
    >>> describe_store(open_store(folder)).classes
    {'normal': 1}
    """
    held = store.table(_COLUMNS).to_pydict()
    parts, targets = store.manifest.parts, store.targets()
    n_bytes = sum(shard.n_bytes + shard.pages_bytes for shard in store.manifest.shards)
    plain = sum(2 * len(x) * n for x, n in zip(held["leads"], held["n_samples"], strict=True))
    ages = [age for age in held["age_years"] if age is not None and age == age]
    lengths = [n / fs for n, fs in zip(held["n_samples"], held["fs"], strict=True)]
    sexes = Counter(held["sex"])
    classes = {c: int(np.nansum(targets[:, k])) for k, c in enumerate(store.classes)}
    return StoreDescription(
        store=str(store.folder),
        schema=SCHEMA,
        split_hash=store.manifest.split_hash,
        n_records=len(store),
        n_patients=len(set(held["patient_id"]) - {None}),
        n_unknown_patients=held["patient_id"].count(None),
        datasets=_counts(held["dataset"]),
        licences={part.dataset: part.licence for part in parts},
        tasks={part.dataset: part.task for part in parts},
        classes=classes,
        known={
            c: int(np.isfinite(targets[:, k]).sum()) for k, c in enumerate(store.classes)
        },
        folds=_counts([fold for fold in held["fold"] if fold]),
        fs_hz=_counts([f"{fs:g}" for fs in held["fs"]]),
        seconds=_counts([f"{length:g}" for length in lengths]),
        leads=_counts([" ".join(names) for names in held["leads"]]),
        female=sexes["female"],
        male=sexes["male"],
        age_years=tuple(float(x) for x in np.percentile(ages, (5, 50, 95))) if ages else (),
        n_acceptable=held["acceptable"].count(True),
        n_assessed=len(store) - held["acceptable"].count(None),
        n_missing=sum(held["n_missing"]),
        error_mv=max(held["error_mv"], default=0.0),
        n_bytes=n_bytes,
        of_int16=n_bytes / plain if plain else 0.0,
        left_out={k: v for part in parts for k, v in part.left_out.items()},
        remarks=tuple(_remarks(store, classes)),
    )  # fmt: skip


def _counts(values: list[str]) -> dict[str, int]:
    """Count values, the most frequent first."""
    return dict(sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0])))


def _remarks(store: Store, classes: dict[str, int]) -> list[str]:
    said = [text for part in store.manifest.parts for text in part.remarks]
    single = [name for name, n in classes.items() if n == 1]
    if single:
        said.append(
            f"{counted(len(single), 'class', 'classes')} of the store with a single record "
            f"({such_as(single, most=8)}): no split can hold one on each side."
        )
    return list(dict.fromkeys(said))
