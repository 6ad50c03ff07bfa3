# SPDX-License-Identifier: Apache-2.0
"""Calibration agrees with scikit-learn and with closed forms, and never sees its own record."""

import numpy as np
import pytest
from sklearn.calibration import _sigmoid_calibration
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from precordia.classification.calibration import (
    Calibration,
    calibrated,
    cross_fitted,
    fit_calibration,
)
from precordia.classification.isotonic import fit_isotonic, isotonic_probability
from precordia.classification.patient_folds import patient_folds
from precordia.classification.platt import fit_platt
from precordia.classification.prior_shift import estimate_prior, shift_prior
from precordia.core.errors import OptionError, SignalError, UnknownNameError


def _scores(n=2000, n_statements=3, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(-1, 1.5, size=(n, n_statements))
    labels = (rng.random(truth.shape) < 1 / (1 + np.exp(-truth))).astype(float)
    return 2.5 * truth + 1.0, labels


def test_platt_agrees_with_scikit_learns_sigmoid_calibration():
    z, y = _scores()
    a, b = _sigmoid_calibration(z[:, 0], y[:, 0])
    slope, intercept = fit_platt(z[:, 0], y[:, 0])
    assert (slope, intercept) == pytest.approx((-a, -b), abs=1e-5)


def test_platt_is_a_logistic_regression_on_smoothed_targets():
    z, y = _scores(n=60)
    n_positive, n_negative = y[:, 0].sum(), (1 - y[:, 0]).sum()
    up, down = (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2)
    share = np.where(y[:, 0] == 1, up, down)
    doubled = np.concatenate([z[:, :1], z[:, :1]])
    peer = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10000).fit(
        doubled, np.repeat([1, 0], 60), sample_weight=np.concatenate([share, 1 - share])
    )
    slope, intercept = fit_platt(z[:, 0], y[:, 0])
    assert slope == pytest.approx(peer.coef_[0, 0], rel=1e-4)
    assert intercept == pytest.approx(peer.intercept_[0], rel=1e-4, abs=1e-4)


def test_platt_stays_finite_where_scores_separate_the_labels():
    slope, intercept = fit_platt(np.array([-1e4, -9e3, 9e3, 1e4]), np.array([0, 0, 1, 1]))
    assert np.isfinite([slope, intercept]).all()
    assert slope > 0


def test_platt_of_a_constant_score_is_the_smoothed_frequency():
    slope, intercept = fit_platt(np.full(10, 3.0), np.array([1] * 4 + [0] * 6))
    wanted = (4 * 5 / 6 + 6 * 1 / 8) / 10
    assert 1 / (1 + np.exp(-(slope * 3 + intercept))) == pytest.approx(wanted)


def test_isotonic_agrees_with_scikit_learn():
    z, y = _scores(n=500)
    z = z.round(1)  # with ties
    new = np.linspace(-12, 12, 301)
    peer = IsotonicRegression(out_of_bounds="clip").fit(z[:, 0], y[:, 0])
    found = isotonic_probability(fit_isotonic(z[:, 0], y[:, 0]), new)
    np.testing.assert_allclose(found, peer.predict(new), atol=1e-12)


def test_one_temperature_is_the_slope_of_all_statements():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(40000, 2))
    y = (rng.random(truth.shape) < 1 / (1 + np.exp(-truth))).astype(float)
    fitted = fit_calibration(4 * truth, y, method="temperature")
    assert fitted.slope == pytest.approx([0.25, 0.25], abs=0.01)
    assert fitted.slope[0] == fitted.slope[1]


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_calibration_recovers_the_true_probabilities(method):
    z, y = _scores(n=40000)
    probability = calibrated(fit_calibration(z, y, method=method), z)
    truth = 1 / (1 + np.exp(-(z - 1) / 2.5))
    assert np.abs(probability - truth).mean() < 0.015


def test_unknown_labels_do_not_count():
    z, y = _scores()
    y[:500, 1] = np.nan
    whole, part = fit_calibration(z, y), fit_calibration(z[500:], y[500:])
    assert whole.slope[1] == pytest.approx(part.slope[1], rel=1e-12)


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_a_statement_without_positives_is_nan_with_a_reason(method):
    z, y = _scores()
    y[:, 1] = 0
    fitted = fit_calibration(z, y, method=method)
    assert np.isnan(calibrated(fitted, z)[:, 1]).all()
    assert np.isfinite(calibrated(fitted, z)[:, [0, 2]]).all()
    assert fitted.reasons[1].startswith("0 positive and 2000 negative")
    assert fitted.reasons[0] == ""


def test_scores_that_rank_the_wrong_way_are_not_turned_over():
    z, y = _scores()
    z[:, 1] *= -1
    fitted = fit_calibration(z, y)
    assert np.isnan(calibrated(fitted, z)[:, 1]).all()
    assert fitted.reasons[1].startswith("scores rank the wrong way")
    assert np.isfinite(calibrated(fitted, z)[:, [0, 2]]).all()


def test_without_calibration_the_probability_is_the_logistic_function():
    z, y = _scores()
    found = calibrated(fit_calibration(z, y, method="none"), z)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-z)), rtol=1e-12)


def test_a_record_does_not_see_its_own_label_when_cross_fitted():
    z, y = _scores(n=300)
    patients = np.arange(300) // 3
    found = cross_fitted(z, y, patients, seed=3)
    folds = patient_folds(patients, y, n_folds=5, seed=3)
    for fold in range(5):
        held = folds == fold
        outside = fit_calibration(z[~held], y[~held])
        np.testing.assert_array_equal(found[held], calibrated(outside, z[held]))


def test_patients_stay_together_and_rare_statements_are_spread():
    rng = np.random.default_rng(0)
    patients = rng.integers(0, 200, 600)
    labels = (rng.random((600, 4)) < [0.3, 0.1, 0.02, 0.01]).astype(float)
    folds = patient_folds(patients, labels, n_folds=5, seed=1)
    for patient in np.unique(patients):
        assert len(set(folds[patients == patient])) == 1
    rarest = labels.sum(axis=0).argmin()
    holders = {patients[k]: folds[k] for k in np.flatnonzero(labels[:, rarest] == 1)}
    counts = np.bincount(list(holders.values()), minlength=5)
    assert counts.max() - counts.min() <= 1


def test_the_order_of_records_does_not_move_patients():
    rng = np.random.default_rng(0)
    patients, labels = rng.integers(0, 50, 120), (rng.random((120, 2)) < 0.3).astype(float)
    order = rng.permutation(120)
    first = patient_folds(patients, labels, n_folds=3)
    second = patient_folds(patients[order], labels[order], n_folds=3)
    np.testing.assert_array_equal(first[order], second)


def test_a_shifted_prior_is_bayes_rule():
    # Two normal distributions: the posterior is known for every prior.
    x = np.linspace(-3, 4, 50)
    likelihood = [np.exp(-0.5 * (x - m) ** 2) for m in (0, 1)]

    def posterior(prior):
        yes = prior * likelihood[1]
        return (yes / (yes + (1 - prior) * likelihood[0]))[:, None]

    found = shift_prior(posterior(0.4), learnt=np.array([0.4]), here=np.array([0.05]))
    np.testing.assert_allclose(found, posterior(0.05), rtol=1e-12)


def test_the_prior_of_an_unlabelled_population_is_found():
    rng = np.random.default_rng(0)
    sick = rng.random(20000) < 0.1
    x = rng.normal(np.where(sick, 2.0, 0.0))
    probability = 1 / (1 + np.exp(-(2 * x - 2)))  # calibrated where half are sick
    found = estimate_prior(probability[:, None], learnt=np.array([0.5]))
    assert found[0] == pytest.approx(0.1, abs=0.01)


def test_an_impossible_frequency_is_refused():
    with pytest.raises(OptionError, match="between"):
        shift_prior(np.array([[0.5]]), learnt=np.array([0.0]), here=np.array([0.1]))


def test_mistakes_are_refused_in_sentences():
    z, y = _scores()
    with pytest.raises(UnknownNameError, match="Did you mean 'platt'"):
        fit_calibration(z, y, method="plat")
    with pytest.raises(SignalError, match="alike"):
        fit_calibration(z, y[:, :2])
    with pytest.raises(OptionError, match="0, 1 and NaN"):
        fit_calibration(z, y + 0.2)
    with pytest.raises(SignalError, match="finite score"):
        fit_calibration(z * np.nan, y)
    plain = Calibration(method="platt", slope=np.ones(2), intercept=np.zeros(2))
    with pytest.raises(SignalError, match=r"\(record, 2\)"):
        calibrated(plain, z)
    with pytest.raises(OptionError, match="5 folds of 2 patients"):
        cross_fitted(z[:2], y[:2], np.array([1, 2]))
