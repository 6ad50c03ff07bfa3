# SPDX-License-Identifier: Apache-2.0
"""Which original became which copy, for those who may know; row by row, so that a run can go on."""

from __future__ import annotations

import csv
import os
from io import StringIO
from pathlib import Path

from precordia.core.errors import OutputError

_HEAD = "original,copy,pseudonym\n"


class Mapping:
    """A table with a row for every copy, readable by its owner only.

    Parameters
    ----------
    path
        Where; a mapping that an earlier run left there is continued.
    overwrite
        Replace what is there.

    Raises
    ------
    OutputError
        If another file is there, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp(), "m.csv")
    >>> for original in ("a.edf", "b.edf"):
    ...     Mapping(place).add(original, "c.edf", "P-1")
    >>> place.read_text().split()
    ['original,copy,pseudonym', 'a.edf,c.edf,P-1', 'b.edf,c.edf,P-1']
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path = path
        mode = os.O_RDWR | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if overwrite else 0)
        try:
            handle = os.open(path, mode, 0o600)
            with os.fdopen(handle, "r+b", buffering=0) as file:
                held = file.read()
                if not held:
                    file.write(_HEAD.encode())
        except OSError as error:
            raise self._unwritable(error) from error
        if held and not held.startswith(_HEAD.encode()):
            raise OutputError(
                f"'{path}' exists, is no mapping and was left as it is. Choose another name, or "
                "allow overwriting (overwrite=True, --force)."
            )
        path.chmod(0o600)

    def add(self, original: str, copy: str, pseudonym: str) -> None:
        """Append a row."""
        line = StringIO()
        csv.writer(line, lineterminator="\n").writerow([original, copy, pseudonym])
        try:
            with self.path.open("ab") as file:
                file.write(line.getvalue().encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(
            f"'{self.path}' could not be written ({error.strerror}). Check that its folder exists, "
            "is writable and has space."
        )
