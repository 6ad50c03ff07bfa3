# SPDX-License-Identifier: Apache-2.0
"""ECG-QA: how many published answers are given back, from labels and from recordings."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from precordia import __version__
from precordia.benchmarking.benchmark import describe_machine
from precordia.benchmarking.ecg_qa_intervals import intervals_as_labelled
from precordia.benchmarking.ecg_qa_labels import facts_of_labels
from precordia.benchmarking.ecg_qa_numbers import score_numbers
from precordia.benchmarking.ecg_qa_recordings import (
    normalised_recordings,
    patients_and_folds,
    recordings_at_hand,
)
from precordia.benchmarking.ecg_qa_scores import TASK, Given, Prior, score_answers
from precordia.benchmarking.recordings import data_folder
from precordia.classification.classify import classify
from precordia.core.record import Record
from precordia.core.scores import Score, Scores
from precordia.core.source import Source
from precordia.core.study import Study
from precordia.datasets.ecg_qa_rows import QuestionRow, read_label_rows, read_question_rows
from precordia.delineation.delineate import delineate
from precordia.io.read import read
from precordia.measurement.measure import measure
from precordia.quality.assess import assess
from precordia.questions.evaluate import evaluate
from precordia.questions.facts import Facts
from precordia.questions.parse import parse_question
from precordia.questions.query import Query
from precordia.questions.study_facts import facts_of_study
from precordia.questions.templates import template_of

#: templates whose answer follows from columns of PTB-XL's table
_FROM_COLUMNS = (*range(1, 17), *range(23, 39), *range(43, 50), *range(57, 64))
#: folds of PTB-XL that the models in the box learned from
_LEARNED_FROM = {str(fold) for fold in range(1, 9)}
Watch = Callable[[Sequence[Any], str], Iterable[Any]]


def benchmark_ecg_qa(
    data: Path | str | None = None,
    *,
    wording: str = "template",
    recordings: bool = True,
    limit: int | None = None,
    watch: Watch = lambda items, words: items,
) -> Scores:
    """Score answers to the questions of ECG-QA at hand.

    Parameters
    ----------
    data
        Folder that holds ``ecg-qa/``, ``ptbxl/`` and, where they are, ``cinc2021/``, whose
        recordings of PTB-XL are used, and ``ptbxl_norm/``.
    wording
        ``"template"`` or ``"paraphrased"``.
    recordings
        Whether recordings are examined too; otherwise labels alone are used.
    limit
        Examine at most so many recordings.
    watch
        Shows progress.

    Returns
    -------
    Exact match by template: from labels, from recordings with the model in the box and with rules
    alone, and from the question alone; coverage; the difference to the question alone, paired over
    patients; and what published faulty scorers say of the same answers.

    Notes
    -----
    An abstention counts as wrong. The question alone answers with the commonest answer to the same
    words among the rows of other recordings. Intervals are measured as the authors of ECG-QA did
    (`intervals_as_labelled`), of normalised recordings too, and their limits are learned on other
    patients (`score_numbers`).

    References
    ----------
    Oh J et al. ECG-QA. NeurIPS 2023. doi:10.48550/arXiv.2306.15681
    """
    started = time.monotonic()
    folder = data_folder(data, "ecg-qa").parent
    rows = read_question_rows(folder / "ecg-qa", wording=wording)
    if wording == "template" and (folder / "text").is_dir():
        known = {(r.question, r.ecg_ids) for r in rows}
        more = [r for r in _further(folder / "text") if (r.question, r.ecg_ids) not in known]
        rows += more
    tables = [folder / "ptbxl" / "ptbxl_database.csv"]
    tables += sorted((folder / "ptbxl_norm").rglob("ptbxl_database.csv*"))
    labels = read_label_rows(p for p in tables if p.exists())
    queries = {q: parse_question(q) for q in dict.fromkeys(r.question for r in rows)}
    patient = {i: row["patient_id"] for i, row in labels.items()}
    prior = Prior(rows)
    scores = [*_parsing(rows, queries)]
    oracle = [
        Given(r, _answer(queries[r.question], [facts_of_labels(labels[i]) for i in r.ecg_ids]),
              patient[r.ecg_ids[0]])
        for r in rows
        if r.template in _FROM_COLUMNS and all(i in labels for i in r.ecg_ids)
    ]  # fmt: skip
    scores += score_answers("oracle labels", oracle, prior)
    if recordings:
        scores += _from_recordings(folder, rows, queries, prior, limit, watch)
    notes = (
        f"{len(rows)} questions ({wording} wordings); an abstention counts as wrong.",
        "question only: the commonest answer to the same words, from rows of other recordings.",
        "characters, substring, joined: scorers with known faults, for comparison alone.",
    )
    return Scores(
        task=TASK,
        scores=tuple(scores),
        notes=notes,
        hardware=describe_machine(),
        date=date.today().isoformat(),
        seconds=time.monotonic() - started,
        source=Source(method="benchmark_ecg_qa", version=__version__),
    )


def _further(folder: Path) -> list[QuestionRow]:
    from precordia.core.errors import MissingFileError

    try:
        return read_question_rows(folder)
    except MissingFileError:
        return []


def _answer(query: object, facts: list[Facts]) -> tuple[str, ...]:
    """Return the answers; of two recordings the second is the one that is asked about."""
    if not isinstance(query, Query):
        return ()
    return evaluate(query, facts[-1], facts[0] if len(facts) > 1 else None).answers


def _parsing(rows: list[QuestionRow], queries: Mapping[str, object]) -> list[Score]:
    right: dict[str, list[bool]] = defaultdict(list)
    for question, template in {r.question: r.template for r in rows}.items():
        query = queries[question]
        ok = isinstance(query, Query) and template_of(query) == template
        right["all templates"].append(ok)
    return [
        Score(task=TASK, database="ECG-QA", method="parser", subject=subject, metric="understood",
              value=100.0 * float(np.mean(oks)), unit="%", n_records=len(oks),
              note="each wording counts once; understood as its template")
        for subject, oks in right.items()
    ]  # fmt: skip


def _from_recordings(
    data: Path,
    rows: list[QuestionRow],
    queries: Mapping[str, object],
    prior: Prior,
    limit: int | None,
    watch: Watch,
) -> list[Score]:
    files = recordings_at_hand(data)
    people = patients_and_folds(data)
    patients = {i: patient for i, (patient, _) in people.items()}
    normalised = normalised_recordings(data, {i for r in rows for i in r.ecg_ids} - set(files))
    wanted = [r for r in rows if _can_be_examined(r, files, normalised)]
    ids = sorted({i for r in wanted for i in r.ecg_ids})[:limit]
    studies = {
        i: examine_pieces(read(files[i]) if i in files else normalised[i])
        for i in watch(ids, "examining")
    }
    rows_here = [r for r in wanted if all(i in studies for i in r.ecg_ids)]
    scores = []
    for method in ("box", "rules"):
        facts = {}
        for i, study in studies.items():
            held = study if method == "box" else replace(study, findings=_by_rules(study))
            facts[i] = facts_of_study(held)
        given = [
            Given(r, _answer(queries[r.question], [facts[i] for i in r.ecg_ids]),
                  patients[r.ecg_ids[0]])
            for r in rows_here
        ]  # fmt: skip
        scores += score_answers(f"{method}, usual limits", given, prior)
    scores = [_with_note(s, rows_here, people) for s in scores]
    numbers = [r for r in rows if r.attribute == "numeric_feature"]
    if limit is not None:
        numbers = [r for r in numbers if all(i in studies for i in r.ecg_ids)]
    asked = {i for r in numbers for i in r.ecg_ids}
    intervals = {
        str(i): intervals_as_labelled(read(files[i]))
        if i in files
        else intervals_as_labelled(normalised[i], normalised=True)
        for i in watch(sorted(asked & (set(files) | set(normalised))), "measuring")
    }
    scores += score_numbers(numbers, queries, intervals, patients, prior)
    in_mv = [r for r in numbers if all(i in files for i in r.ecg_ids)]
    alone = score_numbers(in_mv, queries, intervals, patients, prior)
    return scores + [
        replace(s, subject="all recordings in mV") for s in alone if s.subject == "all"
    ]


def _can_be_examined(row: QuestionRow, files: Container[int], normalised: Container[int]) -> bool:
    """Statements do not need millivolts; noise and numbers do."""
    if row.attribute == "scp_code":
        return all(i in files or i in normalised for i in row.ecg_ids)
    return all(i in files for i in row.ecg_ids)


def _with_note(
    score: Score, rows: list[QuestionRow], people: Mapping[int, tuple[str, str]]
) -> Score:
    """Say how many of the recordings the model in the box learned from."""
    if not score.method.startswith("box") or "scp_code" not in score.subject:
        return score
    folds = [people[i][1] for r in rows if r.attribute == "scp_code" for i in r.ecg_ids]
    known = sum(fold in _LEARNED_FROM for fold in folds)
    note = f"{known} of {len(folds)} are in the folds that the model learned from"
    return replace(score, note=note)


def examine_pieces(record: Record) -> Study:
    """Examine one recording."""
    quality = assess(record)
    fiducials = delineate(record)
    numbers = measure(record, fiducials)
    findings = classify(record, quality=quality, fiducials=fiducials, measurements=numbers)
    return Study(
        record=record, quality=quality, fiducials=fiducials, measurements=numbers, findings=findings
    )


def _by_rules(study: Study) -> Any:
    return classify(
        study.record,
        method="rules",
        quality=study.quality,
        fiducials=study.fiducials,
        measurements=study.measurements,
    )
