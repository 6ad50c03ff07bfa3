# SPDX-License-Identifier: Apache-2.0
"""PhysioNet/CinC Challenge 2011: is a 12-lead recording of a telephone acceptable."""

from __future__ import annotations

from pathlib import Path

from precordia.core.errors import FormatError
from precordia.datasets.found import Found, counted
from precordia.datasets.item import Item
from precordia.datasets.label_table import below, find_files, read_table

CLASSES = ("acceptable", "unacceptable")


def find_cinc2011(folder: Path, *, task: str) -> Found:
    """Find the labelled records of set-a.

    Parameters
    ----------
    folder
        Holds the records, and either the published lists ``RECORDS-acceptable`` and
        ``RECORDS-unacceptable`` or a table ``labels.csv`` of the columns record and quality.
    task
        quality.

    Returns
    -------
    What was found. Two records of set-a are indeterminate and have no label.
    """
    headers = {path.stem: path for path in find_files(folder, r"\d{7}\.hea")}
    quality = _verdicts(folder)
    found = Found(items=[], classes=CLASSES)
    for name, verdict in quality.items():
        path = headers.get(name) or below(folder, f"{name}.hea")
        labels = (verdict,) if verdict in CLASSES else ()
        found.items.append(Item(name=name, path=path, labels=labels))
    found.unlabelled = sorted(set(headers) - set(quality))
    return found


def _verdicts(folder: Path) -> dict[str, str]:
    if (folder / "labels.csv").is_file():
        rows = read_table(folder / "labels.csv", ("record", "quality"))
        return {row["record"]: row["quality"] for row in rows}
    lists = {v: folder / f"RECORDS-{v}" for v in CLASSES}
    lists = {v: p if p.is_file() else folder / "set-a" / p.name for v, p in lists.items()}
    missing = [path.name for path in lists.values() if not path.is_file()]
    if missing:
        raise FormatError(
            f"'{folder}' lacks {' and '.join(missing)}; {counted(len(missing), 'list')} of the "
            "challenge that the labels are in. Copy them from PhysioNet beside the records."
        )
    verdicts = {}
    for verdict, path in lists.items():
        for name in path.read_text("utf-8", errors="replace").split():
            if verdicts.setdefault(name, verdict) != verdict:
                raise FormatError(
                    f"record {name[:40]} is in the lists of acceptable and of unacceptable records."
                    " Copy the lists again from PhysioNet."
                )
    return verdicts
