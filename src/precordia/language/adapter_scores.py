# SPDX-License-Identifier: Apache-2.0
"""How many answers an adapted model gives right, and how many of them it owes to the recording."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool

from precordia.language.question_rows import Asked
from precordia.training.score_intervals import draws_of_patients, with_interval

if TYPE_CHECKING:
    from precordia.language.adapted_model import AdaptedModel

_SEED = 0


def adapter_scores(
    model: AdaptedModel,
    twin: AdaptedModel,
    rows: Sequence[Asked],
    shown: Mapping[int, np.ndarray],
) -> dict[str, Any]:
    """Score an adapted model beside two controls.

    Parameters
    ----------
    model
        The adapted model.
    twin
        The same, trained in the same way without any recording.
    rows
        Questions with options, of patients that neither was trained on.
    shown
        What the adapter takes of each recording.

    Returns
    -------
    Exact match, that of the question alone (the twin), that with the recording of another patient,
    and both differences, each with its interval; exact match by template; and the answers, with
    patients as running numbers.

    Notes
    -----
    Exact match is of whole sets of answers, chosen from the options by length-normalised
    likelihood. Intervals are percentiles of 1000 draws of patients; differences are paired.
    """
    from precordia.language.choose_answer import chosen_answers
    from precordia.language.question_batch import blank_like

    own = [tuple(shown[k] for k in row.recordings) for row in rows]
    blank = [tuple(blank_like(held) for held in some) for some in own]
    texts = [(row.text, row.options) for row in rows]

    def right(of: AdaptedModel, held: Sequence[tuple[np.ndarray, ...]]) -> list[str]:
        return chosen_answers(of, [(t, h, o) for (t, o), h in zip(texts, held, strict=True)])

    answers = {
        "exact_match": right(model, own),
        "question_only": right(twin, blank),
        "other_recording": right(model, _swapped(rows, own)),
    }
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
            for row, given in zip(rows, answers["exact_match"], strict=True)
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
