# SPDX-License-Identifier: Apache-2.0
"""Networks under test: how they are found, and what a finished graph can be asked."""

import numpy as np
import pytest

from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.networks import find_network, learn_network
from precordia.benchmarking.part_embeddings import embed_windows
from precordia.benchmarking.withheld import Part
from precordia.core.errors import OptionError, UnknownNameError
from precordia.embedding.embed import embed
from precordia.generation.simulate import simulate
from precordia.training.settings import TrainingSettings


def made_up(names):
    records = [simulate(noise="muscle", snr_db=20, seed=ord(name)) for name in names]
    return Part(
        Cohort(
            database="made-up", task="rhythm", classes=("AFIB",), names=tuple(names),
            patients=tuple(names), targets=np.array([[0.0], [1.0], [0.0]]),
            read=records.__getitem__,
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def part():
    return made_up("abc")


def test_a_model_that_ships_is_found_with_what_it_was_trained_on():
    network = find_network("precordia-12lead")
    assert network.pretrained
    assert network.training_data == ("ptbxl",)
    assert network.weights_hash
    control = network.untrained()
    assert not control.pretrained
    assert control.load(0, seed=0).dim > 0


def test_its_embeddings_are_those_of_embed(part):
    network = find_network("precordia-12lead")
    found = embed_windows(network.load(0, seed=0), part, network.spec)
    for k in range(3):
        assert found[k] == pytest.approx(
            embed(part.record(k), model="precordia-12lead").vector, abs=1e-4
        )


@pytest.mark.parametrize("mode", ["attention", "finetune"])
def test_a_finished_graph_cannot_be_trained(part, mode):
    network = find_network("precordia-12lead")
    with pytest.raises(OptionError, match="finished graph"):
        learn_network(network, mode, part, np.arange(3), part, seed=0)


def test_a_name_with_a_mistake_gets_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'precordia-12lead'"):
        find_network("precordia-12-lead")


@pytest.mark.parametrize("size", [1e-3, 1e3])
def test_an_attention_head_does_not_care_how_large_tokens_are(part, size, monkeypatch):
    network, rows = find_network("vit1d", width=16, depth=1, heads=2), np.arange(3)
    settings, valid = TrainingSettings(epochs=2, workers=0), made_up("def")
    plain = learn_network(network, "attention", part, rows, valid, seed=0, settings=settings)
    load = type(network).load

    def louder(self, n_outputs, *, seed):
        encoder = load(self, n_outputs, seed=seed)
        quiet = encoder.features
        monkeypatch.setattr(encoder, "features", lambda *given: quiet(*given) * size)
        return encoder

    monkeypatch.setattr(type(network), "load", louder)
    other = learn_network(network, "attention", part, rows, valid, seed=0, settings=settings)
    assert other.answer(part) == pytest.approx(plain.answer(part), abs=1e-3)
