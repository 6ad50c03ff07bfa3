# SPDX-License-Identifier: Apache-2.0
"""A frozen causal language model with an adapter through which it sees recordings."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.language.adapters.adapter import PLACE, Adapter
from precordia.language.causal_model import CausalModel
from precordia.language.low_rank import LowRank, add_low_rank, low_rank_state
from precordia.language.question_batch import NO_ANSWER, QuestionBatch
from precordia.training.checkpoint import restore_weights


class AdaptedModel(nn.Module):
    """A language model that is asked about recordings.

    Parameters
    ----------
    base
        The language model. It is frozen, but for low-rank changes where they are wanted.
    adapter
        Made for this model.
    low_rank
        Changes of the model's own layers.
    """

    def __init__(
        self,
        base: CausalModel,
        adapter: Adapter,
        low_rank: LowRank = LowRank(),  # noqa: B008 (frozen)
    ) -> None:
        super().__init__()
        self.base, self.low_rank = base, low_rank
        self.network, self.adapter = base.network, adapter
        self.changed = add_low_rank(base.network, low_rank)
        adapter.attach(base.network)
        said = inspect.signature(base.network.forward).parameters
        self._can_keep = "logits_to_keep" in said
        self.eval()

    def train(self, mode: bool = True) -> AdaptedModel:
        """Train what learns; the frozen model never drops anything out."""
        self.training = mode
        self.network.eval()
        self.adapter.train(mode)
        for name, part in self.network.named_modules():
            if "lora_" in name:
                part.train(mode)
        return self

    def learning(self) -> dict[str, nn.Parameter]:
        """Return what learns, by name: the adapter, and low-rank changes."""
        own = {f"adapter.{n}": p for n, p in self.adapter.named_parameters() if p.requires_grad}
        changes = low_rank_state(self.network)
        held = dict(self.network.named_parameters())
        return own | {f"low_rank.{name}": held[name] for name in changes}

    def learned_state(self) -> dict[str, Tensor]:
        """Return copies of the weights of `learning`."""
        return {name: p.detach().clone() for name, p in self.learning().items()}

    def load_learned(self, state: Mapping[str, Tensor], *, of: str) -> None:
        """Take weights that `learned_state` returned.

        Raises
        ------
        WeightsError
            If names or shapes differ.
        """
        restore_weights(_Learned(self.learning()), _undotted(state), of=of)

    def vectors(self, batch: QuestionBatch) -> tuple[Tensor, Tensor | None]:
        """Return the vectors of all tokens, and those of the recordings."""
        words = self.network.get_input_embeddings()(batch.ids.clamp(min=0))
        if batch.recordings is None:
            return words, None
        seen = self.adapter(batch.recordings)
        if not self.adapter.fills_places:
            return words, seen
        places = (batch.ids == PLACE)[..., None]
        return words.masked_scatter(places, seen.to(words.dtype).flatten()), None

    def forward(
        self, batch: QuestionBatch, keep: Int[Tensor, " kept"] | None = None
    ) -> Float[Tensor, "batch token word"]:
        """Return the scores of the next word behind each token.

        Parameters
        ----------
        batch
            The questions.
        keep
            Tokens behind which the next word is wanted; all by default. With a large vocabulary
            this is most of the memory.
        """
        self._check_length(int(batch.ids.shape[1]))
        words, seen = self.vectors(batch)
        more = {"logits_to_keep": keep} if keep is not None and self._can_keep else {}
        with self.adapter.shown(seen, batch.rows, len(batch.ids)):
            logits = self.network(
                inputs_embeds=words,
                attention_mask=batch.allowed.long(),
                use_cache=False,
                **more,
            ).logits
        return logits if keep is None or self._can_keep else logits[:, keep]

    def _check_length(self, n_tokens: int) -> None:
        most = getattr(self.network.config.get_text_config(), "max_position_embeddings", None)
        if most is not None and n_tokens > most:
            raise OptionError(
                f"a question with its recordings has {n_tokens} places and '{self.base.name}' "
                f"takes {most}. Take longer pieces (patch), all leads together (per_lead = false), "
                "fewer leads, or gated-cross-attention."
            )

    def answer_likelihood(self, batch: QuestionBatch) -> Float[Tensor, " batch"]:
        """Return the mean logarithm of the likelihood of each answer's tokens, its end included."""
        labels = batch.labels[:, 1:]
        keep = (labels != NO_ANSWER).any(dim=0).nonzero().flatten()
        logits = self(batch, keep).float()
        labels = labels[:, keep]
        loss = functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=NO_ANSWER, reduction="none"
        ).reshape(labels.shape)
        counted = (labels != NO_ANSWER).sum(dim=1).clamp(min=1)
        return -loss.sum(dim=1) / counted

    def loss(self, batch: QuestionBatch) -> Float[Tensor, ""]:
        """Return the cross-entropy of the answers' tokens, each answer counting once."""
        return -self.answer_likelihood(batch).mean()

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.network.get_input_embeddings().weight.device


class _Learned(nn.Module):
    """Parameters that live elsewhere, under one roof."""

    def __init__(self, held: Mapping[str, nn.Parameter]) -> None:
        super().__init__()
        for name, parameter in held.items():
            self.register_parameter(name.replace(".", "/"), parameter)


def _undotted(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.replace(".", "/"): tensor for name, tensor in state.items()}
