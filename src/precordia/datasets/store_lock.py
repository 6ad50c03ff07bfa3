# SPDX-License-Identifier: Apache-2.0
"""One writer at a time: a lock on a store that ends with the process that holds it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from precordia.core.errors import OutputError

LOCK = ".store.lock"


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold a store for writing.

    Raises
    ------
    OutputError
        If another process writes into it.

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
    with (folder / LOCK).open("a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputError(
                f"another process is writing into '{folder}'. Wait until it is done."
            ) from error
        yield
