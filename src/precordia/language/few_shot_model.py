# SPDX-License-Identifier: Apache-2.0
"""A frozen language model that a small mapper shows recordings to, learned episode by episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from precordia.core.errors import SignalError
from precordia.language.causal_model import CausalModel
from precordia.language.episode_mapper import EpisodeMapper
from precordia.language.episodes import Episode, EpisodeRow
from precordia.language.meta_learning import Loss, Parameters, Task, adapt
from precordia.language.question_batch import NO_ANSWER

#: tokens of the longest answer that is written
_LONGEST = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the model says to a question.

    Attributes
    ----------
    text
        Its answer, written word by word until it ends by itself.
    right
        Whether that is the answer, word for word.
    tokens_right
        Share of the answer's tokens that are the likeliest when the true tokens before them are
        given, and with them the answer's length: the accuracy that was published.
    """

    text: str
    right: bool
    tokens_right: float


def answer_prompt(question: str) -> str:
    """Return the words before an answer.

    Examples
    --------
    >>> print(answer_prompt("Is it normal?"))
    Question: Is it normal?
    Answer:
    """
    return f"Question: {question}\nAnswer:"


class FewShotModel:
    """Answers questions about recordings after a few examples.

    Parameters
    ----------
    base
        The language model; it stays as it is.
    mapper
        Shows it recordings; alone learns.
    vectors
        Vector of each recording; rows of an episode name them by number.

    Raises
    ------
    SignalError
        If the vectors do not fit the mapper or are not finite.

    Notes
    -----
    A row is: the model's mark of a begin, the vectors of the mapper, the question, the answer. The
    language model's attention is computed step by step ("eager"), as the faster ways have no
    second derivative.

    References
    ----------
    Tang J, et al. CHIL 2025. arXiv:2410.14464
    """

    def __init__(
        self,
        base: CausalModel,
        mapper: EpisodeMapper,
        vectors: Float[np.ndarray, "recording dim"],
    ) -> None:
        held = np.asarray(vectors, np.float32)
        if held.ndim != 2 or held.shape[1] != mapper.queries.shape[1]:
            raise SignalError(
                f"vectors of shape {held.shape} arrived; (recording, {mapper.queries.shape[1]}) is "
                "needed, as the mapper was made."
            )
        if not np.isfinite(held).all():
            raise SignalError("a vector holds NaN or infinity; finite numbers are needed.")
        self.base, self.mapper = base, mapper
        self.vectors = torch.from_numpy(held)
        base.network.requires_grad_(False)
        base.network.set_attn_implementation("eager")

    def task(self, episode: Episode) -> Task:
        """Return what weights cost on an episode's support, and on its queries."""
        return self.loss(episode.support), self.loss(episode.query)

    def loss(self, rows: Sequence[EpisodeRow]) -> Loss:
        """Return the cross-entropy of the answers' tokens as a function of the mapper's weights."""
        ids, labels = self._tokens(rows)
        seen = self._seen(rows)

        def cost(parameters: Parameters) -> Float[Tensor, ""]:
            logits = self._logits(parameters, seen, ids)
            return functional.cross_entropy(
                logits.flatten(0, 1), labels.flatten(), ignore_index=NO_ANSWER
            )

        return cost

    def answer(
        self,
        episode: Episode,
        *,
        steps: int = 15,
        lr: float = 0.05,
        blank: bool = False,
    ) -> list[Said]:
        """Learn from the support of an episode, and answer its questions.

        Parameters
        ----------
        episode
            Answered questions, and those to answer.
        steps, lr
            Of adaptation; the mapper itself is not changed.
        blank
            Show zeros in place of recordings, to see what the words alone are good for.

        Returns
        -------
        What is said to each question.
        """
        self.mapper.eval()
        start = {name: p.detach().requires_grad_() for name, p in self.mapper.named_parameters()}
        adapted = adapt(self.loss(episode.support), start, steps=steps, lr=lr, first_order=True)
        adapted = {name: value.detach() for name, value in adapted.items()}
        seen = self._seen(episode.query)
        if blank:
            seen = torch.zeros_like(seen)
        with torch.no_grad():
            shares = self._tokens_right(adapted, seen, episode.query)
            texts = self._written(adapted, seen, episode.query)
        return [
            Said(text=text, right=text == self._plain(row.answer), tokens_right=share)
            for row, text, share in zip(episode.query, texts, shares, strict=True)
        ]

    def _seen(self, rows: Sequence[EpisodeRow]) -> Float[Tensor, "batch recording dim"]:
        if len({len(row.recordings) for row in rows}) > 1:
            raise SignalError(
                "an episode asks about one recording and about two; draw it from rows of one kind."
            )
        return torch.stack([self.vectors[list(row.recordings)] for row in rows])

    def _asked(self, row: EpisodeRow) -> list[int]:
        return self.base.ids(answer_prompt(row.question))

    def _tokens(self, rows: Sequence[EpisodeRow]) -> tuple[Tensor, Tensor]:
        """Return the tokens of questions and answers, and what each place should say next."""
        texts = [(self._asked(r), [*self.base.ids(f" {r.answer}"), self.base.end]) for r in rows]
        longest = max(len(asked) + len(answer) for asked, answer in texts)
        ids = torch.full((len(rows), longest), self.base.end)
        labels = torch.full((len(rows), longest), NO_ANSWER)
        for k, (asked, answer) in enumerate(texts):
            ids[k, : len(asked) + len(answer)] = torch.tensor([*asked, *answer])
            labels[k, len(asked) - 1 : len(asked) + len(answer) - 1] = torch.tensor(answer)
        return ids, labels

    def _logits(
        self,
        parameters: Parameters,
        seen: Float[Tensor, "batch recording dim"],
        ids: Tensor,
    ) -> Float[Tensor, "batch token word"]:
        network: Any = self.base.network
        prefix = functional_call(self.mapper, parameters, (seen,))
        begin = torch.tensor(self.base.begin, dtype=torch.int64).expand(len(ids), -1)
        first, words = (network.get_input_embeddings()(held) for held in (begin, ids))
        both = torch.cat([first, prefix, words], dim=1)
        said = network(inputs_embeds=both, use_cache=False).logits
        return said[:, both.shape[1] - words.shape[1] :]

    def _tokens_right(
        self, parameters: Parameters, seen: Tensor, rows: Sequence[EpisodeRow]
    ) -> list[float]:
        ids, labels = self._tokens(rows)
        right = self._logits(parameters, seen, ids).argmax(dim=-1) == labels
        # The mark of the end is no token of the answer.
        counted = (labels != NO_ANSWER) & (labels != self.base.end)
        return ((right & counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)).tolist()

    def _written(
        self, parameters: Parameters, seen: Tensor, rows: Sequence[EpisodeRow]
    ) -> list[str]:
        """Write answers, the likeliest token each time."""
        texts: list[str] = [""] * len(rows)
        asked = [self._asked(row) for row in rows]
        for length in sorted({len(ids) for ids in asked}):
            some = [k for k, ids in enumerate(asked) if len(ids) == length]
            ids = torch.tensor([asked[k] for k in some])
            for _ in range(_LONGEST):
                following = self._logits(parameters, seen[some], ids)[:, -1].argmax(dim=-1)
                ids = torch.cat([ids, following[:, None]], dim=1)
                if (ids[:, length:] == self.base.end).any(dim=1).all():
                    break
            for k, row in zip(some, ids[:, length:].tolist(), strict=True):
                said = row[: row.index(self.base.end)] if self.base.end in row else row
                texts[k] = self._decoded(said)
        return texts

    def _decoded(self, ids: list[int]) -> str:
        return " ".join(self.base.tokenizer.decode(ids).split())

    def _plain(self, answer: str) -> str:
        """Return an answer as the tokenizer gives it back; one it cannot say is never right."""
        ids = self.base.ids(f" {answer}")
        unknown = self.base.tokenizer.unk_token_id
        return "\0" if unknown in ids else self._decoded(ids)
