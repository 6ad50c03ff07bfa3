# SPDX-License-Identifier: Apache-2.0
"""The vision transformer over leads and time: patches of single leads are tokens."""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from precordia.models.encoder import Encoder, TokenOrder
from precordia.models.known_leads import KNOWN_LEADS, rows_of
from precordia.models.signal_shape import SignalShape
from precordia.models.vit1d import check_patch, check_transformer
from precordia.nn.patching import PerLeadPatches
from precordia.nn.pooling import mean_of_leads
from precordia.nn.positions import LeadEmbedding, SinusoidalPositions
from precordia.nn.transformer import make_blocks


class ViT1dLeads(Encoder):
    """Transformer whose tokens are patches of single leads, told by lead and time.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`; the leads must have names.
    patch
        Samples of a patch.
    width, depth, heads
        Length of a token, number of blocks, heads of each.
    mlp_ratio
        How many times wider the middle of a block's two layers is.
    dropout, drop_path
        Share of numbers, and of whole paths, hidden while training.

    Notes
    -----
    Patches of all leads share one linear map; a learned vector of the lead and sines of the time
    are added. Tokens of absent leads are looked at by none, do not count in the mean that is the
    embedding, and are returned as zeros. Tokens stand lead by lead.

    References
    ----------
    Na Y, Park M, Tae Y, Joo S. ST-MEM. ICLR 2024. arXiv:2402.09450 (tokens of single leads)

    Examples
    --------
    >>> import torch
    >>> from precordia.core.leads import STANDARD_12
    >>> shape = SignalShape(n_leads=12, n_samples=1000, fs=100, leads=STANDARD_12)
    >>> model = ViT1dLeads(shape, 5, width=32, depth=2, heads=2).eval()
    >>> model.tokens(torch.zeros(2, 12, 1000)).shape
    torch.Size([2, 240, 32])
    """

    leaves_out_absent: ClassVar[bool] = True
    token_order: ClassVar[TokenOrder] = "leads"
    #: tokens see one another
    sees_whole_window: ClassVar[bool] = True

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        patch: int = 50,
        width: int = 192,
        depth: int = 6,
        heads: int = 6,
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        drop_path: float = 0.1,
    ) -> None:
        check_transformer(width, depth, heads, dropout, drop_path)
        check_patch(patch, shape.n_samples)
        super().__init__(shape, n_outputs, dim=width)
        self.smallest = patch  # type: ignore[misc]
        self.patches = PerLeadPatches(patch, width)
        self.leads = LeadEmbedding(len(KNOWN_LEADS), rows_of(shape, "vit1d-leads"), width)
        self.positions = SinusoidalPositions(shape.n_samples // patch, width)
        self.blocks = make_blocks(
            depth, width, heads=heads, mlp_ratio=mlp_ratio, dropout=dropout, drop_path=drop_path
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return the tokens lead by lead, each in the order of time."""
        tokens = self.positions(self.patches(x)) + self.leads()[:, None, :]
        n_leads, n_patches = int(tokens.shape[1]), int(tokens.shape[2])
        tokens = tokens.reshape(-1, n_leads * n_patches, self.dim)
        valid = None if present is None else present.repeat_interleave(n_patches, dim=1)
        for block in self.blocks:
            tokens = block(tokens, valid)
        tokens = self.norm(tokens)
        return tokens if valid is None else tokens * (valid[:, :, None] > 0)

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch dim"]:
        """Return the mean over the tokens of leads that are there."""
        return mean_of_leads(tokens, present)

    def stages(self) -> list[nn.Module]:
        """Return the patches, the blocks, and the last normalisation."""
        return [self.patches, *self.blocks, self.norm]
