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
    """Places that might be beats."""

    at: Int[np.ndarray, " beat"]
    height: Float[np.ndarray, " beat"]
    features: Float[np.ndarray, "beat dim"]
    traces: tuple[Float[np.ndarray, " _"], ...]
    rate: float
    gain: Float[np.ndarray, "lead _"] | None


N_FEATURES = 3 * len(_WINDOW_MS) + 10


def traces(
    signal: Float[np.ndarray, "lead sample"], grid: Grid
) -> tuple[tuple[Float[np.ndarray, " _"], ...], Float[np.ndarray, "lead segment"] | None]:
    """Join the leads to fast slope, deflection and slow slope at the working rate, zero-padded.

    Give also how much each lead counts in each segment; None where there is one lead.
    """
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
    two = work[:, 1:] + work[:, :-1]
    three = _sum3(work, 1)
    nine = _sum3(three, 3)
    long = _sum3(nine, 9)
    fast = np.zeros_like(work)
    fast[:, 2:-2] = np.abs(two[:, 3:] - two[:, :-3]) * 0.5
    tall = np.zeros_like(work)
    tall[:, 13:-13] = np.abs(three[:, 12:-12] * (1 / 3) - long * (1 / 27))
    slow = np.zeros_like(work)
    slow[:, 9:-9] = np.abs(nine[:, 10:] - nine[:, :-10]) * (1 / 9)
    if n_leads == 1:
        return (fast[0], tall[0], slow[0]), None
    gain, scale = _lead_gains(fast[:, PAD : PAD + n], grid)
    out = []
    for trace in (fast, tall, slow):
        core = trace[:, PAD : PAD + n]
        core *= core
        joint = np.zeros(n + 2 * PAD, np.float32)
        for k in range(gain.shape[1]):
            a = k * grid.segment
            b = n if k == gain.shape[1] - 1 else a + grid.segment
            joint[PAD + a : PAD + b] = np.sqrt(gain[:, k] @ core[:, a:b]) * scale[k]
        out.append(joint)
    return tuple(out), gain


def _lead_gains(fast, grid):
    """Weigh the leads, segment by segment, by how much they look like beats and like one another."""
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
    (fast, tall, slow), gain = traces(signal, grid)
    fast3 = np.zeros_like(fast)
    fast3[1:-1] = _sum3(fast, 1) * (1 / 3)
    env = np.zeros_like(fast)
    env[4:-4] = _sum3(fast3[1:-1], 3) * (1 / 3)
    # maximum over +-8 samples: 17 = 1 -> 2 -> 4 -> 8 -> 16 -> 17
    m = np.maximum(env[1:], env[:-1])
    m = np.maximum(m[2:], m[:-2])
    m = np.maximum(m[4:], m[:-4])
    m = np.maximum(m[8:], m[:-8])
    m = np.maximum(m[1:], m[:-1])
    mid = env[8:-8]
    at = np.flatnonzero((mid == m) & (mid > FLOOR_MV)) + 8
    if len(at) > 1:
        at = at[np.concatenate(([True], np.diff(at) > 1))]
    height = env[at]
    if not with_features or not len(at):
        empty = np.zeros((len(at), N_FEATURES), np.float32)
        return Candidates(at - PAD, height, empty, (env, tall, slow), grid.rate, gain)

    core = env[PAD : PAD + n]
    count = max(1, n // grid.cell)
    if count > 1:
        whole = core[: count * grid.cell].reshape(count, grid.cell)
        peak, mean = whole.max(1), whole.mean(1)
        peak[-1] = core[(count - 1) * grid.cell :].max()
    else:
        peak, mean = core.max(keepdims=True), core.mean(keepdims=True)
    reach = np.arange(count)[:, None] + np.arange(-3, 4)
    reach = np.abs(reach)
    reach = np.clip(count - 1 - np.abs(count - 1 - reach), 0, count - 1)
    ranked = np.sort(peak[reach], axis=1)
    cell = np.clip((at - PAD) // grid.cell, 0, count - 1)
    low, ref, high = ranked[cell, 1], ranked[cell, 3], ranked[cell, 5]
    noise = mean[reach].mean(1)[cell]
    ref = np.maximum(ref, FLOOR_MV)

    window = at[:, None] + grid.offsets
    np.clip(window, 0, len(env) - 1, out=window)
    k = len(grid.offsets)
    out = np.empty((len(at), N_FEATURES), np.float32)
    floor = (0.02 * ref)[:, None]
    for j, trace in enumerate((fast3, tall, slow)):
        out[:, j * k : (j + 1) * k] = (trace.take(window) + floor) / ref[:, None]
    tail = out[:, 3 * k :]
    tail[:, 0] = height / ref
    tail[:, 1] = height / np.maximum(high, FLOOR_MV)
    tail[:, 2] = height / np.maximum(low, FLOOR_MV)
    tail[:, 3] = noise / ref
    tail[:, 4] = height
    tail[:, 5] = tall.take(window[:, k // 2 - 3 : k // 2 + 3]).max(1) / ref
    gap = np.diff(at) / grid.rate
    tail[1:, 6] = np.minimum(gap, 2.0)
    tail[0, 6] = 2.0
    tail[:-1, 7] = tail[1:, 6]
    tail[-1, 7] = 2.0
    tail[1:, 8] = height[:-1] / height[1:]
    tail[0, 8] = 1.0
    tail[:-1, 9] = height[1:] / height[:-1]
    tail[-1, 9] = 1.0
    np.log(np.maximum(out, 1e-3, out=out), out=out)
    return Candidates(at - PAD, height, out, (env, tall, slow), grid.rate, gain)
