# SPDX-License-Identifier: Apache-2.0
"""Answers beside the published ones, and numbers of how many agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from precordia.benchmarking.bootstrap import draw_patients
from precordia.benchmarking.ecg_qa_scorers import FAULTY, exact_match
from precordia.core.scores import Score
from precordia.datasets.ecg_qa_rows import QuestionRow

TASK = "ecg-qa"


@dataclass(frozen=True, slots=True)
class Given:
    """An answer beside the published one."""

    row: QuestionRow
    answers: tuple[str, ...]
    patient: str


class Prior:
    """The commonest answer to a row's words among rows of other recordings."""

    def __init__(self, rows: Sequence[QuestionRow]) -> None:
        self._counts: dict[str, Counter[frozenset[str]]] = defaultdict(Counter)
        self._by_ecg: dict[tuple[str, int], list[QuestionRow]] = defaultdict(list)
        for r in rows:
            self._counts[r.question][frozenset(r.answers)] += 1
            for i in r.ecg_ids:
                self._by_ecg[r.question, i].append(r)

    def counts(self, row: QuestionRow) -> Counter[frozenset[str]]:
        """Count the answers to a row's words among rows of other recordings."""
        left = self._counts[row.question].copy()
        same = {o for i in row.ecg_ids for o in self._by_ecg[row.question, i]}
        left.subtract(frozenset(o.answers) for o in same)
        return +left

    def answers(self, row: QuestionRow) -> tuple[str, ...]:
        """Return the answer; empty where no other recording was asked this."""
        left = self.counts(row)
        most = max(left.values(), default=0)
        return tuple(max((a for a, n in left.items() if n == most), key=sorted, default=()))


def score_answers(method: str, given: Sequence[Given], prior: Prior) -> list[Score]:
    """Return the numbers of one method, by template and over all.

    Parameters
    ----------
    method
        Its name.
    given
        Its answers.
    prior
        What the question alone tells.

    Returns
    -------
    Exact match, coverage, the question alone, the difference to it paired over patients (95 %
    bootstrap intervals), and what faulty scorers say.
    """
    groups: dict[str, list[Given]] = defaultdict(list)
    for g in given:
        groups[f"template {g.row.template} ({g.row.kind}, {g.row.attribute})"].append(g)
    if len(groups) > 1:
        groups["all"] = list(given)
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
