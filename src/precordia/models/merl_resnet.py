# SPDX-License-Identifier: Apache-2.0
"""The residual network of MERL, and what its authors put behind it to compare it with reports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from precordia.core.errors import SignalError
from precordia.models.key_prefix import with_our_beginning
from precordia.models.options import check_one_of, check_positive
from precordia.models.signal_shape import SignalShape
from precordia.models.stem_and_blocks import StemAndBlocks
from precordia.nn.class_token_pool import ClassTokenPool
from precordia.nn.convolution import convolution
from precordia.nn.residual import ResidualBlock

#: blocks of each stage
_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


class MerlResNet(StemAndBlocks):
    """Residual network without the maximum behind its stem, so with twice as many time steps.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    size
        Number of layers: 18 or 34.
    width
        Channels of the first stage; each further stage has twice as many.
    projector
        Whether there is what compares signals with reports: it is needed for that alone.
    projection
        Length of what the projector gives.

    Notes
    -----
    Written from the paper and the layout of the weights; outputs agree with the authors' code. The
    embedding is the mean over time of the last stage, as in the authors' linear evaluation. The
    text model of the full checkpoint and its projection are left out, and so is a linear layer of
    ten outputs that no code of theirs applies before fine-tuning.

    References
    ----------
    Liu C, et al. MERL. ICML 2024. arXiv:2403.06659

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=12, n_samples=5000, fs=500)
    >>> MerlResNet(shape, 0, width=4).tokens(torch.zeros(2, 12, 5000)).shape
    torch.Size([2, 313, 32])
    """

    left_out_weights: ClassVar[tuple[str, ...]] = (
        r"(ecg_encoder\.)?linear\.(weight|bias)",
        r"proj_t\..*",
        r"lm_model\..*",
    )

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        size: int = 18,
        width: int = 64,
        projector: bool = False,
        projection: int = 256,
    ) -> None:
        check_one_of("size", size, tuple(_BLOCKS))
        check_positive("width", width)
        check_positive("projection", projection)
        super().__init__(shape, n_outputs, dim=8 * width)
        self.stem = nn.Sequential(
            convolution(shape.n_leads, width, 7, stride=2), nn.BatchNorm1d(width), nn.ReLU()
        )
        self.blocks = nn.ModuleList()
        n_in = width
        for stage, n_blocks in enumerate(_BLOCKS[size]):
            n_out = width * 2**stage
            strides = [2 if stage else 1] + [1] * (n_blocks - 1)
            self.blocks.append(
                nn.Sequential(
                    *(
                        ResidualBlock(n_in if not k else n_out, n_out, stride=stride)
                        for k, stride in enumerate(strides)
                    )
                )
            )
            n_in = n_out
        n_tokens = -(-shape.n_samples // 16)
        self.projector = _Projector(8 * width, projection, n_tokens) if projector else None

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return what the authors' code gives by name; projections where there is a projector."""
        tokens = self.tokens(x, present)
        embedding = self.pool(tokens, None)
        given = {
            "encoder_output": tokens.transpose(1, 2),
            "features": embedding,
            "logits": self.head(self.neck(embedding)),
        }
        return given if self.projector is None else given | self.projector(tokens)

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of MERL: the full file, or that of the encoder alone."""
        renamed = {}
        for key, value in state.items():
            name = _renamed(key.removeprefix("ecg_encoder."))
            if name.startswith("projector.") and self.projector is None:
                continue
            if name == "projector.pool.token":
                value = value.flatten()
            elif name == "projector.pool.places":
                value = value.squeeze(0)
            renamed[name] = value
        return renamed


class _Projector(nn.Module):
    """Fewer channels, attention pooling for reports, two linear views of the mean."""

    def __init__(self, dim: int, projection: int, n_tokens: int) -> None:
        super().__init__()
        self.narrow = nn.Conv1d(dim, projection, 1)
        self.pool = ClassTokenPool(projection, heads=4, n_tokens=n_tokens)
        self.views = nn.ModuleList(nn.Linear(projection, projection, bias=False) for _ in range(2))

    def forward(self, tokens: Float[Tensor, "batch token dim"]) -> dict[str, Tensor]:
        """Return projections by the names of the authors."""
        known = len(self.pool.places) - 1
        if tokens.shape[1] != known:
            raise SignalError(
                f"the projector needs {known} tokens; {tokens.shape[1]} arrived. Give windows of "
                "the length that the model was made for."
            )
        narrow = self.narrow(tokens.transpose(1, 2))
        pooled, weights = self.pool(narrow.transpose(1, 2))
        mean = narrow.mean(dim=2)
        return {
            "attention_map": weights[:, None],
            "downconv_avgpool": mean,
            "projection": pooled,
            "projection_l2_normalised": functional.normalize(pooled, dim=-1),
            "linear1": self.views[0](mean),
            "linear2": self.views[1](mean),
        }


_PARTS = {
    "conv1.": "stem.0.",
    "bn1.": "stem.1.",
    "downconv.": "projector.narrow.",
    "att_pool_head.positional_embedding": "projector.pool.places",
    "att_pool_head.cls_token": "projector.pool.token",
    "att_pool_head.mhsa.": "projector.pool.attention.",
    "att_pool_head.c_proj.": "projector.pool.out.",
    "linear1.": "projector.views.0.",
    "linear2.": "projector.views.1.",
}
_IN_BLOCK = {
    "conv1": "path.0",
    "bn1": "path.1",
    "conv2": "path.3",
    "bn2": "path.4",
    "shortcut.0": "around.0",
    "shortcut.1": "around.1",
}


def _renamed(key: str) -> str:
    block = r"layer([1-4])\.(\d+)\.(conv[12]|bn[12]|shortcut\.[01])\.(\w+)"
    if match := re.fullmatch(block, key):
        return f"blocks.{int(match[1]) - 1}.{match[2]}.{_IN_BLOCK[match[3]]}.{match[4]}"
    return with_our_beginning(key, _PARTS)
