# SPDX-License-Identifier: Apache-2.0
"""How many answers an adapted model gives right, and how many of them it owes to the recording."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Bool

from precordia.language.question_rows import Asked
from precordia.training.score_intervals import draws_of_patients, with_interval

if TYPE_CHECKING:
    from precordia.language.adapted_model import AdaptedModel

_SEED = 0


def answers_of(
    model: AdaptedModel,
    rows: Sequence[Asked],
    shown: Mapping[int, np.ndarray],
    recordings: Literal["own", "none", "other"] = "own",
) -> list[str]:
    """Return the answer that an adapted model chooses to each question.

    Parameters
    ----------
    model
        The adapted model.
    rows
        Questions with options.
    shown
        What the adapter takes of each recording.
    recordings
        ``"own"``; ``"none"``, zeros or no symbol; or ``"other"``, those of another patient.
    """
    from precordia.language.choose_answer import chosen_answers
    from precordia.language.question_batch import blank_like

    held = [tuple(shown[k] for k in row.recordings) for row in rows]
    if recordings == "none":
        held = [tuple(blank_like(one) for one in some) for some in held]
    elif recordings == "other":
        held = _swapped(rows, held)
    asked = [(row.text, some, row.options) for row, some in zip(rows, held, strict=True)]
    return chosen_answers(model, asked)


def adapter_scores(
    rows: Sequence[Asked], own: Sequence[str], blind: Sequence[str], other: Sequence[str]
) -> dict[str, Any]:
    """Score the answers of an adapted model beside two controls.

    Parameters
    ----------
    rows
        Questions of patients that nothing was trained on.
    own
        Answers of the adapted model.
    blind
        Answers of its twin, trained in the same way without any recording.
    other
        Answers of the adapted model with the recording of another patient.

    Returns
    -------
    Exact match, that of the question alone (the twin), that with the recording of another patient,
    and both differences, each with its interval; exact match by template; and the answers, with
    patients as running numbers.

    Notes
    -----
    Exact match is of whole sets of answers. Intervals are percentiles of 1000 draws of patients;
    differences are paired.

    Examples
    --------
    >>> row = Asked(text="?", answer="yes", recordings=(0,), patients=("a",), folds=("1",))
    >>> told = adapter_scores([row], ["yes"], ["no"], ["yes"])
    >>> told["above_question_only"]["value"], told["above_other_recording"]["value"]
    (1.0, 0.0)
    """
    answers = {"exact_match": own, "question_only": blind, "other_recording": other}
    correct = {
        name: np.array([a == row.answer for a, row in zip(given, rows, strict=True)])
        for name, given in answers.items()
    }
    weights = draws_of_patients([row.patients[0] for row in rows])
    told: dict[str, Any] = {name: _score(c.astype(float), weights) for name, c in correct.items()}
    for name in ("question_only", "other_recording"):
        apart = correct["exact_match"].astype(float) - correct[name]
        told[f"above_{name}"] = _score(apart, weights)
    number = {patient: k for k, patient in enumerate(dict.fromkeys(r.patients[0] for r in rows))}
    return {
        "n_questions": len(rows),
        "n_patients": len(number),
        **told,
        "templates": _by_template(rows, correct),
        "answers": [
            {
                "question": row.text,
                "patient": number[row.patients[0]],
                "right": row.answer,
                "given": given,
            }
            for row, given in zip(rows, own, strict=True)
        ],
    }


def _swapped(
    rows: Sequence[Asked], own: Sequence[tuple[np.ndarray, ...]]
) -> list[tuple[np.ndarray, ...]]:
    """Give each question the recordings of one about another patient, of as many recordings."""
    order = np.random.default_rng(_SEED).permutation(len(rows))
    swapped = list(own)
    for place, k in enumerate(order):
        others = (order[(place + step) % len(order)] for step in range(1, len(order)))
        swapped[k] = next(
            (
                own[o]
                for o in others
                if len(own[o]) == len(own[k]) and rows[o].patients[0] != rows[k].patients[0]
            ),
            own[k],
        )
    return swapped


def _score(values: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    drawn = weights @ values / weights.sum(axis=1)
    return with_interval(float(values.mean()), drawn)


def _by_template(
    rows: Sequence[Asked], correct: Mapping[str, Bool[np.ndarray, " question"]]
) -> dict[str, dict[str, float]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for k, row in enumerate(rows):
        groups[row.template].append(k)
    return {
        str(template): {
            "n": len(members),
            **{name: float(held[members].mean()) for name, held in correct.items()},
        }
        for template, members in sorted(groups.items())
    }
