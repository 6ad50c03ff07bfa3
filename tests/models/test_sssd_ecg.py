# SPDX-License-Identifier: Apache-2.0
"""SSSD-ECG's network: what it is told reaches its answer, and which checkpoints are read.

That the outputs are the authors' is in ``tests/benchmarking/test_parity.py``.
"""

import inspect
import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from precordia.core.errors import OptionError, SignalError, UnknownNameError, WeightsError
from precordia.models.generators import GENERATORS, generator_card, load_generator
from precordia.models.sssd_ecg import SssdEcg, step_waves
from precordia.models.take_weights import take_weights

SMALL = {
    "n_labels": 5, "width": 4, "depth": 2, "state": 4, "label_dim": 6, "step_dim": 8,
    "step_hidden": 10, "n_samples": 60,
}  # fmt: skip
STEP = torch.tensor([3, 150])
LABELS = torch.tensor([[1.0, 0, 0, 1, 0], [0, 1, 0, 0, 0]])


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def make(seed=0, **options):
    return load_generator("sssd-ecg", seed=seed, **(SMALL | options)).eval()


def awake(network):
    """Move the last layer off its beginning, which is zero."""
    with torch.no_grad():
        network.leave[2].weight += 1
    return network


def noisy(n_samples=60):
    return torch.randn(2, 8, n_samples, generator=torch.Generator().manual_seed(4))


def authors_state(network):
    """Weights by the authors' keys: ours renamed back, with axes of one and their tables."""
    kernel = "s4_layer.kernel.kernel."
    system = {
        "system.log_step": "log_dt", "system.poles": "w", "system.entering": "B",
        "system.rank_in": "P", "system.rank_out": "Q",
    }  # fmt: skip
    names = {"enter": "init_conv.0.conv", "leave.0": "final_conv.0.conv"}
    names |= {"step.0": "residual_layer.fc_t1", "step.2": "residual_layer.fc_t2"}
    names["leave.2"] = "final_conv.2.conv"
    inside = {"step": "fc_t", "widen": "conv_layer.conv", "label": "fc_label"}
    inside |= {"onward": "res_conv", "summed": "skip_conv"}
    kinds = {"parametrizations.weight.original0": "weight_g"}
    kinds["parametrizations.weight.original1"] = "weight_v"
    ours, state = network.state_dict(), {}
    for key, value in ours.items():
        if key == "labels":
            state["embedding.weight"] = value
            continue
        place = "residual_layer.residual_blocks."
        if key.startswith("blocks."):
            _, number, part, rest = key.split(".", 3)
            if part in inside:
                state[f"{place}{number}.{inside[part]}.{kinds.get(rest, rest)}"] = value
                continue
            layer = f"{place}{number}.S4{1 if part == 'first' else 2}."
            if rest == "system.weight":
                state[f"{layer}{kernel}C"] = torch.stack([value, ours[key + "_back"]])
            elif rest in system:
                wide = rest not in ("system.log_step", "system.poles")
                state[f"{layer}{kernel}{system[rest]}"] = value[None] if wide else value
            elif rest == "system.skip":
                state[f"{layer}s4_layer.D"] = value[None]
            elif rest.startswith("gate."):
                turned = value[:, None] if rest == "gate.bias" else value
                state[f"{layer}s4_layer.{rest.replace('gate', 'output_linear')}"] = turned
            elif rest.startswith("norm."):
                state[f"{layer}{rest.replace('norm', 'norm_layer')}"] = value
            state[f"{layer}{kernel}omega"] = state[f"{layer}{kernel}z"] = torch.zeros(31, 2)
            continue
        first = next(name for name in names if key.startswith(name + "."))
        rest = key.removeprefix(first + ".")
        state[f"{names[first]}.{kinds.get(rest, rest)}"] = value
    return state


def test_a_checkpoint_is_read_to_the_last_key():
    network, other = awake(make()), make(seed=1)
    take_weights(other, authors_state(network), source="file")
    with torch.inference_mode():
        expected = network(noisy(), STEP, LABELS)
        assert torch.equal(other(noisy(), STEP, LABELS), expected)
    assert expected.abs().max() > 0.1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("embedding.weight"), r"1 missing \(labels"),
        (lambda s: s.update({"fc_n.bias": torch.zeros(1)}), r"1 extra \(fc_n.bias"),
        (lambda s: s.update({"embedding.weight": torch.zeros(9, 6)}), "labels 9x6 for 5x6"),
    ],
)
def test_other_weights_are_refused_by_their_keys(change, said):
    state = authors_state(make())
    change(state)
    with pytest.raises(WeightsError, match=said):
        take_weights(make(), state, source="file")


def test_kernels_of_another_length_are_refused_with_that_length():
    state = authors_state(make())
    with pytest.raises(WeightsError, match="n_samples=60"):
        take_weights(make(n_samples=100), state, source="file")


def test_a_network_that_learned_nothing_finds_no_noise():
    with torch.inference_mode():
        assert not make()(noisy(), STEP, LABELS).any()


def test_step_statements_and_signal_each_change_the_answer():
    network, x = awake(make()), noisy()
    with torch.inference_mode():
        plain = network(x, STEP, LABELS)
        for other in (
            network(x, STEP + 20, LABELS),
            network(x, STEP, LABELS.flip(1)),
            network(x.flip(2), STEP, LABELS),
        ):
            assert (other - plain).abs().max() > 1e-3 * plain.abs().max()
        # Records of a batch know nothing of each other.
        assert torch.allclose(network(x[1:], STEP[1:], LABELS[1:]), plain[1:], atol=1e-5)


def test_statements_are_summed():
    network, x = awake(make()), noisy()
    with torch.no_grad():
        network.labels[2] = network.labels[0] + network.labels[3]
    both, one = LABELS[:1], torch.tensor([[0.0, 0, 1, 0, 0]])
    with torch.inference_mode():
        expected = network(x[:1], STEP[:1], both)
        assert torch.allclose(network(x[:1], STEP[:1], one), expected, atol=1e-5)


def test_each_sample_sees_what_is_before_and_behind_it():
    network = awake(make())
    x = noisy()[:1].requires_grad_()
    network(x, STEP[:1], LABELS[:1])[0, 0, 30].backward()
    seen = x.grad.abs().sum(dim=(0, 1))
    assert seen[0] > 0
    assert seen[-1] > 0


def test_gradients_reach_all_but_the_last_way_on():
    network = awake(make()).train()
    network(noisy(), STEP, LABELS).square().sum().backward()
    idle = {k for k, p in network.named_parameters() if p.grad is None or not p.grad.abs().any()}
    # What the last block would hand to a next one is of no effect, as in the authors' network.
    assert {key.rsplit(".", 1)[0].split(".param")[0] for key in idle} == {"blocks.1.onward"}


def test_steps_are_sines_then_cosines():
    found = step_waves(torch.tensor([0, 7]), 6).double().numpy()
    rates = [1, 10_000**-0.5, 10_000**-1.0]
    for row, step in zip(found, (0, 7), strict=True):
        expected = [math.sin(step * r) for r in rates] + [math.cos(step * r) for r in rates]
        np.testing.assert_allclose(row, expected, atol=1e-6)


def test_other_lengths_and_leads_will_do():
    network = awake(make(leads=("I",)))
    with torch.inference_mode():
        for n_samples in (17, 60, 90):
            assert network(torch.randn(2, 1, n_samples), STEP, LABELS).shape == (2, 1, n_samples)


def test_wrong_conditions_are_refused_in_a_sentence():
    network = make()
    with pytest.raises(SignalError, match="8 are needed"):
        network(torch.randn(2, 12, 60), STEP, LABELS)
    for step, labels in ((STEP[:1], LABELS), (STEP, LABELS[:, :3]), (STEP[:, None], LABELS)):
        with pytest.raises(SignalError, match="5 labels"):
            network(noisy(), step, labels)


def test_options_and_names_are_checked_before_anything_is_made():
    for wrong, said in (
        ({"state": 3}, "even"),
        ({"step_dim": 2}, "even"),
        ({"n_samples": 61}, "even"),
        ({"depth": 0}, "depth"),
        ({"widht": 4}, "'width'"),
    ):
        with pytest.raises(OptionError, match=said):
            make(**wrong)
    with pytest.raises(UnknownNameError, match="sssd-ecg"):
        load_generator("sssd")


def test_a_seed_gives_the_same_weights_and_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    first, second, other = (make(seed=seed).state_dict() for seed in (7, 7, 8))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["labels"], other["labels"])


def test_the_card_tells_parameters_and_options_as_they_are():
    card = generator_card("sssd-ecg")
    assert list(GENERATORS) == ["sssd-ecg"]
    signature = inspect.signature(SssdEcg.__init__).parameters.values()
    assert {p.name: p.default for p in signature if p.kind is p.KEYWORD_ONLY} == card.options

    def count(depth, state):
        network = load_generator("sssd-ecg", depth=depth, state=state, n_samples=2)
        return sum(p.numel() for p in network.parameters())

    # Blocks are alike, each has as many weights more for each two states more, and the length of
    # the kernels changes no number.
    one = count(1, 2)
    block, two_states = count(2, 2) - one, count(1, 4) - one
    assert one + 35 * block + 36 * 31 * two_states == card.parameters


def test_the_table_loads_no_framework():
    code = "import sys, precordia.models.generators; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
