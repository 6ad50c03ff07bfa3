# SPDX-License-Identifier: Apache-2.0
"""The manifest of a store: what is in it is what this file says, and it is replaced whole."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from precordia.core.errors import FormatError, MissingFileError
from precordia.core.value import Value
from precordia.datasets.store_columns import SCHEMA
from precordia.datasets.store_part import StorePart
from precordia.datasets.store_settings import CODECS, StoreSettings
from precordia.datasets.store_shard import Shard

MANIFEST = "store.json"
_FORMAT = "precordia-store"
_LARGEST = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Value):
    """What is in a store.

    Attributes
    ----------
    settings
        What all recordings have in common.
    parts
        The databases.
    shards
        The files, in order.
    split_hash
        Tells stores apart whose records, patients or folds differ; see `split_hash_of`.
    written_by
        Version of the package that wrote it last.
    """

    settings: StoreSettings
    parts: tuple[StorePart, ...] = ()
    shards: tuple[Shard, ...] = ()
    split_hash: str = ""
    written_by: str = ""

    @property
    def n_records(self) -> int:
        """Rows of all shards."""
        return sum(shard.n_records for shard in self.shards)


def split_hash_of(rows: Iterable[dict[str, Any]], before: str = "") -> str:
    """Sum up who is in which fold, whatever the order of the records.

    Parameters
    ----------
    rows
        Rows of the store.
    before
        The sum over those before them.

    Returns
    -------
    Sum, modulo 2 to the power of 128, of BLAKE2b over data set, name, start, patient and fold of
    each row; in hexadecimal digits.

    Examples
    --------
    >>> row = {"dataset": "a", "name": "1", "start_s": 0.0, "patient_id": None, "fold": ""}
    >>> len(split_hash_of([row])), split_hash_of([row]) == split_hash_of([])
    (32, False)
    """
    total = int(before or "0", 16)
    for row in rows:
        said = [row[key] for key in ("dataset", "name", "start_s", "patient_id", "fold")]
        digest = hashlib.blake2b(json.dumps(said).encode(), digest_size=16).digest()
        total = (total + int.from_bytes(digest, "big")) % (1 << 128)
    return f"{total:032x}"


def is_store(folder: Path) -> bool:
    """Tell whether a folder holds a store."""
    return (folder / MANIFEST).is_file()


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a store.

    Raises
    ------
    MissingFileError
        If there is no store.
    FormatError
        If the manifest is damaged, or of a newer version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        what = "is no store: it has no " + MANIFEST if folder.is_dir() else "is not there"
        raise MissingFileError(
            f"'{folder}' {what}. Give the folder that precordia dataset build wrote with --to."
        )
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        held = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(held, dict) or held.get("format") != _FORMAT:
            raise ValueError("it is not that of a store")
        schema = held["schema"]
        if not isinstance(schema, int) or schema < 1:
            raise ValueError("its schema is no number")
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise FormatError(
            f"'{path}' cannot be read ({error}). Restore it from a copy, or build the store again."
        ) from error
    if schema > SCHEMA:
        raise FormatError(
            f"'{folder}' is a store of schema {schema}; this version of precordia "
            f"reads up to {SCHEMA}. Update precordia, or build the store with this version."
        )
    manifest = Manifest.from_dict(held)
    if manifest.settings.codec not in CODECS:
        raise FormatError(
            f"the store '{folder}' is packed with '{manifest.settings.codec}', which this version "
            "of precordia does not know. Update precordia, or build the store again."
        )
    for shard in manifest.shards:
        for name in (shard.file, shard.pages):
            if not name or Path(name).name != name or name.startswith("."):
                raise FormatError(
                    f"the manifest of '{folder}' names '{name}', which is no file of the store. "
                    "Build the store again."
                )
        if shard.n_records < 1:
            raise FormatError(
                f"the manifest of '{folder}' says that '{shard.file}' holds {shard.n_records} "
                "records. Build the store again."
            )
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest of a store; a crash leaves the old one or the new one.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    held: dict[str, Any] = {"format": _FORMAT, "schema": SCHEMA, **manifest.to_dict()}
    part = folder / f".{MANIFEST}.part"
    try:
        with part.open("w", encoding="utf-8") as out:
            json.dump(held, out, ensure_ascii=False, allow_nan=False, indent=1)
            out.flush()
            os.fsync(out.fileno())
        part.replace(folder / MANIFEST)
    finally:
        part.unlink(missing_ok=True)
    settle_folder(folder)


def settle_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can say so."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
