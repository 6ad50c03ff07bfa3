# SPDX-License-Identifier: Apache-2.0
"""One writer at a time: a lock on a folder that ends with the process that holds it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from precordia.core.errors import OutputError

LOCK = ".store.lock"


@contextlib.contextmanager
def writing(folder: Path, *, name: str = LOCK, stays: bool = True) -> Iterator[None]:
    """Hold a folder for writing, such as a store.

    Parameters
    ----------
    folder
        Which; it is there already.
    name
        Hidden, empty file in it that carries the lock.
    stays
        Whether that file is still there afterwards.

    Raises
    ------
    OutputError
        If another process writes into it, or nobody may.

    Notes
    -----
    The lock is the operating system's (POSIX ``fcntl``): it ends with the process, however that
    ends, and the processes that it started do not hold it. It therefore does not part threads of
    one process. Where the system has no such locks nothing is checked.
    """
    try:
        import fcntl
    except ModuleNotFoundError:
        yield
        return
    try:
        file = (folder / name).open("a")
    except OSError as error:
        raise OutputError(
            f"nothing can be written into '{folder}' ({error.strerror}). Choose another folder, or "
            "make this one writable."
        ) from error
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputError(
                f"another process is writing into '{folder}'. Wait until it is done."
            ) from error
        try:
            yield
        finally:
            if not stays:
                (folder / name).unlink(missing_ok=True)
