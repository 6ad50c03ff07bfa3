# SPDX-License-Identifier: Apache-2.0
"""ABBA with a fixed polygonal chain: a symbol says how long a line is and where it ends."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError
from precordia.core.tokens import Tokens
from precordia.tokens.chain import chain
from precordia.tokens.clusters import aggregate, kmeans
from precordia.tokens.strip import Strip
from precordia.tokens.tokenizer import Placed, Tokenizer

_MOST_PIECES, _MOST_LEADS = 20_000, 600
_AT_ONCE = 256  # lines that are compared with all symbols in one array


class AbbaTokenizer(Tokenizer):
    """Straight lines, each a symbol for its length and the value where it ends.

    Parameters
    ----------
    fs
        Sampling rate, Hz.
    tolerance
        Of the polygonal chain, in standard deviations of the lead (see `chain`).
    alpha
        Radius of a group of lines, in the scaled plane of length and value; decides the number of
        symbols. Not used where ``symbols`` is given.
    symbols
        So many symbols, by k-means, in place of groups of a radius.
    length_weight
        How much lengths count beside values.
    longest_s
        No line is longer, seconds.
    end
        ``"value"``: a symbol tells the value at the end of its line (the fixed chain), so errors
        do not add up. ``"increment"``: it tells the rise, as ABBA did first.
    seed
        Of k-means and of drawing 600 leads and 20 000 lines where there are more.

    Notes
    -----
    *Method*: LLM-ABBA. Each lead, divided by its standard deviation, becomes a polygonal chain;
    lengths and end values of all lines of all training leads are scaled and grouped once, and the
    groups are the alphabet of every lead of every later recording.
    *Departures*: (1) the codebook is fitted on training recordings only and frozen, so that a
    symbol means the same everywhere; the authors fit it together with what is encoded. (2) While
    encoding, the length of a line is measured from where decoding has arrived, not from where the
    line began, so that rounded lengths do not push later beats aside (and likewise the rise in the
    mode ``"increment"`` is left open-loop, to show the drift that the fixed chain cures).
    (3) The first symbol of a lead tells by its value where the lead starts; the authors store that
    number beside the string. (4) Centres are not quantised further.

    References
    ----------
    Carson E, Chen X, Kang C. LLM-ABBA. arXiv:2411.18506
    Elsworth S, Güttel S. Data Min Knowl Discov 2020;34:1175. doi:10.1007/s10618-020-00689-6
    """

    name = "abba"
    title = "ABBA with a fixed polygonal chain"
    counted = True

    def __init__(
        self,
        *,
        fs: float = 100.0,
        tolerance: float = 0.2,
        alpha: float = 0.1,
        symbols: int = 0,
        length_weight: float = 3.0,
        longest_s: float = 1.0,
        end: str = "value",
        seed: int = 0,
    ) -> None:
        super().__init__(
            fs=fs, tolerance=tolerance, alpha=alpha, symbols=symbols, length_weight=length_weight,
            longest_s=longest_s, end=end, seed=seed,
        )  # fmt: skip
        for what, value in (("tolerance", tolerance), ("alpha", alpha), ("longest_s", longest_s)):
            if not (np.isfinite(value) and value > 0):
                raise OptionError(f"{what} is {value}; a positive number is needed.")
        if end not in ("value", "increment"):
            raise OptionError(f"end is '{end}'; 'value' or 'increment' is needed.")
        self.tolerance, self.alpha, self.n_wanted = float(tolerance), float(alpha), int(symbols)
        self.length_weight, self.end, self.seed = float(length_weight), end, int(seed)
        self.longest = max(2, round(longest_s * self.fs))
        #: length in samples and value of each symbol, and what both are divided by
        self.centres = np.zeros((0, 2))
        self.spread = np.ones(2)

    @property
    def streams(self) -> tuple[int, ...]:
        """One alphabet: the groups of lines."""
        return (len(self.centres),)

    def pieces(self, x: Float[np.ndarray, " sample"]) -> Float[np.ndarray, "token 2"]:
        """Return length in samples and end value (or rise) of each line of a lead."""
        corners = chain(x, tolerance=self.tolerance, longest=self.longest)
        told = x[corners[1:]] if self.end == "value" else np.diff(x[corners])
        return np.column_stack([np.diff(corners), told]).astype(float)

    def _learn(self, strips: list[Strip]) -> None:
        leads = [x for strip in strips for x in strip.signal[strip.present] if len(x) > 1]
        rng = np.random.default_rng(self.seed)
        pieces = [self.pieces(leads[k]) for k in rng.permutation(len(leads))[:_MOST_LEADS]]
        pooled = np.concatenate(pieces) if pieces else np.array([[1.0, 0.0]])
        if len(pooled) > _MOST_PIECES:
            pooled = pooled[rng.choice(len(pooled), _MOST_PIECES, replace=False)]
        self.spread = np.maximum(pooled.std(axis=0), 1e-9) / np.array([self.length_weight, 1.0])
        scaled = pooled / self.spread
        if self.n_wanted:
            centres = kmeans(scaled, self.n_wanted, seed=self.seed)
        else:
            centres = scaled[aggregate(scaled, self.alpha)]
        order = np.lexsort((centres[:, 1], centres[:, 0]))
        self.centres = centres[order] * self.spread

    def _symbols(self, strip: Strip) -> Placed:
        symbols, lead, start = [], [], []
        for k in np.flatnonzero(strip.present):
            said, begun = self._symbols_of(strip.signal[k])
            symbols += said
            start += begun
            lead += [k] * len(said)
        return np.array(symbols, np.int64), np.array(lead, np.int64), np.array(start, float)

    def _symbols_of(self, x: Float[np.ndarray, " sample"]) -> tuple[list[int], list[int]]:
        """Return the symbol of each line of a lead, and where decoding has arrived before it."""
        pieces = self.pieces(x)
        ends = np.cumsum(np.rint(pieces[:, 0])).astype(np.int64).tolist()
        lengths, values = (self.centres / self.spread).T
        steps = np.maximum(np.rint(self.centres[:, 0]), 1).astype(np.int64).tolist()
        symbols, starts, arrived = [], [], 0
        if self.end == "value":
            symbols.append(int(np.abs(self.centres[:, 1] - x[0]).argmin()))
            starts.append(0)
        # by samples that are left to the end of a line: how far each symbol is off in length
        apart: dict[int, np.ndarray] = {}
        for first in range(0, len(pieces), _AT_ONCE):
            told = pieces[first : first + _AT_ONCE, 1] / self.spread[1]
            off = (values - told[:, None]) ** 2
            for end, in_value in zip(ends[first : first + _AT_ONCE], off, strict=True):
                if arrived >= len(x) - 1:
                    return symbols, starts
                left = end - arrived
                in_length = apart.get(left)
                if in_length is None:
                    in_length = (lengths - left / self.spread[0]) ** 2
                    if len(apart) < _AT_ONCE:
                        apart[left] = in_length
                symbol = int((in_length + in_value).argmin())
                symbols.append(symbol)
                starts.append(arrived)
                arrived += steps[symbol]
        return symbols, starts

    def _signal(self, tokens: Tokens, n: int) -> Float[np.ndarray, "lead sample"]:
        out = np.zeros((len(tokens.leads), n))
        for k in range(len(out)):
            said = self.centres[tokens.symbols[tokens.lead == k]]
            if not len(said):
                continue
            steps = np.maximum(np.rint(said[:, 0]), 1)
            if self.end == "value":
                steps[0], values = 0, said[:, 1]
            else:
                steps = np.concatenate([[0], steps])
                values = np.concatenate([[0.0], np.cumsum(said[:, 1])])
            out[k] = np.interp(np.arange(n), np.cumsum(steps), values)
        return out

    def state(self) -> dict[str, np.ndarray]:
        """Return centres and spread."""
        return {"centres": self.centres, "spread": self.spread} if len(self.centres) else {}

    def restore_state(self, arrays: dict[str, np.ndarray]) -> None:
        """Take back what `state` returned."""
        self.centres, self.spread = arrays["centres"].astype(float), arrays["spread"].astype(float)
