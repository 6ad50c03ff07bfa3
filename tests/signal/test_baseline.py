# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.core.errors import OptionError
from precordia.generation.simulate import simulate
from precordia.signal.baseline import estimate_baseline, remove_baseline


@pytest.fixture(scope="module")
def drifting():
    record = simulate(heart_rate_bpm=72, seed=4, seconds=20)
    time = np.arange(record.n_samples) / record.fs
    drift = 0.4 * np.sin(2 * np.pi * 0.13 * time) + 0.2 * np.sin(2 * np.pi * 0.21 * time + 1)
    return record, drift


def _knots(record):
    onsets = record.carried.fiducials.qrs_onset
    return np.rint(onsets - 0.015 * record.fs).astype(int)


@pytest.mark.parametrize(
    ("method", "limit_mv"), [("highpass", 0.12), ("median", 0.08), ("spline", 0.02)]
)
def test_a_known_wander_is_taken_away(drifting, method, limit_mv):
    record, drift = drifting
    knots = _knots(record) if method == "spline" else None
    inside = slice(1000, -1000)
    wandering = record.signal[1] + drift
    clean = remove_baseline(wandering, record.fs, method=method, knots=knots)
    error = clean - record.signal[1]
    error = error - np.median(error)
    assert np.percentile(np.abs(error[inside]), 95) < limit_mv
    assert np.percentile(np.abs(error[inside]), 95) < 0.3 * np.abs(drift).max()


def test_a_spline_leaves_a_clean_signal_untouched(drifting):
    record, _ = drifting
    clean = remove_baseline(record.signal[1], record.fs, method="spline", knots=_knots(record))
    assert np.abs(clean - record.signal[1]).max() < 1e-3


@pytest.mark.parametrize("method", ["highpass", "median"])
def test_gaps_stay_gaps(drifting, method):
    record, drift = drifting
    signal = record.signal + drift.astype(np.float32)
    signal = signal.copy()
    signal[3, 2000:2500] = np.nan
    clean = remove_baseline(signal, record.fs, method=method)
    np.testing.assert_array_equal(np.isnan(clean), np.isnan(signal))
    assert clean.dtype == np.float32


@pytest.mark.parametrize("method", ["highpass", "median"])
@pytest.mark.parametrize("n_samples", [0, 1, 3])
def test_hardly_any_samples_are_no_problem(method, n_samples):
    assert estimate_baseline(np.ones((2, n_samples)), 500, method=method).shape == (2, n_samples)


def test_a_spline_without_knots_says_what_it_needs():
    with pytest.raises(OptionError, match="knots"):
        remove_baseline(np.ones(500), 500, method="spline")


def test_an_unknown_method_is_refused():
    with pytest.raises(OptionError, match="median"):
        remove_baseline(np.ones(500), 500, method="magic")
