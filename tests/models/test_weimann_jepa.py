# SPDX-License-Identifier: Apache-2.0
"""ECG-JEPA of Weimann and Conrad: what a checkpoint holds, which of it is taken, and crops.

That the outputs are the authors' is in ``tests/benchmarking/test_parity.py``.
"""

import pytest
import torch

from precordia.core.errors import OptionError, WeightsError
from precordia.models.load_model import load_model
from precordia.models.take_weights import take_weights

SMALL = {"width": 16, "depth": 2, "heads": 2, "fs": 100, "seconds": 10}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def authors_state(seed=0, classes=0):
    """Weights of a small encoder by the authors' keys."""
    random = torch.Generator().manual_seed(seed)
    shapes = {
        "registers": (1, 1, 16),
        "patch_embed.proj.weight": (16, 12, 25),
        "norm.weight": (16,),
    }
    for k in range(2):
        for name, shape in {
            "norm1": (16,),
            "attn.qkv": (48, 16),
            "attn.proj": (16, 16),
            "norm2": (16,),
            "mlp.fc1": (64, 16),
            "mlp.fc2": (16, 64),
        }.items():
            shapes[f"blocks.{k}.{name}.weight"] = shape
    state = {f"encoder.{key}": shape for key, shape in shapes.items()}
    if classes:
        state |= {
            "attn_pool.query_token": (1, 1, 16),
            "attn_pool.cross_attention_block.q.weight": (16, 16),
            "attn_pool.cross_attention_block.kv.weight": (32, 16),
            "attn_pool.cross_attention_block.proj.weight": (classes, 16),
        }
    return {key: torch.randn(shape, generator=random) for key, shape in state.items()}


def test_of_a_checkpoint_of_pretraining_the_averaged_encoder_is_taken():
    online, averaged = authors_state(1), authors_state(2)
    whole = {
        **online,
        **{f"target_{key}": value for key, value in averaged.items()},
        "predictor.mask_token": torch.zeros(1, 1, 8),
        "predictor.blocks.0.attn.qkv.weight": torch.zeros(24, 8),
    }
    model, alone = (load_model("weimann-jepa", n_outputs=0, **SMALL) for _ in range(2))
    take_weights(model, whole, source="file")
    take_weights(alone, averaged, source="file")
    for key, value in alone.state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key
    assert torch.equal(model.registers, averaged["encoder.registers"])


def test_a_classifier_has_its_map_to_scores_as_head_without_offset():
    model = load_model("weimann-jepa", n_outputs=4, pooling="attention", **SMALL).eval()
    state = authors_state(classes=4)
    take_weights(model, state, source="file")
    assert torch.equal(model.head.weight, state["attn_pool.cross_attention_block.proj.weight"])
    assert not model.head.bias.any()
    with torch.inference_mode():
        assert model(torch.randn(2, 12, 1000)).shape == (2, 4)


def test_a_head_on_the_register_is_not_put_on_the_mean():
    state = {**authors_state(), "fc.weight": torch.randn(3, 16)}
    with pytest.raises(WeightsError, match="pooling='register'"):
        take_weights(load_model("weimann-jepa", n_outputs=3, **SMALL), state, source="file")
    model = load_model("weimann-jepa", n_outputs=3, pooling="register", **SMALL)
    take_weights(model, state, source="file")
    assert torch.equal(model.head.weight, state["fc.weight"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("encoder.norm.weight"), "1 missing .norm.weight"),
        (lambda state: state.update({"encoder.other": torch.zeros(1)}), "1 extra .other"),
        (
            lambda state: state.update({"encoder.registers": torch.zeros(1, 2, 16)}),
            "1 misshapen .registers 1x2x16 for 1x1x16",
        ),
        (lambda state: state.update(authors_state(classes=3)), "4 extra .query.query"),
    ],
)
def test_other_weights_are_refused_by_their_keys(change, said):
    state = authors_state()
    change(state)
    with pytest.raises(WeightsError, match=said):
        take_weights(load_model("weimann-jepa", n_outputs=0, **SMALL), state, source="file")


def test_the_sizes_of_the_paper():
    def count(**size):
        model = load_model("weimann-jepa", n_outputs=0, **size)
        return sum(p.numel() for p in model.parameters())

    one, two = (count(width=768, heads=12, depth=depth) for depth in (1, 2))
    counts = [count(), count(width=384, heads=6), one + 11 * (two - one)]
    assert [round(n / 1e6, 1) for n in counts] == [3.6, 14.3, 85.2]


def test_a_crop_is_embedded_as_a_window_of_its_own():
    model = load_model("weimann-jepa", n_outputs=0, **SMALL).eval()
    short = load_model("weimann-jepa", n_outputs=0, **{**SMALL, "seconds": 2.5}).eval()
    short.load_state_dict(model.state_dict())
    x = torch.randn(2, 12, 250)
    with torch.inference_mode():
        assert torch.equal(model.tokens(x), short.tokens(x))
        assert model.tokens(x).shape == (2, 11, 16)


@pytest.mark.parametrize("pooling", ["mean", "register", "attention"])
def test_the_embedding_is_what_the_pooling_says(pooling):
    model = load_model("weimann-jepa", n_outputs=0, pooling=pooling, **SMALL).eval()
    x = torch.randn(2, 12, 1000)
    with torch.inference_mode():
        tokens, embedding = model.tokens(x), model.encode(x)
        expected = {
            "mean": lambda: tokens[:, 1:].mean(dim=1),
            "register": lambda: tokens[:, 0],
            "attention": lambda: model.query(tokens),
        }[pooling]()
    assert torch.equal(embedding, expected)


def test_impossible_options_are_refused():
    with pytest.raises(OptionError, match="mean, register, attention"):
        load_model("weimann-jepa", n_outputs=0, pooling="maximum")
    with pytest.raises(OptionError, match="registers"):
        load_model("weimann-jepa", n_outputs=0, registers=0)
