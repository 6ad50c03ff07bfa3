# SPDX-License-Identifier: Apache-2.0
"""The linear probe agrees with scikit-learn and chooses on validation alone."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from precordia.core.errors import OptionError, SignalError
from precordia.training.linear_probe import (
    ProbeSetting,
    binary_log_loss,
    fit_linear_probe,
    probe_logits,
)


def _task(n=500, dim=12, n_statements=4, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, dim)) @ rng.normal(size=(dim, dim)) * np.geomspace(0.03, 5, dim) + 2
    z = (x - 2) @ rng.normal(size=(dim, n_statements)) / 4
    y = (z + rng.logistic(size=z.shape) > np.linspace(0, 3, n_statements)).astype(float)
    return x, y


@pytest.mark.parametrize("c", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("class_weight", ["none", "balanced"])
@pytest.mark.parametrize("standardise", [True, False])
def test_weights_are_those_of_scikit_learn(c, class_weight, standardise):
    x, y = _task()
    y[:60, 1] = np.nan
    setting = ProbeSetting(c=c, class_weight=class_weight, standardise=standardise)
    probe = fit_linear_probe(x, y, grid=(setting,), tolerance=1e-13)
    assert probe.converged.all()
    scaled = (x - x.mean(0)) / x.std(0) if standardise else x
    for k in range(y.shape[1]):
        known = ~np.isnan(y[:, k])
        balance = None if class_weight == "none" else "balanced"
        peer = LogisticRegression(
            C=c, solver="newton-cholesky", tol=1e-12, max_iter=1000, class_weight=balance
        ).fit(scaled[known], y[known, k])
        # scikit-learn standardises on the records that it gets, the probe on all that arrive
        ours = probe_logits(probe, x)[:, k]
        assert np.abs(ours - peer.decision_function(scaled)).max() < 2e-4


def test_statements_do_not_influence_each_other():
    x, y = _task()
    both = fit_linear_probe(x, y, grid=(ProbeSetting(c=1.0),))
    one = fit_linear_probe(x, y[:, 2:3], grid=(ProbeSetting(c=1.0),))
    np.testing.assert_allclose(both.weight[2], one.weight[0], rtol=1e-6, atol=1e-9)


def test_the_choice_is_the_lowest_validation_loss_as_scikit_learn_counts_it():
    x, y = _task(n=160, dim=40, n_statements=3)
    grid = tuple(ProbeSetting(c=c) for c in (1e-4, 1e-2, 1.0, 100.0))
    probe = fit_linear_probe(
        x[:80], y[:80], valid_embeddings=x[80:], valid_labels=y[80:], grid=grid
    )
    mean, spread = x[:80].mean(0), x[:80].std(0)
    for k in range(3):
        losses = []
        for setting in grid:
            peer = LogisticRegression(C=setting.c, tol=1e-8, max_iter=5000)
            peer.fit((x[:80] - mean) / spread, y[:80, k])
            losses.append(log_loss(y[80:, k], peer.predict_proba((x[80:] - mean) / spread)[:, 1]))
        assert probe.chosen[k] == np.argmin(losses)
        np.testing.assert_allclose(probe.valid_loss[:, k], losses, rtol=1e-3)


def test_one_setting_for_the_task_is_the_best_on_average():
    x, y = _task(n=160, dim=40)
    probe = fit_linear_probe(
        x[:80], y[:80], valid_embeddings=x[80:], valid_labels=y[80:], select="task"
    )
    assert len(set(probe.chosen.tolist())) == 1
    assert probe.chosen[0] == np.argmin(probe.valid_loss.mean(axis=1))


def test_a_statement_without_positives_is_a_constant_and_said_to_be():
    x, y = _task()
    y[:, 3] = 0
    probe = fit_linear_probe(x, y, grid=(ProbeSetting(c=1.0),))
    assert not probe.weight[3].any()
    assert probe.bias[3] < -5
    assert probe.remarks[0].code == "statement-not-learnable"
    assert "3" in probe.remarks[0].text


def test_a_statement_without_validation_positives_takes_the_setting_of_the_task():
    x, y = _task()
    y[300:, 3] = 0
    probe = fit_linear_probe(x[:300], y[:300], valid_embeddings=x[300:], valid_labels=y[300:])
    assert probe.chosen[3] == np.argmin(probe.valid_loss[:, :3].mean(axis=1))
    assert [r.code for r in probe.remarks] == ["setting-of-the-task"]


def test_a_constant_feature_harms_nothing():
    x, y = _task()
    x[:, 0] = 7.0
    probe = fit_linear_probe(x, y, grid=(ProbeSetting(c=1.0),))
    assert np.isfinite(probe.weight).all()
    assert np.abs(probe.weight[:, 0]).max() < 1e-6


def test_more_features_than_records_are_no_obstacle():
    x, y = _task(n=30, dim=100, n_statements=2)
    y[0] = 1 - y[1]
    probe = fit_linear_probe(x, y, grid=(ProbeSetting(c=1.0),))
    assert probe.converged.all()
    assert ((probe_logits(probe, x) > 0) == y).mean() > 0.9


def test_it_is_deterministic():
    x, y = _task()
    first, second = (fit_linear_probe(x, y, grid=(ProbeSetting(c=1.0),)) for _ in range(2))
    np.testing.assert_array_equal(first.weight, second.weight)


def test_the_loss_is_that_of_scikit_learn_over_known_labels():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(50, 2)), rng.integers(0, 2, (50, 2)).astype(float)
    labels[:10, 0] = np.nan
    found = binary_log_loss(logits, labels)
    wanted = log_loss(labels[10:, 0], 1 / (1 + np.exp(-logits[10:, 0])))
    assert found[0] == pytest.approx(wanted)


def test_a_choice_without_validation_is_refused():
    x, y = _task()
    with pytest.raises(OptionError, match="no validation records"):
        fit_linear_probe(x, y)


def test_embeddings_with_nan_and_odd_labels_are_refused():
    x, y = _task()
    with pytest.raises(OptionError, match="other than 0, 1 and NaN"):
        fit_linear_probe(x, y + 0.5, grid=(ProbeSetting(c=1.0),))
    x[0, 0] = np.nan
    with pytest.raises(SignalError, match="NaN or infinity"):
        fit_linear_probe(x, y, grid=(ProbeSetting(c=1.0),))
    with pytest.raises(SignalError, match="as many records"):
        fit_linear_probe(x[:-1], y, grid=(ProbeSetting(c=1.0),))
