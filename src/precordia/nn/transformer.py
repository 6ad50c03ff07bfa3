# SPDX-License-Identifier: Apache-2.0
"""Transformer blocks, with the normalisation before each layer or behind the sum."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from precordia.nn.attention import Attention
from precordia.nn.drop_path import DropPath


class TransformerBlock(nn.Module):
    """Attention and a two-layer network for each token, both led around and normalised.

    Parameters
    ----------
    dim, heads
        Length of a token, number of heads.
    mlp_ratio
        How many times wider the middle of the two layers is.
    qkv_bias, bias
        Whether the map to queries, keys and values, and all other maps and norms, have a bias.
    epsilon
        Of the normalisations.
    dropout, drop_path
        Share of numbers, and of whole paths, that is hidden while training.
    head_dim
        Numbers of one head; ``dim / heads`` where it is not given.
    norm_first
        Whether normalisation stands before each layer, or behind the sum.
    activation
        Between the two layers.

    References
    ----------
    Dosovitskiy A, et al. ICLR 2021. arXiv:2010.11929. Xiong R, et al. ICML 2020. arXiv:2002.04745

    Examples
    --------
    >>> TransformerBlock(16, heads=4)(torch.zeros(2, 5, 16)).shape
    torch.Size([2, 5, 16])
    """

    def __init__(
        self,
        dim: int,
        *,
        heads: int,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        bias: bool = True,
        epsilon: float = 1e-6,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        head_dim: int | None = None,
        norm_first: bool = True,
        activation: type[nn.Module] = nn.GELU,
    ) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.norm_attention = nn.LayerNorm(dim, eps=epsilon, bias=bias)
        self.attention = Attention(
            dim, heads=heads, qkv_bias=qkv_bias, bias=bias, dropout=dropout, head_dim=head_dim
        )
        self.norm_mlp = nn.LayerNorm(dim, eps=epsilon, bias=bias)
        wide = round(dim * mlp_ratio)
        self.mlp = nn.Sequential(
            nn.Linear(dim, wide, bias=bias),
            activation(),
            nn.Dropout(dropout),
            nn.Linear(wide, dim, bias=bias),
            nn.Dropout(dropout),
        )
        self.drop_path = DropPath(drop_path)

    def forward(
        self, tokens: Float[Tensor, "batch token dim"], allowed: Tensor | None = None
    ) -> Float[Tensor, "batch token dim"]:
        """Return the tokens after both layers; ``allowed`` is as in `Attention`."""
        if not self.norm_first:
            tokens = self.norm_attention(tokens + self.drop_path(self.attention(tokens, allowed)))
            return self.norm_mlp(tokens + self.drop_path(self.mlp(tokens)))
        tokens = tokens + self.drop_path(self.attention(self.norm_attention(tokens), allowed))
        return tokens + self.drop_path(self.mlp(self.norm_mlp(tokens)))


def make_blocks(
    depth: int, dim: int, *, drop_path: float = 0.0, **options: int | float | bool | None
) -> nn.ModuleList:
    """Make blocks whose dropped share grows evenly with depth; weights normal of 0.02.

    Examples
    --------
    >>> [round(block.drop_path.share, 2) for block in make_blocks(3, 8, heads=2, drop_path=0.1)]
    [0.0, 0.05, 0.1]
    """
    shares = torch.linspace(0.0, drop_path, depth).tolist()
    blocks = nn.ModuleList(
        TransformerBlock(dim, drop_path=share, **options)  # type: ignore[arg-type]
        for share in shares
    )
    start_small(blocks.modules())
    return blocks


def start_small(layers: Iterable[nn.Module]) -> None:
    """Draw the weights of linear layers from a truncated normal of 0.02 and set biases to zero."""
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def scale_additions(blocks: Iterable[nn.Module], factors: Iterable[float]) -> None:
    """Scale the weights of the last layer of both parts of each block, which is what they add.

    Parameters
    ----------
    blocks
        What `make_blocks` made.
    factors
        One for each.

    Examples
    --------
    >>> blocks = make_blocks(2, 8, heads=2)
    >>> before = blocks[1].attention.out.weight.clone()
    >>> scale_additions(blocks, (1.0, 0.5))
    >>> torch.equal(blocks[1].attention.out.weight, before / 2)
    True
    """
    with torch.no_grad():
        for block, factor in zip(blocks, factors, strict=True):
            assert isinstance(block, TransformerBlock)
            for part in (block.attention, block.mlp):
                last = [layer for layer in part.modules() if isinstance(layer, nn.Linear)][-1]
                last.weight.mul_(factor)
