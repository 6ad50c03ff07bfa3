# SPDX-License-Identifier: Apache-2.0
"""MELP's encoder: ECG-FM's network, and queries that gather its tokens into beats and captions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from precordia.core.errors import OptionError
from precordia.models.key_prefix import prefix_before
from precordia.models.options import check_positive
from precordia.models.signal_shape import SignalShape
from precordia.models.wav2vec_encoder import Wav2VecEncoder, check_wav2vec
from precordia.models.wav2vec_weights import FAIRSEQ, rename_wav2vec
from precordia.nn.token_queries import TokenQueries
from precordia.nn.wav2vec import Wav2Vec

#: heads of both sets of queries, and how many face captions
_QUERY_HEADS, _CAPTION_QUERIES = 8, 128
#: parts of a whole MELP file that read or write text
_TEXT_SIDE = (
    r"(text|lm|language|decoder|multimodal|caption_|sent|word|report|token|loss)\w*\..*",
    r"proj_(t|text|word|sent)\w*(\..*)?",
)
_REPORTS = (
    r"(.*\.)?proj_contrast",
    r"(.*\.)?(attn_pool|ln)_caption\..*",
)


class Melp(Wav2VecEncoder):
    """Wav2vec's network over all leads; learned queries gather one token for each of 13 beats.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    width
        Channels of the convolutions.
    dim, depth, heads
        Length of a token, number of blocks, heads of each.
    beats
        Number of queries whose mean is the embedding.
    embedding
        Length of the embedding.
    reports
        Whether the parts that face reports are there: the map of beat tokens into the space that
        they share with sentences, and the tokens that a caption is written from.
    dropout
        Share of numbers hidden while training.

    Notes
    -----
    Written from the paper and the layout of the weights; outputs agree with the authors' code. As
    in its downstream tasks, the embedding is the mean of the beat tokens before they are mapped
    into the space of sentences. The text side is not part of the encoder.

    References
    ----------
    Wang F, et al. From token to rhythm: a multi-scale approach for ECG-language pretraining.
    ICML 2025. arXiv:2506.21803

    Examples
    --------
    >>> shape = SignalShape(n_leads=12, n_samples=320, fs=500)
    >>> model = Melp(shape, 5, width=16, dim=32, depth=1, heads=2, embedding=16)
    >>> model(torch.zeros(2, 12, 320)).shape
    torch.Size([2, 5])
    """

    smallest: ClassVar[int] = 16
    left_out_weights: ClassVar[tuple[str, ...]] = (
        r"(.*\.)?(logit_scale|bn\.(running_mean|running_var|num_batches_tracked))",
        r"(.*\.)?ecg_encoder\.mask_emb",
        r"(.*\.)?ecg_encoder\.quantizer\.(vars|weight_proj\.(weight|bias))",
        r"(.*\.)?ecg_encoder\.(project_q|final_proj)\.(weight|bias)",
        *_TEXT_SIDE,
        *_REPORTS,
    )

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        width: int = 256,
        dim: int = 768,
        depth: int = 8,
        heads: int = 12,
        beats: int = 13,
        embedding: int = 256,
        reports: bool = False,
        dropout: float = 0.1,
    ) -> None:
        for name, value in (("width", width), ("beats", beats)):
            check_positive(name, value)
        check_wav2vec(dim, depth, heads, dropout)
        if embedding < 1 or embedding % _QUERY_HEADS:
            raise OptionError(
                f"embedding is {embedding}; a multiple of {_QUERY_HEADS} such as 256 is needed."
            )
        super().__init__(shape, n_outputs, dim=embedding, token_dim=dim)
        self.network = Wav2Vec(
            shape.n_leads,
            kernels=(2,) * 4,
            strides=(2,) * 4,
            width=width,
            dim=dim,
            depth=depth,
            heads=heads,
            dropout=dropout,
        )
        self.beats = TokenQueries(dim, embedding, beats, heads=_QUERY_HEADS)
        self.to_sentences: nn.Linear | None = None
        self.captions: TokenQueries | None = None
        if reports:
            self.to_sentences = nn.Linear(embedding, embedding, bias=False)
            self.captions = TokenQueries(dim, dim, _CAPTION_QUERIES, heads=_QUERY_HEADS)
            kept = tuple(key for key in type(self).left_out_weights if key not in _REPORTS)
            self.left_out_weights = kept  # type: ignore[misc]

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch embedding"]:
        """Return the mean of the beat tokens."""
        return self.beats(tokens).mean(dim=1)

    def stages(self) -> list[nn.Module]:
        """Return convolutions, what joins them to the blocks, the blocks and the queries."""
        return [*super().stages(), self.beats]

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return what the authors' code gives; what faces reports only where it is there."""
        x, present = self._checked(x, present)
        tokens = self.features(x, present)
        beats = self.beats(tokens)
        outputs = {"pooled_before_projection": beats.mean(dim=1)}
        if self.to_sentences is not None and self.captions is not None:
            outputs["beat_tokens"] = self.to_sentences(beats)
            outputs["pooled_projected"] = outputs["beat_tokens"].mean(dim=1)
            outputs["caption_tokens"] = self.captions(tokens)
        return outputs

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of a whole MELP file, or of the encoder of its first stage.

        A whole file holds the encoder under ``ecg_encoder.``, beside the text side.
        """
        before = prefix_before(state, "ecg_encoder.feature_extractor.conv_layers.0.0.weight")
        plain = {key.removeprefix(before): value for key, value in state.items()}
        renamed = rename_wav2vec(plain, FAIRSEQ, theirs="ecg_encoder.")
        for theirs, ours in (("contrast", "beats"), ("caption", "captions")):
            renamed = _queries_renamed(renamed, theirs, ours)
        if "proj_contrast" in renamed:
            renamed["to_sentences.weight"] = renamed.pop("proj_contrast").T.contiguous()
        return renamed


def _queries_renamed(state: Mapping[str, Tensor], theirs: str, ours: str) -> dict[str, Tensor]:
    """Rename one set of queries, whose maps stand in one matrix or in three."""
    inside = {
        rf"attn_pool_{theirs}\.query": "query",
        rf"attn_pool_{theirs}\.ln_q\.(weight|bias)": r"norm_query.\1",
        rf"attn_pool_{theirs}\.ln_k\.(weight|bias)": r"norm_tokens.\1",
        rf"attn_pool_{theirs}\.attn\.out_proj\.(weight|bias)": r"out.\1",
        rf"ln_{theirs}\.(weight|bias)": r"norm.\1",
    }
    found = {_by_rules(key, inside, ours): value for key, value in state.items()}
    attention = f"attn_pool_{theirs}.attn."
    if f"{attention}in_proj_weight" in found:
        parts = found.pop(f"{attention}in_proj_weight").chunk(3)
    else:
        names = [f"{attention}{name}_proj_weight" for name in "qkv"]
        if not all(name in found for name in names):
            return found
        parts = tuple(found.pop(name) for name in names)
    found[f"{ours}.ask.weight"], found[f"{ours}.offer.weight"] = parts[0], torch.cat(parts[1:])
    if (bias := found.pop(f"{attention}in_proj_bias", None)) is not None:
        wide = len(bias) // 3
        found[f"{ours}.ask.bias"], found[f"{ours}.offer.bias"] = bias[:wide], bias[wide:]
    return found


def _by_rules(key: str, rules: Mapping[str, str], ours: str) -> str:
    for pattern, replacement in rules.items():
        if match := re.fullmatch(pattern, key):
            return f"{ours}.{match.expand(replacement)}"
    return key
