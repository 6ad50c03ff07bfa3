# SPDX-License-Identifier: Apache-2.0
"""A database in a folder: its records in order, each read only when asked for."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np
from jaxtyping import Bool

from precordia.core.errors import FormatError, OptionError, UnknownNameError, unknown_name
from precordia.core.record import Remark
from precordia.core.registry import load_object
from precordia.datasets.assemble import assemble
from precordia.datasets.card import DatasetCard
from precordia.datasets.databases import DATABASES, dataset_card
from precordia.datasets.found import Found
from precordia.datasets.item import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Records of one database with the labels of one task.

    Attributes
    ----------
    card
        The card of the database.
    folder
        Where its files are.
    task
        Which labels were chosen.
    classes
        Classes of the task, in the order of the columns of `targets`.
    items
        The records.
    remarks
        What was noticed, counted.
    """

    card: DatasetCard
    folder: Path
    task: str
    classes: tuple[str, ...]
    items: tuple[Item, ...]
    remarks: tuple[Remark, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    @overload
    def __getitem__(self, which: int | str) -> Item: ...
    @overload
    def __getitem__(self, which: slice) -> Dataset: ...
    def __getitem__(self, which: int | str | slice) -> Item | Dataset:
        if isinstance(which, slice):
            return replace(self, items=self.items[which])
        if isinstance(which, str):
            for item in self.items:
                if item.name == which:
                    return item
            raise UnknownNameError(
                f"no record '{which}' in {self.card.name} here. Its {len(self)} records have names "
                "such as those of dataset[0].name."
            )
        return self.items[which]

    def targets(self) -> Bool[np.ndarray, "batch statement"]:
        """Return which record has which class: one row a record, one column a class."""
        column = {name: k for k, name in enumerate(self.classes)}
        table = np.zeros((len(self.items), len(self.classes)), bool)
        for row, item in enumerate(self.items):
            for label in item.labels:
                if label in column:
                    table[row, column[label]] = True
        return table

    def counts(self) -> dict[str, int]:
        """Return how many records have each class."""
        seen = Counter(label for item in self.items for label in set(item.labels))
        return {name: seen[name] for name in self.classes}

    def __repr__(self) -> str:
        return (
            f"Dataset({self.card.name}, {len(self)} records, task {self.task}: "
            f"{len(self.classes)} classes)"
        )


def load_dataset(
    name: str,
    folder: str | Path,
    *,
    task: str | None = None,
    check_files: bool = True,
    **options: Any,
) -> Dataset:
    r"""Find the records of a database in a folder, with the labels of a task. No signal is read.

    Parameters
    ----------
    name
        Name of the database; see `list_datasets`.
    folder
        Folder that holds it, laid out as it is published; a part of the database will do.
    task
        Which labels: a name of ``card.tasks``; the first by default.
    check_files
        Look whether the file of each record is there. Without it, loading a database of a million
        records on a slow disk is faster, and a missing file shows only when it is read.
    **options
        What the loader of the database takes, such as ``fs=500`` for ``"ptbxl"``.

    Returns
    -------
    The records that are there, in the order of the database. ``remarks`` counts what was left
    out: labels without a recording, recordings without labels, names that come twice.

    Raises
    ------
    UnknownNameError
        If there is no such database, or no such task of it.
    OptionError
        If the loader of the database does not take an option.
    FormatError
        If the folder or its table of labels is missing or damaged, or holds no record.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.datasets.toy import toy_record
    >>> from shutil import copy
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = [copy(toy_record().with_suffix(end), folder) for end in (".hea", ".dat")]
    >>> _ = (folder / "labels.csv").write_text("path,patient_id,label\ntoy.hea,1,normal\n")
    >>> dataset = load_dataset("folder", folder)
    >>> dataset
    Dataset(folder, 1 records, task labels: 1 classes)
    >>> dataset[0].read()
    Record(12 leads (I, II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6), 10 s at 500 Hz, synthetic)
    """
    card = dataset_card(name)
    place = Path(folder)
    if not place.is_dir():
        origin = "Check the path."
        if card.url:
            origin = f"{card.how_to_get} Or check the path."
        raise FormatError(
            f"there is no folder '{place}'; the files of {card.title} are needed there. {origin}"
        )
    chosen = task or next(iter(card.tasks))
    if chosen not in card.tasks:
        raise unknown_name(
            f"task of {name}", chosen, card.tasks, listing=", ".join(map(repr, card.tasks))
        )
    find = load_object(DATABASES[name])
    _check_options(name, find, options)
    found = find(place, task=chosen, **options)
    items, classes, remarks = assemble(card, place, found, task=chosen, check_files=check_files)
    return Dataset(
        card=card, folder=place, task=chosen, classes=classes, items=items, remarks=remarks
    )


def _check_options(name: str, find: Callable[..., Found], options: dict[str, Any]) -> None:
    taken = [key for key in inspect.signature(find).parameters if key not in ("folder", "task")]
    if unknown := sorted(set(options) - set(taken)):
        words = f"takes {', '.join(taken)}" if taken else "takes none"
        raise OptionError(
            f"the loader of '{name}' was given {', '.join(unknown)}; it {words}. Leave it out."
        )
