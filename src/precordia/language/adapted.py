# SPDX-License-Identifier: Apache-2.0
"""An adapted language model answers a question about a recording, from answers it knows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from precordia.core.errors import OptionError
from precordia.core.record import Record
from precordia.core.registry import load_object
from precordia.core.source import Source
from precordia.core.value import Value

NOTE = "chosen by a language model among the answers it was trained on; not verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen(Value):
    """What an adapted model chose.

    Attributes
    ----------
    question
        What was asked.
    answer
        The likeliest option.
    options
        Share of each option, likeliest first: likelihoods of the mean token, made to add up to 1.
        They are not probabilities of being right.
    blank
        The likeliest option without the recording; the same as ``answer`` where the recording
        changed nothing.
    note
        What this is worth.
    source
        Adapter and language model.
    """

    question: str
    answer: str
    options: dict[str, float]
    blank: str
    note: str = NOTE
    source: Source = field(default_factory=Source)

    def __str__(self) -> str:
        shares = ", ".join(f"{o} {s:.2f}" for o, s in list(self.options.items())[:4])
        same = " The recording did not change it." if self.blank == self.answer else ""
        return f"{self.answer}  ({shares})\nnote: {self.note}.{same}"


def answer_with_adapter(
    folder: str | Path,
    record: Record,
    question: str,
    *,
    options: tuple[str, ...] = (),
    base: str | Path | None = None,
) -> Chosen:
    """Let an adapted model choose an answer.

    Parameters
    ----------
    folder
        What `precordia adapt` wrote.
    record
        The recording.
    question
        The question.
    options
        Answers to choose from; by default those of the same template of ECG-QA that the adapter
        was trained on, or all that it was trained on.
    base
        Folder of the language model, where it is no longer where the card says.

    Returns
    -------
    What was chosen, and what would have been chosen without the recording.

    Raises
    ------
    OptionError
        If there is no question.
    MissingFileError, WeightsError
        If the adapter or its language model cannot be loaded.
    MissingExtraError
        If PyTorch or transformers is not installed.
    """
    if not question.strip():
        raise OptionError("no question arrived; a text is needed.")
    load_adapter: Any = load_object(
        "precordia.language.saved_adapter:load_adapter", extra="language", purpose="adapters"
    )
    from precordia.language.choose_answer import option_likelihoods
    from precordia.language.question_batch import blank_like

    network = None
    if base is not None:
        network = load_object("precordia.language.causal_model:load_causal_model")(base)
    model, recordings, card = load_adapter(folder, network)
    chosen_from = list(options or _known_options(card, question))
    shown = (recordings.take(record),)
    likely = option_likelihoods(model, question, shown, chosen_from)
    blank = option_likelihoods(model, question, (blank_like(shown[0]),), chosen_from)
    weight = [math.exp(float(v - likely.max())) for v in likely]
    order = sorted(range(len(chosen_from)), key=lambda k: -weight[k])
    return Chosen(
        question=question,
        answer=chosen_from[order[0]],
        options={chosen_from[k]: weight[k] / sum(weight) for k in order},
        blank=chosen_from[int(blank.argmax())],
        source=Source(
            method=f"adapter:{card['adapter']['name']}",
            parameters={"base": card["base"]["sha256"][:16], "of": record.source.method},
        ),
    )


def _known_options(card: dict[str, Any], question: str) -> tuple[str, ...]:
    """Return the answers that the adapter knows to a question like this."""
    from precordia.questions.parse import parse_question
    from precordia.questions.query import Query
    from precordia.questions.templates import template_of

    known: dict[str, list[str]] = card.get("options", {})
    query = parse_question(question)
    template = template_of(query) if isinstance(query, Query) else None
    if str(template) in known:
        return tuple(known[str(template)])
    return tuple(dict.fromkeys(option for held in known.values() for option in held))
