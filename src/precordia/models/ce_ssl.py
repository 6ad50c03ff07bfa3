# SPDX-License-Identifier: Apache-2.0
"""The backbone of CE-SSL: three convolutional blocks, then a transformer that looks back only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from precordia.models.encoder import Encoder
from precordia.models.signal_shape import SignalShape
from precordia.models.vit1d import check_transformer
from precordia.nn.positions import SinusoidalPositions, sinusoidal_positions
from precordia.nn.transformer import TransformerBlock

#: blocks of convolutions, and by how much each shortens
_BLOCKS, _STRIDE, _KERNEL = 3, 4, 9
#: sizes of the authors' tables: moments that may be looked at, and places in time
_MASKED, _PLACES = 96, 200
_MASK = r"transformer_layers\.\d+\.self_attention\.bias"
_TABLE = r"position_encoding\.positional_encoding"


class CeSsl(Encoder):
    """Convolutions that shorten 64 times, and attention of each moment to those before it.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    width, depth, heads
        Length of a token, number of attention blocks, heads of each: 256, 8, 16 (base); 512, 12,
        16 (medium); 768, 12, 16 (large).
    dropout
        Share of numbers hidden while training, within the attention blocks.

    Notes
    -----
    *Method.* Three residual blocks of two convolutions of nine samples, each of which quarters the
    length; sines and cosines of time; blocks of attention whose tokens see themselves and those
    before them; the embedding is the largest value over time. Written from the paper and the
    layout of the weights; outputs agree with the authors' code. *Departures*: the authors' tables
    end at 96 tokens (6144 samples); here they are computed, so that any length will do, and a last
    step of fewer than four samples counts as one, where theirs needs a multiple of 64. Low-rank
    changes are made by `precordia.nn.lora` and are no part of the network.

    References
    ----------
    Zhou R, et al. Computation-efficient semi-supervised learning for ECG-based cardiovascular
    diseases detection. arXiv:2406.14377

    Examples
    --------
    >>> shape = SignalShape(n_leads=12, n_samples=6144, fs=500)
    >>> CeSsl(shape, 0, width=16, depth=1, heads=2).tokens(torch.zeros(2, 12, 6144)).shape
    torch.Size([2, 96, 16])
    """

    #: tables that follow from their size
    left_out_weights: ClassVar[tuple[str, ...]] = (_MASK, _TABLE)
    #: tokens see all that came before
    sees_whole_window: ClassVar[bool] = True

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        width: int = 256,
        depth: int = 8,
        heads: int = 16,
        dropout: float = 0.0,
    ) -> None:
        check_transformer(width, depth, heads, dropout, 0.0)
        super().__init__(shape, n_outputs, dim=width)
        self.convolutions = nn.ModuleList(
            _Block(width if block else shape.n_leads, width) for block in range(_BLOCKS)
        )
        n_tokens = -(-shape.n_samples // _STRIDE**_BLOCKS)
        self.positions = SinusoidalPositions(n_tokens, width)
        self.blocks = nn.ModuleList(
            TransformerBlock(
                width, heads=heads, epsilon=1e-5, dropout=dropout, activation=nn.LeakyReLU
            )
            for _ in range(depth)
        )
        self.neck = nn.Linear(width, width)

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return one token for every 64 samples, each of which saw those before it."""
        for block in self.convolutions:
            x = block(x)
        tokens = self.positions(x.transpose(1, 2))
        n_tokens = int(tokens.shape[1])
        before = torch.ones(1, n_tokens, n_tokens, device=tokens.device).tril()
        for block in self.blocks:
            tokens = block(tokens, before)
        return tokens

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch dim"]:
        """Return the largest value over time."""
        return tokens.amax(dim=1)

    def stages(self) -> list[nn.Module]:
        """Return the blocks of convolutions and of attention."""
        return [*self.convolutions, *self.blocks]

    def published_constants(self) -> dict[str, Tensor]:
        """Return the authors' tables: what may be looked at, and places in time."""
        before = torch.ones(_MASKED, _MASKED).tril()[None, None]
        layers = range(len(self.blocks))
        masks = {f"transformer_layers.{k}.self_attention.bias": before for k in layers}
        table = sinusoidal_positions(_PLACES, self.dim)
        return {**masks, "position_encoding.positional_encoding": table}

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of the authors; maps of attention stand on their side there."""
        renamed = {}
        for key, value in state.items():
            side = re.fullmatch(r".*\.self_attention\.c_(attn|proj)\.weight", key)
            if side or re.fullmatch(r"encoder_layers\.\d+\.conv\d\.conv\.weight", key):
                # Convolutions are of images of one row.
                value = value.T if side else value.squeeze(2)
            renamed[_renamed(key)] = value
        return renamed


class _Block(nn.Module):
    """Two convolutions, the first with a stride, around which a map of means is led."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        around = _KERNEL // 2
        self.path = nn.Sequential(
            nn.Conv1d(n_in, n_out, _KERNEL, _STRIDE, padding=around),
            nn.BatchNorm1d(n_out),
            nn.LeakyReLU(),
            nn.Conv1d(n_out, n_out, _KERNEL, padding=around),
            nn.BatchNorm1d(n_out),
            nn.LeakyReLU(),
        )
        self.around = nn.Sequential(
            nn.AvgPool1d(_STRIDE, ceil_mode=True), nn.Conv1d(n_in, n_out, 1)
        )

    def forward(self, x: Float[Tensor, "batch dim sample"]) -> Float[Tensor, "batch dim_out token"]:
        return self.path(x) + self.around(x)


_IN_BLOCK = {
    "conv1.conv": "path.0",
    "bn1": "path.1",
    "conv2.conv": "path.3",
    "bn2": "path.4",
    "conv3.conv": "around.1",
}
_IN_LAYER = {
    "self_attention.c_attn": "attention.qkv",
    "self_attention.c_proj": "attention.out",
    "norm1": "norm_attention",
    "norm2": "norm_mlp",
    "fc1": "mlp.0",
    "fc2": "mlp.3",
}


#: what a layer stores; low-rank changes are no part of the network
_KINDS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def _renamed(key: str) -> str:
    place, _, kind = key.rpartition(".")
    if kind not in _KINDS:
        return key
    for theirs, ours, parts in (
        ("encoder_layers", "convolutions", _IN_BLOCK),
        ("transformer_layers", "blocks", _IN_LAYER),
    ):
        match = re.fullmatch(rf"{theirs}\.(\d+)\.(.+)", place)
        if match and match[2] in parts:
            return f"{ours}.{match[1]}.{parts[match[2]]}.{kind}"
    return {"classifier.0": "neck.", "classifier.1": "head."}.get(place, f"{place}.") + kind
