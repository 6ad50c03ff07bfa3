# SPDX-License-Identifier: Apache-2.0
"""ECG-JEPA of Kim: who looks at whom, places of leads, and weights by the authors' keys.

That the outputs are the authors' is in ``tests/benchmarking/test_parity.py``.
"""

import pytest
import torch

from precordia.core.errors import OptionError, WeightsError
from precordia.models.kim_jepa import cross_pattern
from precordia.models.load_model import load_model
from precordia.models.take_weights import take_weights

SMALL = {"width": 16, "depth": 1, "heads": 2, "fs": 250, "seconds": 2}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def test_a_token_looks_along_its_lead_and_across_its_moment():
    seen = cross_pattern(3, 4)
    for a in range(12):
        for b in range(12):
            assert bool(seen[a, b]) == (a // 4 == b // 4 or a % 4 == b % 4)
    assert int(seen.sum(1).unique()) == 4 + 3 - 1


def test_one_block_carries_a_change_along_and_across_only():
    model = load_model("kim-jepa", n_outputs=0, n_leads=8, **SMALL).eval()
    x = torch.randn(1, 8, 500)
    other = x.clone()
    other[0, 2, 150:200] += 1.0  # V1, fourth patch
    with torch.inference_mode():
        moved = (model.tokens(x) - model.tokens(other)).abs().amax(dim=2).reshape(8, 10) > 1e-7
    expected = torch.zeros(8, 10, dtype=torch.bool)
    expected[2], expected[:, 3] = True, True
    assert torch.equal(moved, expected)


def test_some_leads_are_all_leads_of_which_some_are_there():
    whole = load_model("kim-jepa", n_outputs=0, n_leads=8, **{**SMALL, "depth": 3}).eval()
    part = load_model("kim-jepa", n_outputs=0, leads=("II", "V3"), **{**SMALL, "depth": 3}).eval()
    part.load_state_dict(whole.state_dict())
    x, present = torch.randn(2, 8, 500), torch.zeros(2, 8)
    present[:, [1, 4]] = 1
    with torch.inference_mode():
        given = part.encode(x[:, [1, 4]])
        assert torch.allclose(whole.encode(x, present), given, atol=1e-6)
        tokens = whole.tokens(x, present).reshape(2, 8, 10, 16)
    assert not tokens[:, [0, 2, 3, 5, 6, 7]].any()


def test_the_authors_leads_keep_their_places_among_further_ones():
    eight = load_model("kim-jepa", n_outputs=0, n_leads=8, **SMALL)
    twelve = load_model("kim-jepa", n_outputs=0, **SMALL)
    assert torch.equal(eight.places, twelve.places[[0, 1, 6, 7, 8, 9, 10, 11]])
    assert len(twelve.places.flatten(1).unique(dim=0)) == 12


#: shapes by the authors' keys, of a small model
OUTSIDE = "W_P.weight 16 50, W_P.bias 16, norm.weight 16, norm.bias 16"
BLOCK = """
    norm1.weight 16, norm1.bias 16, attn.qkv.weight 48 16, attn.proj.weight 16 16,
    attn.proj.bias 16, norm2.weight 16, norm2.bias 16, mlp.fc1.weight 64 16, mlp.fc1.bias 64,
    mlp.fc2.weight 16 64, mlp.fc2.bias 16
"""


def shapes_of(text):
    entries = (entry.split() for entry in text.split(","))
    return {key: tuple(map(int, shape)) for key, *shape in entries}


def authors_state():
    shapes = shapes_of(OUTSIDE)
    shapes |= {f"encoder_blocks.blocks.0.{key}": s for key, s in shapes_of(BLOCK).items()}
    state = {key: torch.randn(shape) for key, shape in shapes.items()}
    model = load_model("kim-jepa", n_outputs=0, n_leads=8, **SMALL)
    return model, {**state, **model.published_constants()}


def test_the_authors_keys_are_all_accounted_for():
    model, state = authors_state()
    take_weights(model, state, source="file")
    assert torch.equal(model.patches.project.weight, state["W_P.weight"])
    del state["encoder_blocks.blocks.0.attn.proj.bias"]
    with pytest.raises(WeightsError, match=r"1 missing \(blocks.0.attention.out.bias\)"):
        take_weights(model, state, source="file")


def test_another_table_of_positions_is_refused():
    model, state = authors_state()
    state["pos_embed"] = state["pos_embed"] + 0.01
    with pytest.raises(WeightsError, match="pos_embed"):
        take_weights(model, state, source="file")
    state["pos_embed"] = state["pos_embed"][:200]
    with pytest.raises(WeightsError, match="pos_embed"):
        take_weights(model, state, source="file")


def test_a_width_without_quarters_is_refused():
    with pytest.raises(OptionError, match="multiple of 4"):
        load_model("kim-jepa", n_outputs=0, width=18, heads=2)
