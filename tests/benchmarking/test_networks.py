# SPDX-License-Identifier: Apache-2.0
"""Networks under test: how they are found, and what a finished graph can be asked."""

import numpy as np
import pytest

from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.networks import embed_windows, find_network, learn_network
from precordia.benchmarking.withheld import Part
from precordia.core.errors import OptionError, UnknownNameError
from precordia.embedding.embed import embed
from precordia.generation.simulate import simulate


@pytest.fixture(scope="module")
def part():
    records = [simulate(noise="muscle", snr_db=20, seed=k) for k in range(3)]
    return Part(
        Cohort(
            database="made-up", task="rhythm", classes=("AFIB",), names=("a", "b", "c"),
            patients=("a", "b", "c"), targets=np.array([[0.0], [1.0], [0.0]]),
            read=records.__getitem__,
        )
    )  # fmt: skip


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
