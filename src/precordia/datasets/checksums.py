# SPDX-License-Identifier: Apache-2.0
"""Lists of checksums: what a publisher says that its files hold."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath

from precordia.core.errors import FormatError

#: name of PhysioNet's list, at the root of each of its databases
LIST_NAME = "SHA256SUMS.txt"
_LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(\S.*)")
_MOST_BYTES = 512 << 20
_CHUNK = 1 << 20


def safe_parts(name: str) -> tuple[str, ...]:
    """Return the folders and the file of a relative path that stays below where it begins.

    Raises
    ------
    FormatError
        If the path is absolute, goes up, or holds what no published file name has.

    Examples
    --------
    >>> safe_parts("records100/00000/00001_lr.dat")
    ('records100', '00000', '00001_lr.dat')
    >>> safe_parts("../../etc/passwd")
    Traceback (most recent call last):
    precordia.core.errors.FormatError: the list of files names '../../etc/passwd', which leads ...
    """
    parts = PurePosixPath(name).parts
    foul = any(part in ("..", "/", "") or ":" in part or "\\" in part for part in parts)
    if not parts or foul or not name.isprintable():
        raise FormatError(
            f"the list of files names '{name[:80]}', which leads out of the folder or is no name "
            "of a file. Nothing was written; the list is not to be trusted."
        )
    return parts


def parse_checksums(text: str) -> dict[str, str]:
    r"""Return the SHA-256 of each file of a list in the form of ``sha256sum``.

    Raises
    ------
    FormatError
        If a line is none of such a list, or a path leads out of the folder.

    Examples
    --------
    >>> parse_checksums("a" * 64 + "  records/1.dat\n")["records/1.dat"][:4]
    'aaaa'
    """
    listed = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        found = _LINE.fullmatch(line.rstrip())
        if found is None:
            raise FormatError(
                f"the list of checksums has the line '{line[:60]}'; 64 hexadecimal digits and a "
                "path are needed. Fetch the list again."
            )
        listed["/".join(safe_parts(found[2]))] = found[1].lower()
    return listed


def read_checksums(path: Path) -> dict[str, str]:
    """Read a list of checksums from a file."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FormatError(f"'{path.name}' is too large for a list of checksums.")
        return parse_checksums(path.read_text("utf-8", errors="replace"))
    except OSError as error:
        raise FormatError(f"'{path.name}' cannot be read ({error.strerror}).") from error


def digest_of(path: Path, algorithm: str = "sha256") -> str:
    """Return the digest of a file in hexadecimal digits."""
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()
