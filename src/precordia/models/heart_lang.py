# SPDX-License-Identifier: Apache-2.0
"""The transformer of HeartLang: beats are words, and a record is a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from precordia.core.errors import LeadError, OptionError
from precordia.core.leads import STANDARD_12
from precordia.models.encoder import Encoder, TokenOrder
from precordia.models.key_prefix import with_our_beginning
from precordia.models.known_leads import rows_of
from precordia.models.options import check_one_of, check_positive, check_share
from precordia.models.signal_shape import SignalShape
from precordia.nn.beat_alignment import BeatAlignment
from precordia.nn.beat_words import BeatSentence, cut_sentence
from precordia.nn.transformer import make_blocks
from precordia.nn.xqrs import xqrs_beats

#: rows of the authors' tables of leads and of seconds; the first is of words that are none
_ROWS = 16
#: beats that a window may have
_BEATS = 48


class HeartLang(Encoder):
    """Transformer whose tokens are single beats of single leads.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`; the leads are some of the standard twelve.
    width, depth, heads
        Length of a token, number of blocks, heads of each.
    head_dim, mlp_dim
        Numbers of one head; middle of a block's two layers.
    word, n_words
        Samples of a word, words of a sentence.
    beats
        How beats are found: ``"slope"`` of all leads together, or ``"xqrs"`` on the first lead that
        is there, as the authors do.
    vocabulary
        Collective words that pretraining tells apart; 0 for no layer that scores them.
    dropout, drop_path
        Share of numbers, and of whole paths, hidden while training.

    Notes
    -----
    *Method.* The beats of a window are found within the network (`BeatAlignment.find`, or
    `xqrs_beats`) and cut into words (`cut_sentence`): windows come in, as with any other model. A
    word becomes a token together with its two neighbours; the vectors of its
    lead, its second and its place are added, and a class token is put before, whose output is the
    embedding. Beats that are known from elsewhere are given to ``sentence``, and a sentence to
    ``tokens_of``.

    Written from the paper and the layout of the weights; outputs agree with the authors' code. As
    there, the first word is a neighbour of the last, words that are none take part in attention,
    and a sentence of more than ``n_words`` loses its last leads: of twelve leads that happens above
    21 beats in a window.

    Published weights learned from the marks of XQRS, which at 100 Hz often come early or stand on
    no beat: for these, ``beats="xqrs"`` gives the words that they know. It runs outside of PyTorch,
    so a graph for other programs needs ``"slope"``.

    *Departures.* All leads share one list of beats, as in one version of the authors' code; another
    version looks on each lead by itself.

    References
    ----------
    Jin J, et al. Reading your heart: learning ECG words and sentences via pre-training ECG language
    model. ICLR 2025. arXiv:2502.10707

    Examples
    --------
    >>> shape = SignalShape(n_leads=2, n_samples=1000, fs=100, leads=("I", "II"))
    >>> model = HeartLang(shape, 5, width=32, depth=2, heads=2, head_dim=8, mlp_dim=32).eval()
    >>> model.tokens(torch.zeros(2, 2, 1000)).shape
    torch.Size([2, 257, 32])
    """

    leaves_out_absent: ClassVar[bool] = True
    token_order: ClassVar[TokenOrder] = "other"
    left_out_weights: ClassVar[tuple[str, ...]] = (r"(backbone\.)?mask_token",)
    lead_numbers: Tensor
    #: tokens see one another
    sees_whole_window: ClassVar[bool] = True

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        width: int = 768,
        depth: int = 12,
        heads: int = 8,
        head_dim: int = 64,
        mlp_dim: int = 1024,
        word: int = 96,
        n_words: int = 256,
        beats: str = "slope",
        vocabulary: int = 0,
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        sizes = {"width": width, "depth": depth, "heads": heads, "head_dim": head_dim}
        for name, value in {**sizes, "mlp_dim": mlp_dim, "word": word, "n_words": n_words}.items():
            check_positive(name, value)
        check_one_of("beats", beats, ("slope", "xqrs"))
        check_share("dropout", dropout)
        check_share("drop_path", drop_path)
        if vocabulary < 0:
            raise OptionError(f"vocabulary is {vocabulary}; 0 or a number of words is needed.")
        super().__init__(shape, n_outputs, dim=width)
        self.word, self.n_words, self.beats = word, n_words, beats
        self.smallest = max(word, _BEATS)  # type: ignore[misc]
        self.find_beats = BeatAlignment(shape.fs, n_beats=_BEATS)
        self.register_buffer("lead_numbers", _numbers(shape), persistent=False)
        self.project = nn.Conv1d(word, width, 3, bias=False)
        self.lead_table = nn.Embedding(_ROWS, width)
        self.time_table = nn.Embedding(_ROWS, width)
        self.start = nn.Parameter(torch.empty(width))
        self.places = nn.Parameter(torch.empty(1, n_words + 1, width))
        for table in (self.lead_table.weight, self.time_table.weight, self.start, self.places):
            nn.init.trunc_normal_(table, std=0.02)
        self.blocks = make_blocks(
            depth,
            width,
            heads=heads,
            head_dim=head_dim,
            mlp_ratio=mlp_dim / width,
            dropout=dropout,
            drop_path=drop_path,
            qkv_bias=False,
            epsilon=1e-5,
        )
        self.norm = nn.LayerNorm(width)
        self.score_words = nn.Linear(width, vocabulary) if vocabulary else nn.Identity()

    def sentence(
        self,
        x: Float[Tensor, "batch lead sample"],
        present: Float[Tensor, "batch lead"] | None = None,
        places: Int[Tensor, "batch beat"] | None = None,
    ) -> BeatSentence:
        """Cut windows into words.

        Parameters
        ----------
        x, present
            As in ``tokens``.
        places
            Sample of each R-peak, ascending, as many in each window; found where not given.
        """
        if places is None:
            there = torch.ones_like(x[:, :, 0]) if present is None else present
            places, found = self._found(x, there)
        else:
            found = torch.ones_like(places, dtype=x.dtype)
        return cut_sentence(
            x,
            places,
            found,
            self.lead_numbers,
            present,
            word=self.word,
            n_words=self.n_words,
            second=round(self.shape.fs),
        )

    def tokens_of(self, said: BeatSentence) -> Float[Tensor, "batch token dim"]:
        """Return the class token and those of the words."""
        words = said.words
        around = torch.cat([words[:, -1:], words, words[:, :1]], dim=1)
        tokens = self.project(around.transpose(1, 2)).transpose(1, 2)
        tokens = tokens + self.lead_table(said.leads)
        tokens = tokens + self.time_table(said.times.clamp(max=_ROWS - 1))
        start = self.start.expand(tokens.shape[0], 1, -1)
        tokens = torch.cat([start, tokens], dim=1) + self.places
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return the class token, then the words lead by lead."""
        return self.tokens_of(self.sentence(x, present))

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch dim"]:
        """Return the class token."""
        return tokens[:, 0]

    def published_outputs(
        self,
        x: Tensor,
        present: Tensor | None = None,
        *,
        leads: Tensor | None = None,
        times: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return scores, or the tokens and the scores of collective words of the first four.

        Parameters
        ----------
        x, present
            As in ``tokens``; or, with ``leads`` and ``times``, the words of a sentence.
        leads, times
            Lead and second of each word.
        """
        if leads is None or times is None:
            tokens = self.tokens(x, present)
        else:
            tokens = self.tokens_of(BeatSentence(x, leads, times))
        if self.n_outputs:
            return {"logits": self.head(tokens[:, 0])}
        scores = self.score_words(tokens[:, 1:5])
        return {"cls": tokens[:, 0], "tokens": tokens, "lm_logits_0_3": scores}

    def stages(self) -> list[nn.Module]:
        """Return the words with their tables, the blocks, and what follows them."""
        words = nn.ModuleList([self.project, self.lead_table, self.time_table])
        return [words, *self.blocks, nn.ModuleList([self.norm, self.score_words])]

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of pretraining or fine-tuning.

        The token that stands for hidden words is left out, and so is the layer that scores
        collective words, unless this model has one.
        """
        kept = {}
        for key, value in state.items():
            key = key.removeprefix("backbone.")
            idle = key.startswith("lm_head.") and isinstance(self.score_words, nn.Identity)
            if key != "mask_token" and not idle:
                kept[_renamed(key)] = value
        return kept

    def _found(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"]
    ) -> tuple[Int[Tensor, "batch beat"], Float[Tensor, "batch beat"]]:
        """Return where beats are, and 1 for each place that is one."""
        if self.beats == "xqrs":
            return self._marked(x, present)
        places, found = self.find_beats.find(x, present)
        span = x.amax(dim=2) - x.amin(dim=2)  # where nothing moves, nothing beats
        return places, found * (span.amax(dim=1, keepdim=True) > 0).to(found.dtype)

    def _marked(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"]
    ) -> tuple[Int[Tensor, "batch beat"], Float[Tensor, "batch beat"]]:
        """Return the marks of XQRS on the first lead that is there."""
        if torch.jit.is_tracing() or torch.compiler.is_compiling():
            raise OptionError(
                "heart-lang with beats='xqrs' cannot become a graph: XQRS runs outside of PyTorch. "
                "Load the weights with beats='slope'."
            )
        absent = (present <= 0).to(torch.int64)
        row = (self.lead_numbers + absent * (len(STANDARD_12) + 1)).argmin(dim=1)
        leads = x[torch.arange(len(x), device=x.device), row].detach().float().cpu().numpy()
        marks = [xqrs_beats(lead, self.shape.fs) for lead in leads]
        places = np.full((len(marks), max([1, *map(len, marks)])), x.shape[2] - 1, np.int64)
        found = np.zeros(places.shape, np.float32)
        for k, mark in enumerate(marks):
            places[k, : len(mark)], found[k, : len(mark)] = mark, 1.0
        return torch.from_numpy(places).to(x.device), torch.from_numpy(found).to(x)


def _numbers(shape: SignalShape) -> Int[Tensor, " lead"]:
    """Return the number of each lead among the standard twelve, from 1."""
    rows = rows_of(shape, "heart-lang")
    strange = [name for name in shape.leads if name not in STANDARD_12]
    if strange:
        raise LeadError(
            f"heart-lang has no place for {', '.join(strange)}; it knows {', '.join(STANDARD_12)}. "
            "Leave these leads away."
        )
    return torch.tensor(rows) + 1


_BLOCK = {
    "0.norm": "norm_attention",
    "0.to_qkv": "attention.qkv",
    "0.to_out.0": "attention.out",
    "1.net.0": "norm_mlp",
    "1.net.1": "mlp.0",
    "1.net.4": "mlp.3",
}
_REST = {
    "cls_token": "start",
    "pos_embed": "places",
    "token_embed.tokenConv.": "project.",
    "spa_embed.embed.": "lead_table.",
    "tem_embed.embed.": "time_table.",
    "norm_layer.": "norm.",
    "lm_head.": "score_words.",
    "mlp_head.": "head.",
}


def _renamed(key: str) -> str:
    if match := re.fullmatch(r"transformer\.layers\.(\d+)\.(.+)\.(weight|bias)", key):
        return f"blocks.{match[1]}.{_BLOCK.get(match[2], match[2])}.{match[3]}"
    return with_our_beginning(key, _REST)
