# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from scipy import signal as sps

from precordia.signal.zero_phase import butterworth_polynomials, filter_both_ways

DESIGNS = [
    ("lowpass", 3, (40.0,), 100.0),
    ("highpass", 2, (0.5,), 100.0),
    ("bandpass", 4, (0.5, 40.0), 100.0),
    ("bandpass", 1, (5.0, 15.0), 360.0),
    ("bandstop", 2, (48.0, 52.0), 500.0),
    ("lowpass", 1, (10.0,), 250.0),
]


@pytest.mark.parametrize(("kind", "order", "corners", "fs"), DESIGNS)
def test_the_design_is_that_of_scipy(kind, order, corners, fs):
    b, a = butterworth_polynomials(kind, order, corners, fs)
    at = corners[0] if len(corners) == 1 else corners
    wanted_b, wanted_a = sps.butter(order, at, btype=kind, fs=fs)
    np.testing.assert_allclose(b, wanted_b, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(a, wanted_a, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(("kind", "order", "corners", "fs"), DESIGNS)
@pytest.mark.parametrize("n_samples", [64, 65, 127, 128, 1000, 1001])
def test_the_filtered_signal_is_that_of_scipy(kind, order, corners, fs, n_samples):
    x = np.random.default_rng(1).normal(size=(2, 3, n_samples)).cumsum(axis=-1)
    b, a = butterworth_polynomials(kind, order, corners, fs)
    np.testing.assert_allclose(
        filter_both_ways(b, a, x), sps.filtfilt(b, a, x, axis=-1), atol=1e-7 * np.ptp(x)
    )


def test_a_sine_in_the_band_passes_without_a_delay():
    time = np.arange(2000) / 100
    b, a = butterworth_polynomials("bandpass", 2, (0.5, 40.0), 100.0)
    wave = np.sin(2 * np.pi * 5 * time)
    apart = filter_both_ways(b, a, wave + 3.0) - wave
    assert np.abs(apart[500:-500]).max() < 0.01
