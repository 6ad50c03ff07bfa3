# SPDX-License-Identifier: Apache-2.0
"""wav2vec 2.0 with pairs of segments and leads hidden at random: the pretraining of ECG-FM."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.models.ecg_fm import EcgFm
from precordia.models.encoder import Encoder
from precordia.nn.vector_quantiser import GumbelQuantiser
from precordia.nn.wav2vec import Wav2Vec
from precordia.training.gathering import drawn_for_rows, gathered
from precordia.training.masks import Places, hide_spans, taken
from precordia.training.objective import Learned, Objective
from precordia.training.objectives.cmsc import cmsc_loss, neighbours
from precordia.training.unlabelled_batch import UnlabelledBatch
from precordia.training.views import Change, one_scale, views


class Wav2VecParts(NamedTuple):
    """Parts of the loss, and the embeddings of the masked windows."""

    contrast: Float[Tensor, ""]
    diversity: Float[Tensor, ""]
    penalty: Float[Tensor, ""]
    embeddings: Float[Tensor, "batch dim"]


class Wav2Vec2Cmsc(Objective):
    """Recognise words for hidden stretches of the signal, and the other segment of the recording.

    Parameters
    ----------
    encoder
        An `ecg-fm`.
    hidden, span
        Tokens of all hidden spans together as a share of all, overlaps counted twice; tokens of a
        span.
    groups, n_codes
        Groups of the vocabulary, and entries of each.
    projected
        Numbers in which words are compared.
    n_negatives
        Wrong words for each hidden token.
    temperature, pair_temperature
        Likenesses of words, and of segments, are divided by them.
    choice_first, choice_last
        Temperature of the choice of words at the beginning and at the end.
    diversity, penalty, pairs
        Weights of the use of the whole vocabulary, of small outputs of the convolutions, and of
        the pairs of segments.
    gradient
        Share of the gradient that reaches the convolutions.
    masked_leads
        Chance of each lead to be hidden.

    Notes
    -----
    *Method.* Oh et al., as ECG-FM: spans of frames are replaced by a learned vector; from the
    context, the word of each hidden frame is to be recognised among 100 words of other hidden
    frames of the record, by the cosine over 0.1; mean embeddings of two neighbouring segments find
    each other. Words that happen to be the right one are no negatives. *Departures.* All rows of a
    batch hide as many frames (`hide_spans`); nothing is dropped of inputs and frames; the choice
    cools with the share of the training that is done, not with the number of steps; a masked lead
    is said to be absent, and one always stays.

    References
    ----------
    Oh J, et al. Lead-agnostic self-supervised learning for local and global representations of
    electrocardiogram. CHIL 2022. arXiv:2203.06889. McKeen K, et al. ECG-FM. arXiv:2408.05178.
    Baevski A, et al. wav2vec 2.0. NeurIPS 2020. arXiv:2006.11477
    """

    grouping = "neighbours"
    architectures: ClassVar[tuple[str, ...]] = ("ecg-fm",)

    def __init__(
        self,
        encoder: Encoder,
        *,
        hidden: float = 0.65,
        span: int = 4,
        groups: int = 2,
        n_codes: int = 32,
        projected: int = 64,
        n_negatives: int = 20,
        temperature: float = 0.1,
        pair_temperature: float = 0.1,
        choice_first: float = 2.0,
        choice_last: float = 0.5,
        diversity: float = 0.1,
        penalty: float = 10.0,
        pairs: float = 1.0,
        gradient: float = 0.1,
        masked_leads: float = 0.5,
    ) -> None:
        super().__init__(encoder)
        if not isinstance(encoder, EcgFm):
            raise OptionError(
                f"wav2vec needs an ecg-fm; {encoder.name or type(encoder).__name__} arrived. Use "
                "the model ecg-fm, or another objective."
            )
        if n_negatives < 1 or span < 1 or not 0 < hidden < 1:
            raise OptionError(
                f"n_negatives is {n_negatives}, span {span} and hidden {hidden}; at least one, at "
                "least one, and a share between 0 and 1 are needed."
            )
        self.hidden, self.span, self.n_negatives = hidden, span, n_negatives
        self.temperature, self.pair_temperature = temperature, pair_temperature
        self.choice = (choice_first, choice_last)
        self.weights = (diversity, penalty, pairs)
        self.gradient = gradient
        self.change = Change(gain_db=0.0, noise=0.0, masked_leads=masked_leads)
        width = encoder.network.norm_frames.normalized_shape[0]
        self.mark = nn.Parameter(torch.rand(encoder.dim))
        self.choose = GumbelQuantiser(width, projected, groups=groups, n_codes=n_codes)
        self.name_word = nn.Linear(projected, projected)
        self.name_context = nn.Linear(encoder.dim, projected)

    @property
    def network(self) -> Wav2Vec:
        """What the encoder is made of."""
        return self.encoder.network  # type: ignore[return-value]

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the weighted sum of all parts."""
        earlier, later = neighbours(batch.records, batch.starts)
        seen = views(batch, self.change, generator, one_scale=one_scale(self.encoder))
        with torch.no_grad():
            n_tokens = int(self.network.local(seen.windows[:1]).shape[1])
        places = hide_spans(
            len(batch), n_tokens, share=self.hidden, span=self.span, generator=generator
        ).to(seen.windows.device)
        others = self._others(*places.hidden.shape, generator)
        first, last = self.choice
        parts = self.parts_of(
            seen.windows,
            places,
            others.to(seen.windows.device),
            choice=first * (last / first) ** min(max(progress, 0.0), 1.0),
            chance=self._noise(*places.hidden.shape, generator).to(seen.windows.device),
        )
        pair = cmsc_loss(
            parts.embeddings[earlier],
            parts.embeddings[later],
            batch.patients[earlier],
            temperature=self.pair_temperature,
        )
        diversity, penalty, pairs = self.weights
        loss = parts.contrast + diversity * parts.diversity + penalty * parts.penalty + pairs * pair
        logged = {
            "contrast": parts.contrast.detach(),
            "diversity": parts.diversity.detach(),
            "pairs": pair.detach(),
        }
        return Learned(loss=loss, embeddings=parts.embeddings.detach(), logged=logged)

    def parts_of(
        self,
        windows: Float[Tensor, "batch lead sample"],
        places: Places,
        others: Int[Tensor, "batch hidden negative"],
        *,
        choice: float,
        chance: Float[Tensor, "batch hidden group code"],
    ) -> Wav2VecParts:
        """Return the parts of the loss for known masks and negatives.

        Parameters
        ----------
        windows
            Windows whose masked leads are zero.
        places
            Tokens that are kept and hidden.
        others
            For each hidden token, which of the hidden tokens of its row are wrong.
        choice
            Temperature of the choice of words.
        chance
            Numbers between 0 and 1 that the noise of the choice is made of.
        """
        local = self.network.local(windows)
        local = local * self.gradient + local.detach() * (1 - self.gradient)
        normal = self.network.norm_frames(local)
        frames = self.network.project(normal)
        hidden = places.hidden[:, :, None].expand(-1, -1, frames.shape[2])
        marked = frames.scatter(1, hidden, self.mark.to(frames.dtype).expand_as(hidden))
        context = self.network.context(marked)
        words = self.choose(taken(normal, places.hidden), temperature=choice, chance=chance)
        contrast = word_loss(
            self.name_context(taken(context, places.hidden)),
            self.name_word(words.values),
            words.codes,
            others,
            temperature=self.temperature,
        )
        return Wav2VecParts(
            contrast,
            unused(gathered(words.likelihood.mean(dim=(0, 1))[None]).mean(dim=0)),
            local.square().mean(),
            context.mean(dim=1),
        )

    def _noise(self, n_rows: int, n_hidden: int, generator: Generator) -> Tensor:
        """Return numbers between 0 and 1 for the choice of words."""
        return _chances(n_rows, (n_hidden, self.choose.groups, self.choose.n_codes), generator)

    def _others(self, n_rows: int, n_hidden: int, generator: Generator) -> Tensor:
        """Return, for each hidden token, others of its row, drawn with replacement."""
        drawn = _chances(n_rows, (n_hidden, self.n_negatives), generator)
        places = (drawn * (n_hidden - 1)).long()
        itself = torch.arange(n_hidden, device=places.device)[:, None]
        return (places + (places >= itself)).clamp(max=n_hidden - 1)


def _chances(n_rows: int, shape: tuple[int, ...], generator: Generator) -> Tensor:
    return drawn_for_rows(
        lambda rows: torch.rand(rows, *shape, generator=generator, device=generator.device), n_rows
    )


def word_loss(
    told: Float[Tensor, "batch hidden dim"],
    words: Float[Tensor, "batch hidden dim"],
    codes: Int[Tensor, "batch hidden group"],
    others: Int[Tensor, "batch hidden negative"],
    *,
    temperature: float,
) -> Float[Tensor, ""]:
    """Return the mean cross-entropy of recognising the word of each hidden token.

    Parameters
    ----------
    told
        What the context tells of each hidden token.
    words, codes
        Words of the hidden tokens, and their numbers.
    others
        Which other hidden tokens of the row stand for wrong words.
    temperature
        Divides cosines.

    Examples
    --------
    >>> words = torch.eye(3)[None]
    >>> others = torch.tensor([[[1, 2], [0, 2], [0, 1]]])
    >>> codes = torch.arange(3)[None, :, None]
    >>> round(float(word_loss(words, words, codes, others, temperature=1.0)), 4)
    0.5514
    """
    told, words = functional.normalize(told, dim=-1), functional.normalize(words, dim=-1)
    like = (told @ words.transpose(1, 2)).float() / temperature
    same = (codes[:, :, None] == codes[:, None]).all(dim=-1)
    right = like.diagonal(dim1=1, dim2=2)
    wrong = like.masked_fill(same, -torch.inf).gather(2, others)
    return (torch.cat([right[:, :, None], wrong], dim=2).logsumexp(dim=2) - right).mean()


def unused(likelihood: Float[Tensor, "group code"]) -> Float[Tensor, ""]:
    """Return the share of the vocabulary that is not used: 1 less the perplexity over the size.

    Examples
    --------
    >>> round(float(unused(torch.full((2, 4), 0.25))), 4)
    0.0
    """
    entropy = -(likelihood * (likelihood + 1e-7).log()).sum(dim=1)
    return (1 - entropy.exp().sum() / likelihood.numel()).clamp(min=0.0)
