# SPDX-License-Identifier: Apache-2.0
"""Build a store of recordings, or add to one; a run that was ended goes on where it stopped."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from precordia import __version__
from precordia.core.errors import OptionError, OutputError, PrecordiaError
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.core.value import Value
from precordia.datasets.dataset import Dataset
from precordia.datasets.found import counted
from precordia.datasets.item import Item
from precordia.datasets.store_columns import require_pyarrow
from precordia.datasets.store_lock import writing
from precordia.datasets.store_manifest import (
    Manifest,
    settle_folder,
    split_hash_of,
    write_manifest,
)
from precordia.datasets.store_part import StorePart, check_items, merged, part_of
from precordia.datasets.store_place import check_place, open_for_writing
from precordia.datasets.store_row import Encoded, encode_item
from precordia.datasets.store_settings import check_settings
from precordia.datasets.store_shard import read_columns, write_shard
from precordia.datasets.store_strangers import fingerprint, renamed, without_names
from precordia.workers import LOST, over_all

#: a shard ends after so many records, or so many bytes of signal
_MOST_RECORDS = 512
_MOST_BYTES = 64 << 20
#: items that travel to a process together
_BATCH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Built(Value):
    """What a run did.

    Attributes
    ----------
    store
        Folder of the store.
    n_added
        Rows that this run added.
    n_before
        Rows that were there already.
    n_bytes
        Size of all shards.
    left_out
        Records that could not be stored, each with the reason.
    remarks
        What was noticed.
    """

    store: str
    n_added: int
    n_before: int
    n_bytes: int
    left_out: dict[str, str]
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        lines = [
            f"{self.store}: {counted(self.n_added, 'record')} added, {self.n_before} there "
            f"before; {self.n_bytes / 1e6:.1f} MB"
        ]
        lines += [f"left out: {name}: {reason}" for name, reason in self.left_out.items()]
        lines += [f"note: {text}" for text in self.remarks]
        return "\n".join(lines)


def build_store(
    dataset: Dataset | Sequence[Item],
    path: str | Path,
    *,
    fs: float | None = None,
    leads: Sequence[str] | None = None,
    seconds: float | None = None,
    codec: str | None = None,
    quality: Callable[[Record], Quality] | None = None,
    pseudonym: Callable[[str], str] | None = None,
    name: str | None = None,
    n_jobs: int = 1,
    overwrite: bool = False,
    watch: Callable[[Sequence[Any]], Iterable[Any]] = iter,
) -> Built:
    r"""Write the recordings of a database into a store, or add those that it lacks.

    Parameters
    ----------
    dataset
        What `load_dataset` found, a part of a split, or items of one's own.
    path
        Folder of the store; made where it is not there.
    fs
        Sampling rate to bring all recordings to, Hz; each keeps its own by default.
    leads
        Leads to keep, in this order. What a recording lacks of them is not invented; it counts as
        absent. Each keeps its own by default.
    seconds
        Cut recordings into pieces of this length, end to end; what is left at the end is dropped,
        a recording shorter than one piece stays whole. They stay whole by default.
    codec
        ``"zstd"`` (small) or ``"lz4"`` (faster to read).
    quality
        Called with each recording as it was read, such as `precordia.assess`.
    pseudonym
        Called with each patient's key and each record's name, such as
        ``Pseudonyms(secret).patient``; what it returns is stored in their place, and reports and
        names of files are not stored. The keys of the database are stored by default: they are
        what keeps patients on one side of a split. Names of patients never are.
    name
        Name of the database in the store; that of its card by default. Two folders of one's own
        need different names.
    n_jobs
        Processes.
    overwrite
        Begin anew where a store is there.
    watch
        Wraps the items for a display of progress.

    Returns
    -------
    Counts, what was left out and why, and remarks.

    Raises
    ------
    OptionError
        If an option makes no sense or differs from the store's, a name comes twice, or a label is
        no word.
    FormatError
        If the folder holds something else, or the store is damaged.
    OutputError
        If the disk refuses; what was stored so far stays, and the next run goes on from there.
    MissingExtraError
        If pyarrow is not installed.

    Notes
    -----
    Rows are written in shards of up to 512 records, in the order of the items, and a shard belongs
    to the store from the moment that the manifest, which is replaced whole, names it. A run that
    is killed at any instant therefore leaves a store of the shards before it, and the same call
    afterwards makes the very files that an undisturbed run makes.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.datasets.toy import toy_record
    >>> item = Item(name="toy", path=toy_record(), labels=("normal",))
    >>> built = build_store([item], Path(tempfile.mkdtemp()) / "store", name="toys")
    >>> built.n_added, built.n_before
    (1, 0)
    """
    require_pyarrow()
    folder, items = Path(path), tuple(dataset)
    check_items(items)
    part = part_of(dataset, name)
    wanted = check_settings(fs=fs, leads=leads, seconds=seconds, codec=codec)
    wanted["pseudonyms"] = fingerprint(pseudonym)
    root = str(dataset.folder) if isinstance(dataset, Dataset) else ""
    check_place(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with writing(folder):
            manifest = open_for_writing(folder, wanted, overwrite=overwrite)
            encode = functools.partial(
                encode_item,
                part=part,
                settings=manifest.settings,
                root=root,
                quality=quality,
                files=pseudonym is None,
            )
            if pseudonym is None:
                return _Filling(folder, manifest, part).fill(items, encode, n_jobs, watch)
            strangers = renamed(items, pseudonym)
            built = _Filling(folder, manifest, part).fill(strangers, encode, n_jobs, watch)
            known = {other.name: item.name for item, other in zip(items, strangers, strict=True)}
            left_out = {known[name]: reason for name, reason in built.left_out.items()}
            return dataclasses.replace(built, left_out=left_out)
    except OSError as error:
        if isinstance(error, PrecordiaError):
            raise
        raise OutputError(
            f"'{folder}' could not be written ({error.strerror or error}). What was stored before "
            "is whole; make room or choose another place, and the same call goes on from there."
        ) from error


class _Filling:
    """A store while it is filled with one database.

    Parameters
    ----------
    folder
        Of the store; locked.
    manifest
        What it holds.
    part
        The database.
    """

    def __init__(self, folder: Path, manifest: Manifest, part: StorePart) -> None:
        self.folder = folder
        self.before = manifest.n_records
        self.manifest = manifest
        self.part = part
        self.left_out: dict[str, str] = {}
        self.rows: list[dict[str, Any]] = []
        self.upwards: Counter[float] = Counter()

    def fill(
        self,
        items: Sequence[Item],
        encode: Callable[[Item], Encoded],
        n_jobs: int,
        watch: Callable[[Sequence[Any]], Iterable[Any]],
    ) -> Built:
        """Add what is not there yet, shard by shard."""
        there = self._names_there()
        _check_sources(items, there, self.part.dataset)
        new = [item for item in items if item.name not in there]
        merged(self.manifest.parts, self.part)  # a wrong task is told before hours of reading
        batch = _BATCH if n_jobs > 1 else 1
        for item, encoded in over_all(encode, watch(new), n_jobs=n_jobs, batch=batch):
            if encoded is None or encoded.reason:
                self.left_out[item.name] = encoded.reason if encoded else LOST
                continue
            self.rows += encoded.rows
            self.upwards[encoded.upwards_from] += 1
            if self._is_full():
                self._settle_shard()
        self._settle_shard()
        return Built(
            store=str(self.folder),
            n_added=self.manifest.n_records - self.before,
            n_before=self.before,
            n_bytes=sum(shard.n_bytes for shard in self.manifest.shards),
            left_out=self.left_out,
            remarks=(*self.part.remarks, *self._said_of_rates()),
        )

    def _names_there(self) -> dict[str, tuple[str, int]]:
        """Return the records of the database that the store holds, with their files and sizes."""
        there: dict[str, tuple[str, int]] = {}
        wanted = ("dataset", "name", "source_file", "source_bytes")
        for shard in self.manifest.shards:
            for row in read_columns(self.folder / shard.file, wanted).to_pylist():
                if row["dataset"] == self.part.dataset:
                    there[row["name"]] = (row["source_file"], row["source_bytes"])
        return there

    def _is_full(self) -> bool:
        n_bytes = sum(len(row["signal"]) for row in self.rows)
        return len(self.rows) >= _MOST_RECORDS or n_bytes >= _MOST_BYTES

    def _settle_shard(self) -> None:
        """Write rows as the next shard and name it in the manifest."""
        held = self.manifest
        shards, split_hash = held.shards, split_hash_of(self.rows, held.split_hash)
        if self.rows:
            codec = held.settings.codec
            shards = (*shards, write_shard(self.folder, len(shards), self.rows, codec=codec))
            settle_folder(self.folder)
        part = dataclasses.replace(self.part, left_out=dict(self.left_out))
        if held.settings.pseudonyms:
            part = without_names(part)
        self.manifest = dataclasses.replace(
            held, parts=merged(held.parts, part), shards=shards, split_hash=split_hash,
            written_by=__version__,
        )  # fmt: skip
        write_manifest(self.folder, self.manifest)
        self.rows = []

    def _said_of_rates(self) -> Iterable[str]:
        for fs, n in sorted(self.upwards.items()):
            if fs:
                yield (
                    f"{counted(n, 'record')} of {fs:g} Hz brought to "
                    f"{self.manifest.settings.fs:g} Hz: nothing is in them above {fs / 2:g} Hz."
                )


def _check_sources(items: Sequence[Item], there: dict[str, tuple[str, int]], dataset: str) -> None:
    """Refuse a record whose name another recording has taken."""
    for item in items:
        if item.name not in there or not item.path.is_file():
            continue
        file, size = there[item.name]
        # Folders may have been moved; the names of files have not. Strangers have none.
        if item.path.stat().st_size != size or (file and Path(file).name != item.path.name):
            raise OptionError(
                f"the store holds a record '{item.name}' of {dataset} already, made from another "
                f"file than '{item.path}' is now. Give the data set another name (name=, --as), or "
                "begin anew (overwrite=True, --force)."
            )
