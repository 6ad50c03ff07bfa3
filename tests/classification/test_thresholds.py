# SPDX-License-Identifier: Apache-2.0
"""Thresholds are the best there are by trying all, and say what they could not reach."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_curve

from precordia.classification.thresholds import choose_thresholds
from precordia.core.errors import OptionError, SignalError, UnknownNameError


def _task(n=150, seed=0, digits=1):
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, 3)) < [0.5, 0.2, 0.05]).astype(float)
    scores = (labels + rng.normal(size=labels.shape)).round(digits)
    return scores, labels


def _all_thresholds(scores):
    levels = np.unique(scores)
    return np.concatenate([levels[:1], (levels[1:] + levels[:-1]) / 2])


def test_youden_is_the_highest_of_the_roc_curve_of_scikit_learn():
    scores, labels = _task()
    found = choose_thresholds(scores, labels)
    for k in range(3):
        false_rate, true_rate, _ = roc_curve(labels[:, k], scores[:, k])
        called = scores[:, k] >= found.values[k]
        gain = recall_score(labels[:, k], called) - called[labels[:, k] == 0].mean()
        assert gain == pytest.approx((true_rate - false_rate).max())


def test_f1_is_the_highest_there_is():
    scores, labels = _task()
    found = choose_thresholds(scores, labels, rule="f1")
    for k in range(3):
        best = max(f1_score(labels[:, k], scores[:, k] >= t) for t in _all_thresholds(scores[:, k]))
        assert f1_score(labels[:, k], scores[:, k] >= found.values[k]) == pytest.approx(best)


@pytest.mark.parametrize("at_least", [0.5, 0.9, 1.0])
def test_a_sensitivity_is_reached_with_the_highest_threshold(at_least):
    scores, labels = _task()
    found = choose_thresholds(scores, labels, rule="sensitivity", at_least=at_least)
    for k in range(3):
        reached = [
            t
            for t in _all_thresholds(scores[:, k])
            if recall_score(labels[:, k], scores[:, k] >= t) >= at_least
        ]
        assert found.values[k] == max(reached)


@pytest.mark.parametrize("at_least", [0.5, 0.8])
def test_a_precision_is_reached_with_the_lowest_threshold(at_least):
    scores, labels = _task()
    found = choose_thresholds(scores, labels, rule="precision", at_least=at_least)
    for k in range(3):
        reached = [
            t
            for t in _all_thresholds(scores[:, k])
            if precision_score(labels[:, k], scores[:, k] >= t) >= at_least
        ]
        if reached:
            assert found.values[k] == min(reached)
        else:
            assert np.isnan(found.values[k])
            assert "no threshold reaches precision" in found.reasons[k]


def test_what_a_threshold_gives_is_what_scikit_learn_counts():
    scores, labels = _task()
    found = choose_thresholds(scores, labels)
    for k in range(3):
        called = scores[:, k] >= found.values[k]
        assert found.sensitivity[k] == pytest.approx(recall_score(labels[:, k], called))
        assert found.precision[k] == pytest.approx(precision_score(labels[:, k], called))
        assert found.specificity[k] == pytest.approx(
            recall_score(labels[:, k], called, pos_label=0)
        )


def test_neighbouring_numbers_are_told_apart():
    low = 0.5
    high = np.nextafter(low, 1)
    found = choose_thresholds(np.array([[low], [high]]), np.array([[0.0], [1.0]]))
    assert found.values[0] == high
    assert found.sensitivity[0] == found.specificity[0] == 1


def test_unknown_labels_do_not_count():
    scores, labels = _task()
    labels[:50] = np.nan
    part = choose_thresholds(scores[50:], labels[50:])
    np.testing.assert_array_equal(choose_thresholds(scores, labels).values, part.values)


def test_a_statement_without_positives_has_no_threshold():
    scores, labels = _task()
    labels[:, 1] = 0
    found = choose_thresholds(scores, labels)
    assert np.isnan(found.values[1])
    assert found.reasons[1].startswith("0 positive")
    assert np.isfinite(found.values[[0, 2]]).all()
    strict = choose_thresholds(scores, labels, least=50)
    assert np.isfinite(strict.values).tolist() == [True, False, False]


def test_mistakes_are_refused_in_sentences():
    scores, labels = _task()
    with pytest.raises(UnknownNameError, match="Did you mean 'youden'"):
        choose_thresholds(scores, labels, rule="yuden")
    with pytest.raises(OptionError, match="needs at_least"):
        choose_thresholds(scores, labels, rule="precision")
    with pytest.raises(OptionError, match="takes no at_least"):
        choose_thresholds(scores, labels, at_least=0.9)
    with pytest.raises(OptionError, match="above 0"):
        choose_thresholds(scores, labels, rule="precision", at_least=90)
    with pytest.raises(SignalError, match="alike"):
        choose_thresholds(scores, labels[:, :1])
