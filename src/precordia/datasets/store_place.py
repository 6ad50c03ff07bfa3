# SPDX-License-Identifier: Apache-2.0
"""The folder of a store: what may be there, and what a killed run left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from precordia import __version__
from precordia.core.errors import OutputError
from precordia.datasets.found import such_as
from precordia.datasets.store_lock import LOCK
from precordia.datasets.store_manifest import (
    MANIFEST,
    Manifest,
    is_store,
    read_manifest,
    write_manifest,
)
from precordia.datasets.store_readme import README, write_readme
from precordia.datasets.store_settings import StoreSettings, check_same


def check_place(folder: Path) -> None:
    """Refuse a folder that holds something other than a store.

    Raises
    ------
    OutputError
        If it does, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"'{folder}' is a file; the folder of a store is needed.")
    if folder.is_dir() and not is_store(folder):
        there = sorted(place.name for place in folder.iterdir() if not _is_ours(place.name))
        if there:
            raise OutputError(
                f"'{folder}' holds other files ({such_as(there)}) and no store; nothing was "
                "touched. Choose an empty or a new folder."
            )


def _is_shard(name: str) -> bool:
    return name.startswith("records-") and name.endswith((".parquet", ".pages.npy"))


def _is_ours(name: str) -> bool:
    return name in (MANIFEST, LOCK, f".{MANIFEST}.part") or _is_shard(name)


def open_for_writing(folder: Path, wanted: dict[str, Any], *, overwrite: bool) -> Manifest:
    """Read the manifest of a store or begin one, then drop the files that it does not name.

    Parameters
    ----------
    folder
        Of the store; locked.
    wanted
        Settings that were asked for.
    overwrite
        Begin anew.

    Returns
    -------
    The manifest, which is on the disk.

    Raises
    ------
    OptionError
        If the store has other settings.
    FormatError
        If its manifest cannot be read.
    OSError
        If the disk refuses.
    """
    if is_store(folder) and not overwrite:
        manifest = read_manifest(folder)
        check_same(manifest.settings, wanted)
    else:
        manifest = Manifest(settings=StoreSettings(**wanted), written_by=__version__)
        write_manifest(folder, manifest)
    if overwrite or not (folder / README).exists():
        write_readme(folder)
    named = {name for shard in manifest.shards for name in (shard.file, shard.pages)}
    for place in list(folder.iterdir()):
        if _is_shard(place.name) and place.name not in named:
            place.unlink()
    return manifest
