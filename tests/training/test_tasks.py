# SPDX-License-Identifier: Apache-2.0
"""Every task learns, and its scores are those of scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, roc_auc_score
from torch import nn

from precordia.core.errors import OptionError
from precordia.training.fit import fit
from precordia.training.predict import predict
from precordia.training.score_intervals import aurocs_with_intervals
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet
from precordia.training.validation_scores import (
    accuracy,
    auroc,
    by_record,
    macro_dice,
    mean_absolute_error,
)

torch.set_num_threads(1)
RNG = np.random.default_rng(0)
FAST = TrainingSettings(epochs=15, batch_size=16, lr=0.05, patience=0)


def windows(n: int) -> np.ndarray:
    return RNG.normal(size=(n, 1, 16)).astype(np.float32)


def two(labels_of, **kinds) -> list[TrainingSet]:
    held = [windows(128), windows(64)]
    return [TrainingSet(windows=w, labels=labels_of(w), **kinds) for w in held]


def test_classes_that_exclude_each_other():
    train, valid = two(lambda w: np.digitize(w[:, 0, :4].sum(1), [-1, 1]), task="multiclass")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 3))
    fitted = fit(model, train, valid, FAST)
    logits = predict(fitted.model, valid)
    expected = np.mean([roc_auc_score(valid.labels == k, logits[:, k]) for k in range(3)])
    assert fitted.best_score == pytest.approx(expected)
    assert fitted.best_score > 0.75


def test_numbers():
    train, valid = two(lambda w: w[:, 0, :2] * 3 + 1, task="regression")
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    settings = TrainingSettings(epochs=30, batch_size=16, lr=0.1, metric="mean_absolute_error")
    fitted = fit(model, train, valid, settings)
    said = predict(fitted.model, valid)
    assert fitted.best_score == pytest.approx(np.abs(said - valid.labels).mean(), rel=1e-5)
    assert fitted.best_score < 0.5


@pytest.mark.parametrize("side_by_side", [False, True])
def test_classes_of_samples(side_by_side):
    def labels_of(w):
        marks = (w[:, 0] > 0).astype(float)
        marks[:, :2] = np.nan
        return marks[:, None] if side_by_side else marks

    train, valid = two(labels_of, task="sample-classes")
    model = nn.Conv1d(1, 1 if side_by_side else 2, 1)
    fitted = fit(model, train, valid, FAST)
    assert fitted.metric == "accuracy"
    assert fitted.best_score > 0.95


def test_a_model_of_another_shape_is_refused():
    train, valid = two(lambda w: np.zeros((len(w), 3)))
    with pytest.raises(OptionError, match="n_outputs=3"):
        fit(nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), train, valid, FAST)


def test_mixing_class_numbers_is_refused():
    train, valid = two(lambda w: np.arange(len(w)) % 2, task="multiclass")
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    with pytest.raises(OptionError, match="mixup"):
        fit(model, train, valid, TrainingSettings(mixup=0.2))


@pytest.mark.parametrize("options", [{}, {"positive_weight": "effective"}])
def test_losses_by_name(options):
    train, valid = two(lambda w: w[:, 0, :1] > 1)
    settings = TrainingSettings(
        epochs=2, loss="focal" if not options else "bce", loss_options=options or {"gamma": 1.0}
    )
    fitted = fit(nn.Sequential(nn.Flatten(), nn.Linear(16, 1)), train, valid, settings)
    assert np.isfinite(fitted.epochs[-1]["loss"])


def test_bfloat16_learns_too():
    train, valid = two(lambda w: w[:, 0, :1] > 0)
    settings = TrainingSettings(epochs=10, lr=0.05, batch_size=16, precision="bfloat16")
    fitted = fit(nn.Sequential(nn.Flatten(), nn.Linear(16, 1)), train, valid, settings)
    assert fitted.best_score > 0.75
    assert next(fitted.model.parameters()).dtype == torch.float32


@pytest.mark.parametrize("seed", range(4))
def test_auroc_is_that_of_scikit_learn_with_ties(seed):
    rng = np.random.default_rng(seed)
    scores, truth = rng.integers(0, 6, 60) / 5, rng.integers(0, 2, 60).astype(bool)
    assert auroc(scores, truth) == pytest.approx(roc_auc_score(truth, scores))
    assert np.isnan(auroc(scores, np.ones(60, bool)))


def test_intervals_are_those_of_drawing_patients():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (150, 1)).astype(float)
    z = np.round(y + rng.normal(size=y.shape), 1)
    patients = [str(k // 3) for k in range(150)]
    told = aurocs_with_intervals(z, y, ["a"], patients)["classes"]["a"]
    drawn = []
    for _ in range(1000):
        names = rng.choice(50, 50)
        rows = np.concatenate([np.arange(3 * k, 3 * k + 3) for k in names])
        drawn.append(roc_auc_score(y[rows, 0], z[rows, 0]))
    np.testing.assert_allclose(told["interval"], np.quantile(drawn, [0.025, 0.975]), atol=0.015)
    assert told["value"] == pytest.approx(roc_auc_score(y[:, 0], z[:, 0]))


def test_scores_of_samples_and_numbers():
    truth = RNG.integers(0, 3, (5, 20)).astype(np.float32)
    logits = RNG.normal(size=(5, 3, 20))
    said = logits.argmax(1)
    expected = f1_score(truth.ravel(), said.ravel(), labels=[1, 2], average="macro")
    assert macro_dice(logits, truth) == pytest.approx(expected)
    assert accuracy(logits, truth) == pytest.approx((said == truth).mean())
    assert mean_absolute_error(np.array([[1.0, 5]]), np.array([[3.0, np.nan]])) == 2


def test_logits_of_the_windows_of_a_record_are_averaged():
    held = TrainingSet(
        windows=windows(3), labels=[[1], [1], [0]], names=list("aab"), patients=list("xxy")
    )
    z, y, patients = by_record(held, np.array([[1.0], [3.0], [5.0]], np.float32))
    assert (z.tolist(), y.tolist(), patients) == ([[2.0], [5.0]], [[1.0], [0.0]], ("x", "y"))


def test_absent_leads_reach_a_model_that_asks_for_them():
    class Asking(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(2, 1)

        def forward(self, x, present=None):
            assert present is not None
            assert torch.equal(present, (x != 0).any(2))
            return self.head(x.mean(2))

    held = RNG.normal(size=(8, 2, 16)).astype(np.float32)
    present = RNG.random((8, 2)) < 0.6
    held *= present[:, :, None]
    train = TrainingSet(windows=held, labels=np.arange(8)[:, None] % 2, present=present)
    fitted = fit(Asking(), train, settings=TrainingSettings(epochs=1, mixup=0.3))
    assert predict(fitted.model, train).shape == (8, 1)


def test_the_log_says_every_step_and_tensorboard_the_same(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train, valid = two(lambda w: w[:, 0, :1] > 0)
    settings = TrainingSettings(epochs=2, batch_size=32)
    fit(nn.Sequential(nn.Flatten(), nn.Linear(16, 1)), train, valid, settings, folder=tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "epoch_ended" not in line]
    assert [line["step"] for line in steps] == list(range(1, 9))
    assert all(line["records_per_s"] > 0 and line["seconds_left"] >= 0 for line in steps)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    told = [(event.step, event.value) for event in events.Scalars("step/loss")]
    assert told == [(line["step"], pytest.approx(line["loss"], rel=1e-6)) for line in steps]
