# SPDX-License-Identifier: Apache-2.0
"""HuBERT-ECG: leads end to end as one long signal, convolutions, and a transformer over it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.models.encoder import TokenOrder
from precordia.models.key_prefix import prefix_before
from precordia.models.options import check_one_of, check_share
from precordia.models.signal_shape import SignalShape
from precordia.models.wav2vec_encoder import Wav2VecEncoder
from precordia.models.wav2vec_weights import TRANSFORMERS, rename_wav2vec
from precordia.nn.wav2vec import Wav2Vec


class _Size(NamedTuple):
    dim: int
    depth: int
    heads: int
    projection: int


_SIZES = {
    "tiny": _Size(64, 2, 4, 32),
    "small": _Size(512, 8, 8, 256),
    "base": _Size(768, 12, 12, 256),
    "large": _Size(960, 16, 12, 512),
}
_WIDTH = {"tiny": 32}
_KERNELS, _STRIDES = (10, 3, 3, 2, 2), (4, 2, 2, 2, 2)
#: samples of the long signal that make one token
_FEWEST = 82
#: cosines are divided by it
_TEMPERATURE = 0.1
_SCORING = (r"(.*\.)?final_proj\..*", r"(.*\.)?label_embedding\..*")


class HubertEcg(Wav2VecEncoder):
    """Leads one after the other as a single signal, then wav2vec's network.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    size
        ``"small"``, ``"base"`` and ``"large"`` are the authors'; ``"tiny"`` is for trials.
    clusters
        Entries of the codebook that pretraining scores tokens against; 0 for none.
    dropout
        Share of numbers hidden while training.

    Notes
    -----
    Written from the paper and the layout of the weights; outputs agree with the authors' code. A
    token spans a stretch of the long signal, so that one at the end of a lead sees the beginning of
    the next. Scores of pretraining are cosines between mapped tokens and the codebook, divided by
    0.1; an ensemble of several codebooks is not known here.

    References
    ----------
    Coppola E, et al. HuBERT-ECG as a self-supervised foundation model for broad and scalable
    cardiac applications. 2024. doi:10.1101/2024.11.14.24317328

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=12, n_samples=100, fs=100)
    >>> HubertEcg(shape, 5, size="tiny")(torch.zeros(2, 12, 100)).shape
    torch.Size([2, 5])
    """

    token_order: ClassVar[TokenOrder] = "other"
    left_out_weights: ClassVar[tuple[str, ...]] = (r"(.*\.)?masked_spec_embed", *_SCORING)

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        size: str = "base",
        clusters: int = 0,
        dropout: float = 0.1,
    ) -> None:
        check_one_of("size", size, tuple(_SIZES))
        check_share("dropout", dropout)
        if clusters < 0:
            raise OptionError(f"clusters is {clusters}; a whole number, 0 or more, is needed.")
        plan = _SIZES[size]
        super().__init__(shape, n_outputs, dim=plan.dim)
        self.smallest = -(-_FEWEST // shape.n_leads)  # type: ignore[misc]
        self.network = Wav2Vec(
            1,
            kernels=_KERNELS,
            strides=_STRIDES,
            width=_WIDTH.get(size, 512),
            dim=plan.dim,
            depth=plan.depth,
            heads=plan.heads,
            dropout=dropout,
        )
        self.codebook = Codebook(plan.dim, plan.projection, clusters) if clusters else None
        if clusters:
            self.left_out_weights = (self.left_out_weights[0],)  # type: ignore[misc]

    def laid_out(self, x: Float[Tensor, "batch lead sample"]) -> Float[Tensor, "batch 1 column"]:
        """Return the leads one after the other."""
        return x.flatten(1)[:, None]

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return what the authors' code gives, scores of pretraining where there is a codebook."""
        x, present = self._checked(x, present)
        tokens = self.features(x, present)
        outputs = {
            "tokens": tokens,
            "mean_tokens": tokens.mean(dim=1),
            "conv_features": self.network.local(self.laid_out(x)),
        }
        if self.codebook is not None:
            outputs["logits"] = self.codebook(tokens)
        return outputs

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of the authors; fine-tuned ones hold the network under ``hubert_ecg.``."""
        before = prefix_before(state, "feature_extractor.conv_layers.0.conv.weight")
        plain = {key.removeprefix(before): value for key, value in state.items()}
        renamed = rename_wav2vec(plain, TRANSFORMERS)
        return {_renamed(key): value for key, value in renamed.items()}


class Codebook(nn.Module):
    """Score tokens by their cosine with each entry of a codebook.

    Examples
    --------
    >>> import torch
    >>> Codebook(16, 8, 5)(torch.ones(2, 3, 16)).shape
    torch.Size([2, 3, 5])
    """

    def __init__(self, dim: int, projection: int, clusters: int) -> None:
        super().__init__()
        self.project = nn.Linear(dim, projection)
        self.entries = nn.Embedding(clusters, projection)

    def forward(
        self, tokens: Float[Tensor, "batch token dim"]
    ) -> Float[Tensor, "batch token cluster"]:
        """Return cosines divided by the temperature."""
        directions = functional.normalize(self.entries.weight, dim=-1)
        return functional.normalize(self.project(tokens), dim=-1) @ directions.T / _TEMPERATURE


def _renamed(key: str) -> str:
    if match := re.fullmatch(r"final_proj\.0\.(weight|bias)", key):
        return f"codebook.project.{match[1]}"
    if match := re.fullmatch(r"classifier\.(weight|bias)", key):
        return f"head.{match[1]}"
    return "codebook.entries.weight" if key == "label_embedding.0.weight" else key
