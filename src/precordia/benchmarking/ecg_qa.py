# SPDX-License-Identifier: Apache-2.0
"""ECG-QA: how many published answers are given back, from labels and from recordings."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from precordia import __version__
from precordia.benchmarking.benchmark import describe_machine
from precordia.benchmarking.bootstrap import draw_patients
from precordia.benchmarking.ecg_qa_intervals import lead_ii_intervals
from precordia.benchmarking.ecg_qa_labels import facts_of_labels
from precordia.benchmarking.ecg_qa_scorers import FAULTY, exact_match
from precordia.benchmarking.recordings import data_folder
from precordia.classification.classify import classify
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
from precordia.questions.limits import Comparison, Limits, fit_limits
from precordia.questions.parse import parse_question
from precordia.questions.query import Query
from precordia.questions.study_facts import facts_of_study
from precordia.questions.templates import template_of

TASK = "ecg-qa"
#: templates whose answer follows from columns of PTB-XL's table
_FROM_COLUMNS = (*range(1, 17), *range(23, 39), *range(43, 50), *range(57, 64))
_CHANGES = {"normalized", "deviated", "abnormal", "normal"}
Watch = Callable[[Sequence[Any], str], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Given:
    """An answer beside the published one."""

    row: QuestionRow
    answers: tuple[str, ...]
    patient: str


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
        Folder that holds ``ecg-qa/``, ``ptbxl/`` and, where there is one, ``ptbxl_norm/``.
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
    words among the rows of other recordings. The limits of intervals are learned on the training
    split and scored on the other; within the training split on patients left out, five at a time.

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
    prior = _Prior(rows)
    scores = [*_parsing(rows, queries)]
    oracle = [
        Given(r, _answer(queries[r.question], [facts_of_labels(labels[i]) for i in r.ecg_ids]),
              patient[r.ecg_ids[0]])
        for r in rows
        if r.template in _FROM_COLUMNS and all(i in labels for i in r.ecg_ids)
    ]  # fmt: skip
    scores += _scores("oracle labels", oracle, prior)
    if recordings:
        here = read_label_rows([folder / "ptbxl" / "ptbxl_database.csv"])
        wanted = [r for r in rows if all(i in here for i in r.ecg_ids)]
        scores += _from_recordings(folder / "ptbxl", here, wanted, queries, prior, limit, watch)
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


class _Prior:
    """The commonest answer to a row's words among rows of other recordings."""

    def __init__(self, rows: list[QuestionRow]) -> None:
        self._counts: dict[str, Counter[frozenset[str]]] = defaultdict(Counter)
        self._by_ecg: dict[tuple[str, int], list[QuestionRow]] = defaultdict(list)
        for r in rows:
            self._counts[r.question][frozenset(r.answers)] += 1
            for i in r.ecg_ids:
                self._by_ecg[r.question, i].append(r)

    def answers(self, row: QuestionRow) -> tuple[str, ...]:
        """Return the answer; empty where no other recording was asked this."""
        left = self._counts[row.question].copy()
        same = {o for i in row.ecg_ids for o in self._by_ecg[row.question, i]}
        left.subtract(frozenset(o.answers) for o in same)
        most = max(left.values(), default=0)
        if most <= 0:
            return ()
        return tuple(max((a for a, n in left.items() if n == most), key=sorted))


def _parsing(rows: list[QuestionRow], queries: dict[str, object]) -> list[Score]:
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


def _scores(
    method: str,
    given: list[Given],
    prior: _Prior,
) -> list[Score]:
    """Return the numbers of one method, by template and over all."""
    groups: dict[str, list[Given]] = defaultdict(list)
    for g in given:
        groups[f"template {g.row.template} ({g.row.kind}, {g.row.attribute})"].append(g)
    if len(groups) > 1:
        groups["all"] = given
    scores = []
    for subject, members in sorted(groups.items()):
        truth = [m.row.answers for m in members]
        right = np.array([exact_match(m.answers, t) for m, t in zip(members, truth, strict=True)])
        blind = np.array([exact_match(prior.answers(m.row), m.row.answers) for m in members])
        told = np.array([bool(m.answers) for m in members])
        weights = draw_patients([m.patient for m in members])
        base = Score(
            task=TASK, database="PTB-XL", method=method, subject=subject, metric="exact match",
            value=100.0 * right.mean(), unit="%", n_records=len({m.row.ecg_ids for m in members}),
            n_patients=len({m.patient for m in members}),
        )  # fmt: skip
        scores.append(_with_interval(base, right, weights))
        scores.append(replace(base, metric="coverage", value=100.0 * told.mean()))
        scores.append(_with_interval(replace(base, metric="question only"), blind, weights))
        apart = right.astype(float) - blind
        scores.append(_with_interval(replace(base, metric="over question only"), apart, weights))
        for name, scorer in FAULTY.items():
            kept = [scorer(m.answers, t) for m, t in zip(members, truth, strict=True)]
            scores.append(replace(base, metric=name, value=100.0 * float(np.mean(kept))))
    return scores


def _with_interval(score: Score, values: np.ndarray, weights: np.ndarray) -> Score:
    drawn = weights @ values.astype(float) / weights.sum(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    value = 100.0 * float(values.mean())
    return replace(score, value=value, low=100.0 * float(low), high=100.0 * float(high))


def _from_recordings(
    folder: Path,
    labels: dict[int, dict[str, str]],
    rows: list[QuestionRow],
    queries: dict[str, object],
    prior: _Prior,
    limit: int | None,
    watch: Watch,
) -> list[Score]:
    ids = sorted({i for r in rows for i in r.ecg_ids})[:limit]
    studies = {i: examine_pieces(_file_of(folder, labels[i])) for i in watch(ids, "examining")}
    rows = [r for r in rows if all(i in studies for i in r.ecg_ids)]
    patient = {i: labels[i]["patient_id"] for i in ids}
    intervals = {str(i): lead_ii_intervals(s.fiducials, s.record.fs) for i, s in studies.items()}
    scores = []
    for method in ("box", "rules"):
        facts = {}
        for i, study in studies.items():
            held = study if method == "box" else replace(study, findings=_by_rules(study))
            facts[i] = facts_of_study(held)
        given = [
            Given(r, _answer(queries[r.question], [facts[i] for i in r.ecg_ids]),
                  patient[r.ecg_ids[0]])
            for r in rows
        ]  # fmt: skip
        scores += _scores(f"{method}, usual limits", given, prior)
    scores += _with_fitted_limits(rows, queries, intervals, patient, prior)
    return scores


def _file_of(folder: Path, row: dict[str, str]) -> Path:
    fine = folder / f"{row['filename_hr']}.hea"
    return fine if fine.exists() else folder / f"{row['filename_lr']}.hea"


def examine_pieces(path: Path) -> Study:
    """Read and examine one recording."""
    record = read(path)
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


def _with_fitted_limits(
    rows: list[QuestionRow],
    queries: dict[str, object],
    intervals: dict[str, dict[str, float]],
    patient: dict[int, str],
    prior: _Prior,
) -> list[Score]:
    """Score templates of numbers with limits learned on other patients."""
    told = [
        (r, query)
        for r in rows
        if isinstance(query := queries[r.question], Query)
        and query.attribute == "interval"
        and query.kind == "query"
        and query.change in _CHANGES
    ]
    if not told:
        return []
    comparisons = [
        Comparison(str(r.ecg_ids[0]), str(r.ecg_ids[1]), q.change,
                   frozenset(r.answers) - {"none"})
        for r, q in told
    ]  # fmt: skip
    given = []
    for fold in range(5):
        held = [{_fold(patient[i]) for i in r.ecg_ids} for r, _ in told]
        learned = [c for c, folds in zip(comparisons, held, strict=True) if fold not in folds]
        limits = fit_limits(intervals, learned)
        for r, query in told:
            if _fold(patient[r.ecg_ids[0]]) == fold:
                facts = [_facts_of(intervals[str(i)], limits) for i in r.ecg_ids]
                given.append(Given(r, _answer(query, facts), patient[r.ecg_ids[0]]))
    scores = _scores("lead II, limits learned on other patients", given, prior)
    fitted = fit_limits(intervals, comparisons)
    for name, share in fitted.agreement.items():
        low, high = fitted.normal[name]
        scores.append(
            Score(task=TASK, database="PTB-XL", method="intervals of lead II", subject=name,
                  metric="agreement", value=100.0 * share, unit="%", n_records=len(told),
                  note="with the range that the published answers imply, at the best limits of "
                  "all rows at hand")
        )  # fmt: skip
        for metric, value in (("lower limit", low), ("upper limit", high)):
            scores.append(replace(scores[-1], metric=metric, value=value, unit="ms"))
    return scores


def _fold(patient: str) -> int:
    return int(float(patient)) % 5


def _facts_of(intervals: dict[str, float], limits: Limits) -> Facts:
    ranges = {n: limits.range_of(n, v) for n, v in intervals.items()}
    known = {n: r for n, r in ranges.items() if r}
    return Facts(ranges=known, unknown={n: "not measured" for n in ranges if n not in known})
