# SPDX-License-Identifier: Apache-2.0
"""Recordings that several sources hold: each is learned from once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from precordia.core.errors import OptionError
from precordia.core.record import Remark
from precordia.datasets.databases import list_datasets
from precordia.training.record_source import RecordSource

#: loader of folders of one's own, whose names say nothing of whose the recordings are
_OWN = "folder"


def rows_once(
    sources: Sequence[RecordSource], rows: Sequence[Int[np.ndarray, " _"]]
) -> tuple[list[Int[np.ndarray, " _"]], list[Remark]]:
    """Leave out recordings that an earlier source holds already.

    Parameters
    ----------
    sources
        Recordings.
    rows
        Which of each are to be learned from.

    Returns
    -------
    Rows of each source without what came before, and what was left out or is uncertain.

    Raises
    ------
    OptionError
        If two sources are the same.

    Notes
    -----
    A recording that comes twice would be told apart from itself by every objective that compares
    recordings, and would count twice. Records of a published database are known by database and
    name. Names in folders of one's own say nothing: there only the same files are the same, and
    patients of one key are taken for one person, which is said.
    """
    known: dict[tuple[str, str], str] = {}
    kept, remarks = [], []
    for number, (source, held) in enumerate(zip(sources, rows, strict=True)):
        for other in sources[:number]:
            _refuse_same(source, other)
            remarks += _said_of_patients(source, other)
        keys = {int(k): _key(source, int(k)) for k in held}
        doubled = {k: key for k, key in keys.items() if key is not None and key in known}
        kept.append(np.array([k for k in held if int(k) not in doubled], np.int64))
        if doubled:
            text = (
                f"{len(doubled)} recordings of {source.title} are in "
                f"{known[next(iter(doubled.values()))]} too; taken once."
            )
            remarks.append(Remark(code="recordings-twice", text=text))
        known |= {key: source.title for key in keys.values() if key is not None}
    return kept, remarks


def _key(source: RecordSource, row: int) -> tuple[str, str] | None:
    """Return what a recording of a published database is known by everywhere."""
    member = source.members[row]
    if member not in _published():
        return None
    return member, source.names[row].removeprefix(f"{member}/")


def _refuse_same(source: RecordSource, other: RecordSource) -> None:
    if source.fingerprint == other.fingerprint:
        raise OptionError(
            f"the same recordings were named twice ({source.title}). Name each store once."
        )


def _said_of_patients(source: RecordSource, other: RecordSource) -> list[Remark]:
    mine, theirs = ({m for m in s.members if m not in _published()} for s in (source, other))
    shared = mine & theirs
    if not shared:
        return []
    both = {
        key
        for key in {*source.patient_keys} & {*other.patient_keys}
        if key.partition("/")[0] in shared
    }
    if not both:
        return []
    text = (
        f"{len(both)} patients of {source.title} have the keys of patients of {other.title} and "
        "are taken for the same persons. Where they are not, build one of the stores with another "
        "name (--as)."
    )
    return [Remark(code="patients-of-one-key", text=text)]


def _published() -> set[str]:
    return {name for name in list_datasets() if name != _OWN}
