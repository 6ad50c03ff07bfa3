# SPDX-License-Identifier: Apache-2.0
"""Answered questions whose recordings are at hand, for episodes."""

from __future__ import annotations

import ast
import csv
import gzip
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.core.errors import FormatError, MissingFileError, PrecordiaError
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.datasets.ecg_qa_rows import QuestionRow, read_label_rows, read_question_rows
from precordia.embedding.encode import encode_many
from precordia.io.read import read
from precordia.language.episodes import EpisodeRow, Kind, answer_text

#: PTB-XL's diagnostic superclasses, in words
_SUPERCLASSES = {
    "MI": "myocardial infarction",
    "STTC": "st/t change",
    "CD": "conduction disturbance",
    "HYP": "hypertrophy",
}
#: recordings that must have a statement, and that must not, for it to be asked about
_FEWEST = 20
#: column of PTB-XL's table of statements, template, and what is asked
_OPEN = {
    "diagnostic": (8, "What diagnosis does this ECG support?"),
    "rhythm": (10, "What rhythm does this ECG show?"),
    "form": (11, "What abnormal form does this ECG show?"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """Recordings that questions may be about.

    Attributes
    ----------
    numbers
        Number of each in PTB-XL.
    patients
        Whose each is.
    vectors
        Vector of each, standardised over all of them.
    """

    numbers: tuple[int, ...]
    patients: tuple[str, ...]
    vectors: Float[np.ndarray, "recording dim"]


def embed_at_hand(data: Path, *, model: str) -> AtHand:
    """Embed PTB-XL's recordings below a folder.

    Parameters
    ----------
    data
        Holds ``ptbxl/`` and perhaps ``ptbxl_norm/``, a sample of it without millivolts.
    model
        The encoder.

    Raises
    ------
    MissingFileError
        If there is no recording.
    """
    patients = _patients(data)
    numbers: list[int] = []
    vectors: list[np.ndarray] = []
    waiting: list[int] = []

    def records() -> Iterator[tuple[Record, None]]:
        for number, record in _records(data):
            if number in patients:
                waiting.append(number)
                yield record, None

    for k, made in enumerate(encode_many(records(), model=model)):
        if not isinstance(made, PrecordiaError):
            numbers.append(waiting[k])
            vectors.append(made.embedding.mean(axis=0))
    if not numbers:
        raise MissingFileError(
            f"'{data}' holds no recording of PTB-XL; 'ptbxl/' as PhysioNet publishes it is needed."
        )
    held = np.array(vectors, float)
    spread = held.std(axis=0)
    return AtHand(
        numbers=tuple(numbers),
        patients=tuple(patients[n] for n in numbers),
        vectors=(held - held.mean(axis=0)) / np.where(spread > 0, spread, 1.0),
    )


def _records(data: Path) -> Iterator[tuple[int, Record]]:
    seen = set()
    for path in sorted((data / "ptbxl").rglob("*_lr.hea")):
        number = int(path.stem.split("_")[0])
        try:
            yield number, read(path)
        except PrecordiaError:
            continue
        seen.add(number)
    sample = data / "ptbxl_norm" / "ptbxl_norm_100hz_int16.npz"
    if sample.is_file():
        with np.load(sample, allow_pickle=False) as held:
            for number, signal in zip(held["ecg_id"].tolist(), held["x"], strict=True):
                if number not in seen:
                    wave = np.ascontiguousarray(signal.T, np.float32) / 1000
                    yield number, Record(signal=wave, fs=100.0, leads=STANDARD_12)


def _patients(data: Path) -> dict[int, str]:
    """Return whose each recording is, from every table that says it."""
    known: dict[int, str] = {}
    tables = [*sorted(data.glob("ptbxl*/**/ptbxl_database.csv*"))]
    tables += sorted(data.glob("ptbxl_norm/ptbxl_labels_all*.csv*"))
    for number, row in read_label_rows(tables).items():
        known[number] = str(int(float(row["patient_id"])))
    return known


def published_rows(data: Path, held: AtHand) -> list[EpisodeRow]:
    """Return the rows of ECG-QA whose recordings are all at hand.

    Parameters
    ----------
    data
        Holds ``ecg-qa/`` and perhaps more shards in ``text/``.
    held
        The recordings.
    """
    found: list[QuestionRow] = []
    for folder in ("ecg-qa", "text"):
        try:
            found += read_question_rows(data / folder)
        except MissingFileError:
            if folder == "ecg-qa":
                raise
    place = {number: k for k, number in enumerate(held.numbers)}
    unique = {(row.question, row.ecg_ids): row for row in found}
    rows = []
    for row in unique.values():
        if not all(number in place for number in row.ecg_ids):
            continue
        scope, _, kind = row.kind.partition("-")
        made = _row(
            row.template,
            kind,  # type: ignore[arg-type]
            row.question if scope == "single" else "",
            row.question,
            row.answers,
            [place[number] for number in row.ecg_ids],
            held,
        )
        rows += [made] if made else []
    return rows


def rows_from_statements(
    statements: Mapping[int, Sequence[str]], table: Path, held: AtHand
) -> list[EpisodeRow]:
    """Ask of each recording at hand what PTB-XL's statements answer.

    Parameters
    ----------
    statements
        Codes of each recording, by its number.
    table
        ``scp_statements.csv`` of PTB-XL.
    held
        The recordings.

    Returns
    -------
    Questions in words of our own, under the numbers of the templates that ask alike: whether a
    statement is present (1), which of two superclasses (3), which diagnoses (8), rhythm (10) and
    form (11).

    Raises
    ------
    FormatError
        If the table lacks a column.

    Notes
    -----
    Only statements that at least 20 recordings have, and 20 have not, are asked about one by one. A
    statement is present where it is listed, whatever its likelihood. "Which" is answered with all
    statements of the kind; recordings with more than two are not asked.
    """
    try:
        with table.open(encoding="utf-8", newline="") as file:
            known = {row[""]: row for row in csv.DictReader(file)}
        names = {code: row["description"].strip().lower() for code, row in known.items()}
        above = {code: row["diagnostic_class"] for code, row in known.items()}
        of_kind = {kind: {c for c, row in known.items() if row[kind]} for kind in _OPEN}
    except (OSError, KeyError, ValueError) as error:
        raise FormatError(f"'{table}' is no table of PTB-XL's statements ({error}).") from error
    often = Counter(c for number in held.numbers for c in set(statements.get(number, ())))
    asked = sorted(c for c in names if _FEWEST <= often[c] <= len(held.numbers) - _FEWEST)
    rows: list[EpisodeRow | None] = []
    for k, number in enumerate(held.numbers):
        codes = [c for c in statements.get(number, ()) if c in names]
        if not codes:
            continue
        for code in asked:
            said = ["yes" if code in codes else "no"]
            question = f"Does this ECG show {names[code]}?"
            rows.append(_row(1, "verify", code, question, said, [k], held))
        present = {above[c] for c in codes}
        for a, b in combinations(_SUPERCLASSES, 2):
            said = [_SUPERCLASSES[s] for s in (a, b) if s in present]
            question = f"Which does this ECG show, {_SUPERCLASSES[a]} or {_SUPERCLASSES[b]}?"
            rows.append(_row(3, "choose", f"{a}, {b}", question, said, [k], held))
        for kind, (template, question) in _OPEN.items():
            said = [names[c] for c in codes if c in of_kind[kind]]
            if 1 <= len(said) <= 2:
                rows.append(_row(template, "query", kind, question, said, [k], held))
    return [row for row in rows if row is not None]


def _row(
    template: int,
    kind: Kind,
    asked: str,
    question: str,
    answers: Sequence[str],
    recordings: Sequence[int],
    held: AtHand,
) -> EpisodeRow | None:
    answer = answer_text(kind, answers)
    if answer is None:
        return None
    return EpisodeRow(
        template=template,
        kind=kind,
        asked=asked,
        question=question,
        answer=answer,
        recordings=tuple(recordings),
        patients=tuple(held.patients[k] for k in recordings),
    )


def statements_at_hand(data: Path) -> dict[int, tuple[str, ...]]:
    """Return the statements of each recording, from PTB-XL's tables below a folder.

    Raises
    ------
    MissingFileError
        If there is none.
    FormatError
        If one is no table of PTB-XL.
    """
    found: dict[int, tuple[str, ...]] = {}
    for path in sorted(data.glob("ptbxl_norm/**/ptbxl_all_*.csv.gz")):
        found |= _one_hot(path)
    tables = sorted(data.glob("ptbxl*/**/ptbxl_database.csv*"))
    for number, row in read_label_rows(tables).items():
        try:
            found[number] = tuple(ast.literal_eval(row["scp_codes"] or "{}"))
        except (KeyError, ValueError, SyntaxError) as error:
            raise FormatError(f"row {number} of PTB-XL's table is damaged ({error}).") from error
    if not found:
        raise MissingFileError(f"'{data}' holds no 'ptbxl/ptbxl_database.csv', which is needed.")
    return found


def _one_hot(path: Path) -> dict[int, tuple[str, ...]]:
    """Return the statements of a table with a column for each; names are HR and the number."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return {
            int(row["filename"][2:7]): tuple(_present(row.items())) for row in csv.DictReader(file)
        }


def _present(columns: Iterable[tuple[str, str]]) -> Iterator[str]:
    for code, value in columns:
        if code not in ("filename", "age", "sex", "strat_fold") and float(value or 0) > 0:
            yield code
