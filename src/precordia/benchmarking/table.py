# SPDX-License-Identifier: Apache-2.0
"""Scores as a table in a file: one row a number, with all that is needed to repeat it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from pathlib import Path

from precordia.benchmarking.recordings import VERSIONS
from precordia.core.output import write_text_whole
from precordia.core.scores import Scores

COLUMNS = (
    *("task", "database", "database_version", "method", "weights_hash", "subject", "metric"),
    *("value", "low", "high", "unit", "n_records", "n_patients", "seed", "note"),
    *("version", "commit", "hardware", "minutes", "date"),
)


def rows_of(scores: Scores, *, commit: str = "") -> list[dict[str, str]]:
    """Return a row of text for each score.

    Parameters
    ----------
    scores
        From `benchmark`.
    commit
        Of the source tree that was measured.

    Examples
    --------
    >>> from precordia.core.scores import Score
    >>> row = Score(task="rpeaks", database="mitdb", method="network", subject="150 ms",
    ...             metric="JF", value=0.967)
    >>> rows_of(Scores(task="rpeaks", scores=(row,)))[0]["value"]
    '0.967'
    """
    given = scores.source.parameters
    hashes = given.get("weights") or {}
    return [
        {
            "task": score.task,
            "database": score.database,
            "database_version": VERSIONS.get(score.database, ""),
            "method": score.method,
            "weights_hash": hashes.get(score.method.split(",")[0], ""),
            "subject": score.subject,
            "metric": score.metric,
            "value": _text(score.value),
            "low": _text(score.low),
            "high": _text(score.high),
            "unit": score.unit,
            "n_records": str(score.n_records or ""),
            "n_patients": str(score.n_patients or ""),
            "seed": str(given.get("seed", "")),
            "note": score.note,
            "version": scores.source.version,
            "commit": commit,
            "hardware": scores.hardware,
            "minutes": _text(scores.seconds / 60),
            "date": scores.date,
        }
        for score in scores
    ]


def _text(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""


def write_table(rows: Iterable[dict[str, str]], path: str | Path) -> Path:
    """Write rows as CSV, replacing a file that is there.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return write_text_whole(text.getvalue(), path, overwrite=True)


def read_table(path: str | Path) -> list[dict[str, str]]:
    """Read what `write_table` wrote.

    Examples
    --------
    >>> import tempfile
    >>> rows = [dict.fromkeys(COLUMNS, "1")]
    >>> read_table(write_table(rows, Path(tempfile.mkdtemp(), "a.csv"))) == rows
    True
    """
    with Path(path).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
