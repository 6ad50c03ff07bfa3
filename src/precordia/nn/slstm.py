# SPDX-License-Identifier: Apache-2.0
"""sLSTM: a recurrent layer of scalar memories with exponential gates."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from precordia.nn.headwise import HeadNorm, HeadwiseLinear, PastConvolution, small_scale


class SLstm(nn.Module):
    """A filter of the past, four gates, and memories of one number each.

    Parameters
    ----------
    dim
        Length of a token.
    heads
        Number of heads; what was given out before reaches only the gates of its own head.
    kernel
        Tokens that the filter before the gates spans.
    depth_share
        Place of the block between the first (0) and the last (1), on which the forgetting at first
        depends.
    dropout
        Share of numbers hidden while training.

    Notes
    -----
    Beck et al. 2024, section 2.2 and appendix A.1, with the exponential input gate kept finite by
    its running maximum. Gates need what was given out one token before, so that tokens are gone
    through one after the other; all that does not depend on it is computed before for all tokens at
    once. As in the authors' program, input and forget gate read the filtered tokens, the other two
    the plain ones.

    References
    ----------
    Beck M, et al. xLSTM: extended long short-term memory. NeurIPS 2024. arXiv:2405.04517

    Examples
    --------
    >>> SLstm(8, heads=2)(torch.zeros(3, 5, 8)).shape
    torch.Size([3, 5, 8])
    """

    def __init__(
        self,
        dim: int,
        *,
        heads: int,
        kernel: int = 4,
        depth_share: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.heads = heads
        wide = dim // heads
        self.past = PastConvolution(dim, kernel)
        self.enter, self.keep, self.content, self.give = (
            HeadwiseLinear(dim, heads, scale=small_scale(dim)) for _ in range(4)
        )
        #: of each head, to the four gates
        self.recurrent = nn.Parameter(torch.zeros(heads, 4 * wide, wide))
        bias = torch.zeros(4, heads, wide)
        bias[1] = 5 - 12 * torch.linspace(0, 1, wide) ** (0.3 + 1.3 * depth_share)
        self.bias = nn.Parameter(bias)
        self.dropout = nn.Dropout(dropout)
        self.norm = HeadNorm(dim, heads)

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> Float[Tensor, "batch token dim"]:
        """Return what the memories give out at each token."""
        n_tokens, dim = int(tokens.shape[1]), int(tokens.shape[2])
        filtered = functional.silu(self.past(tokens))
        gates = torch.stack(
            [self.enter(filtered), self.keep(filtered), self.content(tokens), self.give(tokens)],
            dim=2,
        ).reshape(-1, n_tokens, 4, self.heads, dim // self.heads)
        gates = (gates + self.bias).to(torch.promote_types(gates.dtype, torch.float32))
        # Heads first, and the four gates of a head beside one another: one product for each token.
        gates = gates.permute(1, 3, 0, 2, 4).flatten(3)
        given = scalar_memory(gates, self.recurrent.transpose(1, 2))
        given = given.permute(2, 0, 1, 3).reshape(-1, n_tokens, dim)
        return self.norm(self.dropout(given))


def scalar_memory(
    gates: Float[Tensor, "token head batch four_dim"],
    recurrent: Float[Tensor, "head dim four_dim"],
) -> Float[Tensor, "token head batch dim"]:
    """Go through tokens and return what the memories give out.

    Parameters
    ----------
    gates
        What the tokens say to the gates: entering, keeping, content, giving.
    recurrent
        What was given out before says to them.

    Examples
    --------
    >>> gates = torch.tensor([0.0, 0.0, 100.0, 100.0]).reshape(1, 1, 1, 4)
    >>> scalar_memory(gates, torch.zeros(1, 1, 4)).item()
    1.0
    """
    # Nothing is kept before the first token: the maximum is its own, the memory its content.
    highest, _, content, give = gates[0].chunk(4, dim=-1)
    memory, weight = content.tanh(), torch.ones_like(content)
    given = give.sigmoid() * memory
    all_given = [given]
    for said in gates[1:].unbind(0):
        said = torch.baddbmm(said, given.to(recurrent.dtype), recurrent)
        enter, keep, content, give = said.chunk(4, dim=-1)
        kept = highest + functional.logsigmoid(keep)
        highest = torch.maximum(enter, kept)
        enter, kept = (enter - highest).exp(), (kept - highest).exp()
        memory = kept * memory + enter * content.tanh()
        weight = kept * weight + enter
        given = give.sigmoid() * memory / weight
        all_given.append(given)
    return torch.stack(all_given)
