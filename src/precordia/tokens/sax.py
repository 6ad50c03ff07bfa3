# SPDX-License-Identifier: Apache-2.0
"""SAX: the mean of every frame as one of a few letters. The control of every other tokenizer."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from precordia.core.errors import OptionError
from precordia.core.tokens import Tokens
from precordia.tokens.patches import in_patches, laid_out
from precordia.tokens.strip import Strip
from precordia.tokens.tokenizer import Placed, Tokenizer


class SaxTokenizer(Tokenizer):
    """Means of frames of equal length, as letters that are equally likely under a normal law.

    Parameters
    ----------
    fs
        Sampling rate, Hz.
    frame
        Samples a frame.
    letters
        Size of the alphabet.
    decoded
        ``"lines"``: straight lines between the middles of frames; ``"steps"``: each frame
        constant, as published.

    Notes
    -----
    *Method*: symbolic aggregate approximation. *Departures*: letters are decoded as the mean of
    what they stood for in the recordings of `fit`, and joined by lines: SAX has no decoder of its
    own, and a control should be as good as it can be.

    References
    ----------
    Lin J, Keogh E, Wei L, Lonardi S. Data Min Knowl Discov 2007;15:107.
    doi:10.1007/s10618-007-0064-z
    """

    name = "sax"
    title = "means of frames as letters (control)"

    def __init__(
        self, *, fs: float = 100.0, frame: int = 5, letters: int = 16, decoded: str = "lines"
    ) -> None:
        super().__init__(fs=fs, frame=frame, letters=letters, decoded=decoded)
        if frame < 1 or letters < 2:
            raise OptionError(
                f"frame is {frame} and letters is {letters}; at least 1 sample and 2 letters are "
                "needed."
            )
        if decoded not in ("lines", "steps"):
            raise OptionError(f"decoded is '{decoded}'; 'lines' or 'steps' is needed.")
        self.frame, self.letters, self.lines = int(frame), int(letters), decoded == "lines"
        self.edges = ndtri(np.arange(1, self.letters) / self.letters)
        self.values = np.zeros(0)

    @property
    def streams(self) -> tuple[int, ...]:
        """One alphabet."""
        return (self.letters,)

    def _means(self, strip: Strip) -> Float[np.ndarray, "lead token"]:
        return in_patches(strip.signal[strip.present], self.frame).mean(axis=2)

    def _learn(self, strips: list[Strip]) -> None:
        means = np.concatenate([self._means(strip).ravel() for strip in strips])
        letter = np.searchsorted(self.edges, means)
        count = np.bincount(letter, minlength=self.letters)
        total = np.bincount(letter, weights=means, minlength=self.letters)
        middle = ndtri((np.arange(self.letters) + 0.5) / self.letters)
        self.values = np.where(count > 0, total / np.maximum(count, 1), middle)

    def _symbols(self, strip: Strip) -> Placed:
        letters = np.searchsorted(self.edges, self._means(strip))
        return laid_out(letters[:, :, None], strip.present, self.frame)

    def _signal(self, tokens: Tokens, n: int) -> Float[np.ndarray, "lead sample"]:
        out = np.zeros((len(tokens.leads), n))
        middles = (np.arange(-(-n // self.frame)) + 0.5) * self.frame - 0.5
        for k in range(len(out)):
            said = self.values[tokens.symbols[tokens.lead == k]]
            if len(said) and self.lines:
                out[k] = np.interp(np.arange(n), middles[: len(said)], said)
            elif len(said):
                steps = np.repeat(said, self.frame)[:n]
                out[k, : len(steps)] = steps
        return out

    def state(self) -> dict[str, np.ndarray]:
        """Return what each letter is decoded as."""
        return {"values": self.values} if len(self.values) else {}

    def restore_state(self, arrays: dict[str, np.ndarray]) -> None:
        """Take back what `state` returned."""
        self.values = arrays["values"].astype(float)
