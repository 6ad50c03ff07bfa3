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
APART_S = 0.17
THRESHOLD = -1.9
SURE_LOGIT = 4.0
SURELY_NOT = -3.0
SURELY = 3.0
SURE_APART_S = 0.25
FAST_S = 0.27
_PACE = 7
_SLOW = 4
N_ECHO = 14
_FAR_S = 3.0
_ECHO_S = 9.0
_ECHO_LAG_S = 1.5
_ECHO_FLOOR_MV = 0.005
_RANKS = np.maximum(np.arange(11) - 1, 0)[:, None] * np.array([3, 7]) // 10
_FAR_AWAY = 10**9
_NEIGHBOURS = np.array([k for k in range(2 * REACH + 1) if k != REACH])
_CODE_LIMIT = 12.0
_NOBODY = np.array([-6.0] + [0.0] * CODE, np.float32)
N_CONTEXT = CODE + 2 * REACH * (CODE + 3)
_OTHERS = np.array([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5])
NAMES = ("a1", "b1", "c1", "d1", "a2", "b2", "c2", "d2")
PLACE_NAMES = ("a3", "b3", "c3", "d3")


@lru_cache(maxsize=1)
def weights() -> tuple[Float[np.ndarray, ...], ...]:
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
        now = t[index]
        near = now[1:] - now[:-1] < apart_s
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


def likely(
    t: Float[np.ndarray, " beat"], logit: Float[np.ndarray, " beat"]
) -> Int[np.ndarray, " _"]:
    """Give the candidates that go on to the second network."""
    kept = (logit > LIKELY_LOGIT).nonzero()[0]
    when = t[kept]
    if not (when[1:] - when[:-1] < LIKELY_APART_S).any():
        return kept
    return kept[strongest(when, logit[kept], LIKELY_APART_S)]


def context(
    t: Float[np.ndarray, " beat"],
    height: Float[np.ndarray, " beat"],
    code: Float[np.ndarray, "beat dim"],
    rows: Int[np.ndarray, " _"],
) -> Float[np.ndarray, "_ _"]:
    """Describe some of the likely beats by themselves and by REACH neighbours on either side."""
    n = len(t)
    table = np.zeros((n + 2 * REACH, CODE + 1), np.float32)
    inner = table[REACH : n + REACH]
    np.minimum(code, _CODE_LIMIT, out=inner[:, :CODE])
    np.maximum(inner[:, :CODE], -_CODE_LIMIT, out=inner[:, :CODE])
    np.log(height, out=inner[:, CODE])
    when = np.empty(n + 2 * REACH)
    when[:REACH] = t[0] - 100.0
    when[REACH : n + REACH] = t
    when[n + REACH :] = t[-1] + 100.0
    own = inner[rows]
    other = rows[:, None] + _NEIGHBOURS
    gap = np.abs(when[other] - t[rows, None])
    far = gap > _FAR_S
    n = len(rows)
    out = np.empty((n, N_CONTEXT), np.float32)
    out[:, :CODE] = own[:, :CODE]
    view = out[:, CODE:].reshape(n, 2 * REACH, CODE + 3)
    around = table[other]
    around[:, :, CODE] -= own[:, CODE, None]
    around[far] = _NOBODY
    view[:, :, :CODE] = around[:, :, :CODE]
    np.minimum(gap, _FAR_S, out=gap)
    view[:, :, CODE] = gap
    view[:, :, CODE + 1] = around[:, :, CODE]
    gap += 0.1
    np.reciprocal(gap, out=view[:, :, CODE + 2], casting="same_kind")
    return out


def echo(
    at: Int[np.ndarray, " beat"],
    strong: Bool[np.ndarray, " beat"],
    traces: Float[np.ndarray, "4 _"],
    rate: float,
    rows: Int[np.ndarray, " _"],
) -> Float[np.ndarray, "_ _"]:
    """Compare some of the places with what other beats have at the same distance.

    A T wave comes back after every beat and a P wave before; an ectopic beat does not.
    """
    known = at[strong]
    at = at[rows]
    traces = traces[:3]
    n = len(at)
    if len(known) < 3:
        return np.zeros((n, N_ECHO), np.float32)
    beats = np.empty(len(known) + 12, np.int64)  # with somebody far away at either end
    beats[:6] = -_FAR_AWAY
    beats[6:-6] = known
    beats[-6:] = _FAR_AWAY
    own = np.empty((n, 2), np.int64)  # the beat before, the beat after
    own[:, 0] = known.searchsorted(at, "left")
    own[:, 0] += 5
    own[:, 1] = known.searchsorted(at, "right")
    own[:, 1] += 6
    lag = at[:, None] - beats[own]
    delay = np.abs(lag) * (1.0 / rate)
    base = beats[own[:, :, None] + _OTHERS]
    valid = np.abs(base - at[:, None, None]) < _ECHO_S * rate
    valid &= (delay < _ECHO_LAG_S)[:, :, None]
    count = np.add.reduce(valid, 2)
    base += lag[:, :, None]
    base += PAD
    np.minimum(np.maximum(base, 0, out=base), traces.shape[1] - 1, out=base)
    value = traces.take(base, axis=1)
    np.copyto(value, np.inf, where=~valid)
    value.sort(axis=3)
    place = _RANKS[count]
    place += np.arange(0, 2 * n * len(_OTHERS), len(_OTHERS)).reshape(n, 2, 1)
    there = value.reshape(3, -1).take(place, axis=1)  # (trace, beat, side, rank)
    there += _ECHO_FLOOR_MV
    here = traces.take(at + PAD, axis=1)
    here += _ECHO_FLOOR_MV
    ratio = here[:, :, None, None] / there
    ratio[:, count < 2] = 1.0
    out = np.empty((n, 2, 7), np.float32)
    view = out[:, :, :6]
    view[:] = ratio.transpose(1, 2, 0, 3).reshape(n, 2, 6)
    np.log(view, out=view)
    np.minimum(np.maximum(view, -4.0, out=view), 4.0, out=view)
    np.minimum(delay, _ECHO_LAG_S, out=delay)
    out[:, :, 6] = delay
    return out.reshape(n, N_ECHO)


def describe(
    found: Candidates,
    kept: Int[np.ndarray, " _"],
    code: Float[np.ndarray, "beat dim"],
    rows: Int[np.ndarray, " _"] | None = None,
) -> Float[np.ndarray, "_ _"]:
    """Make the input of the second network for the likely beats, or for some of them."""
    if rows is None:
        rows = np.arange(len(kept))
    at, code = found.at[kept], code[kept]
    strong = code[:, 0] > 0.0
    return np.concatenate(
        (
            context(at / found.rate, found.height[kept], code, rows),
            echo(at, strong, found.traces, found.rate, rows),
        ),
        axis=1,
    )


def decide(
    found: Candidates, nets=None, threshold: float = THRESHOLD
) -> tuple[Int[np.ndarray, " _"], Float[np.ndarray, " _"]]:
    """Give the indices of the candidates that are beats, and their logits.

    The second network is asked only where the first leaves doubt.
    """
    a1, b1, c1, d1, a2, b2, c2, d2 = weights()[:8] if nets is None else nets
    code = layer_pair(found.features, a1, b1, c1, d1)
    t = found.at / found.rate
    kept = likely(t, code[:, 0])
    if not len(kept):
        return kept, np.zeros(0, np.float32)
    logit = code[kept, 0]
    doubt = ((logit > SURELY_NOT) & (logit < SURELY)).nonzero()[0]
    if len(doubt):
        rows = describe(found, kept, code, doubt)
        logit[doubt] = layer_pair(rows, a2, b2, c2, d2)[:, 0]
    good = logit > threshold
    kept, logit = kept[good], logit[good]
    when = t[kept]
    if not (when[1:] - when[:-1] < SURE_APART_S).any():
        return kept, logit
    good = strongest(when, logit, APART_S)
    good = good[~_crowded(when[good], logit[good])]
    return kept[good], logit[good]


def _crowded(t, logit):
    """Mark doubtful places with a better one near, unless beats come that fast around there."""
    gap = t[1:] - t[:-1]
    near = gap < SURE_APART_S
    if len(gap) >= _PACE:
        around = np.lib.stride_tricks.sliding_window_view(gap, _PACE)
        pace = np.sort(around, axis=1)[:, _SLOW]
        half = _PACE // 2
        near &= np.concatenate([pace[:1].repeat(half), pace, pace[-1:].repeat(half)]) > FAST_S
    doubt = logit < SURE_LOGIT
    out = np.zeros(len(t), bool)
    out[:-1] = near & doubt[:-1] & (logit[1:] > logit[:-1])
    out[1:] |= near & doubt[1:] & (logit[:-1] >= logit[1:])
    return out
