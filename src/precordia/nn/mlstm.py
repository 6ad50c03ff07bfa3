# SPDX-License-Identifier: Apache-2.0
"""mLSTM: memories that are matrices, without recurrent weights, so that tokens go side by side."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from precordia.nn.headwise import HeadNorm, HeadwiseLinear, PastConvolution, small_scale

#: numbers of a token that one matrix of the maps to queries, keys and values spans
_MAPPED = 4
#: tokens that are compared with one another directly; older ones come as a memory
CHUNK = 128


class MLstm(nn.Module):
    """Widen, filter the past, let tokens read a matrix memory, gate, and narrow again.

    Parameters
    ----------
    dim
        Length of a token.
    heads
        Number of memories.
    expansion
        How many times wider the inside is.
    kernel
        Tokens that the filter spans.
    n_blocks
        Number of blocks of the network, by which the last map is smaller at first.
    dropout
        Share of numbers hidden while training.

    Notes
    -----
    Beck et al. 2024, section 2.3 and appendix A.2 and A.3.

    References
    ----------
    Beck M, et al. xLSTM: extended long short-term memory. NeurIPS 2024. arXiv:2405.04517

    Examples
    --------
    >>> MLstm(8, heads=2)(torch.zeros(3, 5, 8)).shape
    torch.Size([3, 5, 8])
    """

    def __init__(
        self,
        dim: int,
        *,
        heads: int,
        expansion: int = 2,
        kernel: int = 4,
        n_blocks: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        inside = expansion * dim
        self.heads = heads
        self.widen = nn.Linear(dim, 2 * inside, bias=False)
        self.past = PastConvolution(inside, kernel)
        self.query, self.key, self.value = (
            HeadwiseLinear(inside, inside // _MAPPED, scale=small_scale(dim)) for _ in range(3)
        )
        self.enter, self.keep = nn.Linear(3 * inside, heads), nn.Linear(3 * inside, heads)
        self.norm = HeadNorm(inside, heads)
        self.skip = nn.Parameter(torch.ones(inside))
        self.narrow = nn.Linear(inside, dim, bias=False)
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.widen.weight, std=small_scale(dim))
        nn.init.normal_(self.narrow.weight, std=2 / n_blocks / math.sqrt(dim))
        for gate in (self.enter, self.keep):
            nn.init.zeros_(gate.weight)
        nn.init.normal_(self.enter.bias, std=0.1)
        with torch.no_grad():
            self.keep.bias.copy_(torch.linspace(3, 6, heads))

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        """Return what tokens read, each from itself and those before it."""
        plain, gate = self.widen(tokens).chunk(2, dim=-1)
        filtered = functional.silu(self.past(plain))
        parts = self.query(filtered), self.key(filtered), self.value(plain)
        together = torch.cat(parts, dim=-1)
        wide = torch.promote_types(together.dtype, torch.float32)
        enter, keep = (g(together).to(wide).transpose(1, 2) for g in (self.enter, self.keep))
        n_tokens, inside = int(plain.shape[1]), int(plain.shape[2])
        query, key, value = (
            part.reshape(-1, n_tokens, self.heads, inside // self.heads).transpose(1, 2)
            for part in parts
        )
        read = matrix_memory(query, key, value, enter, functional.logsigmoid(keep))
        read = self.norm(read.transpose(1, 2).reshape(-1, n_tokens, inside))
        return self.dropout(self.narrow((read + self.skip * filtered) * functional.silu(gate)))


def matrix_memory(
    query: Float[Tensor, "batch head token dim"],
    key: Float[Tensor, "batch head token dim"],
    value: Float[Tensor, "batch head token dim"],
    enter: Float[Tensor, "batch head token"],
    keep: Float[Tensor, "batch head token"],
    *,
    chunk: int = CHUNK,
) -> Float[Tensor, "batch head token dim"]:
    """Write keys and values into a memory and read it with queries, token by token in effect.

    Parameters
    ----------
    query, key, value
        What is asked, and what is written under which name.
    enter, keep
        Logarithm of the weight of each token, and of the share of the memory that it leaves.
    chunk
        Tokens that are compared with one another directly.

    Notes
    -----
    Within a chunk all pairs of tokens are weighed at once, as in attention; from one chunk to the
    next only the memory goes on. Both are kept finite by the largest exponent so far. Any chunk
    gives the same numbers but for rounding.

    Examples
    --------
    >>> one, zero = torch.ones(1, 1, 3, 1), torch.zeros(1, 1, 3)
    >>> matrix_memory(one, one, one * 2, zero, zero).flatten().round()
    tensor([2., 2., 2.])
    """
    key = key / math.sqrt(key.shape[-1])
    read, past = [], None
    for start in range(0, int(query.shape[2]), chunk):
        piece = slice(start, start + chunk)
        given = (query[:, :, piece], key[:, :, piece], value[:, :, piece])
        last = start + chunk >= int(query.shape[2])
        part, past = _chunk(*given, enter[..., piece], keep[..., piece], past, last=last)
        read.append(part)
    return read[0] if len(read) == 1 else torch.cat(read, dim=2)


#: memory, sum of the weighted keys, largest exponent
_Memory = tuple[Tensor, Tensor, Tensor]


def _chunk(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    enter: Tensor,
    keep: Tensor,
    past: _Memory | None,
    *,
    last: bool,
) -> tuple[Tensor, _Memory | None]:
    left = keep.cumsum(dim=-1)
    n_tokens = int(query.shape[2])
    seen = torch.ones(n_tokens, n_tokens, dtype=torch.bool, device=query.device).tril()
    exponent = left[..., :, None] - left[..., None, :] + enter[..., None, :]
    exponent = exponent.masked_fill(~seen, -torch.inf)
    highest = exponent.amax(dim=-1, keepdim=True)
    carried = None
    if past is not None:
        carried = left[..., None] + past[2][..., None, None]
        highest = torch.maximum(highest, carried)
    weight = (query @ key.transpose(-1, -2)) * (exponent - highest).exp()
    total, mass = weight @ value.to(weight.dtype), weight.sum(dim=-1, keepdim=True)
    if past is not None and carried is not None:
        share = (carried - highest).exp()
        asked = query.to(weight.dtype)
        total = total + share * (asked @ past[0])
        mass = mass + share * (asked @ past[1][..., None])
    read = total / (torch.maximum(mass.abs(), (-highest).exp()) + 1e-6)
    if last:
        return read.to(value.dtype), None
    return read.to(value.dtype), _written(key, value, enter, left, past)


def _written(
    key: Tensor, value: Tensor, enter: Tensor, left: Tensor, past: _Memory | None
) -> _Memory:
    """Return the memory after the last token of a chunk."""
    exponent = left[..., -1:] - left + enter
    highest = exponent.amax(dim=-1)
    if past is not None:
        highest = torch.maximum(highest, left[..., -1] + past[2])
    weighted = key * (exponent - highest[..., None]).exp()[..., None]
    memory, keys = weighted.transpose(-1, -2) @ value.to(weighted.dtype), weighted.sum(dim=2)
    if past is not None:
        share = (left[..., -1] + past[2] - highest).exp()[..., None]
        memory, keys = memory + share[..., None] * past[0], keys + share * past[1]
    return memory, keys, highest
