# SPDX-License-Identifier: Apache-2.0
"""Fast decimation is the resampler, and what a sine must become."""

import numpy as np
import pytest
from scipy.fft import next_fast_len

from precordia.core.errors import OptionError, SignalError
from precordia.signal.decimation import decimate, fast_length
from precordia.signal.resample import resample


@pytest.mark.parametrize("factor", [1, 2, 3, 5, 10, 100])
@pytest.mark.parametrize("n_samples", [0, 1, 2, 33, 999, 5000])
def test_it_gives_what_the_resampler_gives(factor, n_samples):
    x = np.random.default_rng(0).normal(size=(3, n_samples))
    fast, slow = decimate(x, factor), resample(x, factor, 1)
    assert fast.shape == slow.shape
    np.testing.assert_allclose(fast, slow, atol=1e-13)


def test_lengths_are_those_that_scipy_finds_fast():
    for n_samples in [*range(1, 3000), 99_999, 1_000_003]:
        assert fast_length(n_samples) == next_fast_len(n_samples, real=True)


def test_a_slow_sine_stays_and_a_fast_one_goes():
    t = np.arange(5000) / 500
    slow = decimate(np.sin(2 * np.pi * 7 * t), 5)
    np.testing.assert_allclose(slow[50:-50], np.sin(2 * np.pi * 7 * t[::5])[50:-50], atol=1e-4)
    assert np.abs(decimate(np.sin(2 * np.pi * 60 * t), 5)[50:-50]).max() < 1e-3


def test_gaps_stay_gaps():
    x = np.ones((2, 100), np.float32)
    x[0, 50] = np.nan
    slow = decimate(x, 2)
    assert slow.dtype == np.float32
    assert np.isnan(slow[0]).sum() == 1
    assert not np.isnan(slow[1]).any()


def test_wrong_factors_and_infinities_are_refused():
    for factor in (0, 1.5, -2):
        with pytest.raises(OptionError, match="whole number"):
            decimate(np.ones(10), factor)
    with pytest.raises(SignalError, match="infinite"):
        decimate(np.array([1.0, np.inf, 1.0]), 2)
