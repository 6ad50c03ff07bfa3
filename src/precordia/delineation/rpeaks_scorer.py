# SPDX-License-Identifier: Apache-2.0
"""Decide which candidates are beats: two tiny networks, evaluated in NumPy.

The first sees the surroundings of one candidate; the second sees a likely beat among its likely
neighbours (distances in time, heights, and a short code that the first gave to each).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.delineation.rpeaks_features import PAD, Candidates

HIDDEN_1 = 48
CODE = 8
HIDDEN_2 = 40
REACH = 4
LIKELY_LOGIT = -6.0
LIKELY_APART_S = 0.11
APART_S = 0.19
THRESHOLD = -1.3
SURE_LOGIT = 2.0
SURE_APART_S = 0.25
N_ECHO = 14
_FAR_S = 3.0
_ECHO_S = 9.0
_ECHO_LAG_S = 1.5
_ECHO_FLOOR_MV = 0.005
_OTHERS = np.array([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5])
NAMES = ("a1", "b1", "c1", "d1", "a2", "b2", "c2", "d2")
PLACE_NAMES = ("a3", "b3", "c3", "d3")


@lru_cache(maxsize=1)
def weights() -> tuple[Float[np.ndarray, "..."], ...]:
    """Load the trained weights."""
    with np.load(Path(__file__).with_name("rpeaks.npz"), allow_pickle=False) as file:
        return tuple(file[name] for name in (*NAMES, *PLACE_NAMES))


def layer_pair(x, a, b, c, d):
    """Evaluate linear, rectifier, linear."""
    hidden = x @ a
    hidden += b
    np.maximum(hidden, 0.0, out=hidden)
    out = hidden @ c
    out += d
    return out


def strongest(t, score, apart_s):
    """Keep the places that no better place lies close to; ties go to the earlier."""
    index = np.arange(len(t))
    while len(index) > 1:
        near = np.diff(t[index]) < apart_s
        if not near.any():
            break
        own = score[index]
        right_better = own[1:] > own[:-1]
        beaten = np.zeros(len(index), bool)
        beaten[:-1] = near & right_better
        beaten[1:] |= near & ~right_better
        # only a neighbour that is not beaten itself may remove
        loses = np.zeros(len(index), bool)
        loses[:-1] = near & right_better & ~beaten[1:]
        loses[1:] |= near & ~right_better & ~beaten[:-1]
        index = index[~loses]
    return index


def likely(t: Float[np.ndarray, " beat"], logit: Float[np.ndarray, " beat"]) -> Int[np.ndarray, " _"]:
    """Give the candidates that go on to the second network."""
    kept = np.flatnonzero(logit > LIKELY_LOGIT)
    return kept[strongest(t[kept], logit[kept], LIKELY_APART_S)]


def context(t, height, code):
    """Describe each likely beat by itself and by REACH neighbours on either side."""
    n = len(t)
    width = CODE + 3
    padded = np.zeros((n + 2 * REACH, width), np.float32)
    padded[REACH : n + REACH, :CODE] = np.clip(code, -12.0, 12.0)
    inner = np.zeros(n + 2 * REACH)
    inner[REACH : n + REACH] = t
    inner[:REACH] = t[0] - 100.0
    inner[n + REACH :] = t[-1] + 100.0
    log_height = np.zeros(n + 2 * REACH)
    log_height[REACH : n + REACH] = np.log(height)
    out = np.zeros((n, 2 * REACH, width), np.float32)
    k = 0
    for shift in (*range(REACH), *range(REACH + 1, 2 * REACH + 1)):
        gap = np.abs(inner[shift : shift + n] - t)
        far = gap > _FAR_S
        out[:, k] = padded[shift : shift + n]
        out[:, k, CODE] = np.minimum(gap, _FAR_S)
        out[:, k, CODE + 1] = log_height[shift : shift + n] - log_height[REACH : n + REACH]
        out[:, k, CODE + 2] = 1.0 / (0.1 + np.minimum(gap, _FAR_S))
        if far.any():
            out[far, k, :CODE] = 0.0
            out[far, k, 0] = -6.0
            out[far, k, CODE + 1] = 0.0
        k += 1
    return np.concatenate([padded[REACH : n + REACH, :CODE], out.reshape(n, -1)], axis=1)


def echo(
    at: Int[np.ndarray, " beat"],
    strong: Bool[np.ndarray, " beat"],
    traces: tuple[Float[np.ndarray, " _"], ...],
    rate: float,
) -> Float[np.ndarray, "beat dim"]:
    """Compare each place with what follows, and precedes, the other beats at the same distance.

    A T wave comes back after every beat and a P wave before; an ectopic beat does not.
    """
    n = len(at)
    out = np.zeros((n, N_ECHO), np.float32)
    beats = at[strong]
    if len(beats) < 3:
        return out
    column = 0
    for back in (True, False):
        own = np.searchsorted(beats, at, "left") - 1 if back else np.searchsorted(beats, at, "right")
        inside = (own >= 0) & (own < len(beats))
        lag = at - beats[np.clip(own, 0, len(beats) - 1)]
        inside &= np.abs(lag) < _ECHO_LAG_S * rate
        others = own[:, None] + _OTHERS
        base = beats[np.clip(others, 0, len(beats) - 1)]
        valid = (others >= 0) & (others < len(beats)) & (np.abs(base - at[:, None]) < _ECHO_S * rate)
        valid &= inside[:, None]
        count = valid.sum(1)
        place = np.clip(base + lag[:, None], -PAD, len(traces[0]) - PAD - 1) + PAD
        row = np.arange(n)
        known = count >= 2
        low, high = (np.maximum(count - 1, 0) * 3 // 10), (np.maximum(count - 1, 0) * 7 // 10)
        for trace in traces:
            value = np.where(valid, trace.take(place), np.inf)
            value.sort(axis=1)
            here = trace.take(at + PAD) + _ECHO_FLOOR_MV
            for rank in (low, high):
                there = np.where(known, value[row, rank] + _ECHO_FLOOR_MV, here)
                np.log(here / there, out=out[:, column])
                column += 1
        out[:, column] = np.where(inside, np.abs(lag) / rate, _ECHO_LAG_S)
        column += 1
    np.clip(out, -4.0, 4.0, out=out)
    return out


def describe(found: Candidates, kept: Int[np.ndarray, " _"], code: Float[np.ndarray, "beat dim"]):
    """Make the input of the second network for the likely beats."""
    t = found.at[kept] / found.rate
    code = code[kept]
    return np.concatenate(
        [
            context(t, found.height[kept], code),
            echo(found.at[kept], code[:, 0] > 0.0, found.traces, found.rate),
        ],
        axis=1,
    )


def decide(
    found: Candidates, nets=None, threshold: float = THRESHOLD
) -> tuple[Int[np.ndarray, " _"], Float[np.ndarray, " _"]]:
    """Give the indices of the candidates that are beats, and their logits."""
    a1, b1, c1, d1, a2, b2, c2, d2 = weights() if nets is None else nets
    code = layer_pair(found.features, a1, b1, c1, d1)
    t = found.at / found.rate
    kept = likely(t, code[:, 0])
    if not len(kept):
        return kept, np.zeros(0, np.float32)
    logit = layer_pair(describe(found, kept, code), a2, b2, c2, d2)[:, 0]
    good = np.flatnonzero(logit > threshold)
    good = good[strongest(t[kept[good]], logit[good], APART_S)]
    if len(good) > 1:
        good = good[~_crowded(t[kept[good]], logit[good])]
    return kept[good], logit[good]


def _crowded(t, logit):
    """Mark doubtful places with a better one nearer than any but a very fast rhythm allows."""
    near = np.diff(t) < SURE_APART_S
    doubt = logit < SURE_LOGIT
    out = np.zeros(len(t), bool)
    out[:-1] = near & doubt[:-1] & (logit[1:] > logit[:-1])
    out[1:] |= near & doubt[1:] & (logit[:-1] >= logit[1:])
    return out
