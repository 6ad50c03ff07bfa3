# SPDX-License-Identifier: Apache-2.0
"""Proportional hazards agree with a likelihood written as it is defined, and with closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from precordia.core.errors import OptionError, SignalError
from precordia.training.cox_probe import fit_cox_probe, probe_risk


def _made(n=60, dim=3, seed=0, decimals=1):
    """Records with rounded times, so that some events come at one time."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, dim)) * np.array([1.0, 5.0, 0.2])[:dim] + 3
    hazard = np.exp(x[:, 0] - 3)
    event, seen = rng.exponential(1 / hazard), rng.exponential(1.5, n)
    return x, np.round(np.minimum(event, seen), decimals), event <= seen


def _loss(weight, z, times, events, alpha):
    """Minus the penalised partial log-likelihood with Breslow's ties, event by event."""
    risk = z @ weight
    loss = alpha / 2 * weight @ weight
    for k in np.flatnonzero(events):
        loss -= risk[k] - np.log(
            sum(np.exp(risk[j]) for j in range(len(z)) if times[j] >= times[k])
        )
    return loss


@pytest.mark.parametrize("alpha", [0.1, 10.0])
def test_the_weights_are_those_that_minimise_the_likelihood_as_it_is_defined(alpha):
    x, times, events = _made()
    assert len(np.unique(times[events])) < events.sum()
    scale = x.std(axis=0)
    z = (x - x.mean(axis=0)) / scale
    found = minimize(_loss, np.zeros(3), args=(z, times, events, alpha), tol=1e-10)
    probe = fit_cox_probe(x, times, events, alphas=(alpha,))
    assert np.allclose(probe.weight * scale, found.x, atol=1e-4)


#: coefficients by scikit-survival 0.28.0: ``CoxPHSurvivalAnalysis(alpha=0.5, ties="breslow",
#: tol=1e-12, n_iter=500).fit(z, y).coef_ / x.std(0)`` with z = (x - x.mean(0)) / x.std(0), of the
#: records that the test draws by the same seed; 44, 50 and 57 of 80 times are shared
_SCIKIT_SURVIVAL = {
    0: (0.5159423869293318, -0.05565297535618584, 0.1522143510637269),
    1: (0.7685386128665266, -0.07353050577632655, 0.9250741472549319),
    2: (0.5680106522989655, -0.041633729751441334, -1.2042192705905939),
}


@pytest.mark.parametrize("seed", _SCIKIT_SURVIVAL)
def test_weights_agree_with_scikit_survival_where_times_are_shared_and_cut_short(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(80, 3)) * [1, 3, 0.2] + [0, 5, -1]
    times = np.ceil(10 * rng.exponential(np.exp(-0.7 * x[:, 0])))
    events = rng.random(80) < 0.7
    probe = fit_cox_probe(x, times, events, alphas=(0.5,))
    assert probe.weight == pytest.approx(np.array(_SCIKIT_SURVIVAL[seed]), rel=1e-7)


def test_two_groups_without_penalty_have_the_closed_form():
    # at the first event one of two in group 1 and two in group 0 are at risk: 1 event in each group
    x = np.array([[1.0], [0.0], [1.0], [0.0]])
    times, events = np.array([1.0, 1.0, 2.0, 2.0]), np.array([1, 1, 0, 0], bool)
    probe = fit_cox_probe(x, times, events, alphas=(1e-9,))
    assert probe.weight[0] == pytest.approx(0.0, abs=1e-6)
    # three records, event of the exposed first and of one not exposed second: 2 theta / (theta + 2)
    x, times = np.array([[1.0], [0.0], [1.0]]), np.array([1.0, 2.0, 3.0])
    probe = fit_cox_probe(x, times, np.array([True, True, False]), alphas=(1e-9,))
    theta = np.exp(probe.weight[0])
    # d/dlog(theta) of log theta - log(2 theta + 1) - log(theta + 1) is zero at sqrt(1/2)
    assert theta == pytest.approx(np.sqrt(0.5), rel=1e-5)


def test_shift_and_scale_of_embeddings_do_not_change_risks():
    x, times, events = _made()
    one = fit_cox_probe(x, times, events, alphas=(1.0,))
    other = fit_cox_probe(1000 * x + 7, times, events, alphas=(1.0,))
    assert np.allclose(probe_risk(one, x), probe_risk(other, 1000 * x + 7), atol=1e-6)


def test_the_penalty_is_the_one_of_the_best_validation_likelihood():
    rng = np.random.default_rng(4)
    x, times, events = rng.normal(size=(40, 30)), rng.exponential(size=40), np.ones(40, bool)
    v, v_times = rng.normal(size=(400, 30)), rng.exponential(size=400)
    alphas = (0.01, 1.0, 1e4)
    probe = fit_cox_probe(
        x, times, events, valid_embeddings=v, valid_times=v_times,
        valid_events=np.ones(400, bool), alphas=alphas,
    )  # fmt: skip
    assert probe.alpha == 1e4
    assert alphas[int(np.argmax(probe.valid_likelihood))] == 1e4


def test_a_perfect_order_and_far_embeddings_stay_finite():
    x = np.linspace(-1, 1, 50)[:, None]
    probe = fit_cox_probe(1e6 * x, 50 - np.arange(50.0), np.ones(50, bool), alphas=(1e-3,))
    assert np.isfinite(probe.weight).all()
    assert (np.diff(probe_risk(probe, 1e6 * x)) > 0).all()


def test_what_cannot_be_fitted_is_refused_in_a_sentence():
    x, times, events = _made()
    with pytest.raises(SignalError, match="none of 60 training records has an event"):
        fit_cox_probe(x, times, np.zeros(60, bool), alphas=(1.0,))
    with pytest.raises(SignalError, match="negative time"):
        fit_cox_probe(x, times - 1, events, alphas=(1.0,))
    with pytest.raises(OptionError, match="no validation records"):
        fit_cox_probe(x, times, events)
    with pytest.raises(OptionError, match="only some arrived"):
        fit_cox_probe(x, times, events, valid_embeddings=x)
    with pytest.raises(OptionError, match="positive"):
        fit_cox_probe(x, times, events, alphas=(0.0,))
    probe = fit_cox_probe(x, times, events, alphas=(1.0,))
    with pytest.raises(SignalError, match=r"\(record, 3\) was needed"):
        probe_risk(probe, x[:, :2])
