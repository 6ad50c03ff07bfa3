# SPDX-License-Identifier: Apache-2.0
"""Amplitudes and offsets survive as whole numbers."""

import numpy as np

from precordia.tokens.gain import OFFSET_BITS, SCALE_BITS, code_gain, decode_gain


def test_amplitudes_come_back_within_one_percent_and_offsets_within_a_thousandth():
    scale = np.geomspace(1e-4, 1e3, 5000)
    offset = np.sinh(np.linspace(-12, 12, 5000)) * 1e-3
    back, back_offset = decode_gain(code_gain(scale, offset))
    assert np.abs(back / scale - 1).max() < 0.008
    assert (np.abs(back_offset - offset) <= 1e-3 * np.abs(offset) + 1e-6).all()


def test_codes_fit_their_bits_even_for_absurd_values():
    code = code_gain(np.array([0.0, 1e9]), np.array([-1e9, 1e9]))
    assert code[:, 0].tolist() == [0, 2**SCALE_BITS - 1]
    assert np.abs(code[:, 1]).max() == 2 ** (OFFSET_BITS - 1) - 1
