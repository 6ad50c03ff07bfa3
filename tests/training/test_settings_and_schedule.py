# SPDX-License-Identifier: Apache-2.0
"""Settings are checked early; rates follow their schedules; groups get their shares."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from precordia.core.errors import OptionError, UnknownNameError
from precordia.models.load_model import load_model
from precordia.training.fit import fit
from precordia.training.optimiser import optimiser_of
from precordia.training.schedule import lr_factor
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet
from precordia.training.weight_average import WeightAverage

torch.set_num_threads(1)


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0},
        {"epochs": 2.5},
        {"epochs": True},
        {"lr": 0},
        {"lr": math.nan},
        {"lr": "fast"},
        {"average": 1},
        {"warmup": 1.5},
        {"batch_size": 4, "accumulate": 8},
        {"loss_options": 3},
    ],
)
def test_impossible_settings_are_refused(changes):
    with pytest.raises(OptionError, match="needed|never|cannot"):  # noqa: RUF043
        TrainingSettings(**changes)


def test_unknown_settings_name_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'batch_size'"):
        TrainingSettings.from_table({"batchsize": 3})


def test_one_cycle_is_that_of_pytorch():
    parameter = nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=1.0)
    n, warmup, first, last = 50, 0.3, 1 / 25, 0.001
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=1.0, total_steps=n, pct_start=16 / 50,
        div_factor=1 / first, final_div_factor=first / last, cycle_momentum=False,
    )  # fmt: skip
    for step in range(n):
        ours = lr_factor(step, n, schedule="one-cycle", warmup=warmup, last=last)
        assert ours == pytest.approx(theirs.get_last_lr()[0], abs=1e-9), step
        optimiser.step()
        if step < n - 1:
            theirs.step()


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "constant"])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_rates_stay_between_nothing_and_the_highest(schedule, n):
    rates = [lr_factor(k, n, schedule=schedule, warmup=0.5, last=0.0) for k in range(n)]
    assert all(0 <= rate <= 1 for rate in rates)
    assert max(rates) == 1 or n == 1


def test_norms_and_biases_are_not_decayed_and_lower_layers_learn_slower():
    model = load_model("resnet1d", n_outputs=3, leads=("I",), seconds=2, fs=100, width=4)
    settings = TrainingSettings(lr=1.0, lower_lr=0.5, layer_decay=0.1, weight_decay=0.2)
    rates, decays = {}, {}
    for group in optimiser_of(model, settings).param_groups:
        for parameter in group["params"]:
            rates[id(parameter)], decays[id(parameter)] = group["lr"], group["weight_decay"]
    assert len(rates) == len(list(model.parameters()))
    assert rates[id(model.head.weight)] == 1
    layers = model.lower_layers()
    for depth, layer in enumerate(layers):
        share = 0.5 * 0.1 ** (len(layers) - 1 - depth)
        assert all(rates[id(p)] == pytest.approx(share) for p in layer)
    for name, parameter in model.named_parameters():
        bare = name.endswith("bias") or parameter.ndim == 1
        assert decays[id(parameter)] == (0 if bare else 0.2)


def test_a_frozen_encoder_leaves_the_head_to_learn():
    model = load_model("resnet1d", n_outputs=1, leads=("I",), seconds=1, fs=100, width=4)
    before = {name: p.clone() for name, p in model.named_parameters()}
    windows = np.random.default_rng(0).normal(size=(16, 1, 100)).astype(np.float32)
    train = TrainingSet(windows=windows, labels=np.arange(16)[:, None] % 2)
    fit(model, train, settings=TrainingSettings(epochs=2, lower_lr=0.0, batch_size=8))
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"head.weight", "head.bias"}


def test_the_average_is_the_sum_of_its_definition():
    model = nn.Linear(1, 1, bias=False)
    average, expected = WeightAverage(model, 0.5), model.weight.item()
    for step in range(6):
        with torch.no_grad():
            model.weight += 1
        average.update(model, step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * model.weight.item()
    assert float(average.held["weight"]) == pytest.approx(expected, rel=1e-5)
    now = model.weight.item()
    with average.inside(model):
        assert model.weight.item() == pytest.approx(expected, rel=1e-5)
    assert model.weight.item() == now


def test_a_training_that_diverges_is_a_sentence():
    windows = np.ones((16, 1, 8), np.float32) * 1e19
    train = TrainingSet(windows=windows, labels=np.arange(16)[:, None] % 2)
    model = nn.Sequential(nn.Flatten(), nn.Linear(8, 8), nn.Linear(8, 1))
    with pytest.raises(OptionError, match="diverged"):
        fit(model, train, settings=TrainingSettings(epochs=30, lr=100.0, clip=0, batch_size=8))


@pytest.mark.parametrize(
    ("theirs", "ours"), [("learning_rat", "lr"), ("num_train_epoch", "epochs"), ("epoch", "epochs")]
)
def test_what_other_programs_call_a_setting_leads_to_ours(theirs, ours):
    with pytest.raises(UnknownNameError, match=f"Did you mean '{ours}'"):
        TrainingSettings.from_table({theirs: 1})
