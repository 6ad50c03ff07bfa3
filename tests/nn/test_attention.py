# SPDX-License-Identifier: Apache-2.0
"""Attention, pooling and positions against their formulas, written out in NumPy."""

import numpy as np
import pytest
import torch

from precordia.nn.attention import Attention
from precordia.nn.drop_path import DropPath
from precordia.nn.pooling import (
    AttentionPool,
    QueryPool,
    masked_mean,
    masked_softmax,
    max_and_mean,
)
from precordia.nn.positions import (
    LearnedPositions,
    SinusoidalPositions,
    plane_positions,
    sinusoidal_positions,
)
from precordia.nn.transformer import TransformerBlock


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def softmax(x):
    weight = np.exp(x - x.max(axis=-1, keepdims=True))
    return weight / weight.sum(axis=-1, keepdims=True)


def by_formula(layer, tokens, allowed=None):
    """softmax(Q K' / sqrt(d)) V for each head, one record and one head at a time."""
    weight, bias = (p.detach().double().numpy() for p in (layer.qkv.weight, layer.qkv.bias))
    n_heads, dim = layer.heads, layer.head_dim
    out = []
    for k, x in enumerate(tokens.double().numpy()):
        query, key, value = np.split(x @ weight.T + bias, 3, axis=1)
        heads = []
        for head in range(n_heads):
            part = slice(head * dim, (head + 1) * dim)
            scores = query[:, part] @ key[:, part].T / np.sqrt(dim)
            if allowed is not None:
                scores = np.where(allowed[k] > 0, scores, -np.inf)
            heads.append(softmax(scores) @ value[:, part])
        joined = np.concatenate(heads, axis=1)
        last = layer.out
        out.append(joined @ last.weight.detach().double().numpy().T + last.bias.detach().numpy())
    return np.stack(out)


def test_attention_is_its_formula():
    layer, tokens = Attention(12, heads=3), torch.randn(2, 7, 12)
    assert np.allclose(layer(tokens).detach().numpy(), by_formula(layer, tokens), atol=1e-5)


def test_masked_tokens_are_looked_at_by_none():
    layer, tokens = Attention(12, heads=3), torch.randn(2, 7, 12)
    allowed = torch.ones(2, 7)
    allowed[0, 4:] = 0
    expected = by_formula(layer, tokens, allowed.numpy()[:, None, :].repeat(7, axis=1))
    assert np.allclose(layer(tokens, allowed).detach().numpy(), expected, atol=1e-5)
    causal = torch.tril(torch.ones(7, 7)).repeat(2, 1, 1)
    expected = by_formula(layer, tokens, causal.numpy())
    assert np.allclose(layer(tokens, causal).detach().numpy(), expected, atol=1e-5)


def test_a_block_is_normalised_before_and_led_around():
    block, tokens = TransformerBlock(12, heads=3).eval(), torch.randn(2, 7, 12)
    x = tokens.double().numpy()
    normal = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    x = x + by_formula(block.attention, torch.from_numpy(normal))
    normal = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    with torch.no_grad():
        expected = x + block.mlp(torch.from_numpy(normal).float()).numpy()
        assert np.allclose(block(tokens).numpy(), expected, atol=1e-4)


def test_order_matters_to_positions_alone():
    block, tokens = TransformerBlock(12, heads=3).eval(), torch.randn(1, 7, 12)
    with torch.no_grad():
        assert torch.allclose(block(tokens.flip(1)), block(tokens).flip(1), atol=1e-5)
        placed = SinusoidalPositions(7, 12)
        assert not torch.allclose(block(placed(tokens.flip(1))), block(placed(tokens)).flip(1))


def test_positions_are_sines_and_cosines():
    table = sinusoidal_positions(50, 8).numpy()
    for place in (0, 1, 49):
        for k in range(4):
            angle = place / 10_000 ** (2 * k / 8)
            assert np.allclose(table[place, 2 * k : 2 * k + 2], [np.sin(angle), np.cos(angle)])


def test_positions_go_on_beyond_their_table():
    longer = SinusoidalPositions(4, 8)(torch.zeros(1, 9, 8))[0]
    assert torch.equal(longer, sinusoidal_positions(9, 8))
    assert LearnedPositions(4, 8)(torch.zeros(1, 3, 8)).shape == (1, 3, 8)


def test_means_leave_out_what_does_not_count():
    tokens = torch.randn(3, 5, 4)
    valid = torch.tensor([[1.0, 1, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]])
    pooled = masked_mean(tokens, valid)
    assert torch.allclose(pooled[0], tokens[0, :2].mean(0))
    assert torch.allclose(pooled[1], tokens[1].mean(0))
    assert torch.equal(pooled[2], torch.zeros(4))
    assert torch.equal(max_and_mean(tokens)[:, :4], tokens.max(dim=1).values)


def test_attention_pooling_is_a_weighted_mean():
    pool, tokens = AttentionPool(6, heads=2), torch.randn(2, 5, 6)
    weight = softmax(pool.score(tokens).detach().numpy().transpose(0, 2, 1))
    x = tokens.numpy()
    expected = np.concatenate(
        [np.einsum("bt,btc->bc", weight[:, h], x[..., 3 * h : 3 * h + 3]) for h in (0, 1)], axis=1
    )
    assert np.allclose(pool(tokens).detach().numpy(), expected, atol=1e-6)


def test_weights_over_nothing_are_zero_and_not_nan():
    scores = torch.randn(2, 3)
    weight = masked_softmax(scores, torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]))
    assert torch.allclose(weight.sum(1), torch.tensor([1.0, 0.0]))
    assert torch.allclose(weight[0, [0, 2]], scores[0, [0, 2]].softmax(0))


def test_dropped_paths_keep_the_expected_value():
    drop = DropPath(0.25).train()
    seen = drop(torch.ones(20_000, 1))
    assert seen.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert abs(float(seen.mean()) - 1) < 0.03


def test_a_learned_query_gathers_what_pytorchs_own_layer_gathers():
    pool, tokens = QueryPool(12, heads=3), torch.randn(2, 7, 12)
    torch.nn.init.normal_(pool.query)
    theirs = torch.nn.MultiheadAttention(12, 3, bias=False, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([pool.ask.weight, pool.offer.weight]))
        theirs.out_proj.weight.copy_(torch.eye(12))
        expected, _ = theirs(pool.query.expand(2, -1, -1), tokens, tokens)
        assert torch.allclose(pool(tokens), expected[:, 0], atol=1e-6)


def test_positions_of_a_plane_by_formula():
    table = plane_positions(3, 5, 16).numpy()
    for row in range(3):
        for column in range(5):
            for k in range(4):
                rate = 10_000 ** (-k / 4)
                waves = [np.sin(column * rate), np.cos(column * rate)]
                waves += [np.sin(row * rate), np.cos(row * rate)]
                np.testing.assert_allclose(table[row, column, k::4], waves, atol=1e-6)
    with pytest.raises(ValueError, match="multiple of 4"):
        plane_positions(3, 5, 6)
