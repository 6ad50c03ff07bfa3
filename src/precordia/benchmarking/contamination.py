# SPDX-License-Identifier: Apache-2.0
"""Whether a model has seen the database that it is tested on, or one that shares recordings."""

from __future__ import annotations

import re
from collections.abc import Sequence

from precordia.datasets.databases import dataset_card, list_datasets

#: in place of databases, where weights do not name what they were trained on
UNKNOWN = "unknown"


def overlapping(database: str) -> frozenset[str]:
    """Return all databases that hold recordings of one: itself, and those its card names.

    Examples
    --------
    >>> "cinc2021" in overlapping("ptbxl"), "ptbxl" in overlapping("cinc2020")
    (True, True)
    """
    found = {database}
    for name in list_datasets():
        if name == database:
            found |= set(dataset_card(name).overlaps)
        elif database in dataset_card(name).overlaps:
            found.add(name)
    return frozenset(found)


def seen_in_training(database: str, training_data: Sequence[str]) -> tuple[str, ...]:
    """Return the databases of a model's training that hold recordings of a test database.

    Parameters
    ----------
    database
        Where the test records are from.
    training_data
        What a model says that it was trained on: names of databases, with other words or without.

    Returns
    -------
    The entries that overlap. What is named in no way that can be recognised is not among them, and
    a model that says nothing of its training has none: the absence of a mark is no proof.

    Examples
    --------
    >>> seen_in_training("ptbxl", ["CinC 2021", "mimic-iv-ecg"])
    ('CinC 2021',)
    >>> seen_in_training("mitdb", ["ptbxl folds 1-8"])
    ()
    """
    risky = {_plain(name) for name in overlapping(database)}
    titles = {_plain(dataset_card(n).title) for n in overlapping(database) if n in list_datasets()}
    return tuple(
        entry
        for entry in training_data
        if any(word and word in _plain(entry) for word in risky | titles)
    )


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
