# SPDX-License-Identifier: Apache-2.0
"""TS2Vec's network as COMET has it: what a token sees, and which checkpoints are read.

That the outputs are the authors' is in ``tests/benchmarking/test_parity.py``.
"""

import pytest
import torch

from precordia.core.errors import OptionError, WeightsError
from precordia.models.load_model import load_model
from precordia.models.take_weights import take_weights

SMALL = {"width": 4, "dim": 6, "depth": 3, "fs": 100, "seconds": 2}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def authors_state(before="", seed=0):
    """Weights of a small encoder by the authors' keys."""
    random = torch.Generator().manual_seed(seed)
    shapes = {"input_fc.weight": (4, 12), "input_fc.bias": (4,)}
    for block in range(4):
        out = 6 if block == 3 else 4
        for name, n_in in (("conv1", 4), ("conv2", out)):
            shapes[f"feature_extractor.net.{block}.{name}.conv.weight"] = (out, n_in, 3)
            shapes[f"feature_extractor.net.{block}.{name}.conv.bias"] = (out,)
    shapes["feature_extractor.net.3.projector.weight"] = (6, 4, 1)
    shapes["feature_extractor.net.3.projector.bias"] = (6,)
    return {before + k: torch.randn(shape, generator=random) for k, shape in shapes.items()}


@pytest.mark.parametrize("before", ["", "module.", "module.module."])
def test_an_average_of_weights_is_read_with_and_without_its_wrappings(before):
    model = load_model("ts2vec", n_outputs=0, **SMALL)
    state = authors_state(before) | {"n_averaged": torch.tensor(7)}
    take_weights(model, state, source="file")
    assert torch.equal(model.stem.weight, state[before + "input_fc.weight"])
    last = state[before + "feature_extractor.net.3.conv2.conv.weight"]
    assert torch.equal(model.blocks[3].path[1].weight, last)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("input_fc.bias"), r"1 missing \(stem.bias"),
        (lambda s: s.update({"proj_head.weight": torch.zeros(1)}), r"1 extra \(proj_head.weight"),
        (lambda s: s.update({"input_fc.weight": torch.zeros(4, 15)}), "stem.weight 4x15 for 4x12"),
    ],
)
def test_other_weights_are_refused_by_their_keys(change, said):
    state = authors_state()
    change(state)
    with pytest.raises(WeightsError, match=said):
        take_weights(load_model("ts2vec", n_outputs=0, **SMALL), state, source="file")


def test_a_token_sees_as_many_samples_as_the_model_says():
    model = load_model("ts2vec", n_outputs=0, **SMALL).eval()
    x = torch.randn(1, 12, 200, requires_grad=True)
    model.tokens(x)[0, 100].sum().backward()
    seen = x.grad.abs().sum(dim=(0, 1)).nonzero().flatten()
    assert model.receptive_field() == 61
    assert (int(seen[0]), int(seen[-1])) == (70, 130)


def test_the_embedding_is_the_largest_value_over_time():
    model, x = load_model("ts2vec", n_outputs=0, **SMALL).eval(), torch.randn(2, 12, 150)
    with torch.inference_mode():
        assert torch.equal(model.encode(x), model.tokens(x).max(dim=1).values)


def test_impossible_options_are_refused():
    with pytest.raises(OptionError, match="depth"):
        load_model("ts2vec", n_outputs=0, depth=0)
