# SPDX-License-Identifier: Apache-2.0
"""The vision transformer of MERL, and what its authors put behind it to compare it with reports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from precordia.models.encoder import Encoder
from precordia.models.key_prefix import with_our_beginning
from precordia.models.options import check_positive
from precordia.models.signal_shape import SignalShape
from precordia.models.vit1d import check_patch, check_transformer
from precordia.nn.patching import AllLeadPatches
from precordia.nn.positions import LearnedPositions
from precordia.nn.transformer import make_blocks


class MerlViT(Encoder):
    """Transformer over patches of all leads whose mean is normalised, not its tokens.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    patch
        Samples of a patch.
    width, depth, heads
        Length of a token, number of blocks, heads of each: 192, 12 and 3 are MERL's tiny one.
    dropout, drop_path
        Share of numbers, and of whole paths, hidden while training.
    projector
        Whether there is what compares signals with reports: it is needed for that alone.
    projection
        Length of what the projector gives.

    Notes
    -----
    Written from the paper and the layout of the weights; outputs agree with the authors' code. The
    embedding is the normalised mean of the tokens. The text model of the full checkpoint and its
    projection are left out.

    References
    ----------
    Liu C, et al. MERL. ICML 2024. arXiv:2403.06659

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=12, n_samples=5000, fs=500)
    >>> MerlViT(shape, 0, width=32, depth=1, heads=2).encode(torch.zeros(2, 12, 5000)).shape
    torch.Size([2, 32])
    """

    flexible_length: ClassVar[bool] = False
    left_out_weights: ClassVar[tuple[str, ...]] = (r"proj_t\..*", r"lm_model\..*")
    #: tokens see one another
    sees_whole_window: ClassVar[bool] = True

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        patch: int = 50,
        width: int = 192,
        depth: int = 12,
        heads: int = 3,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        projector: bool = False,
        projection: int = 256,
    ) -> None:
        check_transformer(width, depth, heads, dropout, drop_path)
        check_patch(patch, shape.n_samples)
        check_positive("projection", projection)
        super().__init__(shape, n_outputs, dim=width)
        self.patches = AllLeadPatches(shape.n_leads, patch, width, bias=False)
        self.positions = LearnedPositions(shape.n_samples // patch, width)
        self.blocks = make_blocks(
            depth, width, heads=heads, epsilon=1e-5, dropout=dropout, drop_path=drop_path
        )
        self.norm = nn.LayerNorm(width)
        self.projector = _Projector(width, projection) if projector else None

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return the tokens in the order of time; none is normalised at the end."""
        tokens = self.positions(self.patches(x))
        for block in self.blocks:
            tokens = block(tokens)
        return tokens

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch dim"]:
        """Return the normalised mean of the tokens."""
        return self.norm(tokens.mean(dim=1))

    def stages(self) -> list[nn.Module]:
        """Return the patches, the blocks, and the last normalisation."""
        return [self.patches, *self.blocks, self.norm]

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return what the authors' code gives by name; projections where there is a projector."""
        embedding = self.encode(x, present)
        given = {"encoder_output": embedding, "features": embedding, "logits": self.head(embedding)}
        return given if self.projector is None else given | self.projector(embedding)

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of MERL: the full file, or that of the encoder alone."""
        renamed = {}
        for key, value in state.items():
            name = _renamed(key.removeprefix("ecg_encoder."))
            if name.startswith("projector.") and self.projector is None:
                continue
            renamed[name] = value.squeeze(0) if name == "positions.table" else value
        return renamed


class _Projector(nn.Module):
    """Two layers for reports, two linear views."""

    def __init__(self, dim: int, projection: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(dim, projection),
            nn.BatchNorm1d(projection),
            nn.ReLU(),
            nn.Linear(projection, projection),
            nn.BatchNorm1d(projection),
        )
        self.views = nn.ModuleList(nn.Linear(dim, projection, bias=False) for _ in range(2))

    def forward(self, embedding: Float[Tensor, "batch dim"]) -> dict[str, Tensor]:
        """Return projections by the names of the authors."""
        projected = self.layers(embedding)
        return {
            "projection": projected,
            "projection_l2_normalised": functional.normalize(projected, dim=-1),
            "linear1": self.views[0](embedding),
            "linear2": self.views[1](embedding),
        }


_PARTS = {
    "to_patch_embedding.": "patches.project.",
    "pos_embedding": "positions.table",
    "proj_e.": "projector.layers.",
    "linear1.": "projector.views.0.",
    "linear2.": "projector.views.1.",
}
_IN_BLOCK = {
    "attn.norm": "norm_attention",
    "attn.fn.to_qkv": "attention.qkv",
    "attn.fn.to_out.0": "attention.out",
    "ff.norm": "norm_mlp",
    "ff.fn.net.0": "mlp.0",
    "ff.fn.net.3": "mlp.3",
}


def _renamed(key: str) -> str:
    parts = "|".join(map(re.escape, _IN_BLOCK))
    if match := re.fullmatch(rf"block(\d+)\.({parts})\.(weight|bias)", key):
        return f"blocks.{match[1]}.{_IN_BLOCK[match[2]]}.{match[3]}"
    return with_our_beginning(key, _PARTS)
