# SPDX-License-Identifier: Apache-2.0
"""One database in a store: where its recordings come from and which classes it knows."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from precordia.core.errors import OptionError
from precordia.core.value import Value
from precordia.datasets.assemble import remark_patients, remark_single
from precordia.datasets.dataset import Dataset
from precordia.datasets.found import Found, counted, such_as
from precordia.datasets.item import Item

_UNKNOWN_WORDS = ("", "nan", "none", "null", "na", "n/a", "<na>")


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePart(Value):
    """One database in a store.

    Attributes
    ----------
    dataset, title, version, licence, url
        From its card.
    task
        Which labels were chosen.
    classes
        Classes of the task, in order.
    card_fingerprint
        BLAKE2b of the card as it was then.
    remarks
        What loading noticed.
    left_out
        Records that could not be stored, each with the reason.
    """

    dataset: str
    task: str
    classes: tuple[str, ...]
    title: str = ""
    version: str = ""
    licence: str = ""
    url: str = ""
    card_fingerprint: str = ""
    remarks: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)


def part_of(dataset: Dataset | Sequence[Item], name: str | None = None) -> StorePart:
    """Describe a database for a store.

    Parameters
    ----------
    dataset
        A database, or items of one's own.
    name
        What the store calls it; by default the name of its card, or ``"items"``.

    Examples
    --------
    >>> from pathlib import Path
    >>> part_of([Item(name="a", path=Path("a.edf"), labels=("AF",))]).classes
    ('AF',)
    """
    if name is not None and not name.strip():
        raise OptionError("the data set has an empty name; a word is needed.")
    if isinstance(dataset, Dataset):
        card = dataset.card
        return StorePart(
            dataset=name or card.name,
            task=dataset.task,
            classes=dataset.classes,
            title=card.title,
            version=card.version,
            licence=card.licence,
            url=card.url,
            card_fingerprint=hashlib.blake2b(card.to_json().encode(), digest_size=16).hexdigest(),
            remarks=tuple(remark.text for remark in dataset.remarks),
        )
    found = Found(items=list(dataset))
    classes = tuple(sorted({label for item in dataset for label in item.labels}))
    remark_patients(found.items, found)
    remark_single(found.items, classes, found)
    remarks = tuple(remark.text for remark in found.remarks)
    return StorePart(dataset=name or "items", task="labels", classes=classes, remarks=remarks)


def check_items(items: Sequence[Item]) -> None:
    """Refuse items that no store can hold.

    Raises
    ------
    OptionError
        If there is none, a name comes twice, or a label is no word.
    """
    if not items:
        raise OptionError("no record arrived; at least one is needed. Check the data set.")
    seen = Counter(item.name for item in items)
    if twice := sorted(name for name, n in seen.items() if n > 1):
        raise OptionError(
            f"{counted(len(twice), 'record name')} more than once ({such_as(twice)}); each record "
            "needs a name of its own. Rename or drop the repeated ones."
        )
    for item in items:
        for label in item.labels:
            if not isinstance(label, str) or label.strip().lower() in _UNKNOWN_WORDS:
                raise OptionError(
                    f"record '{item.name}' has the label {label!r}, which is no class. Leave out "
                    "labels that are not known, or the record."
                )


def merged(parts: Sequence[StorePart], new: StorePart) -> tuple[StorePart, ...]:
    """Add a database to those of a store, or what is new of it.

    Raises
    ------
    OptionError
        If the store holds it with another task or in another version.

    Examples
    --------
    >>> one = StorePart(dataset="a", task="t", classes=("x",))
    >>> merged([one], dataclasses.replace(one, classes=("y",)))[0].classes
    ('x', 'y')
    """
    for place, held in enumerate(parts):
        if held.dataset != new.dataset:
            continue
        if (held.task, held.version) != (new.task, new.version):
            raise OptionError(
                f"the store holds {_called(held)}, and {_called(new)} was asked for. Build another "
                "store, give the data set another name (name=, --as), or begin anew "
                "(overwrite=True, --force)."
            )
        classes = tuple(dict.fromkeys((*held.classes, *new.classes)))
        return (*parts[:place], dataclasses.replace(new, classes=classes), *parts[place + 1 :])
    return (*parts, new)


def _called(part: StorePart) -> str:
    version = f" {part.version}" if part.version else ""
    return f"{part.dataset}{version} with the task '{part.task}'"
