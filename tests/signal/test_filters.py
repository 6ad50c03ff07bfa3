# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from precordia.core.errors import OptionError, SamplingRateError, SignalError
from precordia.signal.filters import bandpass, bandstop, highpass, lowpass

CASES = [
    (lowpass, (40.0,), 4, "lowpass"),
    (highpass, (0.5,), 2, "highpass"),
    (bandpass, (0.5, 40.0), 2, "bandpass"),
    (bandpass, (5.0, 15.0), 1, "bandpass"),
    (bandstop, (48.0, 52.0), 2, "bandstop"),
]


@pytest.mark.parametrize(("ours", "corners", "order", "kind"), CASES)
def test_equals_forward_backward_filtering_of_scipy_away_from_the_ends(ours, corners, order, kind):
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(size=(4, 10_000)), axis=1)
    sections = butter(
        order, corners if len(corners) > 1 else corners[0], kind, fs=500, output="sos"
    )
    theirs = sosfiltfilt(sections, walk, axis=1)
    mine = ours(walk, 500, *corners, order=order)
    assert np.abs(mine - theirs)[:, 2500:-2500].max() < 1e-3 * walk.std()


def test_gain_at_the_corner_is_one_half():
    time = np.arange(10_000) / 500
    filtered = lowpass(np.sin(2 * np.pi * 40 * time), 500, 40)
    assert filtered[2000:8000].std() * np.sqrt(2) == pytest.approx(0.5, abs=1e-3)


def test_nothing_is_delayed():
    pulse = np.exp(-0.5 * ((np.arange(5000) - 2500) / 8.0) ** 2)
    for filtered in (bandpass(pulse, 500, 0.5, 40), lowpass(pulse, 500, 30)):
        assert filtered.argmax() == 2500
        np.testing.assert_allclose(filtered[2400:2500], filtered[2600:2500:-1], atol=1e-6)


def test_gaps_stay_and_do_not_spread():
    signal = np.sin(np.arange(5000) / 20.0)[None].repeat(2, 0).astype(np.float32)
    signal[0, 1000:1100] = np.nan
    filtered = bandpass(signal, 500, 0.5, 40)
    assert filtered.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(filtered), np.isnan(signal))
    assert np.abs(filtered[0, 2600:4500] - filtered[1, 2600:4500]).max() < 0.01


def test_ends_of_a_steep_drift_do_not_ring():
    drift = np.linspace(0, 5, 5000)
    assert np.abs(highpass(drift, 500, 0.5)).max() < 0.6


@pytest.mark.parametrize("n_samples", [0, 1, 2, 5])
def test_hardly_any_samples_are_no_problem(n_samples):
    filtered = bandpass(np.ones((3, n_samples)), 500, 0.5, 40)
    assert filtered.shape == (3, n_samples)
    assert np.isfinite(filtered).all()


@pytest.mark.parametrize("corner", [0.0, -1.0, 250.0, 300.0, np.nan])
def test_a_corner_that_the_rate_cannot_hold_is_refused(corner):
    with pytest.raises(SamplingRateError, match="needed"):
        lowpass(np.ones(100), 500, corner)


def test_corners_the_wrong_way_round_are_refused():
    with pytest.raises(SamplingRateError, match="Swap"):
        bandpass(np.ones(100), 500, 40, 0.5)


def test_an_order_of_zero_is_refused():
    with pytest.raises(OptionError):
        lowpass(np.ones(100), 500, 40, order=0)


def test_infinite_values_are_refused():
    with pytest.raises(SignalError):
        lowpass(np.array([1.0, np.inf]), 500, 40)
