# SPDX-License-Identifier: Apache-2.0
"""Finite scalar quantisation: every number on a few levels, all numbers together one symbol."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

_EDGE = 0.25  # of a step: where the outermost levels are put back from, for they have no middle


def to_levels(z: Float[np.ndarray, "... dim"], levels: Sequence[int]) -> Int[np.ndarray, "... dim"]:
    """Squash numbers into 0 to 1 and round each to its levels.

    Parameters
    ----------
    z
        Any real numbers.
    levels
        How many levels each number has.

    Returns
    -------
    ``round((L - 1) * sigmoid(z))``, from 0 to ``L - 1``.

    References
    ----------
    Mentzer F, Minnen D, Agustsson E, Tschannen M. Finite scalar quantization. arXiv:2309.15505

    Examples
    --------
    >>> to_levels(np.array([-9.0, 0.1, 9.0]), (6, 6, 6)).tolist()
    [0, 3, 5]
    """
    top = np.asarray(levels, float) - 1
    return np.rint(top * 0.5 * (1 + np.tanh(0.5 * np.asarray(z, float)))).astype(np.int64)


def from_levels(
    v: Int[np.ndarray, "... dim"], levels: Sequence[int]
) -> Float[np.ndarray, "... dim"]:
    """Return the numbers in the middle of the levels (a quarter of a step inside at the ends).

    Examples
    --------
    >>> from_levels(np.array([1]), (3,)).tolist()
    [0.0]
    """
    top = np.asarray(levels, float) - 1
    u = np.clip(np.asarray(v, float), _EDGE, top - _EDGE) / top
    return np.log(u / (1 - u))


def join_levels(v: Int[np.ndarray, "... dim"], levels: Sequence[int]) -> Int[np.ndarray, ...]:
    """Count all levels as one number: the first is the smallest place.

    Examples
    --------
    >>> int(join_levels(np.array([1, 2, 0]), (6, 6, 6)))
    13
    """
    places = np.concatenate([[1], np.cumprod(np.asarray(levels, np.int64))[:-1]])
    return np.asarray(v, np.int64) @ places


def split_levels(symbol: Int[np.ndarray, ...], levels: Sequence[int]) -> Int[np.ndarray, "... _"]:
    """Undo `join_levels`.

    Examples
    --------
    >>> split_levels(np.array(13), (6, 6, 6)).tolist()
    [1, 2, 0]
    """
    left = np.asarray(symbol, np.int64)
    parts = []
    for n in levels:
        parts.append(left % n)
        left = left // n
    return np.stack(parts, axis=-1)
