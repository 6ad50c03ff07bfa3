# SPDX-License-Identifier: Apache-2.0
"""An adapted model chooses one of several answers: the likeliest, by its mean token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from precordia.language.adapted_model import AdaptedModel
from precordia.language.question_batch import Question, batch_questions


def option_likelihoods(
    model: AdaptedModel,
    text: str,
    recordings: tuple[np.ndarray, ...],
    options: Sequence[str],
    *,
    together: int = 32,
) -> Float[np.ndarray, " option"]:
    """Return the mean log-likelihood of the tokens of each option.

    Parameters
    ----------
    model
        An adapted model.
    text
        The question.
    recordings
        What its adapter takes of each.
    options
        The answers.
    together
        How many go through the model at once.

    Notes
    -----
    Length-normalised: the mean over an option's tokens and the mark of an end, so that a long
    option is not punished for being long.
    """
    asked = [Question(text, recordings, option) for option in options]
    return answers_likelihoods(model, asked, together=together)


def answers_likelihoods(
    model: AdaptedModel, asked: Sequence[Question], *, together: int = 32
) -> Float[np.ndarray, " question"]:
    """Return the mean log-likelihood of the tokens of each question's answer."""
    found = []
    model.eval()
    with torch.no_grad():
        for first in range(0, len(asked), together):
            few = asked[first : first + together]
            batch = batch_questions(model.base, model.adapter, few).to(model.device)
            found.append(model.answer_likelihood(batch).float().cpu().numpy())
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def chosen_answers(
    model: AdaptedModel,
    asked: Sequence[tuple[str, tuple[np.ndarray, ...], Sequence[str]]],
    *,
    together: int = 32,
) -> list[str]:
    """Return the likeliest option of each question.

    Parameters
    ----------
    model
        An adapted model.
    asked
        Text, recordings and options of each question; the first of equally likely ones is taken.
    together
        How many options go through the model at once.
    """
    flat = [Question(text, held, option) for text, held, options in asked for option in options]
    likely = answers_likelihoods(model, flat, together=together)
    chosen, first = [], 0
    for _, _, options in asked:
        mine = likely[first : first + len(options)]
        chosen.append(options[int(np.argmax(mine))] if len(options) else "")
        first += len(options)
    return chosen
