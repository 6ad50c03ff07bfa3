# SPDX-License-Identifier: Apache-2.0
"""Beats as events: how long since the last one, and what it looks like in each lead."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError
from precordia.core.tokens import ALL_LEADS, Tokens
from precordia.delineation.rpeaks import rpeaks_of_signal
from precordia.tokens.clusters import kmeans, nearest
from precordia.tokens.gain import decode_gain
from precordia.tokens.strip import Strip
from precordia.tokens.tokenizer import Placed, Tokenizer

_MOST_SHAPES = 16_000
#: a beat is cut this long before and after its R-peak
BEFORE_S, AFTER_S = 0.28, 0.52
#: heights of a beat beside the usual of its lead, in equal ratios between these
_LOWEST, _HIGHEST = 0.25, 4.0


class BeatTokenizer(Tokenizer):
    """Events of a recording: wait, beat, and one shape a lead.

    Parameters
    ----------
    fs
        Sampling rate, Hz.
    shapes
        How many shapes of beats there are.
    heights
        Levels of the size of a beat.
    step_ms
        Resolution of waiting times.
    longest_ms
        The longest wait that one symbol tells; longer ones take several.
    seed
        Of k-means and of drawing beats.

    Notes
    -----
    *Method*: events as in symbolic music. Tokens of all leads: ``wait k`` (no beat came for the
    longest time) or ``beat after k`` steps; after a beat, one token a lead names the nearest of
    the learned shapes and one its height. Waiting is counted from where the last beat is decoded,
    so rounding does not add up. Between beats, shapes fade into each other.
    What does not belong to a beat (fibrillation, flutter between beats, noise, drift) is not told:
    the distortion is what that costs.

    References
    ----------
    Le DVT, Bigo L, Herremans D, Keller M. Natural language processing methods for symbolic music
    generation and information retrieval: a survey. ACM Comput Surv 2025. arXiv:2402.17467
    """

    name = "beats"
    title = "beats as events"
    counted = True

    def __init__(
        self,
        *,
        fs: float = 100.0,
        shapes: int = 256,
        heights: int = 16,
        step_ms: float = 10.0,
        longest_ms: float = 2000.0,
        seed: int = 0,
    ) -> None:
        super().__init__(
            fs=fs, shapes=shapes, heights=heights, step_ms=step_ms, longest_ms=longest_ms, seed=seed
        )
        if shapes < 1 or heights < 2:
            raise OptionError(
                f"shapes is {shapes} and heights {heights}; at least 1 and 2 are needed."
            )
        if not 0 < step_ms < longest_ms:
            raise OptionError(
                f"step_ms is {step_ms} and longest_ms {longest_ms}; a positive step shorter than "
                "the longest wait is needed."
            )
        self.n_shapes, self.n_heights, self.seed = int(shapes), int(heights), int(seed)
        self.step = step_ms * self.fs / 1000
        self.n_waits = round(longest_ms / step_ms)
        self.before, self.after = round(BEFORE_S * self.fs), round(AFTER_S * self.fs)
        self.shapes = np.zeros((0, self.before + self.after + 1))

    @property
    def streams(self) -> tuple[int, ...]:
        """Waiting times (the last means that no beat came), shapes, heights."""
        return (self.n_waits + 1, self.n_shapes, self.n_heights)

    def _rpeaks(self, strip: Strip) -> Int[np.ndarray, " beat"]:
        scale, offset = decode_gain(strip.gain)
        signal = (strip.signal * scale[:, None] + offset[:, None]).astype(np.float32)
        signal[~strip.present] = np.nan
        return np.asarray(rpeaks_of_signal(signal, strip.fs), np.int64)

    def _cut(self, signal: np.ndarray, at: np.ndarray) -> Float[np.ndarray, "lead beat sample"]:
        padded = np.pad(signal, ((0, 0), (self.before, self.after)), mode="edge")
        return padded[:, at[:, None] + np.arange(self.before + self.after + 1)]

    def _level(self, height: np.ndarray) -> Int[np.ndarray, ...]:
        place = np.log(np.clip(height, _LOWEST, _HIGHEST) / _LOWEST) / np.log(_HIGHEST / _LOWEST)
        return np.rint(place * (self.n_heights - 1)).astype(np.int64)

    def _height(self, level: int) -> float:
        return _LOWEST * (_HIGHEST / _LOWEST) ** (level / (self.n_heights - 1))

    def _learn(self, strips: list[Strip]) -> None:
        cuts = []
        for strip in strips:
            cut = self._cut(strip.signal[strip.present], self._rpeaks(strip))
            cuts.append(cut.reshape(-1, cut.shape[2]))
        pooled = np.concatenate(cuts)
        if not len(pooled):
            pooled = np.zeros((1, self.shapes.shape[1]))
        if len(pooled) > _MOST_SHAPES:
            rng = np.random.default_rng(self.seed)
            pooled = pooled[rng.choice(len(pooled), _MOST_SHAPES, replace=False)]
        size = np.sqrt((pooled**2).mean(axis=1, keepdims=True))
        self.shapes = kmeans(pooled / np.maximum(size, 1e-6), self.n_shapes, seed=self.seed)

    def _symbols(self, strip: Strip) -> Placed:
        at, waits = self._waits(self._rpeaks(strip), strip.signal.shape[1])
        present = np.flatnonzero(strip.present)
        cut = self._cut(strip.signal[present], at)
        flat = cut.reshape(-1, cut.shape[2])
        shape = self._nearest_shape(flat)
        height = np.einsum("ns,ns->n", flat, self.shapes[shape])
        height /= np.maximum((self.shapes[shape] ** 2).sum(axis=1), 1e-12)
        words = np.stack([shape, self._level(height) + self.n_shapes], axis=-1)
        words = words.reshape(len(present), len(at), 2) + self.n_waits + 1
        symbols, lead, start = [], [], []
        beat = 0
        for wait, place in waits:
            symbols.append(wait)
            lead.append(ALL_LEADS)
            start.append(place)
            if wait == self.n_waits:
                continue
            symbols.extend(words[:, beat].ravel().tolist())
            lead.extend(np.repeat(present, 2).tolist())
            start.extend([place] * (2 * len(present)))
            beat += 1
        return np.array(symbols, np.int64), np.array(lead, np.int64), np.array(start, float)

    def _nearest_shape(self, cuts: np.ndarray) -> Int[np.ndarray, " _"]:
        size = np.sqrt((cuts**2).mean(axis=1, keepdims=True))
        return nearest(cuts / np.maximum(size, 1e-6), self.shapes)

    def _waits(self, rpeaks: np.ndarray, n: int) -> tuple[np.ndarray, list[tuple[int, float]]]:
        """Give where each beat is decoded, and each waiting time with its place."""
        at, waits, here = [], [], 0.0
        for peak in rpeaks.tolist():
            while round((peak - here) / self.step) >= self.n_waits:
                here += self.n_waits * self.step
                waits.append((self.n_waits, here))
            wait = max(0, round((peak - here) / self.step))
            here += wait * self.step
            at.append(min(max(round(here), 0), n - 1))
            waits.append((wait, here))
        return np.array(at, np.int64), waits

    def _signal(self, tokens: Tokens, n: int) -> Float[np.ndarray, "lead sample"]:
        n_leads = len(tokens.leads)
        out, weight = np.zeros((n_leads, n)), np.full((n_leads, n), 1e-6)
        fade = np.concatenate([
            np.sin(np.linspace(0.05, np.pi / 2, self.before + 1)) ** 2,
            np.cos(np.linspace(0, np.pi / 2 - 0.05, self.after + 1))[1:] ** 2,
        ])  # fmt: skip
        shape, here = None, 0.0
        for symbol, lead in zip(tokens.symbols.tolist(), tokens.lead.tolist(), strict=True):
            if symbol <= self.n_waits:
                here += symbol * self.step
            elif symbol < self.n_waits + 1 + self.n_shapes:
                shape = self.shapes[symbol - self.n_waits - 1]
            elif shape is not None and lead >= 0:
                height = self._height(symbol - self.n_waits - 1 - self.n_shapes)
                first = min(max(round(here), 0), n - 1) - self.before
                low, high = max(0, first), min(n, first + len(fade))
                inside = slice(low - first, high - first)
                out[lead, low:high] += fade[inside] * height * shape[inside]
                weight[lead, low:high] += fade[inside]
        return out / weight

    def state(self) -> dict[str, np.ndarray]:
        """Return the shapes."""
        return {"shapes": self.shapes.astype(np.float32)} if len(self.shapes) else {}

    def restore_state(self, arrays: dict[str, np.ndarray]) -> None:
        """Take back what `state` returned."""
        self.shapes = arrays["shapes"].astype(float)
