# SPDX-License-Identifier: Apache-2.0
"""Amplitude of a power line of known amplitude."""

import numpy as np
import pytest

from precordia.quality.mains_level import measure_mains


@pytest.mark.parametrize("fs", [128.0, 257.0, 500.0, 1000.0])
@pytest.mark.parametrize("line_hz", [49.9, 50.0, 60.1])
def test_amplitude_and_frequency_of_a_line(fs, line_hz):
    hum = 0.08 * np.sin(2 * np.pi * line_hz * np.arange(int(10 * fs)) / fs)
    hz, level_uv = measure_mains(hum[None].astype(np.float32), fs)
    assert hz == round(line_hz / 10) * 10
    assert level_uv[0] == pytest.approx(80, rel=0.05)


def test_white_noise_is_no_line():
    noise = 0.02 * np.random.default_rng(0).normal(size=(8, 5000))
    assert measure_mains(noise, 500.0)[1].max() < 5


def test_line_beyond_the_rate_is_unknown():
    hz, level_uv = measure_mains(np.zeros((2, 1000)), 100.0)
    assert np.isnan(hz)
    assert not level_uv.any()
