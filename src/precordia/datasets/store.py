# SPDX-License-Identifier: Apache-2.0
"""A store of recordings: any record, window or column at once, straight from the disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, LeadError, OptionError, SignalError, unknown_name
from precordia.core.record import Carried, Patient, Record
from precordia.core.source import Source
from precordia.core.statements import Statement
from precordia.datasets.store_columns import COLUMNS, require_pyarrow
from precordia.datasets.store_manifest import Manifest, read_manifest
from precordia.datasets.store_open_shard import OpenShard
from precordia.datasets.store_shard import read_columns


def open_store(path: str | Path) -> Store:
    """Open a store that `precordia.datasets.store_build.build_store` wrote.

    Parameters
    ----------
    path
        Its folder.

    Returns
    -------
    The store. It may be pickled and used in other processes, forked or new; each of them opens the
    files by itself. Records that are added later are seen by whoever opens the store afterwards.

    Raises
    ------
    MissingFileError
        If there is no store.
    FormatError
        If it is damaged, or of a newer version.
    MissingExtraError
        If pyarrow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.datasets.item import Item
    >>> from precordia.datasets.store_build import build_store
    >>> from precordia.datasets.toy import toy_record
    >>> folder = Path(tempfile.mkdtemp()) / "store"
    >>> _ = build_store([Item(name="toy", path=toy_record(), labels=("normal",))], folder)
    >>> store = open_store(folder)
    >>> store
    Store(1 records of items, 1 classes)
    >>> store.signal(0).shape, store.window(0, 100, 50).shape
    ((12, 5000), (12, 50))
    """
    require_pyarrow()
    folder = Path(path)
    manifest = read_manifest(folder)
    for shard in manifest.shards:
        for name, size in ((shard.file, shard.n_bytes), (shard.pages, shard.pages_bytes)):
            place = folder / name
            there = place.stat().st_size if place.is_file() else -1
            if there != size:
                said = "is missing" if there < 0 else f"has {there} bytes instead of {size}"
                raise FormatError(
                    f"'{place}' {said}. Restore it from a copy, or build the store again."
                )
    return Store(folder, manifest)


class Store:
    """Recordings with what is known of them, in Parquet files that are read in place.

    Parameters
    ----------
    folder
        Where it is.
    manifest
        What it holds.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        counts = [shard.n_records for shard in manifest.shards]
        self._first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._opened: dict[int, OpenShard] = {}

    def __len__(self) -> int:
        return int(self._first[-1])

    def __reduce__(self) -> tuple[Any, ...]:
        return Store, (self.folder, self.manifest)

    def __repr__(self) -> str:
        names = ", ".join(part.dataset for part in self.manifest.parts) or "nothing"
        return f"Store({len(self)} records of {names}, {len(self.classes)} classes)"

    def signal(
        self, i: int, *, leads: Sequence[str] | None = None
    ) -> Float[np.ndarray, "lead sample"]:
        """Return the signal of one record.

        Parameters
        ----------
        i
            Which record; from the end if negative.
        leads
            Rows wanted, in this order; NaN where the record lacks one. By default those of the
            store's settings and, where it has none, those of the record, as `leads_of` says.

        Returns
        -------
        Potential, mV, float32; NaN where nothing was recorded.
        """
        shard, row = self._place(i)
        return shard.signal(row, tuple(leads) if leads is not None else self._leads)

    def window(
        self, i: int, start: int, n: int, *, leads: Sequence[str] | None = None
    ) -> Float[np.ndarray, "lead sample"]:
        """Return n samples of a record from a sample on.

        Raises
        ------
        SignalError
            If the record does not reach so far.
        """
        shard, row = self._place(i)
        n_samples = int(shard.n_samples[row])
        if start < 0 or n < 0 or start + n > n_samples:
            raise SignalError(
                f"samples {start} to {start + n} were asked for; record {i} has {n_samples}. "
                "Choose a window within, or prepare() the record, which fills up."
            )
        return shard.signal(row, tuple(leads) if leads is not None else self._leads, start, n)

    def signals(
        self, indices: Sequence[int], *, leads: Sequence[str] | None = None
    ) -> Float[np.ndarray, "batch lead sample"]:
        """Return the signals of several records of one length.

        Raises
        ------
        SignalError
            If they differ in length.
        LeadError
            If they differ in leads and none are named.
        """
        wanted = tuple(leads) if leads is not None else self._leads
        places = [self._place(i) for i in indices]
        if not places:
            return np.empty((0, len(wanted or ()), 0), np.float32)
        lengths = {int(shard.n_samples[row]) for shard, row in places}
        if len(lengths) > 1:
            raise SignalError(
                f"the records have {min(lengths)} to {max(lengths)} samples; a batch needs one "
                "length. Take windows (store.window), or build the store with seconds=."
            )
        if wanted is None:
            kinds = {shard.leads[row] for shard, row in places}
            if len(kinds) > 1:
                raise LeadError(
                    f"the records have {len(kinds)} different sets of leads; a batch needs one. "
                    "Name the leads wanted: signals(indices, leads=...)."
                )
            (wanted,) = kinds
        batch = np.empty((len(places), len(wanted), lengths.pop()), np.float32)
        for k, (shard, row) in enumerate(places):
            shard.signal(row, wanted, out=batch[k])
        return batch

    def leads_of(self, i: int) -> tuple[str, ...]:
        """Return the names of the rows of `signal`."""
        if self._leads is not None:
            return self._leads
        shard, row = self._place(i)
        return shard.leads[row]

    def fs_of(self, i: int) -> float:
        """Return the sampling rate of a record, Hz."""
        shard, row = self._place(i)
        return float(shard.fs[row])

    def record(self, i: int) -> Record:
        """Return a record with its patient and the statements of its database."""
        shard, row = self._place(i)
        about = shard.row(row)
        statements = tuple(
            Statement(
                code=s["code"] or "",
                scheme=s["scheme"] or "text",
                name=s["name"] or "",
                likelihood=float("nan") if s["likelihood"] is None else s["likelihood"],
            )
            for s in about["statements"]
        )
        return Record(
            signal=self.signal(i),
            fs=about["fs"],
            leads=self.leads_of(i),
            patient=Patient(
                patient_id=about["patient_id"], age_years=about["age_years"], sex=about["sex"]
            ),
            origin=about["origin"],
            carried=Carried(statements=statements),
            source=Source(
                method="store",
                parameters={"dataset": about["dataset"], "name": about["name"],
                            "start_s": about["start_s"]},
            ),
        )  # fmt: skip

    def __iter__(self) -> Iterator[Record]:
        return (self.record(i) for i in range(len(self)))

    def table(self, columns: Sequence[str] | None = None) -> Any:
        """Return columns of all records as an Arrow table, a row a record.

        Parameters
        ----------
        columns
            Names of `precordia.datasets.store_columns.COLUMNS`; all but the signal by default.
        """
        pa = require_pyarrow()
        wanted = [name for name in COLUMNS if name != "signal"] if columns is None else columns
        for name in wanted:
            if name not in COLUMNS:
                raise unknown_name("column", name, COLUMNS, listing=", ".join(COLUMNS))
        tables = [read_columns(self.folder / s.file, wanted) for s in self.manifest.shards]
        return pa.concat_tables(tables) if tables else pa.table({name: [] for name in wanted})

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes of all databases of the store, in order."""
        return tuple(dict.fromkeys(c for part in self.manifest.parts for c in part.classes))

    def targets(self) -> Float[np.ndarray, "batch statement"]:
        """Return which record has which class: 1, 0, or NaN where its database has no such class.

        Columns are those of `classes`.
        """
        column = {name: k for k, name in enumerate(self.classes)}
        known = {
            part.dataset: [column[name] for name in part.classes] for part in self.manifest.parts
        }
        held = self.table(("dataset", "labels")).to_pydict()
        targets = np.full((len(self), len(column)), np.nan, np.float32)
        for row, (dataset, labels) in enumerate(zip(*held.values(), strict=True)):
            targets[row, known.get(dataset, [])] = 0
            targets[row, [column[label] for label in labels if label in column]] = 1
        return targets

    @property
    def patients(self) -> tuple[str, ...]:
        """Key of each record's patient; one of its own where nobody knows whose it is."""
        held = self.table(("patient_id", "dataset", "name")).to_pydict()
        return tuple(
            f"patient:{known}" if known else f"record:{dataset}/{name}"
            for known, dataset, name in zip(*held.values(), strict=True)
        )

    @property
    def folds(self) -> tuple[str, ...]:
        """Published fold of each record; empty where there is none."""
        return tuple(self.table(("fold",)).column("fold").to_pylist())

    @property
    def _leads(self) -> tuple[str, ...] | None:
        return self.manifest.settings.leads or None

    def _place(self, i: int) -> tuple[OpenShard, int]:
        n = len(self)
        if not -n <= i < n:
            raise OptionError(f"there is no record {i}; the store holds {n}, from 0 on.")
        place = int(i) % n
        number = int(np.searchsorted(self._first, place, side="right")) - 1
        shard = self._opened.get(number)
        if shard is None:
            codec = self.manifest.settings.codec
            shard = OpenShard(self.folder, self.manifest.shards[number], codec)
            self._opened[number] = shard
        return shard, place - int(self._first[number])
