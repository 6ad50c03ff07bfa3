# SPDX-License-Identifier: Apache-2.0
"""The EfficientNet of SleepFM: its checkpoint from file to model, unit embeddings, any length.

That the outputs are the authors' is in ``tests/benchmarking/test_parity.py``.
"""

import pytest
import torch

from precordia.core.errors import OptionError, WeightsError
from precordia.models.convert import convert_weights
from precordia.models.load_model import load_model
from precordia.models.take_weights import take_weights

SMALL = {"width": 4, "dim": 8, "expansion": 2, "fs": 100, "seconds": 3, "leads": ("II",)}
CHANNELS = (4, 2, 3, 5, 10, 14, 24, 40, 160)
BLOCKS = (1, 2, 2, 3, 3, 3, 3)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def authors_state(before=""):
    """Weights of a small network by the authors' keys; a stage's last block skips a number."""
    random = torch.Generator().manual_seed(0)
    state = {}

    def layer(key, *shape):
        state[f"{before}{key}.weight"] = torch.randn(shape, generator=random)
        state[f"{before}{key}.bias"] = torch.randn(shape[:1], generator=random)

    def norm(key, n):
        layer(key, n)
        state[f"{before}{key}.running_mean"] = torch.randn(n, generator=random)
        state[f"{before}{key}.running_var"] = 1 + torch.rand(n, generator=random)
        state[f"{before}{key}.num_batches_tracked"] = torch.tensor(3)

    layer("stage1", 4, 1, 3)
    norm("b0", 4)
    for stage, n_blocks in enumerate(BLOCKS):
        n_in, n_out = CHANNELS[stage : stage + 2]
        for block in (*range(n_blocks - 1), n_blocks + 1):
            key, last = f"stage{stage + 2}.stack.s{block}", block > n_blocks
            layer(f"{key}.conv1", 2 * n_in, n_in, 1)
            layer(f"{key}.conv2", 2 * n_in, 1, 3)
            layer(f"{key}.conv3", n_out if last else n_in, 2 * n_in, 1)
            norm(f"{key}.b0", 2 * n_in)
            norm(f"{key}.b1", 2 * n_in)
        norm(f"stage{stage + 2}.bn", n_out)
    layer("stage9", 160, 40, 1)
    layer("fc", 8, 160)
    return state


def test_of_sleepfms_file_the_network_of_the_ecg_is_taken(tmp_path):
    whole = {
        "epoch": 3,
        "temperature": torch.tensor(0.1),
        "respiratory_state_dict": {"module.fc.bias": torch.zeros(8)},
        "ekg_state_dict": authors_state("module."),
        "optim_dict": {"state": {}},
    }
    torch.save(whole, tmp_path / "best.pt")
    made = convert_weights(tmp_path / "best.pt", model="effnet1d", to=tmp_path / "m", **SMALL)
    state = authors_state()
    assert made.n_outputs == 0
    assert torch.equal(made.project.weight, state["fc.weight"])
    assert torch.equal(made.blocks[4][2].path[6].weight, state["stage6.stack.s4.conv3.weight"])
    assert torch.equal(made.blocks[0][1].running_var, state["stage2.bn.running_var"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("stage3.stack.s3.conv2.bias"), r"1 missing \(blocks.1.1.path.3.bias"),
        (lambda s: s.update({"stage10.bias": torch.zeros(1)}), r"1 extra \(stage10.bias"),
        (lambda s: s.update({"fc.weight": torch.zeros(1, 160)}), "project.weight 1x160 for 8x160"),
    ],
)
def test_other_weights_are_refused_by_their_keys(change, said):
    state = authors_state()
    change(state)
    with pytest.raises(WeightsError, match=said):
        take_weights(load_model("effnet1d", n_outputs=0, **SMALL), state, source="file")


def test_embeddings_have_length_one_where_that_is_asked_for():
    unit = load_model("effnet1d", n_outputs=0, normalise=True, **SMALL).eval()
    plain = load_model("effnet1d", n_outputs=0, **SMALL).eval()
    x = torch.randn(3, 1, 300)
    with torch.inference_mode():
        found, whole = unit.encode(x), plain.encode(x)
    assert torch.allclose(found.norm(dim=1), torch.ones(3), atol=1e-6)
    assert torch.allclose(found, whole / whole.norm(dim=1, keepdim=True), atol=1e-6)


@pytest.mark.parametrize(("n_samples", "n_tokens"), [(1, 1), (256, 1), (257, 2), (7680, 30)])
def test_there_is_a_token_for_every_256_samples(n_samples, n_tokens):
    model = load_model("effnet1d", n_outputs=0, **SMALL).eval()
    with torch.inference_mode():
        assert model.tokens(torch.randn(2, 1, n_samples)).shape == (2, n_tokens, 160)


def test_signals_pass_through_a_network_that_has_learned_nothing():
    model = load_model("effnet1d", n_outputs=0, fs=256, seconds=10).eval()
    x = torch.randn(2, 12, 2560, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        one, other = model.encode(x)
    assert (one - other).norm() > 0.01 * one.norm()


def test_a_width_that_leaves_half_channels_is_refused():
    with pytest.raises(OptionError, match="multiple of 4"):
        load_model("effnet1d", n_outputs=0, width=6)
