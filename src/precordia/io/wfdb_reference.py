# SPDX-License-Identifier: Apache-2.0
"""Labels that the 2017 challenge of PhysioNet keeps in a table beside its records."""

from __future__ import annotations

import os
import re

from precordia.core.statements import Statement

_RECORD = re.compile(r"A\d{5}\.hea")
#: the validation set has its own table; the training set's is often copied beside it
_TABLES = ("REFERENCE.csv", "REFERENCE-train.csv")
_LARGEST_TABLE = 1 << 20
_NAMES = {
    "N": "normal sinus rhythm", "A": "atrial fibrillation", "O": "other rhythm",
    "~": "too noisy to classify",
}  # fmt: skip


def reference_statements(folder: str, header: str) -> tuple[Statement, ...]:
    """Return the label of a record of the 2017 challenge.

    Parameters
    ----------
    folder, header
        Where the record is, and the name of its header.

    Returns
    -------
    One statement of the scheme ``"cinc2017"``; none for records of other names, and where no table
    beside the record has it.

    References
    ----------
    Clifford GD et al. AF classification from a short single lead ECG recording. Computing in
    Cardiology 2017. doi:10.22489/CinC.2017.065-469

    Examples
    --------
    >>> reference_statements("nowhere", "A00001.hea")
    ()
    """
    if _RECORD.fullmatch(header) is None:
        return ()
    row = re.compile(rb"^" + header[:-4].encode() + rb",\s*([NAO~])\s*$", re.MULTILINE)
    for table in _TABLES:
        try:
            with open(os.path.join(folder, table), "rb") as file:  # noqa: PTH118, PTH123
                found = row.search(file.read(_LARGEST_TABLE))
        except OSError:
            continue
        if found is not None:
            code = found[1].decode("ascii")
            return (Statement(code=code, scheme="cinc2017", name=_NAMES[code]),)
    return ()
