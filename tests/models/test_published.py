# SPDX-License-Identifier: Apache-2.0
"""Models agree with what their authors' code gives (../shared/parity; skipped where absent)."""

import importlib.util
from pathlib import Path

import pytest
import torch

from precordia.models.load_model import load_model

_place = Path(__file__).with_name("parity.py")
_spec = importlib.util.spec_from_file_location("parity", _place)
parity = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(parity)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def _filled(fixture, name, **arguments):
    model = load_model(name, **arguments).eval()
    model.load_state_dict(model.rename_weights(fixture.weights()), strict=True)
    return model


def test_the_rule_of_weights_gives_its_published_values():
    assert parity.pseudo_random("a", 2, 7).tolist() == [0.8203956284560263, -0.7433270551264286]


@pytest.mark.parametrize(("name", "n_leads", "n_outputs"), [("12lead", 12, 150), ("1lead", 1, 1)])
def test_net1d_is_ecgfounder(name, n_leads, n_outputs):
    fixture = parity.Fixture(f"ecgfounder_{name}")
    model = _filled(
        fixture, "net1d", n_outputs=n_outputs, n_leads=n_leads, seconds=10, fs=500, norm=False
    )
    with torch.inference_mode():
        x = fixture.window()
        parity.assert_agrees(model(x).numpy(), fixture.output("logits"))
        parity.assert_agrees(model.encode(x).numpy(), fixture.output("features"))


@pytest.mark.parametrize("size", ["small", "medium"])
def test_net1d_is_clef(size):
    fixture = parity.Fixture(f"clef_{size}")
    model = _filled(
        fixture, "net1d", n_outputs=0, n_leads=1, seconds=10, fs=500, norm=False, size=size
    )
    with torch.inference_mode():
        parity.assert_agrees(model(fixture.window()).numpy(), fixture.output("features"))


def test_xresnet1d101_is_the_benchmarks():
    fixture = parity.Fixture("helme_xresnet1d101")
    model = _filled(fixture, "xresnet1d101", n_outputs=71)
    assert sum(p.numel() for p in model.parameters()) == fixture.facts["n_parameters"]
    with torch.inference_mode():
        x = fixture.window()
        parity.assert_agrees(model(x).numpy(), fixture.output("logits"))
        features = model.tokens(x).transpose(1, 2).numpy()
        parity.assert_agrees(features, fixture.output("features"))
