# SPDX-License-Identifier: Apache-2.0
"""Counts and what they say, by hand and against other libraries."""

import numpy as np
import pytest

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.benchmarking.metrics import auroc, count_hits, jf, median_deviation, rate

BEATS = np.arange(10) * 800.0 + 500


def test_late_missed_doubled_and_invented_beats_are_counted():
    found = np.concatenate([np.delete(BEATS, 4) + 7, [900, BEATS[0] + 9]])
    hits = count_hits(BEATS, found, 1000)
    assert (hits.tp, hits.fn, hits.fp) == (9, 1, 2)
    assert hits.offsets_ms == pytest.approx(np.full(9, 7.0))
    assert count_hits(BEATS, found, 1000, window_ms=5).tp == 0


def test_nothing_counts_in_excluded_stretches():
    found = np.concatenate([np.delete(BEATS, 4), [900]])
    hits = count_hits(BEATS, found, 1000, excluded=[(3600, 3800), (800, 1000)])
    assert (hits.tp, hits.fn, hits.fp) == (9, 0, 0)


def test_a_pair_over_the_border_of_an_excluded_stretch_is_no_error():
    hits = count_hits(np.array([1000.0]), np.array([995.0]), 1000, excluded=[(0, 999)])
    assert (hits.tp, hits.fn, hits.fp) == (1, 0, 0)
    hits = count_hits(np.array([999.0]), np.array([1005.0]), 1000, excluded=[(0, 999)])
    assert (hits.tp, hits.fn, hits.fp) == (0, 0, 0)


def test_absent_positions_are_no_points():
    hits = count_hits(np.array([np.nan, 100.0]), np.array([100.0, np.nan]), 500)
    assert (hits.tp, hits.fn, hits.fp) == (1, 0, 0)


def test_rates_by_hand():
    assert float(rate("se", 9, 1, 2)) == pytest.approx(0.9)
    assert float(rate("ppv", 9, 1, 2)) == pytest.approx(9 / 11)
    assert float(rate("f1", 9, 1, 2)) == pytest.approx(18 / 21)
    assert np.isnan(rate("se", 0, 0, 3))


def test_jf_forgives_delay_and_punishes_jitter():
    assert jf(BEATS, BEATS + 40, 1000) == 1.0
    jitter = np.where(np.arange(10) % 2, 10.0, -10.0)
    assert jf(BEATS, BEATS + jitter, 1000) == pytest.approx(0.5)
    assert jf(BEATS, np.zeros(0), 1000) == 0.0
    assert np.isnan(jf(BEATS[:4], BEATS, 1000))


def test_median_deviation_by_hand():
    assert median_deviation(np.array([1.0, 1, 2, 2, 4, 6, 9])) == 1
    assert np.isnan(median_deviation(np.zeros(0)))


def test_auroc_agrees_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    draw = np.random.default_rng(3)
    truth = draw.random(400) < 0.3
    score = np.round(draw.random(400) + 0.4 * truth, 1)  # many ties
    assert auroc(truth, score)[0] == pytest.approx(metrics.roc_auc_score(truth, score), abs=1e-12)
    weights = draw.integers(0, 3, (5, 400))
    for row, area in zip(weights, auroc(truth, score, weights), strict=True):
        repeated = metrics.roc_auc_score(np.repeat(truth, row), np.repeat(score, row))
        assert area == pytest.approx(repeated, abs=1e-12)


def test_auroc_of_one_class_is_nothing():
    assert np.isnan(auroc(np.ones(3, bool), np.arange(3.0))[0])


def test_records_of_a_patient_are_drawn_together():
    weights = draw_patients(["a", "b", "a", "c"], draws=200)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert ((weights[:, 0] + weights[:, 1] + weights[:, 3]) == 3).all()
    assert (weights == draw_patients(["a", "b", "a", "c"], draws=200)).all()


def test_copies_of_a_patient_do_not_narrow_the_interval():
    values = np.random.default_rng(0).normal(size=40)
    thrice = np.repeat(values, 3)

    def mean(v):
        return lambda w: w @ v / w.sum(axis=1)

    once = np.ptp(interval(mean(values), draw_patients([str(k) for k in range(40)])))
    apart = np.ptp(interval(mean(thrice), draw_patients([str(k) for k in range(120)])))
    names = [str(k) for k in np.repeat(np.arange(40), 3)]
    together = np.ptp(interval(mean(thrice), draw_patients(names)))
    assert together == pytest.approx(once)
    assert apart < 0.7 * together


def test_interval_of_a_mean_is_that_of_theory():
    values = np.random.default_rng(1).normal(size=400)
    low, high = interval(
        lambda w: w @ values / w.sum(axis=1), draw_patients([str(k) for k in range(400)])
    )
    wanted = 2 * 1.96 * values.std() / np.sqrt(400)
    assert high - low == pytest.approx(wanted, rel=0.08)
