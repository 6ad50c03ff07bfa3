# SPDX-License-Identifier: Apache-2.0
"""Patches as one symbol each, by finite scalar quantisation."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError
from precordia.core.tokens import Tokens
from precordia.tokens.finite_scalar import from_levels, join_levels, split_levels, to_levels
from precordia.tokens.patches import in_patches, joined, laid_out, of_patches, training_patches
from precordia.tokens.principal import principal_components
from precordia.tokens.strip import Strip
from precordia.tokens.tokenizer import Placed, Tokenizer

_MOST_PATCHES = 24_000
#: a logistic curve of this slope is nearest to the normal law, so that levels are used evenly
_SLOPE = 1.702


class FsqTokenizer(Tokenizer):
    """A patch as one symbol: a few numbers, each on a few levels.

    Parameters
    ----------
    fs
        Sampling rate, Hz.
    patch
        Samples a patch.
    levels
        Of each number; their product is the size of the vocabulary.
    seed
        Of drawing patches.

    Notes
    -----
    *Method*: DiagECG's quantiser. Numbers of a patch go through a logistic curve and are rounded
    to levels; the levels, counted as digits, are the symbol. No codebook has to be learned, and
    none can collapse.
    *Departures*: (1) DiagECG makes the numbers (four, of six levels) with a convolutional network
    over all twelve leads; here they are the strongest principal components of a patch of one lead,
    divided by their standard deviation, so that any leads will do and no network is needed.
    (2) The decoder is the linear map from levels to patches with the least squared error on the
    recordings of `fit`.

    References
    ----------
    Yang J, Shi W. DiagECG. arXiv:2508.15338
    Mentzer F, Minnen D, Agustsson E, Tschannen M. arXiv:2309.15505
    """

    name = "fsq"
    title = "finite scalar quantisation of patches"

    def __init__(
        self,
        *,
        fs: float = 100.0,
        patch: int = 16,
        levels: tuple[int, ...] = (8, 6, 6, 5),
        seed: int = 0,
    ) -> None:
        levels = tuple(int(n) for n in levels)
        super().__init__(fs=fs, patch=patch, levels=levels, seed=seed)
        if not levels or min(levels) < 2 or len(levels) > patch:
            raise OptionError(
                f"levels are {levels} for patches of {patch} samples; at least one number, and no "
                "more than samples, each of at least 2 levels, are needed."
            )
        if np.prod(levels, dtype=float) > 2**20:
            raise OptionError(
                f"levels {levels} make {np.prod(levels, dtype=float):g} symbols; a vocabulary may "
                "have about a million. Choose fewer levels."
            )
        self.patch, self.levels, self.seed = int(patch), levels, int(seed)
        self.mean = np.zeros(0)
        self.forth = np.zeros((self.patch, len(levels)))
        self.back = np.zeros((len(levels) + 1, self.patch))

    @property
    def streams(self) -> tuple[int, ...]:
        """One alphabet: all combinations of levels."""
        return (int(np.prod(self.levels)),)

    def numbers(self, patches: Float[np.ndarray, "... _"]) -> Float[np.ndarray, "... dim"]:
        """Return the numbers of each patch before they are rounded."""
        return (patches - self.mean) @ self.forth

    def _learn(self, strips: list[Strip]) -> None:
        signals = [strip.signal[strip.present] for strip in strips]
        patches = training_patches(signals, self.patch, most=_MOST_PATCHES, seed=self.seed)
        self.mean, rows, variance = principal_components(patches)
        kept = len(self.levels)
        deviation = np.sqrt(np.maximum(variance[:kept], 1e-12))
        self.forth = (rows[:kept] / deviation[:, None]).T * _SLOPE
        rounded = from_levels(to_levels(self.numbers(patches), self.levels), self.levels)
        design = np.column_stack([rounded, np.ones(len(rounded))])
        self.back = np.linalg.lstsq(design, patches, rcond=None)[0]

    def _symbols(self, strip: Strip) -> Placed:
        patches = in_patches(strip.signal[strip.present], self.patch)
        symbols = join_levels(to_levels(self.numbers(patches), self.levels), self.levels)
        return laid_out(symbols[:, :, None], strip.present, self.patch)

    def _signal(self, tokens: Tokens, n: int) -> Float[np.ndarray, "lead sample"]:
        said = of_patches(tokens.symbols, tokens.lead, len(tokens.leads), 1)
        out = []
        for rows in said:
            numbers = from_levels(split_levels(rows[:, 0], self.levels), self.levels)
            out.append(joined(numbers @ self.back[:-1] + self.back[-1], n))
        return np.stack(out)

    def state(self) -> dict[str, np.ndarray]:
        """Return the maps forth and back."""
        if not len(self.mean):
            return {}
        return {"mean": self.mean, "forth": self.forth, "back": self.back}

    def restore_state(self, arrays: dict[str, np.ndarray]) -> None:
        """Take back what `state` returned."""
        self.mean = arrays["mean"].astype(float)
        self.forth, self.back = arrays["forth"].astype(float), arrays["back"].astype(float)
