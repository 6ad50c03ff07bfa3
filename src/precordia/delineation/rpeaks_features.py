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
_LEVELS = np.array([3, 5, 1])  # of the highest points in seven cells, ascending
PAD = 80


class Grid(NamedTuple):
    """Sizes at the working rate, all in working samples but ``step`` (input samples)."""

    step: int
    rate: float
    cell: int
    segment: int
    mean: np.ndarray


@lru_cache(maxsize=64)
def grid_of(fs: float) -> Grid:
    """Give the working grid of a sampling rate."""
    step = max(1, round(fs / WORK_HZ))
    rate = fs / step
    cell = round(CELL_S * rate)
    mean = np.full(step, 1.0 / step, np.float32)
    return Grid(step, rate, cell, cell * CELLS_PER_SEGMENT, mean)


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
    """Places that might be beats.

    ``traces`` holds fast-slope envelope, deflection, slow slope and the less smoothed fast slope at
    the working rate; ``leads`` is as :func:`traces` gives it.
    """

    at: Int[np.ndarray, " beat"]
    height: Float[np.ndarray, " beat"]
    features: Float[np.ndarray, "beat dim"]
    traces: Float[np.ndarray, "4 _"]
    rate: float
    leads: Float[np.ndarray, ...]


N_FEATURES = 3 * len(_WINDOW_MS) + 10
_NO_FEATURES = np.zeros((0, N_FEATURES), np.float32)


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
        np.matmul(signal[:, :end].reshape(n_leads, n, grid.step), grid.mean, out=inner)
    work[:, :PAD] = inner[:, :1]
    work[:, PAD + n :] = inner[:, -1:]
    return work


def traces(
    signal: Float[np.ndarray, "lead sample"], grid: Grid
) -> tuple[Float[np.ndarray, "4 _"], Float[np.ndarray, ...]]:
    """Join the leads to fast slope, deflection and slow slope at the working rate, zero-padded.

    A fourth row is left empty for the caller.
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
    out = np.zeros((4, *work.shape), np.float32)
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
    np.abs(out[:3], out=out[:3])
    if n_leads == 1:
        return out[:, 0], work[0]
    core = out[:3, :, PAD : PAD + n]
    gain, scale = _lead_gains(core[0], grid)
    core *= core
    joint = np.zeros((4, n + 2 * PAD), np.float32)
    last = gain.shape[1] - 1
    for k in range(last + 1):
        a, b = k * grid.segment, n if k == last else (k + 1) * grid.segment
        part = np.matmul(gain[:, k], core[:, :, a:b])
        np.sqrt(part, out=part)
        part *= scale[k]
        joint[:3, PAD + a : PAD + b] = part
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
    trace, leads = traces(signal, grid)
    env, fast = trace[0], trace[3]
    inner = _sum3(env, 1)
    inner *= 1 / 3
    fast[1:-1] = inner
    np.multiply(_sum3(inner, 3), 1 / 3, out=env[4:-4])
    # maximum over +-8 samples: 17 = 1 -> 2 -> 4 -> 8 -> 16 -> 17
    m = np.maximum(env[1:], env[:-1])
    m = np.maximum(m[2:], m[:-2])
    m = np.maximum(m[4:], m[:-4])
    m = np.maximum(m[8:], m[:-8])
    m = np.maximum(m[1:], m[:-1])
    np.maximum(m, FLOOR_MV, out=m)
    at = (env[8:-8] >= m).nonzero()[0]
    at += 8
    gap = at[1:] - at[:-1]
    if len(gap) and gap.min() < 2:  # a plateau is one place
        at = at[np.concatenate(([True], gap > 1))]
    height = env.take(at)
    found = Candidates(at - PAD, height, _NO_FEATURES, trace, grid.rate, leads)
    return describe_candidates(found, grid) if with_features else found


@lru_cache(maxsize=64)
def _cells_around(count):
    """List for each cell the seven around it, mirrored at the ends."""
    reach = np.abs(np.arange(count)[:, None] + np.arange(-3, 4))
    return np.clip(count - 1 - np.abs(count - 1 - reach), 0, count - 1)


@lru_cache(maxsize=16)
def _cell_of(n, cell, count):
    """Give the cell of every padded working sample."""
    return np.clip(np.arange(-PAD, n + PAD) // cell, 0, count - 1).astype(np.int32)


@lru_cache(maxsize=16)
def _columns(rate, width):
    """Say where in the flat four rows of traces each number of a window lies from its middle."""
    offsets = np.round(_WINDOW_MS * rate / 1000).astype(np.int64)
    return np.concatenate([offsets + row * width for row in (3, 1, 2)])[:, None]


def describe_candidates(found: Candidates, grid: Grid) -> Candidates:
    """Fill in the features; see the rows of the tail for what each number is."""
    height, trace = found.height, found.traces
    n = trace.shape[1] - 2 * PAD
    at = found.at + PAD
    core = trace[0, PAD : PAD + n]
    count = max(1, n // grid.cell)
    whole = core[: count * grid.cell] if count > 1 else core
    whole = whole.reshape(count, -1)
    peak = np.maximum.reduce(whole, 1)
    mean = np.add.reduce(whole, 1)
    mean *= 1 / (7 * whole.shape[1])
    peak[-1] = np.maximum.reduce(core[(count - 1) * grid.cell :])
    reach = _cells_around(count)
    ranked = peak.take(reach)
    ranked.sort(axis=1)
    np.maximum(ranked, FLOOR_MV, out=ranked)
    level = np.empty((4, count), np.float32)
    level[:3] = ranked.T.take(_LEVELS, axis=0)
    np.add.reduce(mean.take(reach), 1, out=level[3])
    level = level.take(_cell_of(n, grid.cell, count).take(at), axis=1)
    ref = level[0]

    middle = len(_WINDOW_MS) // 2 + len(_WINDOW_MS)
    out = np.empty((N_FEATURES, len(at)), np.float32)
    body, tail = out[:-10], out[-10:]
    np.divide(trace.ravel().take(_columns(grid.rate, trace.shape[1]) + at, mode="clip"), ref, body)
    np.maximum.reduce(body[middle - 3 : middle + 3], 0, out=tail[5])
    body += 0.02
    np.divide(height, level[:3], out=tail[:3])  # against the usual highest point nearby
    np.divide(level[3], ref, out=tail[3])
    tail[4] = height
    gap = (at[1:] - at[:-1]) * np.float32(1 / grid.rate)
    tail[6:8] = 2.0
    np.minimum(gap, 2.0, out=tail[6, 1:])
    tail[7, :-1] = tail[6, 1:]
    tail[8:] = 1.0
    np.divide(height[1:], height[:-1], out=tail[9, :-1])
    np.divide(height[:-1], height[1:], out=tail[8, 1:])
    np.maximum(out, 1e-3, out=out)
    return found._replace(features=np.log(out, out=out).T)
