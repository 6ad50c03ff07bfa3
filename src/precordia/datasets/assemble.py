# SPDX-License-Identifier: Apache-2.0
"""Check what a loader found: nothing is left out, kept twice or mixed up without a word."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from precordia.core.errors import FormatError
from precordia.core.record import Remark
from precordia.datasets.card import DatasetCard
from precordia.datasets.found import Found, counted, such_as
from precordia.datasets.item import Item


def assemble(
    card: DatasetCard, folder: Path, found: Found, *, task: str, check_files: bool = True
) -> tuple[tuple[Item, ...], tuple[str, ...], tuple[Remark, ...]]:
    """Check the records of a loader and count what is wrong with them.

    Parameters
    ----------
    card
        Card of the database.
    folder
        Where it is.
    found
        What the loader found.
    task
        Name of the labels.
    check_files
        Look whether the file of each record is there.

    Returns
    -------
    Records, classes and remarks.

    Raises
    ------
    FormatError
        If no record is left.
    """
    items = _without_repeats(found)
    if check_files:
        items = _with_files(items, found)
    if found.unlabelled:
        found.remark(
            "recordings-without-label",
            f"{counted(len(found.unlabelled), 'recording')} without a row of labels "
            f"({such_as(sorted(found.unlabelled))}); left out.",
        )
    items = _with_labels(items, found, task)
    if not items:
        said = " ".join(r.text for r in found.remarks)
        raise FormatError(
            f"'{folder}' holds no labelled record of {card.title}. {said + ' ' if said else ''}"
            f"Needed are {'; '.join(card.layout)}. Check the folder and the task ('{task}')."
        )
    classes = _classes(items, found)
    remark_patients(items, found)
    remark_single(items, classes, found)
    return tuple(items), classes, tuple(found.remarks)


def _without_repeats(found: Found) -> list[Item]:
    first: dict[str, Item] = {}
    twice, differ = set(), set()
    for item in found.items:
        held = first.setdefault(item.name, item)
        if held is not item:
            twice.add(item.name)
            if set(held.labels) != set(item.labels):
                differ.add(item.name)
    if twice:
        words = f", {len(differ)} of them with other labels" if differ else ""
        found.remark(
            "duplicate-records",
            f"{counted(len(twice), 'record name')} more than once "
            f"({such_as(sorted(twice))}){words}; the first of each is kept.",
        )
    return list(first.values())


def _with_files(items: Iterable[Item], found: Found) -> list[Item]:
    listed: dict[Path, frozenset[str]] = {}
    kept, missing = [], []
    for item in items:
        parent = item.path.parent
        if parent not in listed:
            try:
                listed[parent] = frozenset(place.name for place in parent.iterdir())
            except OSError:
                listed[parent] = frozenset()
        (kept if item.path.name in listed[parent] else missing).append(item)
    if missing:
        names = such_as([item.name for item in missing])
        found.remark(
            "labels-without-recording",
            f"{counted(len(missing), 'row')} of labels without a recording ({names}); left out.",
        )
    return kept


def _with_labels(items: list[Item], found: Found, task: str) -> list[Item]:
    if found.keep_empty:
        return items
    kept = [item for item in items if item.labels]
    if len(kept) < len(items):
        found.remark(
            "no-label-of-task",
            f"{counted(len(items) - len(kept), 'record')} without a label of the task '{task}'; "
            "left out.",
        )
    return kept


def _classes(items: list[Item], found: Found) -> tuple[str, ...]:
    present = {label for item in items for label in item.labels}
    if found.classes is None:
        return tuple(sorted(present))
    other = sorted(present - set(found.classes))
    if other:
        found.remark(
            "labels-outside-classes",
            f"{counted(len(other), 'label')} that the task has no class for ({such_as(other)}).",
        )
    absent = [name for name in found.classes if name not in present]
    if absent:
        found.remark(
            "classes-without-record",
            f"{counted(len(absent), 'class', 'classes')} of the task without a record here "
            f"({such_as(absent)}).",
        )
    return tuple(found.classes)


def remark_patients(items: Iterable[Item], found: Found) -> None:
    """Count records whose patient is unknown, and patients in more than one fold."""
    unknown = sum(item.patient.patient_id is None for item in items)
    if unknown:
        found.remark(
            "patients-unknown",
            f"{counted(unknown, 'record')} of which the database does not say whose they are; each "
            "counts as a patient of its own, so that a patient may be on both sides of a split.",
        )
    folds = defaultdict(set)
    for item in items:
        if item.fold:
            folds[item.group].add(item.fold)
    crossing = sum(len(held) > 1 for held in folds.values())
    if crossing:
        found.remark(
            "patient-in-two-folds",
            f"{counted(crossing, 'patient')} with records in more than one published fold; "
            "split_dataset keeps each in one part and says what it leaves out.",
        )


def remark_single(items: Iterable[Item], classes: tuple[str, ...], found: Found) -> None:
    """Count classes that a single record carries."""
    seen = Counter(label for item in items for label in set(item.labels))
    single = [name for name in classes if seen[name] == 1]
    if single:
        found.remark(
            "class-with-one-record",
            f"{counted(len(single), 'class', 'classes')} with a single record "
            f"({such_as(single, most=8)}): no split can hold one on each side, and one record "
            "decides the score.",
        )


def relabelled(item: Item, labels: Iterable[str]) -> Item:
    """Return the item with other labels, each once and in their order."""
    return replace(item, labels=tuple(dict.fromkeys(labels)))
