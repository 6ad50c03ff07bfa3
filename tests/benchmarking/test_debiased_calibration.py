# SPDX-License-Identifier: Apache-2.0
"""What chance adds to a calibration error, and what is left without it."""

from __future__ import annotations

from math import comb, erf, exp, pi, sqrt

import numpy as np
import pytest

from precordia.benchmarking.debiased_calibration import (
    debiased_ece,
    ece_by_chance,
    pooled,
    squared_calibration_error,
)
from precordia.benchmarking.reliability import ece


def one_bin(n, n_positive, said):
    targets = (np.arange(n) < n_positive).astype(float)[:, None]
    return targets, np.full((n, 1), said)


@pytest.mark.parametrize(("share", "said"), [(0.3, 0.3), (0.3, 0.45), (0.05, 0.1), (0.5, 0.9)])
def test_the_squared_error_is_unbiased_over_every_outcome_of_a_bin(share, said):
    n = 12
    expected = sum(
        comb(n, k)
        * share**k
        * (1 - share) ** (n - k)
        * squared_calibration_error(*one_bin(n, k, said), n_bins=1)[0]
        for k in range(n + 1)
    )
    assert expected == pytest.approx((said - share) ** 2, abs=1e-12)


def test_what_is_taken_off_a_bin_is_the_excess_of_a_folded_normal_mean():
    n, k, said = 100, 40, 0.45
    spread, distance = sqrt(0.4 * 0.6 / n), 0.05
    ratio = distance / spread
    folded = spread * sqrt(2 / pi) * exp(-(ratio**2) / 2) + distance * erf(ratio / sqrt(2))
    found = debiased_ece(*one_bin(n, k, said), n_bins=1)[0]
    assert found == pytest.approx(distance - (folded - distance))


def test_a_bin_that_is_right_to_the_record_goes_below_zero_by_the_mean_of_chance():
    found = debiased_ece(*one_bin(100, 40, 0.4), n_bins=1)[0]
    assert found == pytest.approx(-sqrt(2 / pi) * sqrt(0.4 * 0.6 / 100))


def test_a_bin_without_spread_keeps_its_distance():
    targets, said = one_bin(20, 0, 0.2)
    assert debiased_ece(targets, said, n_bins=1)[0] == pytest.approx(0.2)
    assert squared_calibration_error(targets, said, n_bins=1)[0] == pytest.approx(0.04)


def test_true_probabilities_of_few_records_look_better_without_what_chance_adds():
    rng = np.random.default_rng(3)
    said = np.round(rng.beta(0.5, 1.0, (256, 200)) * 14) / 14  # one probability in each bin
    truth = (rng.random(said.shape) < said).astype(float)
    plain = ece(truth, said, binning="width").mean()
    assert plain > 0.03
    assert 0 < debiased_ece(truth, said, binning="width").mean() < 0.75 * plain
    left = squared_calibration_error(truth, said, binning="width")
    assert abs(left.mean()) < 3 * left.std() / 200**0.5


def test_false_probabilities_stay_as_false_without_what_chance_adds():
    rng = np.random.default_rng(4)
    said = rng.uniform(0.2, 0.9, (50_000, 1))
    truth = (rng.random(said.shape) < said - 0.15).astype(float)
    assert debiased_ece(truth, said)[0] == pytest.approx(0.15, abs=0.01)
    assert squared_calibration_error(truth, said)[0] == pytest.approx(0.15**2, abs=2e-3)


def test_chance_alone_shows_the_mean_distance_of_a_binomial_share():
    n, said = 20, 0.3
    exact = sum(
        comb(n, k) * said**k * (1 - said) ** (n - k) * abs(k / n - said) for k in range(n + 1)
    )
    targets, probability = one_bin(n, 0, said)
    found = ece_by_chance(targets, probability, n_bins=1, draws=20_000)[0]
    assert found == pytest.approx(exact, rel=0.02)


def test_unknown_labels_count_for_nothing():
    targets, said = one_bin(40, 12, 0.4)
    more = np.r_[targets, np.full((7, 1), np.nan)], np.r_[said, np.full((7, 1), 0.99)]
    for error in (debiased_ece, squared_calibration_error):
        assert error(*more, n_bins=1) == pytest.approx(error(targets, said, n_bins=1))
    assert ece_by_chance(*more, n_bins=1, draws=4000)[0] == pytest.approx(
        ece_by_chance(targets, said, n_bins=1, draws=4000)[0], rel=0.05
    )
    assert np.isnan(debiased_ece(np.full((3, 1), np.nan), np.full((3, 1), 0.5))).all()


def test_errors_of_classes_that_cancel_are_not_seen_in_the_pool():
    targets = np.tile([[1.0, 0.0], [0.0, 1.0]], (50, 1))
    said = np.tile([[0.6, 0.4]], (100, 1))
    targets[:, 0] = np.arange(100) < 40  # 0.6 is said of what is so in 0.4
    targets[:, 1] = np.arange(100) < 60
    twice = np.c_[said, said[:, ::-1]], np.c_[targets, targets[:, ::-1] * 0 + targets[:, :1]]
    assert ece(targets, said) == pytest.approx([0.2, 0.2])
    assert pooled(targets, said)[0].shape == (200, 1)
    assert ece(*pooled(twice[1][:, [0, 3]], twice[0][:, [0, 3]]))[0] == pytest.approx(0.2)
    cancelling = np.c_[np.arange(100) < 40, np.arange(100) < 80].astype(float)
    assert ece(cancelling, np.full((100, 2), 0.6)) == pytest.approx([0.2, 0.2])
    assert ece(*pooled(cancelling, np.full((100, 2), 0.6)))[0] == pytest.approx(0)
