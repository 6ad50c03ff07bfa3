# SPDX-License-Identifier: Apache-2.0
"""All scores of one method's answers on test records, each with its interval over patients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.benchmarking.challenge_metric import (
    RHYTHMS_2017,
    ChallengeWeights,
    challenge_score,
    f1_2017,
)
from precordia.benchmarking.classification_metrics import (
    MIN_RECORDS,
    auprc,
    auroc,
    brier,
    count_labels,
    f_score,
    macro,
    prevalence,
    scorable,
)
from precordia.benchmarking.debiased_calibration import debiased_ece, ece_by_chance, pooled
from precordia.benchmarking.reliability import brier_parts, ece
from precordia.core.value import Value
from precordia.datasets.challenge_records import scored_classes

#: draws of patients for an interval
DRAWS = 1000
#: fewer draws with a value make no interval
_LEAST_DRAWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Value):
    """One number on test records.

    Attributes
    ----------
    metric, subject
        What it is, of what.
    value, low, high
        The number and its 95 % interval.
    n_records, n_patients, n_positive
        What it rests on.
    note
        What was left out, or why there is no number.
    """

    metric: str
    value: float
    subject: str = "all"
    low: float = math.nan
    high: float = math.nan
    n_records: int = 0
    n_patients: int = 0
    n_positive: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestTruth:
    """What is so of the test records, and the draws of patients that all methods share.

    Attributes
    ----------
    classes, targets, patients
        Of the records.
    weights
        How often each record counts in each draw.
    min_records
        Fewer positives or negatives leave a class out of a mean.
    """

    __test__ = False

    classes: tuple[str, ...]
    targets: Float[np.ndarray, "batch statement"]
    patients: tuple[str, ...]
    weights: Int[np.ndarray, "_ batch"]
    min_records: int = MIN_RECORDS

    @classmethod
    def of(
        cls,
        classes: Sequence[str],
        targets: Float[np.ndarray, "batch statement"],
        patients: Sequence[str],
        *,
        draws: int = DRAWS,
        seed: int = 0,
        min_records: int = MIN_RECORDS,
    ) -> TestTruth:
        """Draw patients for the intervals: the same for every method on the same records."""
        return cls(
            classes=tuple(classes),
            targets=np.asarray(targets, float),
            patients=tuple(patients),
            weights=draw_patients(patients, draws=draws, seed=seed),
            min_records=min_records,
        )

    def part(self, rows: np.ndarray) -> TestTruth:
        """Return some of the records, with the same draws."""
        return TestTruth(
            classes=self.classes,
            targets=self.targets[rows],
            patients=tuple(self.patients[k] for k in rows),
            weights=self.weights[:, rows],
            min_records=self.min_records,
        )


def score_answers(
    truth: TestTruth,
    scores: Float[np.ndarray, "batch statement"],
    *,
    probabilities: Float[np.ndarray, "batch statement"] | None = None,
    thresholds: Float[np.ndarray, " statement"] | None = None,
    per_class: bool = True,
) -> list[Measured]:
    """Return every score of a method's answers.

    Parameters
    ----------
    truth
        The test records.
    scores
        High where the method says positive.
    probabilities
        The same as probabilities, for what is said of calibration; None where there are none.
    thresholds
        Chosen on validation.
    per_class
        Also give AUROC, average precision and calibration error of each class.

    Returns
    -------
    Macro AUROC over classes with enough records, and over all that have an area as others publish
    it; average precision beside the mean prevalence; F1; Brier score and calibration error.
    """
    counted = scorable(truth.targets, truth.min_records)
    anything = scorable(truth.targets, 1)
    areas = auroc(truth.targets, scores)
    drawn = auroc(truth.targets, scores, truth.weights)
    left = _left_out(truth, counted)
    found = [
        _macro(truth, "macro_auroc", areas, drawn, counted, left),
        _macro(
            truth,
            "macro_auroc_all",
            areas,
            drawn,
            anything,
            _left_out(truth, anything, "has one kind of record only"),
        ),
    ]
    precision = auprc(truth.targets, scores)
    precision_drawn = auprc(truth.targets, scores, truth.weights)
    found.append(_macro(truth, "macro_auprc", precision, precision_drawn, counted, left))
    shares = prevalence(truth.targets)
    found.append(_macro(truth, "mean_prevalence", shares, None, counted, left))
    if thresholds is not None:
        here = counted & np.isfinite(thresholds)
        f1 = f_score(truth.targets, scores, thresholds)
        f1_drawn = f_score(truth.targets, scores, thresholds, truth.weights)
        note = _left_out(truth, here, "has too few records or no threshold")
        found.append(
            _macro(truth, "macro_f1", f1, f1_drawn, here, _join("thresholds of validation", note))
        )
    errors = None
    if probabilities is not None:
        losses = brier(truth.targets, probabilities)
        losses_drawn = brier(truth.targets, probabilities, truth.weights)
        known = np.isfinite(losses)
        found.append(_macro(truth, "macro_brier", losses, losses_drawn, known, ""))
        found += _parts_of_brier(truth, probabilities, known)
        errors = ece(truth.targets, probabilities, binning="width")
        found.append(_macro(truth, "macro_ece_width", errors, None, np.isfinite(errors), ""))
        found += _calibration_errors(truth, probabilities)
    if per_class:
        for k in range(len(truth.classes)):
            found.append(_of_class(truth, "auroc", k, areas, drawn))
            found.append(_of_class(truth, "auprc", k, precision, precision_drawn))
            if errors is not None:
                found.append(_of_class(truth, "ece_width", k, errors, None))
    return found


def macro_draws(
    truth: TestTruth, scores: Float[np.ndarray, "batch statement"]
) -> Float[np.ndarray, " _"]:
    """Return the macro AUROC in each draw of patients, for comparisons of methods in pairs."""
    counted = scorable(truth.targets, truth.min_records)
    return macro(auroc(truth.targets, scores, truth.weights), counted)


def score_challenge(
    truth: TestTruth,
    scores: Float[np.ndarray, "batch statement"],
    thresholds: Float[np.ndarray, " statement"],
    table: ChallengeWeights,
) -> Measured:
    """Return the challenge's score of decisions at thresholds chosen on validation.

    A class without a threshold is never called. Classes of the table that the task lacks count as
    absent and not called; that is said.
    """
    called = (scores >= np.nan_to_num(thresholds)) & np.isfinite(thresholds)
    n = len(truth.patients)
    so, said = (np.zeros((n, len(table.classes)), bool) for _ in range(2))
    held = set()
    for k, name in enumerate(truth.classes):
        column = _challenge_column(name, table)
        if column is not None:
            so[:, column] |= truth.targets[:, k] == 1
            said[:, column] |= called[:, k]
            held.add(column)
    absent = len(table.classes) - len(held)
    if not held:
        return Measured(
            metric="challenge",
            value=math.nan,
            note="no class of this task is one of the challenge's; ask for the task 'scored'",
        )
    low, high, words = _ends(challenge_score(so, said, table, weights=truth.weights))
    notes = ["thresholds of validation", words]
    if absent:
        notes.append(f"{absent} columns of the table have no class of their own here")
    return Measured(
        metric="challenge",
        value=challenge_score(so, said, table),
        low=low,
        high=high,
        n_records=n,
        n_patients=len(set(truth.patients)),
        n_positive=int(so.sum()),
        note=_join(*notes),
    )


def score_2017(truth: TestTruth, scores: Float[np.ndarray, "batch statement"]) -> Measured:
    """Return the score of the challenge of 2017; each record is called what it scores highest."""
    names = np.array(truth.classes, object)
    if not set(RHYTHMS_2017) <= set(names):
        why = f"the classes {', '.join(RHYTHMS_2017)} are needed"
        return Measured(metric="f1_2017", value=math.nan, note=why)
    so, said = names[np.argmax(truth.targets, axis=1)], names[np.argmax(scores, axis=1)]
    rows = (np.repeat(np.arange(so.size), times) for times in truth.weights)
    drawn = np.array([f1_2017(so[k], said[k]) for k in rows])
    low, high, words = _ends(drawn)
    return Measured(
        metric="f1_2017",
        value=f1_2017(so, said),
        low=low,
        high=high,
        n_records=so.size,
        n_patients=len(set(truth.patients)),
        n_positive=int((so != "N").sum()),
        note=_join("mean F1 of N, A and O; the class of the highest score is called", words),
    )


def _challenge_column(name: str, table: ChallengeWeights) -> int | None:
    """Column of a class that is named by concepts or by the challenge's abbreviations."""
    for year in (2021, 2020):
        codes = [code for code, label in scored_classes(year).items() if label == name]
        columns = {table.column_of(code) for code in codes or name.split("|")} - {None}
        if columns:
            return min(columns)
    return None


def _macro(truth, metric, values, drawn, counted, note) -> Measured:
    held = counted if counted.any() else np.ones(len(counted), bool)
    known = np.isfinite(truth.targets[:, held]).any(axis=1)
    sizes = {
        "n_records": int(known.sum()),
        "n_patients": len({p for p, there in zip(truth.patients, known, strict=True) if there}),
        "n_positive": int(count_labels(truth.targets)[0, held].sum()),
    }
    if not counted.any():
        why = note or "no class has records enough"
        return Measured(metric=metric, value=math.nan, note=why, **sizes)
    low, high, words = _ends(None if drawn is None else macro(drawn, counted))
    return Measured(
        metric=metric,
        value=macro(values, counted),
        low=low,
        high=high,
        note=_join(note, words),
        **sizes,
    )


def _parts_of_brier(truth: TestTruth, probabilities: np.ndarray, known: np.ndarray):
    """Means over classes of the parts of the Brier score."""
    rows = np.flatnonzero(known)
    parts = [brier_parts(truth.targets[:, k], probabilities[:, k]) for k in rows]
    for name in ("reliability", "resolution", "uncertainty"):
        values = np.full(len(known), np.nan)
        values[rows] = [getattr(part, name) for part in parts]
        yield _macro(truth, f"macro_brier_{name}", values, None, known, "")


def _calibration_errors(truth: TestTruth, probabilities: np.ndarray):
    """Errors in bins of equal mass, of classes and of all decisions, and what chance makes them."""
    together, known = pooled(truth.targets, probabilities), np.isfinite(truth.targets).any(axis=0)
    for name, error in (
        ("mass", partial(ece, binning="mass")),
        ("mass_debiased", debiased_ece),
        ("mass_by_chance", partial(ece_by_chance, binning="mass")),
    ):
        each = error(truth.targets, probabilities)
        yield _macro(truth, f"macro_ece_{name}", each, None, known, "")
        of_all = np.broadcast_to(error(*together), len(known))
        note = "all decisions as of one class"
        yield _macro(truth, f"pooled_ece_{name}", of_all, None, known, note)


def _of_class(truth, metric, k, values, drawn) -> Measured:
    positive, negative = (int(n) for n in count_labels(truth.targets)[:, k])
    known = np.isfinite(truth.targets[:, k])
    note = ""
    if not math.isfinite(values[k]):
        note = f"{positive} positive and {negative} negative records"
    elif min(positive, negative) < truth.min_records:
        note = f"rests on {min(positive, negative)} records of one kind; not in the mean"
    low, high, words = _ends(None if drawn is None else drawn[:, k])
    return Measured(
        metric=metric,
        subject=truth.classes[k],
        value=float(values[k]),
        low=low,
        high=high,
        n_records=int(known.sum()),
        n_patients=len({p for p, there in zip(truth.patients, known, strict=True) if there}),
        n_positive=positive,
        note=_join(note, words),
    )


def _ends(drawn: np.ndarray | None) -> tuple[float, float, str]:
    if drawn is None:
        return math.nan, math.nan, ""
    usable = int(np.isfinite(drawn).sum())
    if usable < min(_LEAST_DRAWS, len(drawn)):
        return math.nan, math.nan, f"{usable} of {len(drawn)} draws have a value: no interval"
    draw: Callable = lambda _: drawn  # noqa: E731
    low, high = interval(draw, np.zeros((1, 1), int))
    part = "" if usable == len(drawn) else f"interval of {usable} of {len(drawn)} draws"
    return low, high, part


def _left_out(truth: TestTruth, counted: np.ndarray, why: str = "") -> str:
    """Say which classes are not in the mean, and why."""
    out = [name for name, kept in zip(truth.classes, counted, strict=True) if not kept]
    if not out:
        return ""
    reason = why or f"fewer than {truth.min_records} positive or negative test records"
    return f"{len(out)} of {len(truth.classes)} classes left out ({reason}): {', '.join(out)}"


def _join(*notes: str) -> str:
    return "; ".join(note for note in notes if note)
