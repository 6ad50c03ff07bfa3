# SPDX-License-Identifier: Apache-2.0
"""Windows, alignment and medians against NumPy and known shifts."""

import warnings

import numpy as np
import pytest

from precordia.measurement.beat_windows import (
    align_beats,
    beat_windows,
    median_over_beats,
    remove_baseline,
)


def test_windows_beyond_the_ends_are_missing():
    out = beat_windows(np.arange(10.0)[None], np.array([-2, 8]), 4)[0]
    np.testing.assert_array_equal(out, [[np.nan, np.nan, 0, 1], [8, 9, np.nan, np.nan]])


@pytest.mark.parametrize("n_beats", [1, 2, 5, 8])
def test_median_equals_that_of_numpy_with_gaps(n_beats):
    rng = np.random.default_rng(n_beats)
    x = rng.normal(size=(3, n_beats, 40))
    np.testing.assert_allclose(median_over_beats(x), np.median(x, axis=1))
    x[0, 0, :5] = np.nan
    x[1, :, 7] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = np.nanmedian(x, axis=1)
    np.testing.assert_allclose(median_over_beats(x), expected)


def test_alignment_finds_known_shifts():
    rng = np.random.default_rng(1)
    true = np.array([400, 800, 1210, 1600, 2005])
    x = rng.normal(0, 0.01, (2, 2400))
    for r in true:
        x[:, r - 15 : r + 16] += np.array([[1.0], [-0.6]]) * np.hanning(31)
    guess = true + np.array([0, 5, -6, 3, -4])
    moved = align_beats(x, guess, 500.0)
    assert np.abs(np.diff(moved) - np.diff(true)).max() <= 1


def test_one_beat_stays_where_it_is():
    np.testing.assert_array_equal(align_beats(np.zeros((1, 500)), np.array([250]), 500.0), [250])


def test_linear_wander_is_removed():
    x = np.stack([0.01 * np.arange(1000.0), -0.02 * np.arange(1000.0)])
    knots = np.array([100.0, 400.0, 800.0])
    starts = np.array([150, 500])
    cut = beat_windows(x, starts, 200)
    out = remove_baseline(cut, starts, knots, x[:, knots.astype(int)])
    np.testing.assert_allclose(out, 0.0, atol=1e-12)
