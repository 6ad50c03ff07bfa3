# SPDX-License-Identifier: Apache-2.0
"""The loop: what it learns, when it stops, and that a seed decides everything."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from precordia.core.errors import OptionError
from precordia.training.fit import fit
from precordia.training.predict import predict
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet

torch.set_num_threads(1)


def made(n: int, *, seed: int, n_classes: int = 2) -> TrainingSet:
    """Windows whose classes are lifts of different leads."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (n, n_classes)).astype(np.float32)
    windows = rng.normal(size=(n, n_classes, 32)).astype(np.float32)
    windows += 0.5 * labels[:, :, None]
    return TrainingSet(
        windows=windows,
        labels=labels,
        patients=[f"{seed}-{k}" for k in range(n)],
        names=[f"{seed}-{k}" for k in range(n)],
    )


def tiny(n_outputs: int = 2, *, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv1d(2, 4, 5),
            nn.BatchNorm1d(4),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
            nn.Linear(4, n_outputs),
        )


def test_it_learns_and_its_score_is_that_of_its_predictions():
    valid = made(200, seed=2)
    fitted = fit(tiny(), made(200, seed=1), valid, TrainingSettings(epochs=12, lr=0.05))
    assert fitted.best_score > 0.9
    from sklearn.metrics import roc_auc_score

    logits = predict(fitted.model, valid.windows)
    assert fitted.best_score == pytest.approx(roc_auc_score(valid.labels, logits), abs=1e-9)


def test_it_stops_when_the_score_stands_still():
    train, valid = made(64, seed=1), made(64, seed=2)
    noise = TrainingSet(
        windows=valid.windows,
        labels=np.random.default_rng(0).integers(0, 2, (64, 2)),
        patients=valid.patients,
        names=valid.names,
    )
    fitted = fit(tiny(), train, noise, TrainingSettings(epochs=50, lr=0.02, patience=3))
    assert fitted.ended == "patience"
    assert len(fitted.epochs) == fitted.best_epoch + 4


def test_one_seed_gives_the_same_bits_and_another_does_not():
    def weights(seed: int) -> bytes:
        settings = TrainingSettings(epochs=2, batch_size=16, lr=0.02, seed=seed, mixup=0.2)
        torch.rand(seed + 1)  # what others draw changes nothing
        fitted = fit(tiny(), made(64, seed=1), made(32, seed=2), settings)
        return b"".join(t.numpy().tobytes() for t in fitted.model.state_dict().values())

    assert weights(0) == weights(0)
    assert weights(0) != weights(1)


def test_the_random_numbers_of_the_caller_are_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    fit(tiny(), made(16, seed=1), settings=TrainingSettings(epochs=1))
    assert torch.equal(torch.rand(2), expected)


def test_a_patient_in_both_parts_is_refused():
    with pytest.raises(OptionError, match="record"):
        fit(tiny(), made(16, seed=1), made(16, seed=1), TrainingSettings(epochs=1))
