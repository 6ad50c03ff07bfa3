# SPDX-License-Identifier: Apache-2.0
"""The rows made so far, on disk: an interrupted catalogue goes on where it stopped."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from precordia.cataloguing.row import CatalogueRow
from precordia.core.errors import FormatError, OutputError

_VERSION = 1


class Journal:
    """A file of lines: one for the run, then one a row; each is written whole and flushed.

    Parameters
    ----------
    path
        Where; made readable for its owner only, for it holds the key of the pseudonyms.
    run
        What must be equal for two runs to be the same: folder and options.
    key
        Secret of the pseudonyms of a new journal; that of an interrupted run is kept.

    Raises
    ------
    FormatError
        If a journal of another run is there.
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: Path, *, run: dict[str, Any], key: bytes) -> None:
        self.path = path
        head = {"catalogue": _VERSION, **run}
        try:
            new = not path.exists() or path.stat().st_size == 0
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise OutputError(
                f"'{path}' cannot be written ({error.strerror}). Choose another place for the "
                "catalogue."
            ) from error
        self._file = os.fdopen(handle, "r+b")
        self.key = key
        if new:
            self._append({**head, "key": key.hex()})
        else:
            self.key = self._check(head)
            self._cut_torn_line()

    def _check(self, head: dict[str, Any]) -> bytes:
        try:
            held = json.loads(self._file.readline(1 << 20))
            key = bytes.fromhex(held.pop("key"))
        except (ValueError, KeyError, AttributeError, TypeError):
            held, key = None, b""
        if held != head:
            raise FormatError(
                f"'{self.path.name}' was left by a run over another folder, with other options or "
                "of another version. Finish that run, name another catalogue, or start anew with "
                "overwrite=True."
            )
        return key

    def _cut_torn_line(self) -> None:
        """Remove a last line that a crash left unfinished."""
        end = self._file.seek(0, os.SEEK_END)
        start = max(0, end - (1 << 20))
        self._file.seek(start)
        tail = self._file.read()
        self._file.truncate(start + tail.rfind(b"\n") + 1)
        self._file.seek(0, os.SEEK_END)

    def _append(self, line: dict[str, Any]) -> None:
        text = json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        try:
            self._file.write(text.encode("utf-8", "replace") + b"\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(
                f"'{self.path}' cannot be written ({error.strerror}). Make room on the disk and "
                "run the same command again: it goes on where it stopped."
            ) from error

    def add(self, row: CatalogueRow) -> None:
        """Append a row."""
        self._append(row.to_dict())

    def rows(self) -> Iterator[CatalogueRow]:
        """Yield the rows that are there; a line that was damaged is none, and is made again."""
        with self.path.open("rb") as file:
            next(file, None)
            for line in file:
                try:
                    yield CatalogueRow.from_json(line)
                except FormatError:
                    continue

    def done(self) -> set[int]:
        """Return short digests of the names of the files that have a row."""
        return {digest(row.file) for row in self.rows()}

    def close(self) -> None:
        """Close the file and leave it there."""
        with contextlib.suppress(OSError):  # of a full disk, which was told already
            self._file.close()

    def remove(self) -> None:
        """Close and delete the file: the catalogue is written."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def digest(name: str) -> int:
    """Return 64 bits that stand for a file name; a set of them is small."""
    import hashlib

    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
