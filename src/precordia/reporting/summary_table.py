# SPDX-License-Identifier: Apache-2.0
"""The summary of many studies: one line for each file, in a CSV table."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from precordia.core.errors import OutputError
from precordia.core.study import Study

TABLE = "summary.csv"
_NUMBERS = ("heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_fridericia_ms", "qrs_axis_deg")
COLUMNS = (
    *("file", "status", "acceptable", *_NUMBERS),
    *("findings", "disagreements", "problem", "folder"),
)


def study_row(
    path: str | os.PathLike[str], folder: Path, study: Study, *, status: str = "done"
) -> dict[str, Any]:
    """Return the line of a study.

    Parameters
    ----------
    path, folder
        The recording, and where its study is.
    study
        What was found.
    status
        ``"done"``, or ``"skipped"`` where it was there already.
    """
    row: dict[str, Any] = {"file": os.fspath(path), "status": status, "folder": folder.name}
    row["acceptable"] = study.quality.acceptable
    for name in _NUMBERS:
        value = getattr(study.measurements, name)
        row[name] = round(value, 1) if math.isfinite(value) else ""
    row["findings"] = "; ".join(f.code for f in study.findings.present)
    row["disagreements"] = "; ".join(f.code for f in study.findings.disagreements)
    return row


def table_csv(rows: Iterable[dict[str, Any]]) -> str:
    """Return lines as CSV text; what a line lacks is empty.

    Examples
    --------
    >>> table_csv([{"file": "a.hea", "status": "failed"}]).splitlines()[1]
    'a.hea,failed,,,,,,,,,,,'
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def earlier_rows(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of the summary that earlier runs left in a folder; none if there is none.

    Parameters
    ----------
    folder
        Where the studies are, or shall be.

    Returns
    -------
    A dict for each line.

    Raises
    ------
    OutputError
        If a file of that name is there that is no such summary, or the folder is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(
            f"'{folder}' is a file; a folder for the studies is needed. Choose another name."
        )
    table = folder / TABLE
    if not table.exists():
        return []
    with table.open(encoding="utf-8", errors="replace", newline="") as lines:
        reader = csv.DictReader(lines)
        if not {"file", "status"} <= set(reader.fieldnames or ()):
            raise OutputError(
                f"'{table}' is no summary of an earlier run and would be lost. Move it, or choose "
                "another folder."
            )
        return list(reader)
