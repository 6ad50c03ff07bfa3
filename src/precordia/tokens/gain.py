# SPDX-License-Identifier: Apache-2.0
"""Amplitude and offset of a lead as two whole numbers, so that symbols keep their millivolts."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

#: bits of the two codes, and what they cost a lead
SCALE_BITS, OFFSET_BITS = 10, 16
#: range of amplitudes that have a code of their own, mV
LOWEST_MV, HIGHEST_MV = 1e-4, 1e3
_CORE_MV = 1e-3  # offsets below this are coded in equal steps, above it in equal ratios


def code_gain(
    scale_mv: Float[np.ndarray, " lead"], offset_mv: Float[np.ndarray, " lead"]
) -> Int[np.ndarray, "lead 2"]:
    """Round amplitudes and offsets to the nearest codes.

    Parameters
    ----------
    scale_mv
        Amplitude of each lead, whatever a tokenizer divides by.
    offset_mv
        What a tokenizer subtracts before.

    Returns
    -------
    A row a lead: amplitude from 0 to 1023, offset from -32767 to 32767.

    Notes
    -----
    Amplitudes are spaced in equal ratios from 0.1 µV to 1 V (1.6 % a step, so an error of at most
    0.8 %); offsets by an inverse hyperbolic sine (0.04 % of the offset, and less than a nanovolt
    near zero). A tokenizer divides by the *decoded* codes, so rounding them costs no likeness.

    Examples
    --------
    >>> code_gain(np.array([1.0]), np.array([0.0])).tolist()
    [[585, 0]]
    """
    levels = 2**SCALE_BITS - 1
    ratio = np.log(np.clip(scale_mv, LOWEST_MV, HIGHEST_MV) / LOWEST_MV)
    scale = np.rint(ratio / np.log(HIGHEST_MV / LOWEST_MV) * levels)
    half = 2 ** (OFFSET_BITS - 1) - 1
    bent = np.arcsinh(np.clip(offset_mv, -HIGHEST_MV, HIGHEST_MV) / _CORE_MV)
    offset = np.rint(bent / np.arcsinh(HIGHEST_MV / _CORE_MV) * half)
    return np.stack([scale, offset], axis=-1).astype(np.int64)


def decode_gain(
    gain: Int[np.ndarray, "lead 2"],
) -> tuple[Float[np.ndarray, " lead"], Float[np.ndarray, " lead"]]:
    """Return amplitude and offset of each lead, mV, that the codes stand for.

    Examples
    --------
    >>> scale, offset = decode_gain(code_gain(np.array([0.25]), np.array([-1.5])))
    >>> float(scale[0].round(2)), float(offset[0].round(2))
    (0.25, -1.5)
    """
    code = np.asarray(gain, float)
    levels, half = 2**SCALE_BITS - 1, 2 ** (OFFSET_BITS - 1) - 1
    scale = LOWEST_MV * np.exp(code[:, 0] / levels * np.log(HIGHEST_MV / LOWEST_MV))
    offset = _CORE_MV * np.sinh(code[:, 1] / half * np.arcsinh(HIGHEST_MV / _CORE_MV))
    return scale, offset
