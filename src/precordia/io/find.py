# SPDX-License-Identifier: Apache-2.0
"""Find the recordings in a folder, each once, in an order that is always the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from precordia.io.formats import FORMATS, HEAD_BYTES, sniff
from precordia.io.zarr_store import is_store

#: parts of WFDB records, and notes of people
_NEVER = frozenset({".dat", ".txt"})
#: a recording of its own, unless a WFDB header beside it describes it
_PERHAPS_A_PART = frozenset({".mat"})
#: endings that anything may have; what is in the file decides
_SHARED = frozenset({".json", ".xml", ".csv", ".tsv"})
#: folders that are one recording
_STORES = frozenset({".zarr"})


def find_recordings(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Find the recordings in a folder and in the folders in it.

    Parameters
    ----------
    folder
        Where to look; links to folders are not followed. A Zarr store is one recording.

    Yields
    ------
    Every file whose suffix belongs to a format that is read, sorted folder by folder, the files
    of a folder before its folders. A WFDB record gives its header and not its signal files. XML,
    JSON and tables are looked into: what is of no format that is known is left out, and so are
    text files and what is hidden. A folder that may not be opened stands for what is in it.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp())
    >>> for name in ("b.edf", "a.hea", "a.dat", "notes.txt"):
    ...     (place / name).touch()
    >>> [p.name for p in find_recordings(place)]
    ['a.hea', 'b.edf']
    """
    if is_store(folder):
        yield Path(folder)
        return
    suffixes = {s for row in FORMATS if row.reader for s in row.suffixes} - _NEVER
    yield from _within(os.fspath(folder), suffixes)


def _within(folder: str, suffixes: set[str]) -> Iterator[Path]:
    try:
        with os.scandir(folder) as held:
            entries = sorted(held, key=lambda entry: entry.name)
    except PermissionError:
        yield Path(folder)  # whoever reads it says why it cannot be
        return
    except OSError:
        return
    names = {entry.name for entry in entries}
    deeper = []
    for entry in entries:
        stem, suffix = os.path.splitext(entry.name)  # noqa: PTH122 - a million times
        suffix = suffix.lower()
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if suffix in _STORES and suffix in suffixes:
                yield Path(entry.path)
            else:
                deeper.append(entry.path)
        elif (
            suffix in suffixes
            and entry.is_file()
            and not (suffix in _PERHAPS_A_PART and f"{stem}.hea" in names)
            and (suffix not in _SHARED or _may_be_one(entry.path))
        ):
            yield Path(entry.path)
    for path in deeper:
        yield from _within(path, suffixes)


def _may_be_one(path: str) -> bool:
    """Tell whether a file is of a known format, or empty or closed, of which its reader tells."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a million times
            head = file.read(HEAD_BYTES)
    except OSError:
        return True
    return not head or sniff(head) is not None
