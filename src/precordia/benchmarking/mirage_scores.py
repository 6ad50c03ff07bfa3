# SPDX-License-Identifier: Apache-2.0
"""The mirage battery in numbers: counts and shares, with intervals over patients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.benchmarking.mirage_questions import BatteryQuestion
from precordia.benchmarking.mirage_recordings import BatteryRecord
from precordia.core.scores import Score
from precordia.questions.counterfeits import COUNTERFEITS, NULLS
from precordia.questions.mirage_trial import MirageCheck, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One question about one recording, checked.

    Attributes
    ----------
    record
        The recording.
    question
        The question.
    check
        What came of it.
    agreement
        Share of the pairs of wordings with the same answer.
    """

    record: BatteryRecord
    question: BatteryQuestion
    check: MirageCheck
    agreement: float


#: numerator and denominator of one question about one recording
Share = Callable[[Checked], tuple[float, float]]


def mirage_scores(done: Sequence[Checked], *, method: str) -> tuple[Score, ...]:
    """Return the numbers of a battery.

    Parameters
    ----------
    done
        What was checked.
    method
        What the table calls the responder.

    Returns
    -------
    Over all and by kind of question; then by counterfeit.
    """
    groups = {"all": list(done)}
    for row in done:
        groups.setdefault(row.question.kind, []).append(row)
    scores = []
    for subject, rows in groups.items():
        base = _base(method, subject, rows)
        scores.append(replace(base, metric="asked", value=float(len(rows)), unit="count"))
        said = [r for r in rows if r.check.response.answers]
        unsupported = float(sum(len(r.check.unsupported) for r in said))
        scores.append(_score(base, "answered", rows, _answered))
        scores.append(_score(base, "mirage", said, _mirage))
        scores.append(replace(base, metric="unsupported", value=unsupported, unit="count"))
        scores.append(_score(base, "claims true", said, _claims))
        scores.append(_score(base, "silent on nothing", said, _silent))
        scores.append(_score(base, "wordings agree", rows, _agree))
        failed = float(sum(_failed(r) for r in rows))
        scores.append(replace(base, metric="failed calls", value=failed, unit="count"))
    said = [r for r in done if r.check.response.answers]
    for name in COUNTERFEITS:
        base = replace(_base(method, name, said), note="by counterfeit")
        told = [t for r in said for t in _trials(r, name)]
        scores.append(replace(base, metric="told", value=float(len(told)), unit="count"))
        scores.append(_score(base, "flagged", said, lambda r, n=name: _flagged(r, n)))
        count = float(sum(t.unsupported for t in told))
        scores.append(replace(base, metric="unsupported", value=count, unit="count"))
    return tuple(scores)


def _base(method: str, subject: str, rows: Sequence[Checked]) -> Score:
    databases = dict.fromkeys(r.record.database for r in rows)
    return Score(
        task="mirage",
        database=", ".join(databases),
        method=method,
        subject=subject,
        metric="",
        value=math.nan,
        n_records=len({r.record.name for r in rows}),
        n_patients=len({r.record.patient for r in rows}),
    )


def _score(base: Score, metric: str, rows: Sequence[Checked], share: Share) -> Score:
    """Return a share with its interval: patients are drawn, all questions about one together."""
    made = replace(base, metric=metric, unit="%")
    pairs = [(r.record.patient, *share(r)) for r in rows]
    totals: dict[str, list[float]] = {}
    for patient, numerator, denominator in pairs:
        held = totals.setdefault(patient, [0.0, 0.0])
        held[0] += numerator
        held[1] += denominator
    table = np.array(list(totals.values())).reshape(-1, 2)
    above, below = table[:, 0], table[:, 1]
    if not below.sum():
        return made

    def ratio(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weights @ above) / (weights @ below)

    low, high = interval(ratio, draw_patients(list(totals)))
    value = above.sum() / below.sum()
    return replace(made, value=100.0 * float(value), low=100.0 * low, high=100.0 * high)


def _trials(row: Checked, name: str) -> list[Trial]:
    return [
        t for t in row.check.trials if t.counterfeit == name and t.verdict in ("passed", "flagged")
    ]


def _answered(row: Checked) -> tuple[float, float]:
    return float(bool(row.check.response.answers)), float(not row.check.response.error)


def _mirage(row: Checked) -> tuple[float, float]:
    told = row.check.rests_on_recording is not None
    return float(bool(row.check.flagged)), float(told)


def _claims(row: Checked) -> tuple[float, float]:
    return float(row.check.n_true), float(row.check.n_claims)


def _silent(row: Checked) -> tuple[float, float]:
    told = [t for name in NULLS for t in _trials(row, name)]
    held = [t for t in told if t.response is not None]
    return float(sum(t.response.abstained for t in held if t.response)), float(len(held))


def _agree(row: Checked) -> tuple[float, float]:
    known = not math.isnan(row.agreement)
    return (row.agreement if known else 0.0), float(known)


def _failed(row: Checked) -> int:
    trials = sum(t.verdict == "error" for t in row.check.trials)
    return trials + bool(row.check.response.error)


def _flagged(row: Checked, name: str) -> tuple[float, float]:
    told = _trials(row, name)
    return float(sum(t.verdict == "flagged" for t in told)), float(len(told))
