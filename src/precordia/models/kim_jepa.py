# SPDX-License-Identifier: Apache-2.0
"""The transformer of ECG-JEPA (Kim): tokens see their own lead and their own moment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from precordia.core.errors import OptionError, WeightsError
from precordia.core.input_spec import LEAD_SETS
from precordia.models.encoder import Encoder, TokenOrder
from precordia.models.known_leads import KNOWN_LEADS, rows_of
from precordia.models.signal_shape import SignalShape
from precordia.models.timm_names import renamed_block
from precordia.models.vit1d import check_patch, check_transformer
from precordia.nn.patching import PerLeadPatches
from precordia.nn.pooling import mean_of_leads
from precordia.nn.positions import plane_positions
from precordia.nn.transformer import make_blocks, scale_additions

#: leads of the table of positions that the authors store, in its order
_AUTHORS = LEAD_SETS["independent-8"]
#: every lead has a place: those of the authors come first
_PLACES = (*_AUTHORS, *(name for name in KNOWN_LEADS if name not in _AUTHORS))
#: patches of a lead in the table that the authors store
_PATCHES = 50


class KimJepa(Encoder):
    """Transformer over patches of single leads that look along their lead and across leads.

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
    *Method.* Every patch of a lead is one token. It attends to the tokens of its own lead and to
    those of its own moment, and to no other (cross-pattern attention). Sines and cosines of time
    and lead are added before every block. The embedding is the mean of the tokens. Written from the
    paper and the layout of the weights; outputs agree with the authors' code.

    The authors' model knows I, II and V1 to V6. Fewer leads keep their places: a model for some of
    them, and one for all that is told by ``present`` which are there, give the same. Other leads
    have the next places, which published weights have never seen.

    References
    ----------
    Kim S. arXiv:2410.08559

    Examples
    --------
    >>> shape = SignalShape(n_leads=2, n_samples=500, fs=250, leads=("II", "V3"))
    >>> model = KimJepa(shape, 5, width=32, depth=2, heads=2).eval()
    >>> model.tokens(torch.zeros(2, 2, 500)).shape
    torch.Size([2, 20, 32])
    """

    leaves_out_absent: ClassVar[bool] = True
    token_order: ClassVar[TokenOrder] = "leads"
    places: Tensor
    #: tokens see one another
    sees_whole_window: ClassVar[bool] = True

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        patch: int = 50,
        width: int = 768,
        depth: int = 12,
        heads: int = 16,
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        check_transformer(width, depth, heads, dropout, drop_path)
        check_patch(patch, shape.n_samples)
        if width % 4:
            raise OptionError(f"width is {width}; a multiple of 4 is needed.")
        super().__init__(shape, n_outputs, dim=width)
        self.smallest = patch  # type: ignore[misc]
        self.rows = tuple(_PLACES.index(KNOWN_LEADS[row]) for row in rows_of(shape, "kim-jepa"))
        self.patches = PerLeadPatches(patch, width)
        places = self._places_of(shape.n_samples // patch)
        self.register_buffer("places", places, persistent=False)
        self.blocks = make_blocks(
            depth,
            width,
            heads=heads,
            mlp_ratio=mlp_ratio,
            dropout=dropout,
            drop_path=drop_path,
            qkv_bias=False,
            epsilon=1e-5,
        )
        self.norm = nn.LayerNorm(width)
        scale_additions(self.blocks, [1 / math.sqrt(2 * layer) for layer in range(1, depth + 1)])

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return the tokens lead by lead, each in the order of time; zeros for absent leads."""
        patches = self.patches(x)
        n_leads, n_patches = int(patches.shape[1]), int(patches.shape[2])
        tokens = patches.reshape(-1, n_leads * n_patches, self.dim)
        places = self.places if n_patches == self.places.shape[1] else self._places_of(n_patches)
        places = places.reshape(-1, self.dim).to(tokens)
        seen = cross_pattern(n_leads, n_patches).to(tokens.device)[None]
        valid = None
        if present is not None:
            valid = present.repeat_interleave(n_patches, dim=1)
            seen = seen & (valid[:, None, :] > 0)
        for block in self.blocks:
            tokens = block(tokens + places, seen)
        tokens = self.norm(tokens)
        return tokens if valid is None else tokens * (valid[:, :, None] > 0)

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch dim"]:
        """Return the mean over the tokens of leads that are there."""
        return mean_of_leads(tokens, present)

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the tokens and their mean."""
        x, present = self._checked(x, present)
        tokens = self.features(x, present)
        return {"tokens": tokens, "representation": self.pool(tokens, present)}

    def published_constants(self) -> dict[str, Tensor]:
        """Return the table of positions of eight leads, as the authors store it."""
        table = plane_positions(len(_AUTHORS), _PATCHES, self.dim)
        return {"pos_embed": table.reshape(-1, self.dim)}

    def stages(self) -> list[nn.Module]:
        """Return the patches, the blocks, and the last normalisation."""
        return [self.patches, *self.blocks, self.norm]

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of the authors' encoder.

        Their table of positions is not learned: it is compared with the computed one.

        Raises
        ------
        WeightsError
            If it is another one.
        """
        kept = {}
        for key, value in state.items():
            key = key.removeprefix("encoder.")
            if key != "pos_embed":
                kept[_renamed(key)] = value
                continue
            table = self.published_constants()[key]
            if value.shape != table.shape or not torch.allclose(value.float(), table, atol=1e-4):
                raise WeightsError(
                    "pos_embed of these weights is not the table of sines and cosines of eight "
                    f"leads and {_PATCHES} patches; kim-jepa computes it. Use weights that were "
                    "trained with pos_type='sincos'."
                )
        return kept

    def _places_of(self, n_patches: int) -> Float[Tensor, "lead patch dim"]:
        return plane_positions(len(_PLACES), n_patches, self.dim)[list(self.rows)]


def cross_pattern(n_leads: int, n_patches: int) -> Bool[Tensor, "token token"]:
    """Tell which token may look at which: those of the same lead or of the same moment.

    Parameters
    ----------
    n_leads, n_patches
        Size of the plane of tokens, which stand lead by lead.

    Examples
    --------
    >>> cross_pattern(2, 2).int().tolist()
    [[1, 1, 1, 0], [1, 1, 0, 1], [1, 0, 1, 1], [0, 1, 1, 1]]
    """
    token = torch.arange(n_leads * n_patches)
    lead, moment = token // n_patches, token % n_patches
    return (lead[:, None] == lead) | (moment[:, None] == moment)


def _renamed(key: str) -> str:
    key = renamed_block(key, "encoder_blocks.blocks.")
    return key.replace("W_P.", "patches.project.", 1) if key.startswith("W_P.") else key
