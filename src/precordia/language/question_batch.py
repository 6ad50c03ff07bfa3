# SPDX-License-Identifier: Apache-2.0
"""Questions about recordings as rows of tokens, padded and marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from precordia.language.adapters.adapter import Adapter
from precordia.language.causal_model import CausalModel

#: label of a token that is no part of the answer
NO_ANSWER = -100
_ORDINALS = ("First", "Second", "Third", "Fourth")


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the recordings it is about, and an answer where there is one.

    Attributes
    ----------
    text
        The question.
    recordings
        What the adapter takes of each recording, in order.
    answer
        Text of the answer; None asks for the next word.
    """

    text: str
    recordings: tuple[np.ndarray, ...]
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class QuestionBatch:
    """Several questions at once.

    Attributes
    ----------
    ids
        Tokens; `PLACE` where a vector of a recording goes.
    allowed
        True where there is a token and no padding.
    labels
        The answer's tokens where they stand, and `NO_ANSWER` everywhere else.
    recordings
        All recordings, one behind the other; None where symbols stand for them.
    rows
        Row of tokens of each recording.
    """

    ids: Int[Tensor, "batch token"]
    allowed: Bool[Tensor, "batch token"]
    labels: Int[Tensor, "batch token"]
    recordings: Tensor | None
    rows: Int[Tensor, " recording"]

    def to(self, device: torch.device) -> QuestionBatch:
        """Return the batch on a device."""
        held = None if self.recordings is None else self.recordings.to(device)
        return QuestionBatch(
            self.ids.to(device),
            self.allowed.to(device),
            self.labels.to(device),
            held,
            self.rows.to(device),
        )


def batch_questions(
    base: CausalModel, adapter: Adapter, questions: Sequence[Question]
) -> QuestionBatch:
    """Write questions as rows of tokens.

    Parameters
    ----------
    base
        The language model, for its words.
    adapter
        Says which numbers stand for a recording.
    questions
        The questions; at least one.

    Notes
    -----
    A row is: the model's mark of a begin, the recordings, the question, the answer, the mark of an
    end. Padding stands behind, where no token before it can see it, and is masked.
    """
    rows, answers = [], []
    for question in questions:
        ids, n_asked = _row(base, adapter, question)
        rows.append(ids)
        answers.append(n_asked)
    n_tokens = max(map(len, rows))
    ids = torch.full((len(rows), n_tokens), base.end)
    labels = torch.full((len(rows), n_tokens), NO_ANSWER)
    allowed = torch.zeros(len(rows), n_tokens, dtype=torch.bool)
    for k, (row, n_asked) in enumerate(zip(rows, answers, strict=True)):
        ids[k, : len(row)] = torch.tensor(row)
        labels[k, n_asked : len(row)] = torch.tensor(row[n_asked:])
        allowed[k, : len(row)] = True
    held = [(k, r) for k, q in enumerate(questions) for r in q.recordings]
    shown = None
    if held and adapter.takes != "symbols":
        shown = torch.from_numpy(np.stack([r for _, r in held]).astype(np.float32))
    owners = torch.tensor([k for k, _ in held], dtype=torch.int64)
    return QuestionBatch(ids, allowed, labels, shown, owners)


def _row(base: CausalModel, adapter: Adapter, question: Question) -> tuple[list[int], int]:
    """Return the tokens of a question with its answer, and where the answer begins."""
    ids = list(base.begin)
    several = len(question.recordings) > 1
    for number, recording in enumerate(question.recordings):
        said = f"{_ORDINALS[min(number, 3)]} ECG:" if several else "ECG:"
        ids += [*base.ids(said), *adapter.places(recording), *base.ids("\n")]
    ids += base.ids(f"Question: {question.text}\nAnswer:")
    n_asked = len(ids)
    if question.answer is not None:
        ids += [*base.ids(f" {question.answer}"), base.end]
    return ids, n_asked


def blank_like(recording: np.ndarray) -> np.ndarray:
    """Return what stands for no recording: zeros, or no symbol.

    Examples
    --------
    >>> blank_like(np.array([3, 1])).size, blank_like(np.ones((1, 2), np.float32)).tolist()
    (0, [[0.0, 0.0]])
    """
    return recording[:0] if recording.dtype.kind in "iu" else np.zeros_like(recording)


def without_recordings(questions: Sequence[Question]) -> list[Question]:
    """Return the questions with nothing in place of each recording."""
    return [
        replace(question, recordings=tuple(blank_like(r) for r in question.recordings))
        for question in questions
    ]
