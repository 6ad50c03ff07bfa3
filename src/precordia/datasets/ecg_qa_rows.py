# SPDX-License-Identifier: Apache-2.0
"""Rows of ECG-QA, from the files that the authors publish."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from precordia.core.errors import FormatError, MissingFileError


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """One question about one or two recordings, and its published answer."""

    template: int
    kind: str
    attribute: str
    question: str
    answers: tuple[str, ...]
    ecg_ids: tuple[int, ...]
    split: str


def read_question_rows(folder: Path, *, wording: str = "template") -> list[QuestionRow]:
    """Read every row of ECG-QA below a folder.

    Parameters
    ----------
    folder
        Holds ``ecgqa/ptbxl/template/train/*.json`` (or ``.json.gz``) and so on.
    wording
        ``"template"`` or ``"paraphrased"``.

    Returns
    -------
    The rows; each once.

    Raises
    ------
    MissingFileError
        If there is none.
    FormatError
        If a file holds something else.
    """
    paths = sorted(p for p in folder.rglob("*.json*") if _is_shard(p, wording))
    if not paths:
        raise MissingFileError(
            f"no rows of ECG-QA ({wording}) were found in '{folder}'. "
            "Name the folder that holds 'ecgqa', as its authors publish it."
        )
    rows: dict[tuple[object, ...], QuestionRow] = {}
    for path in paths:
        for row in _read(path):
            try:
                made = QuestionRow(
                    int(row["template_id"]),
                    str(row["question_type"]),
                    str(row["attribute_type"]),
                    str(row["question"]),
                    tuple(row["answer"]),
                    tuple(int(e) for e in row["ecg_id"]),
                    _split(path),
                )
            except (KeyError, TypeError, ValueError) as error:
                raise FormatError(
                    f"'{path}' holds a row without {error}; rows of ECG-QA are needed."
                ) from error
            rows[(made.question, made.ecg_ids)] = made
    return list(rows.values())


def _is_shard(path: Path, wording: str) -> bool:
    in_folder = path.parent.parent.name == wording and path.name[0].isdigit()
    return in_folder or (wording == "template" and path.name.startswith("template_"))


def _split(path: Path) -> str:
    told = f"{path.parent.name} {path.name}"
    return next((s for s in ("train", "valid", "test") if s in told), "")


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(_text(path))
    except (ValueError, OSError) as error:
        raise FormatError(f"'{path}' is no file of ECG-QA: {error}.") from error
    if not isinstance(rows, list):
        raise FormatError(f"'{path}' holds no list of rows; ECG-QA is needed.")
    return rows


def _text(path: Path) -> str:
    held = path.read_bytes()
    return (gzip.decompress(held) if path.suffix == ".gz" else held).decode("utf-8")


def read_label_rows(paths: Iterable[Path]) -> dict[int, dict[str, str]]:
    """Return the rows of PTB-XL's table by the id of the recording, of one or several files."""
    rows: dict[int, dict[str, str]] = {}
    for path in paths:
        for row in csv.DictReader(io.StringIO(_text(path), newline="")):
            rows.setdefault(int(row["ecg_id"]), row)
    return rows
