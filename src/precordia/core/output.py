# SPDX-License-Identifier: Apache-2.0
"""Outputs are written whole or not at all, and nothing is overwritten without being asked."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
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


def write_whole(
    contents: Mapping[str | os.PathLike[str], bytes], *, overwrite: bool = False
) -> None:
    """Write files that belong together, each whole or not at all.

    Parameters
    ----------
    contents
        Bytes by path. All are written beside their names first and take them in the given order,
        so the last should be the one that makes the others meaningful.
    overwrite
        Replace files that are already there.

    Raises
    ------
    OutputError
        If a file exists, its folder does not, or the disk refuses; none is changed then.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_whole({folder / "a.dat": b"12", folder / "a.hea": b"a"})
    >>> sorted(p.name for p in folder.iterdir())
    ['a.dat', 'a.hea']
    """
    with contextlib.ExitStack() as stack:  # it closes in reverse, which renames in order
        for path, content in reversed(list(contents.items())):
            stack.enter_context(whole_file(path, overwrite=overwrite)).write_bytes(content)


def write_text_whole(text: str, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a text file (UTF-8) whole or not at all.

    Raises
    ------
    OutputError
        If the file exists, its folder does not, or the disk refuses.
    """
    write_whole({path: text.encode()}, overwrite=overwrite)
    return Path(path)
