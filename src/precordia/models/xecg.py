# SPDX-License-Identifier: Apache-2.0
"""xECG: patches of all leads under xLSTM blocks that go forth and back over them in turn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.models.key_prefix import prefix_before
from precordia.models.options import check_positive, check_share
from precordia.models.signal_shape import SignalShape
from precordia.nn.headwise import small_scale
from precordia.nn.mlstm import MLstm
from precordia.nn.pooling import masked_mean
from precordia.nn.slstm import SLstm


class Xecg(Encoder):
    """Patches of all leads, then sLSTM and mLSTM blocks, every other one from the end.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    patch
        Samples of a patch.
    dim
        Length of a token.
    blocks
        Kind of each block: s for scalar memories, m for matrix memories.
    heads
        Heads of each block.
    expansion
        How many times wider an mLSTM block is inside.
    dropout
        Share of numbers hidden while training.

    Notes
    -----
    Written from the papers, the layout of the weights and the authors' configuration; outputs agree
    with the program of xLSTM run in that way. The direction changes before every block but the
    first; the tokens come out in the order of time. As in the authors' released model, the
    embedding is the mean of the tokens but those of padding: patches whose first sample is zero in
    all leads. The attention that pools tokens in their pretraining is not public.

    References
    ----------
    Lunelli R, et al. BenchECG and xECG: a benchmark and baseline for ECG foundation models. 2025.
    arXiv:2509.10151. Beck M, et al. xLSTM. NeurIPS 2024. arXiv:2405.04517

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=12, n_samples=100, fs=100)
    >>> Xecg(shape, 5, dim=16, blocks="sm", heads=2)(torch.zeros(2, 12, 100)).shape
    torch.Size([2, 5])
    """

    left_out_weights: ClassVar[tuple[str, ...]] = (
        r"(.*\.)?(mask_token|attn_pool\..*|reconstruction\..*)",
        r"(.*\.)?_teacher\..*",
    )
    #: memories hold all of the window
    sees_whole_window: ClassVar[bool] = True

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        patch: int = 25,
        dim: int = 1024,
        blocks: str = "ssmmssmms",
        heads: int = 4,
        expansion: int = 2,
        dropout: float = 0.0,
    ) -> None:
        for name, value in (("patch", patch), ("heads", heads), ("expansion", expansion)):
            check_positive(name, value)
        check_share("dropout", dropout)
        if dim < 4 or dim % heads or dim % 4:
            raise OptionError(
                f"dim is {dim} and heads is {heads}; a multiple of 4 that the heads share evenly, "
                "such as 1024 for 4, is needed."
            )
        if not re.fullmatch("[sm]+", blocks):
            raise OptionError(f"blocks is '{blocks}'; letters s and m such as 'ssmm' are needed.")
        if patch > shape.n_samples:
            raise OptionError(f"patch is {patch}; at most {shape.n_samples} samples are possible.")
        super().__init__(shape, n_outputs, dim=dim)
        self.smallest = patch  # type: ignore[misc]
        self.patches = nn.Conv1d(shape.n_leads, dim, patch, stride=patch, bias=False)
        deepest = max(len(blocks) - 1, 1)
        self.blocks = nn.ModuleList(
            ScalarBlock(dim, heads=heads, depth_share=place / deepest, dropout=dropout)
            if kind == "s"
            else MatrixBlock(
                dim, heads=heads, expansion=expansion, n_blocks=len(blocks), dropout=dropout
            )
            for place, kind in enumerate(blocks)
        )

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return one token for each patch."""
        return self.context(self.frames(x))

    def frames(self, x: Float[Tensor, "batch lead sample"]) -> Float[Tensor, "batch token dim"]:
        """Return patches as tokens that have not seen one another."""
        return self.patches(x).transpose(1, 2)

    def context(self, frames: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        """Let frames, in the order of time, see one another."""
        tokens = frames
        for place, block in enumerate(self.blocks):
            tokens = block(tokens.flip(1) if place else tokens)
        return tokens if len(self.blocks) % 2 else tokens.flip(1)

    def stages(self) -> list[nn.Module]:
        """Return patches and blocks."""
        return [self.patches, *self.blocks]

    def encode(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> Float[Tensor, "batch dim"]:
        """Encode windows as one embedding each: the mean of the tokens, but those of padding."""
        x, present = self._checked(x, present)
        tokens = self.features(x, present)
        patch = self.patches.stride[0]
        there = (x[..., : int(tokens.shape[1]) * patch : patch] != 0).any(dim=1)
        return masked_mean(tokens, there.to(tokens.dtype))

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return what the authors' code gives: patches, tokens and their mean."""
        x, present = self._checked(x, present)
        frames = self.frames(x)
        tokens = self.context(frames)
        return {
            "patch_embeddings": frames,
            "tokens": tokens,
            "mean_tokens": tokens.mean(dim=1),
        }

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of the authors, with whatever prefix their trainer puts before them.

        They store how far the weights of normalisations are from 1. The program of xLSTM stores
        recurrent weights in one of two orders, depending on where it ran: gates before what is
        given out, or behind it, and the biases likewise.
        """
        before = prefix_before(state, "patch_embedding.conv.weight", not_in="_teacher")
        renamed = {}
        for key, value in state.items():
            new = _renamed(key.removeprefix(before))
            renamed[new] = 1 + value if re.search(r"norm(_mixing)?\.weight$", new) else value
        for place in range(len(self.blocks)):
            _order_gates(renamed, f"blocks.{place}.memory.")
        return renamed


class ScalarBlock(nn.Module):
    """Scalar memories, then a gated two-layer network, both normalised before and led around.

    Examples
    --------
    >>> import torch
    >>> ScalarBlock(8, heads=2)(torch.zeros(3, 5, 8)).shape
    torch.Size([3, 5, 8])
    """

    def __init__(
        self, dim: int, *, heads: int, depth_share: float = 0.0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, bias=False)
        self.memory = SLstm(dim, heads=heads, depth_share=depth_share, dropout=dropout)
        self.norm_mixing = nn.LayerNorm(dim, bias=False)
        # 1.3 times as wide, in whole steps of 64.
        inside = -(-int(1.3 * dim) // 64) * 64
        self.widen = nn.Linear(dim, 2 * inside, bias=False)
        self.narrow = nn.Linear(inside, dim, bias=False)
        self.dropout = nn.Dropout(dropout)
        for layer in (self.widen, self.narrow):
            nn.init.normal_(layer.weight, std=small_scale(dim))

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        """Return the tokens after both."""
        tokens = tokens + self.memory(self.norm(tokens))
        gate, content = self.widen(self.norm_mixing(tokens)).chunk(2, dim=-1)
        return tokens + self.dropout(self.narrow(functional.gelu(gate) * content))


class MatrixBlock(nn.Module):
    """A matrix memory, normalised before and led around.

    Examples
    --------
    >>> import torch
    >>> MatrixBlock(8, heads=2)(torch.zeros(3, 5, 8)).shape
    torch.Size([3, 5, 8])
    """

    def __init__(
        self, dim: int, *, heads: int, expansion: int = 2, n_blocks: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, bias=False)
        self.memory = MLstm(
            dim, heads=heads, expansion=expansion, n_blocks=n_blocks, dropout=dropout
        )

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        """Return the tokens after it."""
        return tokens + self.memory(self.norm(tokens))


def _order_gates(state: dict[str, Tensor], block: str) -> None:
    """Bring recurrent weights and biases of a block into our order: gate, then head."""
    weight, bias = state.get(block + "recurrent"), state.get(block + "bias")
    if weight is None or bias is None or weight.ndim != 3 or bias.ndim != 1:
        return
    heads, n_from, n_to = weight.shape
    if n_to == 4 * n_from and len(bias) == 4 * heads * n_from:
        state[block + "recurrent"] = weight.transpose(1, 2).contiguous()
        state[block + "bias"] = bias.reshape(heads, 4, n_from).transpose(0, 1).contiguous()
    elif n_from == 4 * n_to and len(bias) == 4 * heads * n_to:
        state[block + "bias"] = bias.reshape(4, heads, n_to)


_IN_BLOCK = {
    "xlstm_norm.weight": "norm.weight",
    "xlstm.conv1d.conv.weight": "memory.past.filter.weight",
    "xlstm.conv1d.conv.bias": "memory.past.filter.bias",
    # The gates of entering and keeping carry each other's names in the authors' program.
    "xlstm.fgate.weight": "memory.enter.weight",
    "xlstm.igate.weight": "memory.keep.weight",
    "xlstm.zgate.weight": "memory.content.weight",
    "xlstm.ogate.weight": "memory.give.weight",
    "xlstm.slstm_cell._recurrent_kernel_": "memory.recurrent",
    "xlstm.slstm_cell._bias_": "memory.bias",
    "xlstm.group_norm.weight": "memory.norm.weight",
    "ffn_norm.weight": "norm_mixing.weight",
    "ffn.proj_up.weight": "widen.weight",
    "ffn.proj_down.weight": "narrow.weight",
    "xlstm.learnable_skip": "memory.skip",
    "xlstm.proj_up.weight": "memory.widen.weight",
    "xlstm.proj_down.weight": "memory.narrow.weight",
    "xlstm.q_proj.weight": "memory.query.weight",
    "xlstm.k_proj.weight": "memory.key.weight",
    "xlstm.v_proj.weight": "memory.value.weight",
    "xlstm.mlstm_cell.igate.weight": "memory.enter.weight",
    "xlstm.mlstm_cell.igate.bias": "memory.enter.bias",
    "xlstm.mlstm_cell.fgate.weight": "memory.keep.weight",
    "xlstm.mlstm_cell.fgate.bias": "memory.keep.bias",
    "xlstm.mlstm_cell.outnorm.weight": "memory.norm.weight",
}


def _renamed(key: str) -> str:
    if key == "patch_embedding.conv.weight":
        return "patches.weight"
    match = re.fullmatch(r"core\.model\.blocks\.(\d+)\.(.+)", key)
    if match and match[2] in _IN_BLOCK:
        return f"blocks.{match[1]}.{_IN_BLOCK[match[2]]}"
    return key
