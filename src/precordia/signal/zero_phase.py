# SPDX-License-Identifier: Apache-2.0
"""Butterworth filters forwards and backwards, in blocks: NumPy alone, as fast as compiled loops."""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Float

#: samples that are filtered by one product of matrices
_BLOCK = 64


@functools.lru_cache(maxsize=64)
def butterworth_polynomials(
    kind: str, order: int, corners_hz: tuple[float, ...], fs: float
) -> tuple[Float[np.ndarray, " dim"], Float[np.ndarray, " dim"]]:
    """Design a Butterworth filter.

    Parameters
    ----------
    kind
        ``"lowpass"``, ``"highpass"``, ``"bandpass"`` or ``"bandstop"``.
    order
        Order of the prototype; band filters have twice as many poles.
    corners_hz
        One corner, or two for band filters, below half the rate.
    fs
        Sampling rate, Hz.

    Returns
    -------
    Numerator and denominator, highest power first.

    Notes
    -----
    Bilinear transform of the analogue prototype with prewarped corners, as ``scipy.signal.butter``
    does; the numbers agree to rounding.

    References
    ----------
    Oppenheim AV, Schafer RW. Discrete-Time Signal Processing, 3rd ed. 2010, section 7.1.

    Examples
    --------
    >>> b, a = butterworth_polynomials("lowpass", 1, (25.0,), 100.0)
    >>> b.round(6).tolist(), abs(a.round(6)).tolist()
    ([0.5, 0.5], [1.0, 0.0])
    """
    place = np.arange(1 - order, order, 2)
    poles = -np.exp(1j * np.pi * place / (2 * order))
    warped = 4.0 * np.tan(np.pi * np.asarray(corners_hz) / fs)  # for a rate of 2
    zeros = np.empty(0, complex)
    if kind == "lowpass":
        poles, gain = poles * warped[0], warped[0] ** order
    elif kind == "highpass":
        gain = float(np.real(1 / np.prod(-poles)))
        poles, zeros = warped[0] / poles, np.zeros(order, complex)
    else:
        width, centre = warped[1] - warped[0], np.sqrt(warped[0] * warped[1])
        if kind == "bandpass":
            half, gain = poles * width / 2, width**order
            zeros = np.zeros(order, complex)
        else:
            half, gain = width / 2 / poles, float(np.real(1 / np.prod(-poles)))
            zeros = np.repeat([1j * centre, -1j * centre], order)
        apart = np.sqrt(half**2 - centre**2)
        poles = np.concatenate([half + apart, half - apart])
    gain *= float(np.real(np.prod(4.0 - zeros) / np.prod(4.0 - poles)))
    missing = poles.size - zeros.size
    zeros = np.concatenate([(4.0 + zeros) / (4.0 - zeros), np.full(missing, -1.0)])
    poles = (4.0 + poles) / (4.0 - poles)
    return gain * np.real(np.poly(zeros)), np.real(np.poly(poles))


def filter_both_ways(
    b: Float[np.ndarray, " dim"],
    a: Float[np.ndarray, " dim"],
    signal: Float[np.ndarray, "... sample"],
) -> Float[np.ndarray, ...]:
    """Filter forwards and backwards, so that no phase is left.

    Parameters
    ----------
    b, a
        Numerator and denominator of equal length, the first of ``a`` being 1.
    signal
        Longer than three times the number of coefficients.

    Returns
    -------
    The filtered signal.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the filter has no steady state.

    Notes
    -----
    As ``scipy.signal.filtfilt``: the ends are continued by point reflection over three times the
    number of coefficients, and each direction starts from the steady state of its first value.
    Departure: the recursion advances in blocks of 64 samples as products of matrices.

    References
    ----------
    Gustafsson F. Determining the initial states in forward-backward filtering. IEEE Trans Signal
    Process 1996;44:988-992. doi:10.1109/78.492552

    Examples
    --------
    >>> b, a = butterworth_polynomials("lowpass", 2, (10.0,), 100.0)
    >>> filter_both_ways(b, a, np.ones(50)).round(9).tolist() == [1.0] * 50
    True
    """
    edge = 3 * b.size
    x = np.asarray(signal, np.float64)
    before = 2 * x[..., :1] - x[..., edge:0:-1]
    after = 2 * x[..., -1:] - x[..., -2 : -edge - 2 : -1]
    y = np.concatenate([before, x, after], axis=-1)
    for _ in range(2):
        y = _forwards(b, a, y)[..., ::-1]
    return np.ascontiguousarray(y[..., edge:-edge])


def _forwards(b: np.ndarray, a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Filter once, from the steady state of the first value."""
    step, feed = _state_space(b, a)
    start = np.linalg.solve(np.eye(len(step)) - step, feed)
    response, seen, carried, ahead = _block(tuple(b.tolist()), tuple(a.tolist()))
    n = x.shape[-1]
    n_blocks = -(-n // _BLOCK)
    rows = np.zeros((int(np.prod(x.shape[:-1], dtype=int)), n_blocks * _BLOCK))
    rows[:, :n] = x.reshape(-1, n)
    blocks = rows.reshape(len(rows), n_blocks, _BLOCK)
    pushed = blocks @ carried
    states = np.empty((len(rows), n_blocks, len(step)))
    state = rows[:, :1] * start
    for k in range(n_blocks):
        states[:, k] = state
        state = state @ ahead + pushed[:, k]
    y = blocks @ response + states @ seen
    return y.reshape(len(rows), -1)[:, :n].reshape(x.shape)


def _state_space(b: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how the state moves by itself, and what one value adds (transposed direct form II)."""
    step = np.eye(b.size - 1, k=1)
    step[:, 0] = -a[1:]
    return step, b[1:] - a[1:] * b[0]


@functools.lru_cache(maxsize=16)
def _block(
    b: tuple[float, ...], a: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the matrices that advance by one block.

    What a block gives of itself, what the state gives to it, what it gives to the state, and what
    the state keeps; each to be multiplied from the right.
    """
    step, feed = _state_space(np.array(b), np.array(a))
    seen = np.empty((_BLOCK, feed.size))
    fed = np.empty((_BLOCK, feed.size))
    row, column = np.eye(feed.size)[0], feed
    for k in range(_BLOCK):
        seen[k], fed[k] = row, column
        row, column = row @ step, step @ column
    impulse = np.concatenate([[b[0]], fed[:-1, 0]])
    lag = np.subtract.outer(np.arange(_BLOCK), np.arange(_BLOCK))
    response = np.where(lag >= 0, impulse[np.maximum(lag, 0)], 0.0)
    ahead = np.linalg.matrix_power(step, _BLOCK)
    return response.T.copy(), seen.T.copy(), fed[::-1].copy(), ahead.T.copy()
