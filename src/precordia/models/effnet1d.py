# SPDX-License-Identifier: Apache-2.0
"""EfficientNet of one dimension, as SleepFM uses it for each kind of signal."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.models.encoder import Encoder
from precordia.models.options import check_positive, check_share
from precordia.models.signal_shape import SignalShape
from precordia.nn.inverted_bottleneck import InvertedBottleneck

#: channels behind stem and stages, and of the last map, as multiples of an eighth of the stem's
_EIGHTHS = (8, 4, 6, 10, 20, 28, 48, 80, 320)
#: blocks of each stage
_BLOCKS = (1, 2, 2, 3, 3, 3, 3)
#: stages behind which the largest of three neighbours is taken
_POOLED = (1, 4)


class EffNet1d(Encoder):
    """Seven stages of inverted bottlenecks, each of which halves the length.

    Parameters
    ----------
    shape, n_outputs
        As in `Encoder`.
    width
        Channels of the stem, a multiple of 4; all others grow with it.
    dim
        Length of the embedding: a map of the mean over time.
    expansion
        How many times wider the middle of a bottleneck is.
    normalise
        Whether embeddings have length one, as SleepFM compares them.
    dropout
        Share of numbers hidden while training, within blocks and before the embedding.

    Notes
    -----
    *Method.* A convolution that halves the length; stages whose blocks lead their input around,
    but for the last one, which halves the length, and a batch normalisation behind each; a map to
    wide time steps, their mean, a rectifier, and a map to the embedding. Between, twice, each time
    step becomes the largest of its neighbours. Outputs agree with the authors' code.

    References
    ----------
    Thapa R, et al. SleepFM. ICML 2024. arXiv:2405.17766. Tan M, Le QV. EfficientNet. ICML 2019.
    arXiv:1905.11946

    Examples
    --------
    >>> import torch
    >>> shape = SignalShape(n_leads=1, n_samples=2560, fs=256)
    >>> EffNet1d(shape, 0, width=8, dim=16).tokens(torch.zeros(2, 1, 2560)).shape
    torch.Size([2, 10, 320])
    """

    def __init__(
        self,
        shape: SignalShape,
        n_outputs: int,
        *,
        width: int = 32,
        dim: int = 512,
        expansion: int = 6,
        normalise: bool = False,
        dropout: float = 0.5,
    ) -> None:
        for name, value in (("width", width), ("dim", dim), ("expansion", expansion)):
            check_positive(name, value)
        if width % 4:
            raise OptionError(f"width is {width}; a multiple of 4 such as 32 is needed.")
        check_share("dropout", dropout)
        channels = [width * eighths // 8 for eighths in _EIGHTHS]
        super().__init__(shape, n_outputs, dim=dim, token_dim=channels[-1])
        self.normalise = normalise
        self.stem = nn.Sequential(
            nn.Conv1d(shape.n_leads, width, 3, stride=2, padding=1), nn.BatchNorm1d(width)
        )
        self.blocks = nn.ModuleList()
        for stage, n_blocks in enumerate(_BLOCKS):
            n_in, n_out = channels[stage], channels[stage + 1]
            layers: list[nn.Module] = [
                InvertedBottleneck(n_in, n_in, expansion=expansion, dropout=dropout)
                for _ in range(n_blocks - 1)
            ]
            layers.append(InvertedBottleneck(n_in, n_out, expansion=expansion, stride=2))
            layers.append(nn.BatchNorm1d(n_out))
            if stage in _POOLED:
                layers.append(nn.MaxPool1d(3, stride=1, padding=1))
            self.blocks.append(nn.Sequential(*layers))
        self.widen = nn.Conv1d(channels[-2], channels[-1], 1)
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(channels[-1], dim)
        self._start()

    def features(
        self, x: Float[Tensor, "batch lead sample"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch token dim"]:
        """Return the wide time steps."""
        x = self.stem(x)
        for stage in self.blocks:
            x = stage(x)
        return self.widen(x).transpose(1, 2)

    def pool(
        self, tokens: Float[Tensor, "batch token dim"], present: Float[Tensor, "batch lead"] | None
    ) -> Float[Tensor, "batch dim_out"]:
        """Return a map of the mean over time, of length one where that is asked for."""
        embedding = self.project(self.dropout(functional.relu(tokens.mean(dim=1))))
        return functional.normalize(embedding, dim=1) if self.normalise else embedding

    def stages(self) -> list[nn.Module]:
        """Return stem, stages, and the maps to wide time steps and to the embedding."""
        return [self.stem, *self.blocks, self.widen, self.project]

    def published_outputs(
        self, x: Float[Tensor, "batch lead sample"], present: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return what the authors' code gives by name: before, as, and of length one."""
        before = functional.relu(self.tokens(x, present).mean(dim=1))
        embedding = self.project(before)
        return {
            "before_fc": before,
            "embedding": embedding,
            "embedding_l2": functional.normalize(embedding, dim=1),
        }

    def rename_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename weights of SleepFM: those of the network of the ECG."""
        return {_renamed(key): value for key, value in state.items()}

    def _start(self) -> None:
        """Draw weights by which signals keep their size through all stages (He et al. 2015)."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv1d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")


_PARTS = {"stage1": "stem.0", "b0": "stem.1", "stage9": "widen", "fc": "project"}
_IN_BLOCK = {"conv1": 0, "b0": 1, "conv2": 3, "b1": 4, "conv3": 6}


def _renamed(key: str) -> str:
    if match := re.fullmatch(r"stage([2-8])\.stack\.s(\d+)\.(conv[123]|b[01])\.(\w+)", key):
        # The last block of a stage has a number of its own: one more than there are blocks.
        stage = int(match[1]) - 2
        block = min(int(match[2]), _BLOCKS[stage] - 1)
        return f"blocks.{stage}.{block}.path.{_IN_BLOCK[match[3]]}.{match[4]}"
    if match := re.fullmatch(r"stage([2-8])\.bn\.(\w+)", key):
        stage = int(match[1]) - 2
        return f"blocks.{stage}.{_BLOCKS[stage]}.{match[2]}"
    first, _, rest = key.partition(".")
    return f"{_PARTS[first]}.{rest}" if first in _PARTS and rest else key
