# SPDX-License-Identifier: Apache-2.0
"""The backbone of CE-SSL: it looks back only, its sizes, its checkpoints, windows of any length.

That the outputs are the authors' is in ``tests/benchmarking/test_parity.py``.
"""

import pytest
import torch

from precordia.core.errors import WeightsError
from precordia.models.load_model import load_model
from precordia.models.take_weights import take_weights
from precordia.nn.lora import add_lora

SMALL = {"width": 8, "depth": 2, "heads": 2, "fs": 100, "n_samples": 640}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def authors_state(n_outputs=3):
    """Weights of a small backbone by the authors' keys, with their tables."""
    random = torch.Generator().manual_seed(0)
    shapes = {}
    for block in range(3):
        n_in, key = (8 if block else 12), f"encoder_layers.{block}"
        shapes[f"{key}.conv1.conv.weight"] = (8, n_in, 1, 9)
        shapes[f"{key}.conv2.conv.weight"] = (8, 8, 1, 9)
        shapes[f"{key}.conv3.conv.weight"] = (8, n_in, 1, 1)
        shapes |= {f"{key}.conv{n}.conv.bias": (8,) for n in (1, 2, 3)}
        for norm in ("bn1", "bn2"):
            for kind in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{key}.{norm}.{kind}"] = (8,)
    for layer in range(2):
        key = f"transformer_layers.{layer}"
        shapes[f"{key}.self_attention.bias"] = (1, 1, 96, 96)
        shapes[f"{key}.self_attention.c_attn.weight"] = (8, 24)
        shapes[f"{key}.self_attention.c_attn.bias"] = (24,)
        shapes[f"{key}.self_attention.c_proj.weight"] = (8, 8)
        shapes[f"{key}.self_attention.c_proj.bias"] = (8,)
        for norm in ("norm1", "norm2"):
            shapes |= {f"{key}.{norm}.{kind}": (8,) for kind in ("weight", "bias")}
        shapes |= {f"{key}.fc1.weight": (32, 8), f"{key}.fc1.bias": (32,)}
        shapes |= {f"{key}.fc2.weight": (8, 32), f"{key}.fc2.bias": (8,)}
    shapes["position_encoding.positional_encoding"] = (200, 8)
    for number, n_out in ((0, 8), (1, n_outputs)):
        shapes[f"classifier.{number}.weight"] = (n_out, 8)
        shapes[f"classifier.{number}.bias"] = (n_out,)
    return {key: torch.rand(shape, generator=random) + 0.1 for key, shape in shapes.items()}


def test_maps_of_attention_are_turned_and_images_become_signals():
    model, state = load_model("ce-ssl", n_outputs=3, **SMALL), authors_state()
    take_weights(model, state, source="file")
    turned = state["transformer_layers.1.self_attention.c_proj.weight"].T
    assert torch.equal(model.blocks[1].attention.out.weight, turned)
    image = state["encoder_layers.0.conv1.conv.weight"]
    assert torch.equal(model.convolutions[0].path[0].weight, image[:, :, 0])
    assert torch.equal(model.neck.weight, state["classifier.0.weight"])
    assert torch.equal(model.head.bias, state["classifier.1.bias"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("classifier.0.bias"), r"1 missing \(neck.bias"),
        (
            lambda s: s.update({"transformer_layers.0.fc1.lora_A": torch.zeros(4, 8)}),
            r"1 extra \(transformer_layers.0.fc1.lora_A",
        ),
        (
            lambda s: s.update({"encoder_layers.0.conv1.conv.weight": torch.zeros(8, 8, 1, 9)}),
            "path.0.weight 8x8x9 for 8x12x9",
        ),
    ],
)
def test_other_weights_are_refused_by_their_keys(change, said):
    state = authors_state()
    change(state)
    with pytest.raises(WeightsError, match=said):
        take_weights(load_model("ce-ssl", n_outputs=3, **SMALL), state, source="file")


def test_a_token_does_not_hear_of_what_comes_later():
    model, x = load_model("ce-ssl", n_outputs=0, **SMALL).eval(), torch.randn(1, 12, 1920)
    later = x.clone()
    later[..., 1000:] += 1
    with torch.inference_mode():
        one, other = model.tokens(x), model.tokens(later)
    # The convolutions see 420 samples ahead (4 and 4 of each block, 1, 4, 16, 64 apart): token 9
    # is at 576 and sees up to 996. Attention sees nothing ahead.
    assert torch.allclose(one[:, :10], other[:, :10], atol=1e-6)
    assert not torch.allclose(one[:, 16], other[:, 16], atol=1e-3)


@pytest.mark.parametrize(
    ("n_samples", "n_tokens"), [(1, 1), (63, 1), (64, 1), (65, 2), (1000, 16), (6400, 100)]
)
def test_windows_of_any_length_will_do(n_samples, n_tokens):
    model = load_model("ce-ssl", n_outputs=0, **SMALL).eval()
    with torch.inference_mode():
        tokens = model.tokens(torch.randn(1, 12, n_samples))
    assert tokens.shape == (1, n_tokens, 8)
    assert tokens.isfinite().all()


def test_the_sizes_of_the_authors():
    def count(**size):
        model = load_model("ce-ssl", n_outputs=25, **size)
        return sum(p.numel() for p in model.parameters())

    assert count() == 9_506_585
    one, two = (count(width=512, depth=depth) for depth in (1, 2))
    # One block at 512: four maps of attention and two of eight times the width.
    assert two - one == 12 * 512**2 + 13 * 512


def test_low_rank_changes_can_be_put_on_it():
    model = load_model("ce-ssl", n_outputs=2, **SMALL)
    before = model.eval()(torch.ones(1, 12, 640))
    assert add_lora(model, rank=2)
    assert torch.allclose(model.eval()(torch.ones(1, 12, 640)), before, atol=1e-5)
