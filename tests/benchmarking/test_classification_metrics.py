# SPDX-License-Identifier: Apache-2.0
"""Scores of classifiers agree with scikit-learn, with closed forms, and say what they left out."""

import numpy as np
import pytest
from sklearn import metrics as oracle

from precordia.benchmarking.bootstrap import draw_patients
from precordia.benchmarking.classification_metrics import (
    auprc,
    auroc,
    best_thresholds,
    brier,
    f_score,
    macro,
    macro_auroc,
    prevalence,
    scorable,
)
from precordia.benchmarking.reliability import brier_parts, ece, reliability
from precordia.core.errors import OptionError, SignalError, UnknownNameError


@pytest.fixture
def drawn():
    """Truth and scores of four classes, with many ties and unknown labels."""
    rng = np.random.default_rng(3)
    targets = (rng.random((300, 4)) < [0.5, 0.1, 0.02, 0.3]).astype(float)
    scores = np.round(rng.normal(size=(300, 4)) + targets, 1)
    targets[rng.random((300, 4)) < 0.1] = np.nan
    return targets, scores


def _known(targets, scores, k):
    known = np.isfinite(targets[:, k])
    return targets[known, k], scores[known, k]


def test_areas_agree_with_scikit_learn_where_scores_tie_and_labels_are_unknown(drawn):
    for k in range(4):
        truth, score = _known(*drawn, k)
        assert auroc(*drawn)[k] == pytest.approx(oracle.roc_auc_score(truth, score))
        assert auprc(*drawn)[k] == pytest.approx(oracle.average_precision_score(truth, score))


def test_weighted_areas_are_those_of_repeated_records(drawn):
    targets, scores = drawn
    weights = draw_patients([str(k // 2) for k in range(300)], draws=5)
    rows = auroc(targets, scores, weights)
    precision = auprc(targets, scores, weights)
    for row, precise, times in zip(rows, precision, weights, strict=True):
        again = np.repeat(np.arange(300), times)
        for k in (0, 1, 3):
            truth, score = _known(targets[again], scores[again], k)
            assert row[k] == pytest.approx(oracle.roc_auc_score(truth, score))
            assert precise[k] == pytest.approx(oracle.average_precision_score(truth, score))


def test_area_is_the_chance_that_a_positive_scores_higher():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, 40), rng.integers(2, 9, 30)
    pairs = np.mean((b[:, None] > a) + 0.5 * (b[:, None] == a))
    targets = np.r_[np.zeros(40), np.ones(30)]
    assert auroc(targets, np.r_[a, b].astype(float)) == pytest.approx(pairs)


def test_areas_of_binormal_scores_are_the_closed_form():
    # two normal distributions one apart: the area is Phi(1 / sqrt 2)
    rng = np.random.default_rng(1)
    targets = np.repeat([0.0, 1.0], 40_000)
    assert auroc(targets, rng.normal(size=80_000) + targets) == pytest.approx(0.7602, abs=0.005)


def test_a_constant_score_is_a_coin_and_its_precision_the_prevalence():
    targets = (np.arange(100) < 13).astype(float)[:, None]
    assert auroc(targets, np.zeros((100, 1))).tolist() == [0.5]
    assert auprc(targets, np.zeros((100, 1))) == pytest.approx(0.13)
    assert prevalence(targets) == pytest.approx(0.13)


def test_logits_and_probabilities_rank_alike(drawn):
    targets, scores = drawn
    probabilities = 1 / (1 + np.exp(-scores))
    np.testing.assert_allclose(auroc(targets, scores), auroc(targets, probabilities))


def test_classes_with_few_records_are_in_the_published_mean_only():
    targets = np.zeros((100, 3))
    targets[:50, 0], targets[:9, 1], targets[:, 2] = 1, 1, 1
    scores = np.random.default_rng(0).normal(size=(100, 3))
    assert scorable(targets).tolist() == [True, False, False]
    assert scorable(targets, 1).tolist() == [True, True, False]
    areas = auroc(targets, scores)
    assert macro_auroc(targets, scores) == areas[0]
    assert macro_auroc(targets, scores, 1) == pytest.approx(areas[:2].mean())
    assert np.isnan(areas[2])
    assert np.isnan(macro_auroc(targets, scores, 51))


def test_a_draw_without_positives_has_no_mean():
    values = np.array([[0.9, np.nan], [0.9, 0.5]])
    assert np.isnan(macro(values, np.array([True, True]))[0])
    assert macro(values, np.array([True, False])).tolist() == [0.9, 0.9]


def test_brier_score_and_its_parts_agree_with_scikit_learn_and_add_up():
    rng = np.random.default_rng(5)
    probability = rng.random(500)
    truth = (rng.random(500) < probability**2).astype(float)
    expected = oracle.brier_score_loss(truth, probability)
    assert brier(truth[:, None], probability[:, None])[0] == pytest.approx(expected)
    parts = brier_parts(truth, probability, n_bins=10)
    whole = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert whole == pytest.approx(expected)
    assert parts.reliability > 0.01


def test_parts_of_brier_within_bins_vanish_for_a_few_probabilities():
    rng = np.random.default_rng(6)
    probability = rng.choice([0.1, 0.5, 0.9], 400)
    truth = (rng.random(400) < probability).astype(float)
    parts = brier_parts(truth, probability, n_bins=10)
    assert parts.within == pytest.approx(0, abs=1e-12)
    said = {p: truth[probability == p].mean() for p in (0.1, 0.5, 0.9)}
    by_hand = sum(((probability == p).mean()) * (p - s) ** 2 for p, s in said.items())
    assert parts.reliability == pytest.approx(by_hand)


@pytest.mark.parametrize("binning", ["width", "mass"])
def test_calibration_error_is_the_shift_of_probabilities_that_were_right(binning):
    rng = np.random.default_rng(7)
    probability = rng.uniform(0.1, 0.8, 60_000)
    truth = (rng.random(60_000) < probability).astype(float)[:, None]
    right = ece(truth, probability[:, None], binning=binning)[0]
    shifted = ece(truth, probability[:, None] + 0.2, binning=binning)[0]
    assert right < 0.02
    assert shifted == pytest.approx(0.2, abs=0.01)


def test_bins_of_equal_mass_hold_equally_many_and_keep_ties_together():
    probability = np.r_[np.full(50, 0.2), np.linspace(0.3, 0.9, 50)]
    curve = reliability(np.tile([0.0, 1.0], 50), probability, n_bins=10)
    assert curve.n[0] == 50
    assert curve.n.sum() == 100
    assert (curve.n[1:] == 10).all()
    assert (curve.low < curve.so).all()
    assert (curve.high > curve.so).all()


def test_calibration_curve_agrees_with_scikit_learn():
    from sklearn.calibration import calibration_curve

    rng = np.random.default_rng(8)
    probability = rng.random(1000)
    truth = (rng.random(1000) < probability).astype(float)
    so, said = calibration_curve(truth, probability, n_bins=7)
    curve = reliability(truth, probability, n_bins=7, binning="width")
    np.testing.assert_allclose(curve.so, so)
    np.testing.assert_allclose(curve.said, said)


def test_the_threshold_chosen_has_the_highest_f1_that_scikit_learn_finds(drawn):
    targets, scores = drawn
    thresholds = best_thresholds(targets, scores)
    found = f_score(targets, scores, thresholds)
    for k in range(4):
        truth, score = _known(targets, scores, k)
        best = max(oracle.f1_score(truth, score >= level) for level in np.unique(score))
        assert found[k] == pytest.approx(best)
        assert found[k] == pytest.approx(oracle.f1_score(truth, score >= thresholds[k]))


def test_f_beta_agrees_with_scikit_learn(drawn):
    targets, scores = drawn
    found = f_score(targets, scores, np.zeros(4), beta=2)
    for k in range(4):
        truth, score = _known(targets, scores, k)
        assert found[k] == pytest.approx(oracle.fbeta_score(truth, score >= 0, beta=2))


def test_a_class_without_positives_has_no_threshold_and_no_f1():
    targets = np.zeros((10, 1))
    assert np.isnan(best_thresholds(targets, np.arange(10.0)[:, None])).all()
    assert np.isnan(f_score(targets, np.arange(10.0)[:, None], np.array([np.nan]))).all()


def test_what_is_no_prediction_is_refused():
    targets = np.zeros((3, 1))
    with pytest.raises(SignalError, match="1 predictions are NaN"):
        auroc(targets, np.array([[0.1], [np.nan], [0.2]]))
    with pytest.raises(SignalError, match="shape"):
        auroc(targets, np.zeros((2, 1)))
    with pytest.raises(SignalError, match="other than 0, 1 and NaN"):
        auroc(np.full((3, 1), 2.0), np.zeros((3, 1)))
    with pytest.raises(SignalError, match="0 to 1 is needed"):
        brier(targets, np.full((3, 1), 1.5))
    with pytest.raises(OptionError, match="at least 1"):
        scorable(targets, 0)
    with pytest.raises(UnknownNameError, match="mass"):
        ece(targets, np.zeros((3, 1)), binning="mas")
