# SPDX-License-Identifier: Apache-2.0
"""ECG-QA's questions on intervals, answered with limits that were learned on other patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from precordia.benchmarking.ecg_qa_intervals import LABELLED_LIMITS
from precordia.benchmarking.ecg_qa_scores import TASK, Given, Prior, score_answers
from precordia.core.scores import Score
from precordia.datasets.ecg_qa_rows import QuestionRow
from precordia.questions.evaluate import evaluate
from precordia.questions.facts import Facts
from precordia.questions.limits import Comparison, Limits, fit_limits
from precordia.questions.query import Query

#: limits of normal are told in round numbers
_STEP_MS = 10.0
_CHANGES = {"normalized", "deviated", "abnormal", "normal"}
LEARNED = "lead II as labelled, limits learned on other patients"
PUBLISHED = "lead II as labelled, limits of the authors' code"

Told = Sequence[tuple[QuestionRow, Query]]


def score_numbers(
    rows: Sequence[QuestionRow],
    queries: Mapping[str, object],
    intervals: Mapping[str, Mapping[str, float]],
    patients: Mapping[int, str],
    prior: Prior,
) -> list[Score]:
    """Score the questions on changed intervals.

    Parameters
    ----------
    rows, queries
        Questions, and what each is understood as.
    intervals
        The six intervals by recording; rows of others are left out.
    patients
        The patient of each recording.
    prior
        What the question alone tells.

    Returns
    -------
    Numbers with learned limits, and with those of the authors' code; and of each interval how
    often it gives back what the answers imply.

    Notes
    -----
    The limits for a row are learned from all rows that share no patient with it.
    """
    told = [
        (r, query)
        for r in rows
        if isinstance(query := queries[r.question], Query)
        and query.attribute == "interval"
        and query.kind == "query"
        and query.change in _CHANGES
        and all(str(i) in intervals for i in r.ecg_ids)
    ]
    if not told:
        return []
    comparisons = [
        Comparison(str(r.ecg_ids[0]), str(r.ecg_ids[1]), q.change, frozenset(r.answers) - {"none"})
        for r, q in told
    ]
    people = [frozenset(patients[i] for i in r.ecg_ids) for r, _ in told]
    learned = {
        held: fit_limits(
            intervals,
            [c for c, used in zip(comparisons, people, strict=True) if not used & held],
            step_ms=_STEP_MS,
        )
        for held in dict.fromkeys(people)
    }
    by_learned = [
        _given(r, q, intervals, learned[held], patients)
        for (r, q), held in zip(told, people, strict=True)
    ]
    by_published = [_given(r, q, intervals, LABELLED_LIMITS, patients) for r, q in told]
    scores = score_answers(LEARNED, by_learned, prior)
    scores += score_answers(PUBLISHED, by_published, prior)
    return scores + _agreement(intervals, comparisons)


def _given(
    row: QuestionRow,
    query: Query,
    intervals: Mapping[str, Mapping[str, float]],
    limits: Limits,
    patients: Mapping[int, str],
) -> Given:
    before, after = (_facts_of(intervals[str(i)], limits) for i in row.ecg_ids)
    return Given(row, evaluate(query, after, before).answers, patients[row.ecg_ids[0]])


def _facts_of(intervals: Mapping[str, float], limits: Limits) -> Facts:
    ranges = {n: limits.range_of(n, v) for n, v in intervals.items()}
    known = {n: r for n, r in ranges.items() if r}
    return Facts(ranges=known, unknown={n: "not measured" for n in ranges if n not in known})


def _agreement(
    intervals: Mapping[str, Mapping[str, float]], comparisons: Sequence[Comparison]
) -> list[Score]:
    fitted = fit_limits(intervals, comparisons, step_ms=_STEP_MS)
    scores = []
    for name, share in fitted.agreement.items():
        low, high = fitted.normal[name]
        scores.append(
            Score(task=TASK, database="PTB-XL", method="intervals of lead II", subject=name,
                  metric="agreement", value=100.0 * share, unit="%", n_records=len(comparisons),
                  note="with the range that the published answers imply, at the best limits of "
                  "all rows at hand")
        )  # fmt: skip
        for metric, value in (("lower limit", low), ("upper limit", high)):
            scores.append(replace(scores[-1], metric=metric, value=value, unit="ms"))
    return scores
