# SPDX-License-Identifier: Apache-2.0
"""Low-rank changes: nothing at first, exact when merged, and only they are trained."""

import copy

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from precordia.nn.lora import (
    add_lora,
    load_lora_state,
    lora_layers,
    lora_state,
    merge_lora,
    n_trained,
    unmerge_lora,
    without_lora,
)
from precordia.nn.lora_ranks import allocate_ranks, layer_importance


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def _model(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(3, 6, 5, padding=2),
        nn.BatchNorm1d(6),
        nn.ReLU(),
        nn.Conv1d(6, 6, 3, groups=2),
        nn.Flatten(),
        nn.Linear(6 * 18, 8),
        nn.ReLU(),
        nn.Linear(8, 2),
    )


X = torch.linspace(-1, 1, 4 * 3 * 20).reshape(4, 3, 20).sin()


def _train(model, steps=5):
    torch.manual_seed(1)
    model.train()
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.5)
    for _ in range(steps):
        optimiser.zero_grad()
        (model(X) - 1).square().mean().backward()
        optimiser.step()
    return model.eval()


def test_nothing_changes_at_first():
    model = _model().eval()
    before = model(X)
    add_lora(model, rank=4)
    assert torch.equal(model(X), before)


def test_merged_is_unmerged():
    model = _model()
    add_lora(model, rank=3, deactivation=0.2)
    _train(model)
    changed = model(X)
    with without_lora(model):
        plain = model(X)
    assert (changed - plain).abs().max() > 1e-2
    merge_lora(model)
    assert not list(lora_layers(model))
    torch.testing.assert_close(model(X), changed, rtol=1e-6, atol=1e-6)
    assert list(model.state_dict()) == list(_model().state_dict())


def test_unmerging_gives_the_first_weights_to_the_bit():
    model = _model()
    before = copy.deepcopy({k: v for k, v in model.state_dict().items() if "weight" in k})
    add_lora(model, rank=3, only=lambda name: name != "7")
    _train(model)
    unmerge_lora(model, merge_lora(model))
    for name, weight in before.items():
        assert torch.equal(model.state_dict()[name], weight), name


def test_only_changes_are_trained():
    model = _model()
    frozen = {name: p.detach().clone() for name, p in model.named_parameters()}
    add_lora(model, rank=2, also_train=lambda name: name.startswith("7."))
    _train(model)
    merged = merge_lora(model)
    for name, parameter in model.named_parameters():
        layer, _, kind = name.rpartition(".")
        if layer in merged and kind == "weight":
            assert torch.equal(merged[layer], frozen[name])
            assert not torch.equal(parameter, frozen[name])
        elif layer == "7":
            assert not torch.equal(parameter, frozen[name])
        else:
            assert torch.equal(parameter, frozen[name]), name


def test_trained_weights_are_counted_by_hand():
    model = _model()
    add_lora(model, rank=2, also_train=lambda name: name.startswith("7."))
    of_convolutions = 2 * (6 + 3 * 5) + 2 * (6 + 3 * 3)
    of_linear = 2 * (8 + 108)
    assert n_trained(model) == of_convolutions + of_linear + (8 * 2 + 2)


def test_the_change_is_scale_times_up_times_down():
    model = nn.Sequential(nn.Linear(5, 4, bias=False))
    add_lora(model, rank=2, alpha=6)
    _, layer, change = next(lora_layers(model))
    with torch.no_grad():
        change.up.copy_(torch.randn(4, 2))
    weight = layer.parametrizations.weight.original
    x = torch.randn(7, 5)
    wanted = x @ weight.T + 3.0 * (x @ change.down.T) @ change.up.T
    torch.testing.assert_close(model(x), wanted)


def test_a_grouped_convolution_agrees_with_the_same_kernel():
    model = nn.Sequential(nn.Conv1d(4, 6, 3, groups=2))
    add_lora(model, rank=2)
    _, layer, change = next(lora_layers(model))
    with torch.no_grad():
        change.up.copy_(torch.randn(6, 2))
    kernel = layer.parametrizations.weight.original + (change.up @ change.down).reshape(6, 2, 3)
    x = torch.randn(2, 4, 9)
    torch.testing.assert_close(model(x), nn.functional.conv1d(x, kernel, layer.bias, groups=2))


def test_deactivation_drops_each_layer_with_its_chance_and_scales_in_use():
    model = nn.Sequential(nn.Linear(3, 3, bias=False))
    add_lora(model, rank=1, deactivation=0.25)
    _, layer, change = next(lora_layers(model))
    with torch.no_grad():
        change.up.fill_(1.0)
    weight = layer.parametrizations.weight.original
    torch.manual_seed(0)
    model.train()
    dropped = [torch.equal(layer.weight, weight) for _ in range(800)]
    assert 0.2 < sum(dropped) / 800 < 0.3
    model.eval()
    full = change.up @ change.down
    torch.testing.assert_close(layer.weight, weight + 0.75 * full)


def test_changes_go_through_a_small_file(tmp_path):
    model = _model()
    add_lora(model, rank=2)
    _train(model)
    save_file(lora_state(model), tmp_path / "changes.safetensors")
    other = _model()
    other.load_state_dict(copy.deepcopy(_plain_state(model)), strict=True)
    add_lora(other, rank=2, seed=99)
    load_lora_state(other, load_file(tmp_path / "changes.safetensors"))
    torch.testing.assert_close(other.eval()(X), model(X), rtol=0, atol=0)


def _plain_state(model):
    """Give the state as the model had it before changes were added."""
    return {
        name.replace("parametrizations.weight.original", "weight"): tensor
        for name, tensor in model.state_dict().items()
        if not name.endswith((".up", ".down"))
    }


def test_a_changed_model_can_be_copied():
    model = _model()
    add_lora(model, rank=2)
    twin = copy.deepcopy(model)
    _train(twin)
    with without_lora(twin):
        torch.testing.assert_close(twin[5](torch.ones(1, 108)), model[5](torch.ones(1, 108)))
    assert not torch.equal(twin(X), model.eval()(X))


def test_importance_is_that_of_the_gradient_of_the_weight():
    """At B = 0 the gradient of B is that of W times A transposed: computed without any change."""
    plain = _model().eval()
    changed = copy.deepcopy(plain)
    add_lora(changed, rank=2)
    batches = [X, 2 * X]

    def loss(model, batch):
        return (model(batch) - 1).square().mean()

    found = layer_importance(changed, batches, loss)
    for name, _, change in lora_layers(changed):
        weight = plain.get_parameter(f"{name}.weight")
        held = weight.detach().flatten(1)
        wanted = 0.0
        for batch in batches:
            gradient = torch.autograd.grad(loss(plain, batch), weight)[0].flatten(1)
            projected = gradient @ change.down.T @ change.down
            wanted += float(((held * projected.detach()) ** 2).mean()) / 2
        assert found[name] == pytest.approx(wanted, rel=1e-4)


def test_measuring_importance_changes_nothing():
    model = _model()
    add_lora(model, rank=2)
    before = copy.deepcopy(model.state_dict())
    layer_importance(model.train(), [X], lambda m, x: m(x).sum())
    assert model.training
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_one_layer_in_ten_gets_the_higher_rank():
    importance = {str(k): float(k) for k in range(35)}
    ranks = allocate_ranks(importance)
    assert sorted(name for name, rank in ranks.items() if rank == 16) == ["31", "32", "33", "34"]
    model = _model()
    add_lora(model, rank={"0": 4, "5": 1})
    assert {name: change.rank for name, _, change in lora_layers(model)} == {"0": 4, "5": 1}


def test_it_learns_as_well_as_the_whole_layer_when_the_rank_is_full():
    """A full-rank change of a linear layer reaches any other linear layer."""
    torch.manual_seed(0)
    goal = nn.Linear(4, 3, bias=False)
    model = nn.Sequential(nn.Linear(4, 3, bias=False))
    add_lora(model, rank=3)
    x = torch.randn(64, 4)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 0.03)
    for _ in range(800):
        optimiser.zero_grad()
        (model(x) - goal(x).detach()).square().mean().backward()
        optimiser.step()
    merge_lora(model)
    torch.testing.assert_close(model[0].weight, goal.weight, atol=2e-2, rtol=0)


def test_mistakes_are_refused_in_sentences():
    model = _model()
    with pytest.raises(ValueError, match="no layer is to be changed"):
        add_lora(model, only=lambda name: False)
    with pytest.raises(ValueError, match="below 1"):
        add_lora(model, deactivation=1.0)
    with pytest.raises(ValueError, match="at least 1"):
        add_lora(_model(), rank=0)
    add_lora(model, rank=2)
    with pytest.raises(ValueError, match="already"):
        add_lora(model)
    other = _model()
    add_lora(other, rank=3)
    with pytest.raises(ValueError, match="same rank"):
        load_lora_state(other, lora_state(model))
    with pytest.raises(ValueError, match="one of the two only"):
        load_lora_state(other, {})
    with pytest.raises(ValueError, match="no low-rank changes"):
        layer_importance(_model(), [X], lambda m, x: m(x).sum())
    with pytest.raises(ValueError, match="no batch"):
        layer_importance(model, [], lambda m, x: m(x).sum())
