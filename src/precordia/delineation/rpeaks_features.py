# SPDX-License-Identifier: Apache-2.0
"""Candidates for beats, and the numbers that tell a beat from everything else.

The signal is brought to about 125 Hz by block means; all leads are joined there to three unsigned
traces (fast slope, deflection from the baseline, slow slope). Every local maximum of the fast-slope
envelope is a candidate. Nothing looks further than :data:`CONTEXT_S` seconds from a candidate, and
all grids start at the first sample of the recording, so that a recording cut in overlapping blocks
gives the same candidates and features wherever the cuts fall.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

WORK_HZ = 125.0
CELL_S = 1.28
CELLS_PER_SEGMENT = 8
CONTEXT_S = 2 * CELL_S * CELLS_PER_SEGMENT
FLOOR_MV = 0.012
_SPIKE_MV = 0.3
_WINDOW_MS = np.arange(-16, 18) * 24.0
PAD = 80


class Grid(NamedTuple):
    """Sizes at the working rate, all in working samples but ``step`` (input samples)."""

    step: int
    rate: float
    cell: int
    segment: int
    offsets: np.ndarray


@lru_cache(maxsize=64)
def grid_of(fs: float) -> Grid:
    """Give the working grid of a sampling rate."""
    step = max(1, round(fs / WORK_HZ))
    rate = fs / step
    cell = round(CELL_S * rate)
    offsets = np.round(_WINDOW_MS * rate / 1000).astype(np.int64)
    return Grid(step, rate, cell, cell * CELLS_PER_SEGMENT, offsets)


def _sum3(a, gap):
    """Add three neighbours ``gap`` samples apart; the result is 2*gap shorter."""
    return a[..., 2 * gap :] + a[..., gap:-gap] + a[..., : -2 * gap]


def without_spikes(
    signal: Float[np.ndarray, "lead sample"], fs: float
) -> Float[np.ndarray, "lead sample"]:
    """Cut off what is narrower than 6 ms and higher than 0.3 mV: pacing spikes, not QRS."""
    gap = round(0.006 * fs)
    if gap < 1 or signal.shape[1] < 4 * gap:
        return signal
    left, mid, right = signal[:, : -2 * gap], signal[:, gap:-gap], signal[:, 2 * gap :]
    high = np.maximum(left, right)
    high += _SPIKE_MV
    low = np.minimum(left, right)
    low -= _SPIKE_MV
    out = signal.copy()
    np.minimum(mid, high, out=high)
    np.maximum(high, low, out=out[:, gap:-gap])
    return out


class Candidates(NamedTuple):
    """Places that might be beats; ``traces`` and ``leads`` as :func:`traces` gives them."""

    at: Int[np.ndarray, " beat"]
    height: Float[np.ndarray, " beat"]
    features: Float[np.ndarray, "beat dim"]
    traces: Float[np.ndarray, "3 _"]
    rate: float
    leads: Float[np.ndarray, ...]


N_FEATURES = 3 * len(_WINDOW_MS) + 10


def to_working_rate(
    signal: Float[np.ndarray, "lead sample"], grid: Grid
) -> Float[np.ndarray, "lead _"]:
    """Take block means, and hold the first and the last of them for PAD samples beyond the ends."""
    n_leads, n_samples = signal.shape
    n = n_samples // grid.step
    work = np.empty((n_leads, n + 2 * PAD), np.float32)
    inner = work[:, PAD : PAD + n]
    if grid.step == 1:
        inner[:] = signal
    else:
        end = n * grid.step
        np.add(signal[:, 0 : end : grid.step], signal[:, 1 : end : grid.step], out=inner)
        for k in range(2, grid.step):
            inner += signal[:, k : end : grid.step]
        inner *= 1.0 / grid.step
    work[:, :PAD] = inner[:, :1]
    work[:, PAD + n :] = inner[:, -1:]
    return work


def traces(
    signal: Float[np.ndarray, "lead sample"], grid: Grid
) -> tuple[Float[np.ndarray, "3 _"], Float[np.ndarray, ...]]:
    """Join the leads to fast slope, deflection and slow slope at the working rate, zero-padded.

    Give also how much each lead counts in each segment or, where there is one lead, the lead itself
    at the working rate.
    """
    n_leads, n_samples = signal.shape
    n = n_samples // grid.step
    work = to_working_rate(signal, grid)
    two = work[:, 1:] + work[:, :-1]
    three = _sum3(work, 1)
    nine = _sum3(three, 3)
    long = _sum3(nine, 9)
    out = np.zeros((3, *work.shape), np.float32)
    fast, tall, slow = (
        out[0, :, 2:-2],
        out[1, :, 13:-13],
        out[2, :, 9:-9],
    )
    np.subtract(two[:, 3:], two[:, :-3], out=fast)
    fast *= 0.5
    long *= 1 / 27
    np.multiply(three[:, 12:-12], 1 / 3, out=tall)
    tall -= long
    np.subtract(nine[:, 10:], nine[:, :-10], out=slow)
    slow *= 1 / 9
    np.abs(out, out=out)
    if n_leads == 1:
        return out[:, 0], work[0]
    core = out[:, :, PAD : PAD + n]
    gain, scale = _lead_gains(core[0], grid)
    core *= core
    joint = np.zeros((3, n + 2 * PAD), np.float32)
    last = gain.shape[1] - 1
    for k in range(last + 1):
        a, b = k * grid.segment, n if k == last else (k + 1) * grid.segment
        part = np.matmul(gain[:, k], core[:, :, a:b])
        np.sqrt(part, out=part)
        part *= scale[k]
        joint[:, PAD + a : PAD + b] = part
    return joint, gain


def _lead_gains(fast, grid):
    """Weigh the leads in each segment by how much they look like beats and like one another."""
    n_leads, n = fast.shape
    count = max(1, n // grid.segment)
    gain = np.zeros((n_leads, count), np.float32)
    scale = np.ones(count, np.float32)
    for k in range(count):
        a = k * grid.segment
        part = fast[:, a : n if k == count - 1 else a + grid.segment]
        m = part.shape[1] // 8
        env = part[:, : m * 8].reshape(n_leads, m, 8).mean(2)
        order = np.sort(env, axis=1)
        top = order[:, m - 1 - m // 16]
        middle = order[:, m // 2]
        alive = (top > FLOOR_MV) & (order[:, -1] > 0)
        if not alive.any():
            continue
        unit = np.where(alive, top, 1.0)
        peaked = np.clip((top / np.maximum(middle, 0.02 * unit) - 1.5) / 4.0, 0.02, 1.0) * alive
        env = np.minimum(env / unit[:, None], 2.0)
        env -= env.mean(1, keepdims=True)
        common = peaked @ env
        own = peaked[:, None] * env
        others = common - 0.7 * own
        corr = (env * others).sum(1) / np.sqrt(
            (env * env).sum(1) * (others * others).sum(1) + 1e-12
        )
        weight = peaked * np.maximum(corr, 0.05) ** 2
        weight /= weight.sum()
        gain[:, k] = weight / (unit * unit)
        scale[k] = weight @ unit
    return gain, scale


def find_candidates(
    signal: Float[np.ndarray, "lead sample"], fs: float, *, with_features: bool = True
) -> Candidates:
    """Find every place of a stretch of signal that might be a beat, with its features.

    ``signal`` is finite float32 millivolt and begins on a segment border of its recording.
    """
    grid = grid_of(fs)
    n = signal.shape[1] // grid.step
    trace, leads = traces(signal, grid)
    fast3, env = np.zeros((2, trace.shape[1]), np.float32)
    inner = _sum3(trace[0], 1)
    inner *= 1 / 3
    fast3[1:-1] = inner
    inner = _sum3(inner, 3)
    inner *= 1 / 3
    env[4:-4] = inner
    # maximum over +-8 samples: 17 = 1 -> 2 -> 4 -> 8 -> 16 -> 17
    m = np.maximum(env[1:], env[:-1])
    m = np.maximum(m[2:], m[:-2])
    m = np.maximum(m[4:], m[:-4])
    m = np.maximum(m[8:], m[:-8])
    m = np.maximum(m[1:], m[:-1])
    np.maximum(m, FLOOR_MV, out=m)
    at = np.flatnonzero(env[8:-8] >= m)
    at += 8
    if len(at) > 1:
        apart = np.empty(len(at), bool)
        apart[0] = True
        np.greater(at[1:] - at[:-1], 1, out=apart[1:])
        at = at[apart]
    height = env[at]
    trace[0] = fast3
    if with_features and len(at):
        features = _features(at, height, env[PAD : PAD + n], trace, grid)
    else:
        features = np.zeros((len(at), N_FEATURES), np.float32)
    trace[0] = env
    return Candidates(at - PAD, height, features, trace, grid.rate, leads)


@lru_cache(maxsize=64)
def _cells_around(count):
    """List for each cell the seven around it, mirrored at the ends."""
    reach = np.abs(np.arange(count)[:, None] + np.arange(-3, 4))
    return np.clip(count - 1 - np.abs(count - 1 - reach), 0, count - 1)


def _features(at, height, core, trace, grid):
    """Describe the candidates; see the columns of the tail for what each number is."""
    n = len(core)
    count = max(1, n // grid.cell)
    if count > 1:
        whole = core[: count * grid.cell].reshape(count, grid.cell)
        peak, mean = whole.max(1), np.add.reduce(whole, 1) * (1 / grid.cell)
        peak[-1] = core[(count - 1) * grid.cell :].max()
    else:
        peak, mean = core.max(keepdims=True), core.mean(keepdims=True)
    reach = _cells_around(count)
    ranked = peak[reach]
    ranked.sort(axis=1)
    np.maximum(ranked, FLOOR_MV, out=ranked)
    cell = np.minimum(np.maximum(at - PAD, 0) // grid.cell, count - 1)
    rank = ranked[cell]
    ref = rank[:, 3]
    noise = (np.add.reduce(mean[reach], 1) * (1 / 7))[cell]

    window = at[:, None] + grid.offsets
    np.minimum(window, trace.shape[1] - 1, out=window)
    np.maximum(window, 0, out=window)
    body = trace.take(window, axis=1)
    unit = (1.0 / ref)[:, None]
    tail = np.empty((len(at), 10), np.float32)
    middle = len(grid.offsets) // 2
    tail[:, 5] = body[1, :, middle - 3 : middle + 3].max(1) / ref
    body *= unit
    body += 0.02
    tail[:, 0] = height / ref  # against the usual highest point nearby
    tail[:, 1] = height / rank[:, 5]
    tail[:, 2] = height / rank[:, 1]
    tail[:, 3] = noise / ref
    tail[:, 4] = height
    gap = (at[1:] - at[:-1]) * (1 / grid.rate)
    np.minimum(gap, 2.0, out=gap)
    grown = height[1:] / height[:-1]
    tail[1:, 6] = gap
    tail[0, 6] = 2.0
    tail[:-1, 7] = gap
    tail[-1, 7] = 2.0
    tail[1:, 8] = 1.0 / grown
    tail[0, 8] = 1.0
    tail[:-1, 9] = grown
    tail[-1, 9] = 1.0
    out = np.concatenate((body[0], body[1], body[2], tail), axis=1)
    np.maximum(out, 1e-3, out=out)
    return np.log(out, out=out)
