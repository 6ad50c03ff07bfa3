# SPDX-License-Identifier: Apache-2.0
"""Outputs are written whole or not at all, and nothing is overwritten without being asked."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from precordia.core.errors import OutputError


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary path beside ``path``; it takes the name when the block ends well.

    Parameters
    ----------
    path
        Where the file should be.
    overwrite
        Replace a file that is already there.

    Yields
    ------
    Where to write. The file vanishes if the block raises.

    Raises
    ------
    OutputError
        If the file exists, its folder does not, or the disk refuses.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "a.txt") as part:
    ...         _ = part.write_text("done")
    ...     (Path(folder) / "a.txt").read_text()
    'done'
    """
    target = Path(path)
    if target.is_dir():
        raise OutputError(f"'{target}' is a folder; a file name is needed.")
    if target.exists() and not overwrite:
        raise OutputError(
            f"'{target}' exists and was left as it is. "
            "Choose another name, or allow overwriting (overwrite=True, --force)."
        )
    part = None
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.stem[:40]}-", suffix=target.suffix, dir=target.parent or "."
        )
        os.close(handle)
        part = Path(name)
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)
        yield part
        part.replace(target)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        reason = error.strerror or str(error)
        raise OutputError(
            f"'{target}' could not be written ({reason}). "
            "Check that its folder exists, is writable and has space."
        ) from error
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def write_text_whole(text: str, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a text file (UTF-8) whole or not at all.

    Raises
    ------
    OutputError
        If the file exists, its folder does not, or the disk refuses.
    """
    with whole_file(path, overwrite=overwrite) as part:
        part.write_text(text, encoding="utf-8")
    return Path(path)
