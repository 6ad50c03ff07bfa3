# SPDX-License-Identifier: Apache-2.0
"""The vision transformer of ECG-JEPA (Weimann and Conrad): patches of all leads and a register."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from precordia.core.errors import WeightsError
from precordia.models.encoder import Encoder, TokenOrder
from precordia.models.key_prefix import with_our_beginning
from precordia.models.options import check_one_of, check_positive, check_share
from precordia.models.signal_shape import SignalShape
from precordia.models.timm_names import renamed_block
from precordia.models.vit1d import check_patch, check_transformer
from precordia.nn.patching import AllLeadPatches
from precordia.nn.pooling import QueryPool
from precordia.nn.positions import SinusoidalPositions
from precordia.nn.transformer import make_blocks, scale_additions


class WeimannJepa(Encoder):
    """Transformer over patches of all leads, with tokens that belong to no patch.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    patch
        Samples of a patch.
    width, depth, heads
        Length of a token, number of blocks, heads of each: 192, 8, 4 (ViT-XS); 384, 8, 6 (ViT-S);
        768, 12, 12 (ViT-B).
    mlp_ratio
        How many times wider the middle of a block's two layers is.
    registers
        Tokens that stand before those of the patches.
    pooling
        What the embedding is: ``"mean"`` of the patches, the first ``"register"``, or
        ``"attention"`` of a learned query to all tokens.
    dropout
        Share of numbers hidden while training.

    Notes
    -----
    *Method.* Every patch of all leads is one token; sines and cosines of its time are added, and
    registers are put before. No map and no normalisation has a bias. Windows may be shorter than
    those of pretraining: the authors score windows of 2.5 s. Written from the paper and the layout
    of the weights; outputs agree with the authors' code.

    The authors' attention pooling ends in a map to the scores; here that map is the head, and the
    embedding is what it gets. Their heads have no bias: weights that lack it get zeros.

    References
    ----------
    Weimann K, Conrad TOF. Comput Biol Med 2025. arXiv:2410.13867

    Examples
    --------
    >>> shape = SignalShape(n_leads=12, n_samples=1000, fs=500)
    >>> model = WeimannJepa(shape, 5, width=32, depth=2, heads=2).eval()
    >>> model.tokens(torch.zeros(2, 12, 1000)).shape
    torch.Size([2, 41, 32])
    """

    token_order: ClassVar[TokenOrder] = "other"
    left_out_weights: ClassVar[tuple[str, ...]] = (r"predictor\..*",)
    #: tokens see one another
    sees_whole_window: ClassVar[bool] = True

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        patch: int = 25,
        width: int = 192,
        depth: int = 8,
        heads: int = 4,
        mlp_ratio: float = 4.0,
        registers: int = 1,
        pooling: str = "mean",
        dropout: float = 0.0,
    ) -> None:
        check_transformer(width, depth, heads, dropout, 0.0)
        check_patch(patch, shape.n_samples)
        check_positive("registers", registers)
        check_one_of("pooling", pooling, ("mean", "register", "attention"))
        check_share("dropout", dropout)
        super().__init__(shape, n_outputs, dim=width)
        self.smallest = patch  # type: ignore[misc]
        self.pooling = pooling
        self.patches = AllLeadPatches(shape.n_leads, patch, width, bias=False)
        self.positions = SinusoidalPositions(shape.n_samples // patch, width)
        self.registers = nn.Parameter(torch.empty(1, registers, width))
        self.blocks = make_blocks(
            depth,
            width,
            heads=heads,
            mlp_ratio=mlp_ratio,
            dropout=dropout,
            qkv_bias=False,
            bias=False,
            epsilon=1e-6,
        )
        self.norm = nn.LayerNorm(width, eps=1e-6, bias=False)
        self.query = QueryPool(width, heads=heads) if pooling == "attention" else nn.Identity()
        self._start(depth)

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return the registers, then the patches in the order of time."""
        patches = self.positions(self.patches(x))
        tokens = torch.cat([self.registers.expand(patches.shape[0], -1, -1), patches], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch dim"]:
        """Return the mean of the patches, the first register, or what the query gathers."""
        if self.pooling == "attention":
            return self.query(tokens)
        if self.pooling == "register":
            return tokens[:, 0]
        return tokens[:, self.registers.shape[1] :].mean(dim=1)

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return tokens, register and mean of the patches, or scores; also of 2.5 s.

        Tokens are also those of the first 2.5 s, scores those of the second.
        """
        long = round(2.5 * self.shape.fs)
        if self.n_outputs:
            scores = self(x[..., long : 2 * long], present)
            return {"logits": self(x, present), "logits_crop": scores}
        tokens = self.tokens(x, present)
        return {
            "tokens_with_register": tokens,
            "mean_patch_tokens": tokens[:, self.registers.shape[1] :].mean(dim=1),
            "register": tokens[:, 0],
            "tokens_crop_2p5s": self.tokens(x[..., :long], present),
        }

    def stages(self) -> list[nn.Module]:
        """Return the patches, the blocks, the last normalisation, and the query."""
        return [self.patches, *self.blocks, self.norm, self.query]

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of pretraining or of a classifier.

        A checkpoint of pretraining holds the encoder twice; the one that follows the other slowly
        (``target_encoder``) is the one that the authors use. A head without bias gets one of zeros.

        Raises
        ------
        WeightsError
            If the head of a fine-tuned classifier, which the authors put on the register, would get
            the mean of the patches.
        """
        if "fc.weight" in state and self.pooling == "mean":
            raise WeightsError(
                "these weights score the register, and this weimann-jepa the mean of the patches. "
                "Use pooling='register'."
            )
        twice = any(key.startswith("target_encoder.") for key in state)
        kept = {}
        for key, value in state.items():
            if key.startswith("predictor.") or (twice and key.startswith("encoder.")):
                continue
            kept[_renamed(re.sub(r"^(target_)?encoder\.", "", key))] = value
        if "head.weight" in kept and self.n_outputs:
            kept.setdefault("head.bias", torch.zeros(len(kept["head.weight"])))
        return kept

    def _start(self, depth: int) -> None:
        """Draw weights as the authors do: what is added to the tokens is smaller with depth."""
        nn.init.trunc_normal_(self.registers, std=0.02)
        nn.init.trunc_normal_(self.patches.project.weight, std=0.02)
        scale_additions(self.blocks, [1 / math.sqrt(2 * depth)] * depth)


_REST = {
    "patch_embed.proj.": "patches.project.",
    "attn_pool.query_token": "query.query",
    "attn_pool.cross_attention_block.q.": "query.ask.",
    "attn_pool.cross_attention_block.kv.": "query.offer.",
    "attn_pool.cross_attention_block.proj.": "head.",
    "fc.": "head.",
}


def _renamed(key: str) -> str:
    return with_our_beginning(renamed_block(key), _REST)
