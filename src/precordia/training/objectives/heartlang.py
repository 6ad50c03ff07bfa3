# SPDX-License-Identifier: Apache-2.0
"""Beats as words: learn a vocabulary of beats, then tell hidden words from their sentence."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.models.heart_lang import HeartLang
from precordia.nn.beat_words import BeatSentence, cut_sentence
from precordia.nn.transformer import make_blocks
from precordia.nn.vector_quantiser import VectorQuantiser
from precordia.training.gathering import drawn_for_rows, gathered
from precordia.training.objective import Learned, Objective
from precordia.training.unlabelled_batch import UnlabelledBatch


class HeartLangWords(Objective):
    """Tell which words of a learned vocabulary the hidden beats are.

    Parameters
    ----------
    encoder
        A `heart-lang`.
    vocabulary_share
        Share of the training in which the vocabulary is learned; the encoder learns in the rest.
    n_codes, code_dim
        Words of the vocabulary, and length of their codes.
    vocabulary_width, vocabulary_depth, decoder_depth, vocabulary_heads
        Of the networks that make words of beats and beats of words.
    commitment
        Weight of the distance of beats from their words.
    hidden
        Share of the beats that is hidden.

    Notes
    -----
    *Method.* Jin et al.: beats of all leads, in a window of 960 ms each, are words of a sentence. A
    first network turns them into codes of a vocabulary, from which another draws the beats again;
    then half of the beats is hidden, and the encoder tells the codes of those. *Departures.* Both
    stages are one training. Beats that are not there (sentences have different lengths) are neither
    hidden nor counted. What is hidden is replaced by a learned beat before the layer that joins
    neighbours, which would let it through; the vocabulary is told lead and time of each beat while
    the encoder learns, as when it was learned itself; idle codes come back.

    R-peaks are those of the batch; where it has none, those that the encoder finds.

    References
    ----------
    Jin J, et al. Reading your heart: learning ECG words and sentences via pre-training ECG language
    model. ICLR 2025. arXiv:2502.10707
    """

    needs: ClassVar[frozenset[str]] = frozenset({"rpeaks"})
    architectures: ClassVar[tuple[str, ...]] = ("heart-lang",)

    def __init__(
        self,
        encoder: Encoder,
        *,
        vocabulary_share: float = 0.3,
        n_codes: int = 256,
        code_dim: int = 16,
        vocabulary_width: int = 64,
        vocabulary_depth: int = 2,
        decoder_depth: int = 1,
        vocabulary_heads: int = 2,
        commitment: float = 1.0,
        hidden: float = 0.5,
    ) -> None:
        super().__init__(encoder)
        if not isinstance(encoder, HeartLang):
            raise OptionError(
                f"heartlang needs a heart-lang; {encoder.name or type(encoder).__name__} arrived. "
                "Use the model heart-lang, or another objective."
            )
        if not 0 < vocabulary_share < 1 or not 0 < hidden < 1:
            raise OptionError(
                f"vocabulary_share is {vocabulary_share} and hidden {hidden}; shares between 0 and "
                "1 are needed."
            )
        self.vocabulary_share, self.hidden = vocabulary_share, hidden
        self.vocabulary = BeatVocabulary(
            encoder,
            n_codes=n_codes,
            code_dim=code_dim,
            width=vocabulary_width,
            depth=vocabulary_depth,
            decoder_depth=decoder_depth,
            heads=vocabulary_heads,
            commitment=commitment,
        )
        self.mark = nn.Parameter(torch.zeros(encoder.word))
        self.tell = nn.Linear(encoder.dim, n_codes)

    @property
    def sentences(self) -> HeartLang:
        """The encoder, by its kind."""
        return self.encoder  # type: ignore[return-value]

    def forward(self, batch: UnlabelledBatch, progress: float, generator: Generator) -> Learned:
        """Return the loss of the vocabulary, or that of hidden words once it is learned."""
        said = sentence_of(self.sentences, batch)
        if progress < self.vocabulary_share:
            drawn = self.vocabulary(said, generator)
            logged = {"reconstruction": drawn.reconstruction.detach()}
            logged["commitment"] = drawn.commitment.detach()
            return Learned(drawn.loss, drawn.embeddings.detach(), logged)
        chance = drawn_for_rows(
            lambda rows: torch.rand(
                rows, said.leads.shape[1], generator=generator, device=generator.device
            ),
            len(said.leads),
        )
        hidden = (chance.to(said.words.device) < self.hidden) & (said.leads > 0)
        loss, tokens = self.loss_of(said, self.vocabulary.codes_of(said), hidden)
        return Learned(loss, tokens.detach()[:, 0])

    def loss_of(
        self,
        said: BeatSentence,
        codes: Int[Tensor, "batch token"],
        hidden: Bool[Tensor, "batch token"],
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch one_more dim"]]:
        """Return the mean cross-entropy of hidden words, and all tokens.

        Parameters
        ----------
        said
            Sentences.
        codes
            The word of the vocabulary that each beat is.
        hidden
            Which beats are hidden.
        """
        words = torch.where(hidden[:, :, None], self.mark.to(said.words.dtype), said.words)
        tokens = self.sentences.tokens_of(BeatSentence(words, said.leads, said.times))
        told = self.tell(tokens[:, 1:][hidden])
        wrong = functional.cross_entropy(told, codes[hidden], reduction="sum")
        return wrong / _usual_count(hidden), tokens


class Drawn(NamedTuple):
    """What `BeatVocabulary` gives while it learns."""

    loss: Float[Tensor, ""]
    reconstruction: Float[Tensor, ""]
    commitment: Float[Tensor, ""]
    embeddings: Float[Tensor, "batch dim"]


class BeatVocabulary(nn.Module):
    """Codes for beats, and beats for codes.

    Parameters
    ----------
    encoder
        Whose sentences are read.
    n_codes, code_dim
        Codes, and their length.
    width, depth, decoder_depth, heads
        Of both networks.
    commitment
        Weight of the distance of beats from their codes.

    Notes
    -----
    A small network of the kind of the encoder, a narrowing map with a hyperbolic tangent, codes of
    length 1 that follow the beats (`VectorQuantiser`), and a transformer that draws the beats.
    """

    def __init__(
        self,
        encoder: HeartLang,
        *,
        n_codes: int,
        code_dim: int,
        width: int,
        depth: int,
        decoder_depth: int,
        heads: int,
        commitment: float,
    ) -> None:
        super().__init__()
        self.commitment = commitment
        self.reader = HeartLang(
            encoder.shape,
            0,
            width=width,
            depth=depth,
            heads=heads,
            head_dim=max(width // heads, 1),
            mlp_dim=4 * width,
            word=encoder.word,
            n_words=encoder.n_words,
        )
        self.narrow = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, code_dim))
        self.book = VectorQuantiser(code_dim, n_codes, unit=True)
        self.widen = nn.Linear(code_dim, width)
        self.places = nn.Parameter(torch.zeros(1, encoder.n_words, width))
        nn.init.trunc_normal_(self.places, std=0.02)
        self.writer = make_blocks(decoder_depth, width, heads=heads)
        self.norm = nn.LayerNorm(width)
        self.draw = nn.Linear(width, encoder.word)

    def forward(self, said: BeatSentence, generator: Generator) -> Drawn:
        """Return how well beats are drawn from their codes."""
        there = said.leads > 0
        tokens = self.reader.tokens_of(said)
        rows = self.narrow(tokens[:, 1:])
        found = self.book(rows.flatten(0, 1), generator, there.flatten())
        written = self.widen(found.values.unflatten(0, rows.shape[:2])) + self.places
        for block in self.writer:
            written = block(written, there)
        square = (self.draw(self.norm(written)) - said.words).square().mean(dim=2)
        reconstruction = (square * there).sum() / _usual_count(there)
        loss = reconstruction + self.commitment * found.commitment
        return Drawn(loss, reconstruction, found.commitment, tokens[:, 0])

    @torch.no_grad()
    def codes_of(self, said: BeatSentence) -> Int[Tensor, "batch token"]:
        """Return the code of each beat; nothing is learned."""
        learning = self.training
        self.eval()
        rows = self.narrow(self.reader.tokens_of(said)[:, 1:])
        codes = self.book(rows.flatten(0, 1)).codes.unflatten(0, rows.shape[:2])
        self.train(learning)
        return codes


def sentence_of(encoder: HeartLang, batch: UnlabelledBatch) -> BeatSentence:
    """Cut the windows of a batch into words, around their R-peaks."""
    present = batch.present.to(batch.windows.dtype)
    if batch.rpeaks is None:
        return encoder.sentence(batch.windows, present)
    n_beats = torch.tensor([len(peaks) for peaks in batch.rpeaks], device=present.device)
    places = pad_sequence(list(batch.rpeaks), batch_first=True)
    if not places.shape[1]:
        places = places.new_zeros(len(batch), 1)
    clock = torch.arange(places.shape[1], device=present.device)
    found = (clock < n_beats[:, None]).to(present.dtype)
    return cut_sentence(
        batch.windows,
        places,
        found,
        encoder.lead_numbers,
        present,
        word=encoder.word,
        n_words=encoder.n_words,
        second=round(batch.fs),
    )


def _usual_count(marks: Bool[Tensor, "batch token"]) -> Float[Tensor, ""]:
    """Return how many are marked, the mean over processes, so that sums become a mean of all."""
    return gathered(marks.sum()[None].float()).mean().clamp(min=1)
