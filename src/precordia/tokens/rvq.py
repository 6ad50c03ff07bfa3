# SPDX-License-Identifier: Apache-2.0
"""Residual vector quantisation: a patch as a word, and words for what each word leaves over."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError
from precordia.core.tokens import Tokens
from precordia.tokens.clusters import kmeans, nearest
from precordia.tokens.patches import in_patches, joined, laid_out, of_patches, training_patches
from precordia.tokens.strip import Strip
from precordia.tokens.tokenizer import Placed, Tokenizer

_MOST_PATCHES = 24_000


class RvqTokenizer(Tokenizer):
    """Patches of a lead, each said in several words, from the rough to the fine.

    Parameters
    ----------
    fs
        Sampling rate, Hz.
    patch
        Samples a patch.
    stages
        Words a patch.
    codebook
        Words to choose from in each stage.
    seed
        Of k-means and of drawing patches.

    Notes
    -----
    *Method*: residual vector quantisation as in neural codecs (BioCodec: six codebooks of 256):
    the word of a stage is the nearest to what the stages before left over. From the second stage
    on, word 0 is zero, so that a further stage never makes a patch worse.
    *Departure*: the codec has a convolutional encoder and decoder around the words; here words are
    patches of the signal themselves, learned by k-means, which needs no network.

    References
    ----------
    BioCodec, https://github.com/klean2050/BioCodec-release
    Juang B-H, Gray AH. Multiple stage vector quantization for speech coding. ICASSP 1982:597-600.
    """

    name = "rvq"
    title = "residual vector quantisation of patches"

    def __init__(
        self,
        *,
        fs: float = 100.0,
        patch: int = 16,
        stages: int = 4,
        codebook: int = 256,
        seed: int = 0,
    ) -> None:
        super().__init__(fs=fs, patch=patch, stages=stages, codebook=codebook, seed=seed)
        if patch < 1 or stages < 1 or codebook < 2:
            raise OptionError(
                f"patch is {patch}, stages {stages} and codebook {codebook}; at least 1, 1 and 2 "
                "are needed."
            )
        self.patch, self.stages, self.codebook = int(patch), int(stages), int(codebook)
        self.seed = int(seed)
        self.words = np.zeros((0, self.codebook, self.patch))

    @property
    def streams(self) -> tuple[int, ...]:
        """An alphabet a stage."""
        return (self.codebook,) * self.stages

    def _learn(self, strips: list[Strip]) -> None:
        signals = [strip.signal[strip.present] for strip in strips]
        left = training_patches(signals, self.patch, most=_MOST_PATCHES, seed=self.seed)
        words = []
        for stage in range(self.stages):
            free = self.codebook - (stage > 0)
            found = kmeans(left, free, seed=self.seed + stage)
            if stage:
                found = np.concatenate([np.zeros((1, self.patch)), found])
            words.append(found)
            left = left - found[nearest(left, found)]
        self.words = np.stack(words)

    def quantise(self, patches: Float[np.ndarray, "token _"]) -> Int[np.ndarray, "token _"]:
        """Return the word of each stage for each patch."""
        left = np.array(patches, float)
        chosen = np.empty((len(left), self.stages), np.int64)
        for stage, words in enumerate(self.words):
            chosen[:, stage] = nearest(left, words)
            left -= words[chosen[:, stage]]
        return chosen

    def _symbols(self, strip: Strip) -> Placed:
        patches = in_patches(strip.signal[strip.present], self.patch)
        chosen = self.quantise(patches.reshape(-1, self.patch))
        symbols = chosen + self.codebook * np.arange(self.stages)
        return laid_out(symbols.reshape(*patches.shape[:2], self.stages), strip.present, self.patch)

    def _signal(self, tokens: Tokens, n: int) -> Float[np.ndarray, "lead sample"]:
        table = self.words.reshape(-1, self.patch)
        said = of_patches(tokens.symbols, tokens.lead, len(tokens.leads), self.stages)
        return np.stack([joined(table[rows].sum(axis=1), n) for rows in said])

    def with_stages(self, stages: int) -> RvqTokenizer:
        """Return the same tokenizer with only the first stages: fewer bits, no new fit.

        Raises
        ------
        OptionError
            If there are not so many stages.
        """
        if not 1 <= stages <= self.stages:
            raise OptionError(f"{stages} stages were asked for; there are 1 to {self.stages}.")
        fewer = type(self)(**{**self.options, "stages": stages})
        if self.fitted:
            fewer.words = self.words[:stages]
        if self.prices is not None:
            fewer.prices = self.prices[: stages * self.codebook]
        return fewer

    def state(self) -> dict[str, np.ndarray]:
        """Return the words."""
        return {"words": self.words.astype(np.float32)} if len(self.words) else {}

    def restore_state(self, arrays: dict[str, np.ndarray]) -> None:
        """Take back what `state` returned."""
        self.words = arrays["words"].astype(float)
