# SPDX-License-Identifier: Apache-2.0
"""Put the mark of a beat where an annotator would put it.

On one lead every beat offers two places, its highest point and its deepest; a tiny network, fitted
to the annotators of the MIT-BIH database, chooses from their heights, sharpness and order. Over
several leads the place is the largest joint deflection, so that it does not hang on one lead.
Either is then moved to the extremum at the full rate, after smoothing over about 18 ms.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from precordia.delineation.rpeaks_features import PAD, to_working_rate

HALF = 27
HIDDEN = 8
N_CHOICE = 10
NAMES = ("a3", "b3", "c3", "d3")
_REACH = 17
_WIDTH = 11.0
_FIRST = 0.9
_BEFORE = 22
_LEAST = 0.02
_BESIDE = np.array([0, -3, 3, -8, 8])[:, None, None]
_SHAPES = np.array([[1, 0, 0, 0, 0], [1, -0.5, -0.5, 0, 0], [1, 0, 0, -0.5, -0.5]], np.float32)
_UP, _DOWN = np.float32(1.0), np.float32(-1.0)
_CLEARLY_UP = 2.0
_CLEARLY_DOWN = 6.0
_BLUR_S = 0.018
_OFFSET = np.arange(-HALF, HALF + 1)
_FROM_PAD = _OFFSET + PAD
_TAPER = (np.exp(-0.5 * (_OFFSET / _WIDTH) ** 2) * (np.abs(_OFFSET) <= _REACH)).astype(np.float32)


def windows(
    work: Float[np.ndarray, "*lead _"], at: Int[np.ndarray, " beat"]
) -> Float[np.ndarray, "*lead beat _"]:
    """Cut the stretch around each beat from padded working leads, above the level before it."""
    window = work.take(at[:, None] + _FROM_PAD, axis=-1)
    before = window[..., :_BEFORE].copy()
    before.sort(axis=-1)
    middle = before[..., _BEFORE // 2 - 1 : _BEFORE // 2 + 1]
    window -= np.add.reduce(middle, -1, keepdims=True) * 0.5
    return window


def _first_turn(both, most):
    """Give the column of the first maximum of each row that is nearly its highest."""
    turn = both[:, :-1] >= both[:, 1:]
    turn &= both[:, :-1] >= np.maximum(_FIRST * most, 1e-9)[:, None]
    return turn.argmax(1)


def two_choices(
    window: Float[np.ndarray, "beat _"],
) -> tuple[Float[np.ndarray, "beat dim"], Int[np.ndarray, " beat"], Int[np.ndarray, " beat"]]:
    """Give the numbers the choice rests on, and the columns of the highest and deepest point."""
    n, width = window.shape
    both = np.empty((2, n, width), np.float32)
    np.multiply(window, _TAPER, out=both[0])
    np.negative(both[0], out=both[1])
    both = both.reshape(2 * n, width)
    j = _first_turn(both, np.maximum.reduce(both, 1))
    start = np.arange(0, n * width, width)
    place = j.reshape(2, n)
    near = place + start + _BESIDE
    shape = _SHAPES @ window.take(near, mode="clip").reshape(len(_BESIDE), 2 * n)
    shape = shape.reshape(3, 2, n)
    np.negative(shape[:, 1], out=shape[:, 1])
    least = np.maximum(shape[0, 0], shape[0, 1])
    least *= _LEAST
    np.maximum(least, 1e-6, out=least)
    np.maximum(shape, least, out=shape)
    out = np.empty((N_CHOICE, n), np.float32)
    np.log(np.divide(shape[:, 0], shape[:, 1], out=out[:3]), out=out[:3])
    np.multiply(place - HALF, 0.1, out=out[7:9])
    np.subtract(out[8], out[7], out=out[4])
    np.minimum(np.maximum(out[4], -3.0), 3.0, out=out[3])
    np.tanh(out[4] * (10 / 3), out=out[9])
    np.abs(out[4], out=out[4])
    np.abs(out[7:9], out=out[5:7])
    return out.T, place[0], place[1]


def place_on_lead(lead, work, at, grid, fs, nets):
    """Give the sample of each beat on one lead.

    Where one of the two heights is far above the other, the network is not asked.
    """
    if not len(at):
        return np.zeros(0, np.int64)
    window = windows(work, at)
    upright = window * _TAPER
    high = np.maximum.reduce(upright, 1)
    deep = np.minimum.reduce(upright, 1)
    upward = high > -_CLEARLY_UP * deep
    downward = deep < -_CLEARLY_DOWN * high
    if (upward | downward).all():
        sign = np.where(upward, _UP, _DOWN)
        upright *= sign[:, None]
        chosen = _first_turn(upright, np.maximum(high, -deep))
    else:
        x, up, down = two_choices(window)
        a, b, c, d = nets
        hidden = x @ a
        hidden += b
        upward |= (np.tanh(hidden, out=hidden) @ c)[:, 0] > -d[0]
        upward &= ~downward
        sign = np.where(upward, _UP, _DOWN)
        chosen = np.where(upward, up, down)
    near, blur = _near(grid.step, fs)
    place = (at + chosen - HALF) * grid.step
    value = lead.take(place[:, None] + near, mode="clip") @ blur
    value *= sign[:, None]
    place += value.argmax(1) + _middle(near, blur)
    return np.minimum(np.maximum(place, 0, out=place), len(lead) - 1, out=place)


def place_jointly(signal, at, grid, fs, weight):
    """Give the sample of each beat where the deflections of all leads together are largest.

    ``weight`` is how much each lead counts at each beat, ``(lead, beat)``.
    """
    if not len(at):
        return np.zeros(0, np.int64)
    weight = weight[:, :, None]
    window = windows(to_working_rate(signal, grid), at)
    window *= window
    window *= weight
    joint = np.add.reduce(window, 0)
    joint *= _TAPER * _TAPER
    work = at + joint.argmax(1) - HALF
    near, blur = _near(grid.step, fs)
    place = work * grid.step
    before = ((at - HALF) * grid.step)[:, None] + np.arange(0, _BEFORE * grid.step, grid.step)
    level = signal.take(before, axis=1, mode="clip")
    level.sort(axis=2)
    around = signal.take(place[:, None] + near, axis=1, mode="clip")
    around -= level[:, :, _BEFORE // 2, None]
    around *= around
    around *= weight
    total = np.add.reduce(around, 0)
    place += (total @ blur).argmax(1) + _middle(near, blur)
    return np.minimum(np.maximum(place, 0, out=place), signal.shape[1] - 1, out=place)


@lru_cache(maxsize=64)
def _near(step, fs):
    """List the samples near a working sample, and the sums that smooth them over about 18 ms."""
    width = 2 * max(1, round(_BLUR_S / 2 * fs)) + 1
    margin = round(0.006 * fs) + width // 2
    near = np.arange(-margin, step + margin)
    first = np.arange(len(near) - width + 1)
    lag = np.arange(len(near))[:, None] - first
    return near, ((lag >= 0) & (lag < width)).astype(np.float32)


def _middle(near, blur):
    """Give the offset of the middle of the first sum."""
    return int(near[0]) + (blur.shape[0] - blur.shape[1]) // 2
