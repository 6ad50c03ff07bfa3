# SPDX-License-Identifier: Apache-2.0
"""Losses are their published formulas, in NumPy; unknown labels ask nothing."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.special import huber as scipy_huber
from scipy.special import rel_entr, softmax
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from precordia.core.errors import OptionError, UnknownNameError
from precordia.training.class_weights import effective_number, positive_weights, statement_weights
from precordia.training.losses import list_losses, load_loss

NAN = float("nan")


def _case(seed=0, shape=(40, 3)):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 3, shape), (rng.random(shape) < 0.3).astype(float)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _value(name, z, y, **options):
    loss = load_loss(name, **options)
    return loss(torch.tensor(z), torch.tensor(y)).numpy()


def test_binary_cross_entropy_is_the_log_loss_of_scikit_learn():
    z, y = _case()
    found = _value("bce", z, y).mean(axis=0)
    wanted = [log_loss(y[:, k], _sigmoid(z[:, k])) for k in range(3)]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_a_positive_weight_is_a_sample_weight_of_positives():
    z, y = _case()
    found = _value("bce", z, y, positive_weight=[2.0, 5.0, 1.0]).sum(axis=0)
    for k, weight in enumerate((2.0, 5.0, 1.0)):
        of_each = np.where(y[:, k] == 1, weight, 1.0)
        wanted = log_loss(y[:, k], _sigmoid(z[:, k]), sample_weight=of_each) * of_each.sum()
        assert found[k] == pytest.approx(wanted, rel=1e-6)


def test_focal_is_its_formula():
    z, y = _case()
    p_t = np.where(y == 1, _sigmoid(z), 1 - _sigmoid(z))
    alpha_t = np.where(y == 1, 0.25, 0.75)
    wanted = -alpha_t * (1 - p_t) ** 1.5 * np.log(p_t)
    np.testing.assert_allclose(_value("focal", z, y, gamma=1.5, alpha=0.25), wanted, rtol=1e-8)


def test_asymmetric_is_its_formula():
    z, y = _case()
    p = _sigmoid(z)
    shifted = np.maximum(p - 0.1, 0)
    of_positive = (1 - p) ** 1 * np.log(p)
    of_negative = shifted**3 * np.log(1 - shifted)
    wanted = -(y * of_positive + (1 - y) * of_negative)
    found = _value("asymmetric", z, y, gamma_positive=1, gamma_negative=3, margin=0.1)
    np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "options"),
    [("focal", {"gamma": 0.0}), ("asymmetric", dict.fromkeys(
        ("gamma_positive", "gamma_negative", "margin"), 0.0))],
)  # fmt: skip
def test_without_focusing_all_are_the_cross_entropy(name, options):
    z, y = _case()
    np.testing.assert_allclose(_value(name, z, y, **options), _value("bce", z, y), rtol=1e-10)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_cross_entropy_of_samples_is_its_formula(gamma):
    rng = np.random.default_rng(3)
    z, y = rng.normal(size=(4, 3, 7)), rng.integers(0, 3, (4, 7)).astype(float)
    y[0, :2] = np.nan
    right = np.zeros((4, 7))
    for row in range(4):
        for sample in range(7):
            if not np.isnan(y[row, sample]):
                p = softmax(z[row, :, sample])[int(y[row, sample])]
                right[row, sample] = -((1 - p) ** gamma) * np.log(p)
    np.testing.assert_allclose(_value("cross-entropy", z, y, gamma=gamma), right, atol=1e-9)


def test_cross_entropy_is_the_log_loss_of_scikit_learn():
    z, _ = _case(shape=(50, 4))
    classes = np.random.default_rng(1).integers(0, 4, 50)
    found = _value("cross-entropy", z, classes.astype(float))
    assert found.mean() == pytest.approx(log_loss(classes, softmax(z, axis=1)), rel=1e-10)


def test_smoothed_labels_are_labels_drawn_towards_the_middle():
    z, y = _case()
    drawn = y * 0.9 + 0.05
    p = _sigmoid(z)
    wanted = -(drawn * np.log(p) + (1 - drawn) * np.log(1 - p))
    np.testing.assert_allclose(_value("bce", z, y, smoothing=0.1), wanted, rtol=1e-7)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_distillation_is_the_divergence_of_scipy(temperature):
    z, teacher = _case()[0], _case(1)[0]
    p, q = _sigmoid(teacher / temperature), _sigmoid(z / temperature)
    wanted = temperature**2 * (rel_entr(p, q) + rel_entr(1 - p, 1 - q))
    found = _value("distillation", z, teacher, temperature=temperature)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-12)
    p, q = softmax(teacher / temperature, axis=1), softmax(z / temperature, axis=1)
    found = _value("softmax-distillation", z, teacher, temperature=temperature)
    np.testing.assert_allclose(found.sum(1), temperature**2 * rel_entr(p, q).sum(1), rtol=1e-8)


def test_losses_of_numbers_are_their_formulas():
    z, y = _case()
    np.testing.assert_allclose(_value("l1", z, y), np.abs(z - y))
    np.testing.assert_allclose(_value("mse", z, y), (z - y) ** 2)
    np.testing.assert_allclose(_value("huber", z, y, delta=0.7), scipy_huber(0.7, z - y))


@pytest.mark.parametrize("name", list_losses())
def test_an_unknown_label_asks_nothing(name):
    z, y = _case()
    labels = torch.tensor(y if name != "cross-entropy" else y[:, 0])
    labels[:15] = NAN
    logits = torch.tensor(z, requires_grad=True)
    each = load_loss(name)(logits, labels)
    assert not each[:15].any()
    each.mean().backward()
    assert not logits.grad[:15].any()
    assert logits.grad[15:].any()
    part = torch.tensor(z[15:], requires_grad=True)
    load_loss(name)(part, labels[15:]).mean().backward()
    known = (len(z) - 15) / len(z)
    torch.testing.assert_close(logits.grad[15:], known * part.grad)


@pytest.mark.parametrize("name", list_losses())
def test_extreme_logits_have_finite_losses_and_gradients(name):
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 50.0]], requires_grad=True)
    labels = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    each = load_loss(name)(logits, labels if name != "cross-entropy" else labels[:, 1])
    each.sum().backward()
    assert torch.isfinite(each).all()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", ["focal", "asymmetric"])
def test_gradients_agree_with_differences(name):
    z, y = _case(shape=(5, 3))
    assert torch.autograd.gradcheck(
        lambda logits: load_loss(name)(logits, torch.tensor(y)),
        torch.tensor(z, requires_grad=True),
    )


def test_balanced_weights_are_those_of_scikit_learn():
    y = np.array([0.0] * 70 + [1.0] * 25 + [2.0] * 5)
    found = statement_weights(y, method="balanced")
    wanted = compute_class_weight("balanced", classes=np.arange(3), y=y)
    np.testing.assert_allclose(found / found[0], wanted / wanted[0])
    assert found.mean() == pytest.approx(1)
    binary = np.array([1.0] * 10 + [0.0] * 40)
    ratio = compute_class_weight("balanced", classes=np.array([0.0, 1.0]), y=binary)
    assert positive_weights(binary[:, None])[0] == pytest.approx(ratio[1] / ratio[0])


def test_effective_numbers_are_a_sum_of_powers():
    # Proposition 1 of the paper: 1 + beta + ... + beta^(n-1)
    for n in (1, 5, 300):
        wanted = sum(0.99**k for k in range(n))
        assert effective_number(np.array([n]), 0.99)[0] == pytest.approx(wanted)


def test_effective_weights_lie_between_none_and_inverse_counts():
    labels = np.zeros((1000, 2))
    labels[:500, 0] = labels[:5, 1] = 1
    plain, effective = (statement_weights(labels, method=m) for m in ("balanced", "effective"))
    assert 1 < effective[1] / effective[0] < plain[1] / plain[0] == pytest.approx(100)


def test_weights_are_counted_from_labels_by_name():
    z, y = _case()
    y[:5] = NAN
    counted = load_loss("bce", labels=y, positive_weight="balanced")
    given = load_loss("bce", positive_weight=positive_weights(y))
    logits, labels = torch.tensor(z), torch.tensor(y)
    torch.testing.assert_close(counted(logits, labels), given(logits, labels))


def test_listing_loads_no_pytorch():
    code = "import sys, precordia.training.losses; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_mistakes_are_refused_in_sentences():
    with pytest.raises(UnknownNameError, match="Did you mean 'focal'"):
        load_loss("focall")
    with pytest.raises(UnknownNameError, match="Did you mean 'gamma'"):
        load_loss("focal", gama=2)
    with pytest.raises(OptionError, match="none came"):
        load_loss("bce", positive_weight="balanced")
    with pytest.raises(OptionError, match="gamma of the loss is -1"):
        load_loss("focal", gamma=-1)
    with pytest.raises(UnknownNameError, match="Did you mean 'balanced'"):
        load_loss("bce", labels=np.eye(2), positive_weight="balance")
