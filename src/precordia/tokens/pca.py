# SPDX-License-Identifier: Apache-2.0
"""Principal components of patches, each rounded: the control at equal rate."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError
from precordia.core.tokens import Tokens
from precordia.tokens.clusters import kmeans
from precordia.tokens.patches import in_patches, joined, laid_out, of_patches, training_patches
from precordia.tokens.principal import principal_components, share_bits
from precordia.tokens.strip import Strip
from precordia.tokens.tokenizer import Placed, Tokenizer

_MOST_PATCHES, _MOST_VALUES = 24_000, 6_000
_MOST_BITS = 8  # of one component: beyond, its quantiser has more levels than it has seen values


class PcaTokenizer(Tokenizer):
    """Principal components of a patch, each with a quantiser fitted to its values.

    Parameters
    ----------
    fs
        Sampling rate, Hz.
    patch
        Samples a patch.
    bits
        A patch, shared among components by the error that is left.
    seed
        Of drawing patches.

    Notes
    -----
    *Method*: transform coding with the best linear transform (Karhunen-Loève), Lloyd-Max
    quantisers and greedy reverse water-filling. Nothing of it is new, which is the point: a
    tokenizer that learns should beat it at equal rate.

    References
    ----------
    Goyal VK. Theoretical foundations of transform coding. IEEE Signal Process Mag 2001;18:9.
    doi:10.1109/79.952802
    """

    name = "pca"
    title = "rounded principal components of patches (control)"

    def __init__(
        self, *, fs: float = 100.0, patch: int = 16, bits: int = 16, seed: int = 0
    ) -> None:
        super().__init__(fs=fs, patch=patch, bits=bits, seed=seed)
        if patch < 1 or not 1 <= bits <= patch * _MOST_BITS:
            raise OptionError(
                f"patch is {patch} and bits {bits}; at least 1 sample, and 1 to "
                f"{_MOST_BITS} bits a sample are needed."
            )
        self.patch, self.bits, self.seed = int(patch), int(bits), int(seed)
        self.mean = np.zeros(0)
        self.components = np.zeros((0, self.patch))
        self.levels: list[np.ndarray] = []

    @property
    def streams(self) -> tuple[int, ...]:
        """An alphabet a component."""
        return tuple(len(levels) for levels in self.levels)

    def _learn(self, strips: list[Strip]) -> None:
        signals = [strip.signal[strip.present] for strip in strips]
        patches = training_patches(signals, self.patch, most=_MOST_PATCHES, seed=self.seed)
        mean, rows, variance = principal_components(patches)
        share = np.minimum(share_bits(variance, self.bits), _MOST_BITS)
        kept = np.flatnonzero(share)
        self.mean, self.components = mean, rows[kept]
        values = (patches[:_MOST_VALUES] - mean) @ self.components.T
        self.levels = [
            np.sort(kmeans(column[:, None], 2 ** int(share[k]), seed=self.seed).ravel())
            for k, column in zip(kept, values.T, strict=True)
        ]

    def _symbols(self, strip: Strip) -> Placed:
        patches = in_patches(strip.signal[strip.present], self.patch)
        values = (patches - self.mean) @ self.components.T
        symbols = np.empty(values.shape, np.int64)
        first = 0
        for k, levels in enumerate(self.levels):
            edges = (levels[1:] + levels[:-1]) / 2
            symbols[..., k] = first + np.searchsorted(edges, values[..., k])
            first += len(levels)
        return laid_out(symbols, strip.present, self.patch)

    def _signal(self, tokens: Tokens, n: int) -> Float[np.ndarray, "lead sample"]:
        table = np.concatenate(self.levels)
        said = of_patches(tokens.symbols, tokens.lead, len(tokens.leads), len(self.levels))
        return np.stack([
            joined(table[rows] @ self.components + self.mean, n) for rows in said
        ])  # fmt: skip

    def state(self) -> dict[str, np.ndarray]:
        """Return mean, components and levels."""
        if not self.levels:
            return {}
        return {
            "mean": self.mean,
            "components": self.components,
            "levels": np.concatenate(self.levels),
            "n_levels": np.array(self.streams),
        }

    def restore_state(self, arrays: dict[str, np.ndarray]) -> None:
        """Take back what `state` returned."""
        self.mean, self.components = (
            arrays["mean"].astype(float),
            arrays["components"].astype(float),
        )
        self.levels = np.split(arrays["levels"].astype(float), np.cumsum(arrays["n_levels"])[:-1])
