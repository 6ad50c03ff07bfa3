# SPDX-License-Identifier: Apache-2.0
"""The card of a public database: what it is, whose, how large, and which traps it holds."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from importlib.resources.abc import Traversable
from typing import Any

from precordia.core.errors import FormatError
from precordia.core.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetCard(Value):
    """What is known of a database before any of its files are there.

    Attributes
    ----------
    name, title, version
        Our name; the database's own; the version that the loader was written for.
    url, paper
        Where it is published, and the paper to cite.
    licence
        Licence of the recordings.
    n_records, n_patients
        Published counts; 0 where none is published.
    fs_hz
        Published sampling rates, Hz.
    leads
        Leads in the order of the files, or words for them.
    tasks
        Name of each set of labels, with a sentence; the first is the default.
    scheme
        Coding scheme of its statements.
    patients
        ``"table"`` where the database says whose each record is, ``"record"`` where it does not
        and each record counts as a patient of its own.
    folds
        Folds that the database or its protocol publishes, by part: train, validation, test.
    layout
        Files that the loader looks for.
    fetch
        Where files come from: ``kind`` is physionet, zenodo or by-hand; ``url``; ``bytes``.
    traps
        Sentences about what has misled others.
    overlaps
        Databases that hold recordings of the same patients.
    """

    name: str
    title: str
    version: str
    url: str
    paper: str
    licence: str
    n_records: int
    n_patients: int
    fs_hz: tuple[float, ...]
    leads: tuple[str, ...]
    tasks: dict[str, str]
    scheme: str
    patients: str
    layout: tuple[str, ...]
    fetch: dict[str, Any]
    folds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    traps: tuple[str, ...] = ()
    overlaps: tuple[str, ...] = ()

    @property
    def how_to_get(self) -> str:
        """How its files come into a folder: by a command or, where that cannot be, by hand."""
        if self.fetch["kind"] == "by-hand":
            where = f" ({self.url})" if self.url else ""
            return self.fetch["advice"].rstrip(".") + where + "."
        return f"Get it from {self.url} (precordia dataset fetch {self.name} FOLDER)."

    def __str__(self) -> str:
        return f"{self.name}: {self.title} {self.version}".rstrip()


_LISTS = ("fs_hz", "leads", "layout", "traps", "overlaps")


def read_dataset_card(path: Traversable) -> DatasetCard:
    """Read the card of a database from its TOML file.

    Raises
    ------
    FormatError
        If it is not TOML, or an entry is missing or unknown.

    Examples
    --------
    >>> from importlib.resources import files
    >>> print(read_dataset_card(files("precordia.datasets") / "ludb.toml"))
    ludb: Lobachevsky University Electrocardiography Database 1.0.1
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        known = {f.name for f in fields(DatasetCard)}
        if unknown := sorted(set(entries) - known):
            raise TypeError(f"unknown entries {', '.join(unknown)}")
        entries |= {key: tuple(entries[key]) for key in _LISTS if key in entries}
        folds = entries.get("folds", {})
        entries["folds"] = {part: tuple(folds[part]) for part in folds}
        return DatasetCard(**entries)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(
            f"the card '{path.name}' cannot be read ({error}); it needs the entries of "
            "DatasetCard. Reinstall the package."
        ) from error
