# SPDX-License-Identifier: Apache-2.0
"""ECG-Byte: every sample a letter, frequent strings of letters a symbol."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError
from precordia.core.tokens import Tokens
from precordia.tokens.byte_pairs import learn_merges, merge_all, spell
from precordia.tokens.strip import Strip
from precordia.tokens.tokenizer import Placed, Tokenizer

_MOST_LETTERS = 600_000


class EcgByteTokenizer(Tokenizer):
    """Letters for levels of the signal, merged by byte-pair encoding.

    Parameters
    ----------
    fs
        Sampling rate, Hz.
    letters
        Levels between the smallest and the largest value of the recording.
    merges
        How many pairs to merge.
    seed
        Of drawing leads where there are more than 600 000 samples.

    Notes
    -----
    *Method*: ECG-Byte. The range of the whole recording is cut into equal levels, each a letter;
    pairs of symbols that follow each other most often are merged.
    *Departures*: (1) smallest value and range are kept (`precordia.tokens.gain`); the authors lose
    them, and with them the millivolts. (2) No symbol reaches from one lead into the next: the
    authors join the leads to one string first. (3) A letter is decoded as the middle of its level.

    References
    ----------
    Han W, Duan C, Rosenberg MA, Liu E, Zhao D. ECG-Byte. arXiv:2412.14373
    """

    name = "ecg-byte"
    title = "letters merged by byte-pair encoding"
    counted = True
    scaling = "range"

    def __init__(
        self, *, fs: float = 100.0, letters: int = 26, merges: int = 500, seed: int = 0
    ) -> None:
        super().__init__(fs=fs, letters=letters, merges=merges, seed=seed)
        if letters < 2:
            raise OptionError(f"letters is {letters}; at least 2 are needed.")
        if merges < 0:
            raise OptionError(f"merges is {merges}; 0 or more are needed.")
        self.letters, self.n_merges, self.seed = int(letters), int(merges), int(seed)
        self.merges: np.ndarray | None = None
        self._words: list[np.ndarray] = []

    @property
    def streams(self) -> tuple[int, ...]:
        """One alphabet: letters, then merged strings."""
        return (self.letters + (0 if self.merges is None else len(self.merges)),)

    def _written(self, strip: Strip) -> list[np.ndarray]:
        level = np.floor(strip.signal[strip.present] * self.letters)
        return list(np.clip(level, 0, self.letters - 1).astype(np.int64))

    def _learn(self, strips: list[Strip]) -> None:
        strings = [string for strip in strips for string in self._written(strip)]
        order = np.random.default_rng(self.seed).permutation(len(strings))
        length = np.cumsum([len(strings[k]) for k in order])
        most = max(1, int(np.searchsorted(length, _MOST_LETTERS, side="right")))
        chosen = [strings[k] for k in order[:most]]
        self._take(learn_merges(chosen, n_letters=self.letters, n_merges=self.n_merges))

    def _take(self, merges: np.ndarray) -> None:
        self.merges = np.asarray(merges, np.int64).reshape(-1, 2)
        self._words = spell(self.merges, n_letters=self.letters)

    def _symbols(self, strip: Strip) -> Placed:
        assert self.merges is not None
        length = np.array([len(word) for word in self._words])
        strings = merge_all(self._written(strip), self.merges, n_letters=self.letters)
        starts = [np.cumsum(length[s]) - length[s] for s in strings]
        leads = np.flatnonzero(strip.present)
        lead = np.repeat(leads, [len(s) for s in strings])
        if not strings:
            return np.zeros(0, np.int64), lead.astype(np.int64), np.zeros(0)
        return np.concatenate(strings), lead, np.concatenate(starts)

    def _signal(self, tokens: Tokens, n: int) -> Float[np.ndarray, "lead sample"]:
        out = np.zeros((len(tokens.leads), n))
        for k in range(len(out)):
            said = tokens.symbols[tokens.lead == k].tolist()
            if said:
                spelled = np.concatenate([self._words[symbol] for symbol in said])[:n]
                level = (spelled + 0.5) / self.letters
                out[k, : len(level)] = level
                out[k, len(level) :] = level[-1]
        return out

    def state(self) -> dict[str, np.ndarray]:
        """Return the merges."""
        return {} if self.merges is None else {"merges": self.merges.astype(np.int32)}

    def restore_state(self, arrays: dict[str, np.ndarray]) -> None:
        """Take back what `state` returned."""
        self._take(arrays["merges"])
