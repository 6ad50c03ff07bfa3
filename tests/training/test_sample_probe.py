# SPDX-License-Identifier: Apache-2.0
"""A head for each sample: each token answers for its own samples, whatever their number."""

import numpy as np
import pytest

from precordia.core.errors import SignalError
from precordia.training.linear_probe import ProbeSetting
from precordia.training.sample_probe import fit_sample_probe, sample_logits

_ONE = (ProbeSetting(c=10.0),)


@pytest.mark.parametrize("n_samples", [12, 13, 10, 4])
def test_each_sample_is_answered_by_the_token_that_stands_for_it(n_samples):
    rng = np.random.default_rng(0)
    marked = rng.random((300, n_samples)) < 0.3
    # token t of four stands for the samples from t/4 to (t+1)/4 of the window, and says which
    owner = [s * 4 // n_samples for s in range(n_samples)]
    place = [s - owner.index(owner[s]) for s in range(n_samples)]
    tokens = np.zeros((300, 4, max(place) + 1))
    for s in range(n_samples):
        tokens[:, owner[s], place[s]] = marked[:, s]
    probe = fit_sample_probe(tokens, marked, grid=_ONE)
    logits = sample_logits(probe, tokens)
    assert logits.shape == marked.shape
    assert ((logits > 0) == marked).all()


def test_the_logits_are_those_of_scikit_learn_for_one_place():
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(1)
    tokens = rng.normal(size=(50, 6, 3))
    marked = rng.random((50, 6)) < 1 / (1 + np.exp(-tokens[:, :, 0]))
    probe = fit_sample_probe(tokens, marked, grid=(ProbeSetting(c=1.0, standardise=False),))
    peer = linear_model.LogisticRegression(C=1.0, tol=1e-10, max_iter=2000)
    peer.fit(tokens.reshape(-1, 3), marked.ravel())
    expected = peer.decision_function(tokens.reshape(-1, 3)).reshape(50, 6)
    assert np.allclose(sample_logits(probe, tokens), expected, atol=1e-4)


def test_validation_chooses_among_penalties():
    rng = np.random.default_rng(2)
    tokens = rng.normal(size=(12, 5, 40))
    marked = tokens[:, :, 0] + rng.normal(size=(12, 5)) > 0
    held = rng.normal(size=(400, 5, 40))
    truth = held[:, :, 0] + rng.normal(size=(400, 5)) > 0
    probe = fit_sample_probe(tokens, marked, valid_tokens=held, valid_marked=truth)
    loss = probe.probe.valid_loss.mean(axis=1)
    assert set(probe.probe.chosen) == {int(loss.argmin())}
    assert probe.probe.grid[int(loss.argmin())].c < 10


def test_tokens_that_do_not_fit_are_refused():
    with pytest.raises(SignalError, match="as many windows"):
        fit_sample_probe(np.zeros((3, 2, 1)), np.zeros((2, 4), bool), grid=_ONE)
    with pytest.raises(SignalError, match="at least one sample"):
        fit_sample_probe(np.zeros((3, 5, 1)), np.zeros((3, 4), bool), grid=_ONE)
    probe = fit_sample_probe(np.eye(4).reshape(2, 2, 4), np.eye(2, dtype=bool), grid=_ONE)
    with pytest.raises(SignalError, match="as the head was fitted"):
        sample_logits(probe, np.zeros((1, 3, 4)))
