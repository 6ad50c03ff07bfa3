# SPDX-License-Identifier: Apache-2.0
"""Check that a store is, byte for byte, what was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from precordia.core.errors import PrecordiaError
from precordia.core.value import Value
from precordia.datasets.found import counted
from precordia.datasets.store_manifest import read_manifest
from precordia.datasets.store_open_shard import OpenShard
from precordia.datasets.store_shard import Shard, checksum, pages_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreVerification(Value):
    """What was checked, and what was wrong.

    Attributes
    ----------
    store
        Its folder.
    n_shards, n_records
        What the manifest names.
    n_right
        Shards that are as they were written.
    damaged
        What is wrong with the others.
    """

    store: str
    n_shards: int
    n_records: int
    n_right: int
    damaged: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.damaged

    def __str__(self) -> str:
        lines = [
            f"{self.store}: {counted(self.n_records, 'record')} in "
            f"{counted(self.n_shards, 'shard')}, {self.n_right} right, {len(self.damaged)} damaged"
        ]
        return "\n".join([*lines, *(f"damaged: {words}" for words in self.damaged)])


def verify_store(
    path: str | Path, *, watch: Callable[[Sequence[Any]], Iterable[Any]] = iter
) -> StoreVerification:
    """Compare the files of a store with their checksums, and unpack every signal.

    Parameters
    ----------
    path
        Folder of the store.
    watch
        Wraps the shards for a display of progress.

    Returns
    -------
    What was checked.

    Raises
    ------
    MissingFileError, FormatError
        If there is no store, or its manifest cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from precordia.datasets.item import Item
    >>> from precordia.datasets.store_build import build_store
    >>> from precordia.datasets.toy import toy_record
    >>> folder = Path(tempfile.mkdtemp()) / "store"
    >>> _ = build_store([Item(name="toy", path=toy_record())], folder)
    >>> verify_store(folder).ok
    True
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    codec = manifest.settings.codec
    said = [_mistake_of(folder, shard, codec) for shard in watch(manifest.shards)]
    return StoreVerification(
        store=str(folder),
        n_shards=len(manifest.shards),
        n_records=manifest.n_records,
        n_right=said.count(""),
        damaged=tuple(words for words in said if words),
    )


def _mistake_of(folder: Path, shard: Shard, codec: str) -> str:
    try:
        for name, sum_ in ((shard.file, shard.blake2b), (shard.pages, shard.pages_blake2b)):
            if checksum(folder / name) != sum_:
                return f"{name}: its checksum is not that of the manifest"
        opened = OpenShard(folder, shard, codec)
        if not np.array_equal(pages_of(folder / shard.file), opened.pages):
            return f"{shard.pages}: it does not fit {shard.file}"
        for row in range(shard.n_records):
            opened.signal(row, None)
    except (PrecordiaError, OSError) as error:
        return f"{shard.file}: {error}"
    return ""
