# SPDX-License-Identifier: Apache-2.0
"""An encoder for any leads: learned queries ask them, a transformer goes through time."""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.models.known_leads import KNOWN_LEADS, rows_of
from precordia.models.options import check_positive
from precordia.models.signal_shape import SignalShape
from precordia.models.vit1d import check_patch, check_transformer
from precordia.nn.lead_queries import LeadQueries
from precordia.nn.patching import PerLeadPatches
from precordia.nn.positions import LeadEmbedding, SinusoidalPositions
from precordia.nn.transformer import make_blocks


class LeadQueriesViT(Encoder):
    """Transformer over time whose tokens are what learned queries hear from the leads.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`; the leads must have names.
    patch
        Samples of a patch.
    lead_dim, queries, lead_heads
        Length of the token of a lead, how many queries ask the leads of a patch, and heads of
        their attention.
    width, depth, heads
        Length of a token, number of blocks, heads of each.
    mlp_ratio
        How many times wider the middle of a block's two layers is.
    dropout, drop_path
        Share of numbers, and of whole paths, hidden while training.

    Notes
    -----
    Patches of all leads share one linear map, and a learned vector of the lead is added. Few
    queries make of them one token of a patch (`precordia.nn.lead_queries`), so that the work in
    time is the same for one lead and for twelve. *Departures from LUNA and LuMamba*: leads are told
    apart by a learned vector each, not by where their electrodes are; no Fourier features; a
    transformer goes through time, in place of bidirectional Mamba.

    References
    ----------
    Döner B, et al. LUNA. NeurIPS 2025. arXiv:2510.22257
    Broustail D, et al. LuMamba. 2026. arXiv:2603.19100

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=2, n_samples=1000, fs=100, leads=("I", "V5"))
    >>> model = LeadQueriesViT(shape, 5, width=32, depth=2, heads=2).eval()
    >>> model.tokens(torch.zeros(3, 2, 1000)).shape
    torch.Size([3, 40, 32])
    """

    leaves_out_absent: ClassVar[bool] = True
    #: tokens see one another
    sees_whole_window: ClassVar[bool] = True

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        patch: int = 25,
        lead_dim: int = 64,
        queries: int = 4,
        lead_heads: int = 4,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        drop_path: float = 0.1,
    ) -> None:
        check_transformer(width, depth, heads, dropout, drop_path)
        check_patch(patch, shape.n_samples)
        for name, value in (
            ("lead_dim", lead_dim),
            ("queries", queries),
            ("lead_heads", lead_heads),
        ):
            check_positive(name, value)
        if lead_dim % lead_heads:
            raise OptionError(
                f"lead_dim is {lead_dim} and lead_heads is {lead_heads}; a length that the heads "
                "share evenly, such as 64 and 4, is needed."
            )
        super().__init__(shape, n_outputs, dim=width)
        self.smallest = patch  # type: ignore[misc]
        self.patches = PerLeadPatches(patch, lead_dim)
        self.leads = LeadEmbedding(len(KNOWN_LEADS), rows_of(shape, "lead-queries"), lead_dim)
        self.asking = LeadQueries(lead_dim, width, queries=queries, heads=lead_heads)
        self.positions = SinusoidalPositions(shape.n_samples // patch, width)
        self.blocks = make_blocks(
            depth, width, heads=heads, mlp_ratio=mlp_ratio, dropout=dropout, drop_path=drop_path
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return the tokens in the order of time."""
        leads = self.patches(x) + self.leads()[:, None, :]
        tokens = self.positions(self.asking(leads, present))
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)

    def stages(self) -> list[nn.Module]:
        """Return what becomes of leads, the blocks, and the last normalisation."""
        return [nn.ModuleList([self.patches, self.leads, self.asking]), *self.blocks, self.norm]
