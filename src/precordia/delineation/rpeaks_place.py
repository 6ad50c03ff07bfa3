# SPDX-License-Identifier: Apache-2.0
"""Put the mark of a beat where an annotator would put it.

On one lead every beat offers two places, its highest point and its deepest; a tiny network, fitted
to the annotators of the MIT-BIH database, chooses from their heights, sharpness and order. Over
several leads the place is the largest joint deflection, so that it does not hang on one lead. Either
is then moved to the exact extremum at the full rate.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from precordia.delineation.rpeaks_features import Grid

HALF = 27
HIDDEN = 8
N_CHOICE = 10
NAMES = ("a3", "b3", "c3", "d3")
_REACH = 17
_WIDTH = 11.0
_FIRST = 0.9
_BEFORE = 22
_LEAST = 0.02
_BLUR_S = 0.018
_OFFSET = np.arange(-HALF, HALF + 1)
_TAPER = (np.exp(-0.5 * (_OFFSET / _WIDTH) ** 2) * (np.abs(_OFFSET) <= _REACH)).astype(np.float32)


def windows(
    lead: Float[np.ndarray, " sample"], at: Int[np.ndarray, " beat"], grid: Grid
) -> Float[np.ndarray, "beat _"]:
    """Cut the stretch around each beat, at the working rate, above the level before the beat."""
    length = (2 * HALF + 1) * grid.step
    place = ((at - HALF) * grid.step)[:, None] + np.arange(length)
    np.clip(place, 0, len(lead) - 1, out=place)
    window = lead.take(place)
    if grid.step > 1:
        window = np.add.reduce(window.reshape(len(at), -1, grid.step), axis=2) * (1 / grid.step)
    before = np.sort(window[:, :_BEFORE], axis=1)
    return window - (before[:, _BEFORE // 2 - 1, None] + before[:, _BEFORE // 2, None]) * 0.5


def two_choices(
    window: Float[np.ndarray, "beat _"],
) -> tuple[Float[np.ndarray, "beat dim"], Int[np.ndarray, " beat"], Int[np.ndarray, " beat"]]:
    """Give the numbers the choice rests on, and the columns of the highest and deepest point."""
    n = len(window)
    row = np.arange(n)
    size = np.maximum(np.abs(window[:, 8:-8]).max(1), 1e-4)
    column, height, sharp, broad = [], [], [], []
    for sign in (1.0, -1.0):
        weighted = window * (sign * _TAPER)
        inner = weighted[:, 1:-1]
        turn = (inner >= weighted[:, :-2]) & (inner >= weighted[:, 2:])
        turn &= inner >= np.maximum(_FIRST * weighted.max(1), 1e-9)[:, None]
        j = turn.argmax(1) + 1
        none = ~turn[row, j - 1]
        if none.any():
            j[none] = weighted[none].argmax(1)
        value = window[row, j]
        column.append(j)
        height.append(np.maximum(sign * value / size, _LEAST))
        for reach, out in ((3, sharp), (8, broad)):
            left = window[row, np.maximum(j - reach, 0)]
            right = window[row, np.minimum(j + reach, 2 * HALF)]
            out.append(np.maximum(sign * (value - 0.5 * (left + right)) / size, _LEAST))
    up, down = column
    gap = (down - up) * 0.1
    out = np.empty((n, N_CHOICE), np.float32)
    out[:, 0] = height[0] / height[1]
    out[:, 1] = sharp[0] / sharp[1]
    out[:, 2] = broad[0] / broad[1]
    np.log(out[:, :3], out=out[:, :3])
    out[:, 3] = np.clip(gap, -3.0, 3.0)
    out[:, 4] = np.abs(gap)
    out[:, 5] = np.abs(up - HALF) * 0.1
    out[:, 6] = np.abs(down - HALF) * 0.1
    out[:, 7] = (up - HALF) * 0.1
    out[:, 8] = (down - HALF) * 0.1
    out[:, 9] = np.tanh(gap * (10 / 3))
    return out, up, down


def place_on_lead(lead, at, grid, fs, nets):
    """Give the sample of each beat on one lead."""
    if not len(at):
        return np.zeros(0, np.int64)
    x, up, down = two_choices(windows(lead, at, grid))
    a, b, c, d = nets
    upward = (np.tanh(x @ a + b) @ c)[:, 0] + d[0] > 0.0
    work = at + np.where(upward, up, down) - HALF
    around, blur = _around(work, grid, fs, len(lead))
    total = np.cumsum(lead.take(around), axis=1)
    value = total[:, blur:] - total[:, :-blur]
    value *= np.where(upward, 1.0, -1.0).astype(np.float32)[:, None]
    return around[np.arange(len(at)), value.argmax(1) + blur // 2 + 1]


def place_jointly(signal, at, grid, fs, weight):
    """Give the sample of each beat where the deflections of all leads together are largest.

    ``weight`` is how much each lead counts at each beat, ``(lead, beat)``.
    """
    if not len(at):
        return np.zeros(0, np.int64)
    joint = np.zeros((len(at), 2 * HALF + 1), np.float32)
    for lead, w in zip(signal, weight, strict=True):
        window = windows(lead, at, grid)
        joint += w[:, None] * window * window
    joint *= _TAPER * _TAPER
    work = at + joint.argmax(1) - HALF
    around, blur = _around(work, grid, fs, signal.shape[1])
    total = np.zeros(around.shape, np.float32)
    before = ((at - HALF) * grid.step)[:, None] + np.arange(0, _BEFORE * grid.step, grid.step)
    np.clip(before, 0, signal.shape[1] - 1, out=before)
    for lead, w in zip(signal, weight, strict=True):
        base = np.sort(lead.take(before), axis=1)[:, _BEFORE // 2, None]
        v = lead.take(around) - base
        total += w[:, None] * v * v
    total = np.cumsum(total, axis=1)
    value = total[:, blur:] - total[:, :-blur]
    return around[np.arange(len(at)), value.argmax(1) + blur // 2 + 1]


def _around(work, grid, fs, n):
    """List the samples near a working sample, and over how many of them to smooth (about 18 ms)."""
    blur = 2 * max(1, round(_BLUR_S / 2 * fs)) + 1
    margin = round(0.006 * fs) + blur // 2
    place = (work * grid.step)[:, None] + np.arange(-margin - 1, grid.step + margin)
    return np.clip(place, 0, n - 1, out=place), blur
