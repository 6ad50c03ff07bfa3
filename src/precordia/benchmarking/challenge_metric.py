# SPDX-License-Identifier: Apache-2.0
"""The scores of the PhysioNet/CinC challenges: weighted accuracy of 2020 and 2021, F1 of 2017."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Real

from precordia.core.errors import FormatError, OptionError
from precordia.core.value import Value

#: sinus rhythm: what a method says that never finds anything
SINUS_RHYTHM = "426783006"
#: classes of 2017 whose F1 count; "~" (noise) only spoils those
RHYTHMS_2017 = ("N", "A", "O")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeWeights(Value):
    """How much each confusion of classes is worth.

    Attributes
    ----------
    classes
        Concepts; several that are scored as one stand joined by ``"|"``.
    weights
        Worth of calling (column) what is so (row).
    """

    classes: tuple[str, ...]
    weights: Real[np.ndarray, "statement statement"]

    def column_of(self, code: str) -> int | None:
        """Return which class a concept counts for; None where it is not scored."""
        for k, joined in enumerate(self.classes):
            if code in joined.split("|"):
                return k
        return None


def read_challenge_weights(path: str | Path) -> ChallengeWeights:
    """Read ``weights.csv`` as the organisers publish it.

    Raises
    ------
    FormatError
        If it is missing, or no square table of numbers with the same classes down and across.
    """
    place = Path(path)
    try:
        rows = list(csv.reader(place.read_text(encoding="utf-8").splitlines()))
        classes = tuple(name.strip() for name in rows[0][1:])
        weights = np.array([[float(cell) for cell in row[1:]] for row in rows[1:]])
        down = tuple(row[0].strip() for row in rows[1:])
    except (OSError, ValueError, IndexError) as error:
        raise FormatError(
            f"'{place}' cannot be read as the challenge's table of weights ({error}); the classes "
            "across, the same down, and a number in each cell are needed. Take weights.csv from "
            "the organisers' evaluation code."
        ) from None
    if down != classes or weights.shape != (len(classes),) * 2 or not np.isfinite(weights).all():
        raise FormatError(
            f"'{place}' has {len(classes)} classes across and {len(down)} down, or others; a "
            "square table of finite numbers is needed. Take weights.csv from the organisers' code."
        )
    return ChallengeWeights(classes=classes, weights=weights)


def challenge_score(
    targets: Bool[np.ndarray, "batch statement"],
    decisions: Bool[np.ndarray, "batch statement"],
    table: ChallengeWeights,
    *,
    weights: Real[np.ndarray, "_ batch"] | None = None,
) -> float | Float[np.ndarray, " _"]:
    """Return the challenge's score: 1 for the truth, 0 for always saying sinus rhythm.

    Parameters
    ----------
    targets, decisions
        What is so and what was called, with the classes of ``table``.
    table
        From `read_challenge_weights`.
    weights
        How often each record counts, a row a draw.

    Returns
    -------
    A number of at most 1; NaN where the truth is sinus rhythm alone.

    Raises
    ------
    OptionError
        If shapes disagree, or sinus rhythm is no class.

    Notes
    -----
    *Method*: each record adds to the confusion of each of its true classes with each called class,
    divided by the number of classes that are so or called; the sum weighted by the table is put on
    a scale on which the truth scores 1 and sinus rhythm for everybody 0.
    *Departure*: NaN, not 0, where both ends of the scale fall together.

    References
    ----------
    Perez Alday EA et al. Physiol Meas 2020;41:124003. doi:10.1088/1361-6579/abc960
    Reyna MA et al. Comput Cardiol 2021;48. doi:10.23919/CinC53138.2021.9662687

    Examples
    --------
    >>> table = ChallengeWeights(classes=("1", SINUS_RHYTHM), weights=np.eye(2))
    >>> truth = np.array([[True, False], [False, True]])
    >>> challenge_score(truth, truth, table)
    1.0
    """
    targets, decisions = np.asarray(targets, bool), np.asarray(decisions, bool)
    n_classes = len(table.classes)
    if targets.shape != decisions.shape or targets.ndim != 2 or targets.shape[1] != n_classes:
        raise OptionError(
            f"truth has shape {targets.shape} and decisions {decisions.shape}; (record, class) "
            f"with the {n_classes} classes of the table is needed."
        )
    sinus = table.column_of(SINUS_RHYTHM)
    if sinus is None:
        raise OptionError(
            f"the table of weights has no class {SINUS_RHYTHM} (sinus rhythm), which the score "
            "compares with. Take weights.csv from the organisers' evaluation code."
        )
    idle = np.zeros_like(targets)
    idle[:, sinus] = True
    said, best, least = (_worth(targets, d, table.weights) for d in (decisions, targets, idle))
    rows = np.ones((1, len(targets))) if weights is None else np.asarray(weights, float)
    under = rows @ (best - least)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(under != 0, rows @ (said - least) / under, math.nan)
    return float(found[0]) if weights is None else found


def _worth(targets: np.ndarray, decisions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return what each record adds to the sum."""
    joined = np.maximum((targets | decisions).sum(axis=1), 1)
    return np.einsum("nj,jk,nk->n", targets, weights, decisions, optimize=True) / joined


def f1_2017(truth: Iterable[str], called: Iterable[str]) -> float:
    """Return the score of 2017: the mean F1 of normal, fibrillation and other rhythm.

    Parameters
    ----------
    truth, called
        ``"N"``, ``"A"``, ``"O"`` or ``"~"`` of each record. Noise has no F1 of its own in the mean,
        but a noisy record called otherwise counts against the class called.

    Returns
    -------
    0 to 1; NaN where a class neither is so nor called anywhere.

    References
    ----------
    Clifford GD et al. Comput Cardiol 2017;44. doi:10.22489/CinC.2017.065-469

    Examples
    --------
    >>> f1_2017("NNAO~", "NAAO~").__round__(4)
    0.7778
    """
    truth, called = np.asarray(list(truth)), np.asarray(list(called))
    if truth.shape != called.shape:
        raise OptionError(f"{truth.size} truths and {called.size} calls; one of each is needed.")
    scores = []
    for name in RHYTHMS_2017:
        under = (truth == name).sum() + (called == name).sum()
        scores.append(2 * ((truth == name) & (called == name)).sum() / under if under else math.nan)
    return float(np.mean(scores))
