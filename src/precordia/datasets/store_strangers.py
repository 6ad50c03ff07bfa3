# SPDX-License-Identifier: Apache-2.0
"""Recordings under other names: what a store holds where patients are to stay strangers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from precordia.datasets.item import Item
from precordia.datasets.store_part import StorePart

#: what is put through the pseudonym, so that two keys can be told apart
_PROBE = "precordia store"


def renamed(items: Iterable[Item], pseudonym: Callable[[str], str]) -> tuple[Item, ...]:
    """Give records and patients other names, and take their reports away.

    Parameters
    ----------
    items
        The records.
    pseudonym
        Names anew.

    Examples
    --------
    >>> from pathlib import Path
    >>> from precordia.core.record import Patient
    >>> ann = Item(name="Ann", path=Path("a.edf"), patient=Patient(patient_id="7"), report="Ann!")
    >>> (one,) = renamed([ann], "P-{}".format)
    >>> one.name, one.known_as, one.report
    ('P-Ann', 'P-7', '')
    """
    made = []
    for item in items:
        known = item.known_as or item.patient.patient_id
        made.append(
            replace(
                item,
                name=pseudonym(item.name),
                known_as=pseudonym(known) if known else "",
                report="",
            )
        )
    return tuple(made)


def fingerprint(pseudonym: Callable[[str], str] | None) -> str:
    """Return what tells one key from another; empty where names stay.

    Examples
    --------
    >>> fingerprint(None), fingerprint(str.upper)
    ('', 'PRECORDIA STORE')
    """
    return pseudonym(_PROBE) if pseudonym is not None else ""


def without_names(part: StorePart) -> StorePart:
    """Return what a manifest may say of a database whose patients are strangers.

    Examples
    --------
    >>> part = StorePart(dataset="a", task="t", classes=(), left_out={"P-1": "Ann.edf is damaged"})
    >>> without_names(part).left_out
    {'P-1': 'it could not be stored'}
    """
    told = dict.fromkeys(part.left_out, "it could not be stored")
    return replace(part, remarks=(), left_out=told)
