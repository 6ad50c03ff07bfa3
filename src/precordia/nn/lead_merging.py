# SPDX-License-Identifier: Apache-2.0
"""Any number of leads, each told by its name, become one sequence."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from precordia.nn.pooling import masked_softmax


class LeadMerging(nn.Module):
    """Average what leads say, each scaled and weighed as its name and its content ask.

    Parameters
    ----------
    n_in, n_out
        Channels of one lead and of the result.
    heads
        Sets of weights over leads; each weighs its share of the channels.
    name_dim
        Length of the vector of a lead's name.

    Notes
    -----
    For lead l with channels ``z_l(t)`` and name ``e_l`` the result is
    ``sum_l w_l (1 + G e_l) * (V z_l(t)) + B sum_l w_l e_l``, the weights being a softmax over the
    leads that are there of ``q . e_l + s . mean_t z_l(t)``. The scale lets a lead enter with either
    sign, the last term tells which leads there were. A lead that is absent has no weight.

    Examples
    --------
    >>> merge = LeadMerging(4, 8, heads=2, name_dim=3)
    >>> merge(torch.zeros(2, 12, 4, 50), torch.zeros(12, 3), torch.ones(2, 12)).shape
    torch.Size([2, 8, 50])
    """

    def __init__(self, n_in: int, n_out: int, *, heads: int, name_dim: int) -> None:
        super().__init__()
        if n_out % heads:
            raise ValueError(f"{n_out} channels cannot be shared by {heads} heads")
        self.heads = heads
        self.value = nn.Linear(n_in, n_out, bias=False)
        self.scale = nn.Linear(name_dim, n_out)
        self.shift = nn.Linear(name_dim, n_out)
        self.score_name = nn.Linear(name_dim, heads, bias=False)
        self.score_content = nn.Linear(n_in, heads, bias=False)
        nn.init.zeros_(self.scale.bias)

    def forward(
        self,
        leads: Float[Tensor, "batch lead dim sample"],
        names: Float[Tensor, "lead name"],
        present: Float[Tensor, "batch lead"] | None,
    ) -> Float[Tensor, "batch dim_out sample"]:
        """Return the merged sequence."""
        n_leads, n_in, n_samples = (int(n) for n in leads.shape[1:])
        scores = self.score_content(leads.mean(dim=-1)) + self.score_name(names)
        valid = None if present is None else present[:, None, :]
        weight = masked_softmax(scores.transpose(1, 2), valid)  # batch, head, lead
        n_out = self.value.out_features
        wide = weight.repeat_interleave(n_out // self.heads, dim=1)  # batch, channel, lead
        factor = wide * (1 + self.scale(names)).transpose(0, 1)
        # The map and the weighted sum are one product of matrices: (channel, lead * dim).
        mixing = (factor[..., None] * self.value.weight[:, None, :]).reshape(
            -1, n_out, n_leads * n_in
        )
        merged = torch.bmm(mixing, leads.reshape(-1, n_leads * n_in, n_samples))
        told = self.shift((weight.mean(dim=1)) @ names)
        return merged + told[:, :, None]
