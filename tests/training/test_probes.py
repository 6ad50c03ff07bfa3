# SPDX-License-Identifier: Apache-2.0
"""Ridge, multinomial and attention probes agree with independent implementations."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from torch import nn

from precordia.core.errors import OptionError, SignalError
from precordia.training.attention_probe import AttentionProbe, fit_attention_probe
from precordia.training.multiclass_probe import fit_multiclass_probe
from precordia.training.ridge_probe import fit_ridge_probe, probe_numbers
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def _numbers(n=300, dim=10, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, dim)) * np.geomspace(0.1, 10, dim) + 3
    y = x @ rng.normal(size=(dim, 3)) + rng.normal(size=(n, 3))
    y[:40, 0] = np.nan
    y[20:90, 1] = np.nan
    return x, y


@pytest.mark.parametrize("alpha", [0.1, 10.0, 1e4])
def test_ridge_is_that_of_scikit_learn(alpha):
    x, y = _numbers()
    found = probe_numbers(fit_ridge_probe(x, y, alphas=(alpha,)), x)
    z = (x - x.mean(0)) / x.std(0)
    for k in range(3):
        known = ~np.isnan(y[:, k])
        peer = Ridge(alpha=alpha, solver="svd").fit(z[known], y[known, k])
        np.testing.assert_allclose(found[:, k], peer.predict(z), atol=1e-8)


def test_the_penalty_is_the_best_on_validation():
    x, y = _numbers(n=120, dim=40)
    alphas = (0.01, 10.0, 1e4)
    probe = fit_ridge_probe(
        x[:60], y[:60], valid_embeddings=x[60:], valid_labels=y[60:], alphas=alphas
    )
    for k in range(3):
        errors = [
            np.nanmean((probe_numbers(fit_ridge_probe(x[:60], y[:60], alphas=(a,)), x[60:])
                        - y[60:])[:, k] ** 2)
            for a in alphas
        ]  # fmt: skip
        assert probe.alpha[k] == alphas[int(np.argmin(errors))]
        np.testing.assert_allclose(probe.valid_error[:, k], errors)


def test_an_output_that_is_never_known_is_nan():
    x, y = _numbers()
    y[:, 2] = np.nan
    probe = fit_ridge_probe(x, y, alphas=(1.0,))
    assert np.isnan(probe_numbers(probe, x)[:, 2]).all()
    assert np.isfinite(probe_numbers(probe, x)[:, :2]).all()


def test_ridge_refuses_mistakes_in_sentences():
    x, y = _numbers()
    with pytest.raises(OptionError, match="no validation records"):
        fit_ridge_probe(x, y)
    with pytest.raises(OptionError, match="positive"):
        fit_ridge_probe(x, y, alphas=(0.0,))
    with pytest.raises(SignalError, match="as many records"):
        fit_ridge_probe(x[1:], y, alphas=(1.0,))
    with pytest.raises(SignalError, match="as the probe was fitted"):
        probe_numbers(fit_ridge_probe(x, y, alphas=(1.0,)), x[:, 1:])


def _classes(n=400, dim=6, k=4, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, dim)) * np.geomspace(0.2, 4, dim) - 1
    logits = x @ rng.normal(size=(dim, k)) / 2 + np.linspace(0, -2, k)
    return x, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


@pytest.mark.parametrize("c", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("balanced", [False, True])
def test_multinomial_regression_is_that_of_scikit_learn(c, balanced):
    x, y = _classes()
    probe = fit_multiclass_probe(x, y, cs=(c,), balanced=balanced, tolerance=1e-13)
    z = (x - x.mean(0)) / x.std(0)
    peer = LogisticRegression(
        C=c, tol=1e-10, max_iter=10000, class_weight="balanced" if balanced else None
    ).fit(z, y)
    logits = x @ probe.weight.T + probe.bias
    found = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, peer.predict_proba(z), atol=2e-5)


def test_multinomial_penalty_is_chosen_on_validation():
    x, y = _classes(n=100, dim=30)
    probe = fit_multiclass_probe(x[:50], y[:50], valid_embeddings=x[50:], valid_labels=y[50:])
    assert probe.valid_loss[[0.01, 0.1, 1.0, 10.0].index(probe.c)] == probe.valid_loss.min()


def test_labels_that_are_no_statements_are_refused():
    x, y = _classes(n=100)
    with pytest.raises(OptionError, match="whole numbers"):
        fit_multiclass_probe(x, np.where(y == 0, np.nan, y), cs=(1.0,))
    with pytest.raises(OptionError, match="0 to 1 are needed"):
        fit_multiclass_probe(x, y, n_statements=2, cs=(1.0,))


def test_attention_is_that_of_pytorch():
    torch.manual_seed(0)
    probe = AttentionProbe(32, 5, heads=16)
    peer = nn.MultiheadAttention(32, 16, bias=False, batch_first=True)
    layers = (probe.to_query, probe.to_key, probe.to_value)
    with torch.no_grad():
        peer.in_proj_weight.copy_(torch.cat([layer.weight for layer in layers]))
        peer.out_proj.weight.copy_(probe.to_output.weight)
    tokens = torch.randn(3, 7, 32)
    attended, _ = peer(probe.query.expand(3, 1, 32), tokens, tokens)
    torch.testing.assert_close(probe(tokens), probe.head(attended[:, 0]), rtol=1e-5, atol=1e-6)


def test_a_token_that_speaks_is_found_among_those_that_do_not():
    """One token in ten carries the label, at a random place: their mean hardly shows it."""
    rng = np.random.default_rng(0)
    labels = (rng.random((600, 1)) < 0.5).astype(np.float32)
    tokens = 0.7 * rng.normal(size=(600, 10, 16)).astype(np.float32)
    place = rng.integers(0, 10, 600)
    tokens[np.arange(600), place, 0] += 3  # "look here"
    tokens[np.arange(600), place, 1] += 2 * labels[:, 0] - 1
    part = {"train": slice(0, 400), "valid": slice(400, 600)}
    sets = {k: TrainingSet(windows=tokens[s], labels=labels[s]) for k, s in part.items()}
    chosen = TrainingSettings(
        epochs=25, lr=5e-3, schedule="constant", warmup=0.0, patience=10, workers=0
    )
    fitted = fit_attention_probe(sets["train"], sets["valid"], heads=4, settings=chosen)
    mean = tokens.mean(axis=1)
    plain = LogisticRegression(max_iter=1000).fit(mean[:400], labels[:400, 0])
    from sklearn.metrics import roc_auc_score

    of_mean = roc_auc_score(labels[400:, 0], plain.decision_function(mean[400:]))
    assert fitted.best_score > of_mean + 0.05


def test_the_attention_probe_is_seeded():
    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(40, 3, 8)).astype(np.float32)
    labels = (tokens[:, 0, :2] > 0).astype(np.float32)
    sets = [TrainingSet(windows=tokens[k::2], labels=labels[k::2]) for k in (0, 1)]
    chosen = TrainingSettings(epochs=2, schedule="constant", warmup=0.0, workers=0)
    torch.manual_seed(1)
    first = fit_attention_probe(*sets, heads=2, settings=chosen).model.state_dict()
    torch.manual_seed(2)
    second = fit_attention_probe(*sets, heads=2, settings=chosen).model.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_heads_that_do_not_divide_the_tokens_are_refused():
    with pytest.raises(OptionError, match="choose heads from 1, 2, 4, 5, 10, 20"):
        AttentionProbe(20, 3, heads=16)
