# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: PTH101, PTH105, PTH108, PTH113, PTH119, PTH120
"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping

from precordia.core.errors import OutputError


def replace_files(contents: Mapping[str, bytes], *, overwrite: bool) -> None:
    """Write files whole or not at all: beside their names first, then renamed in the given order.

    Parameters
    ----------
    contents
        Bytes by path; the last should be the one that makes the others meaningful.
    overwrite
        Replace files that are there.

    Raises
    ------
    OutputError
        If a file exists, or the folder cannot be written.

    Examples
    --------
    >>> folder = tempfile.mkdtemp()
    >>> replace_files({os.path.join(folder, "a.txt"): b"text"}, overwrite=False)
    >>> os.listdir(folder)
    ['a.txt']
    """
    for path in contents:
        if os.path.lexists(path) and (not overwrite or not os.path.isfile(path)):
            raise OutputError(
                f"'{os.path.basename(path)}' exists already. Choose another name, or replace it "
                "with overwrite=True."
            )
    ready: dict[str, str] = {}
    try:
        for path, content in contents.items():
            handle, temporary = tempfile.mkstemp(
                prefix=".", suffix=".part", dir=os.path.dirname(path) or "."
            )
            ready[path] = temporary
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(temporary, 0o666 & ~mask)  # mkstemp makes files that only the owner reads
        for path in contents:
            os.replace(ready[path], path)
            del ready[path]
    except OSError as error:
        raise OutputError(
            f"the record cannot be written ({error.strerror}). Check that the folder exists, may "
            "be written and has room."
        ) from error
    finally:
        for temporary in ready.values():
            with contextlib.suppress(OSError):
                os.unlink(temporary)
