# SPDX-License-Identifier: Apache-2.0
"""Cells of xLSTM against the recurrences of the paper, one token and one number at a time."""

import numpy as np
import pytest
import torch

from precordia.nn.headwise import HeadNorm, PastConvolution
from precordia.nn.mlstm import MLstm, matrix_memory
from precordia.nn.slstm import SLstm, scalar_memory


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def random(*shape, seed=0, scale=1.0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale


def test_scalar_memories_are_the_papers_recurrence_without_a_running_maximum():
    n_tokens, heads, batch, dim = 6, 2, 3, 4
    gates = random(n_tokens, heads, batch, 4 * dim)
    recurrent = random(heads, dim, 4 * dim, seed=1, scale=0.3)
    c = n = h = np.zeros((heads, batch, dim))
    expected = []
    for t in range(n_tokens):
        said = gates[t].numpy() + np.einsum("hbd,hde->hbe", h, recurrent.numpy())
        i, f, z, o = np.split(said, 4, axis=-1)
        c = sigmoid(f) * c + np.exp(i) * np.tanh(z)
        n = sigmoid(f) * n + np.exp(i)
        h = sigmoid(o) * c / n
        expected.append(h)
    assert np.allclose(scalar_memory(gates, recurrent).numpy(), expected, atol=1e-5)


def test_scalar_memories_stay_finite_where_exponents_are_large():
    gates = random(20, 1, 2, 12, scale=300.0).requires_grad_()
    given = scalar_memory(gates, random(1, 3, 12, scale=50.0))
    given.sum().backward()
    assert given.isfinite().all()
    assert gates.grad.isfinite().all()
    assert given.abs().max() <= 1


def matrix_recurrence(query, key, value, enter, keep):
    """Go through the tokens of one head with a running maximum, as the paper's equations do."""
    dim = key.shape[-1]
    memory, names, highest = np.zeros((dim, dim)), np.zeros(dim), -np.inf
    read = []
    for q, k, v, i, f in zip(query, key / np.sqrt(dim), value, enter, keep, strict=True):
        new = max(f + highest, i)
        memory = np.exp(f + highest - new) * memory + np.exp(i - new) * np.outer(v, k)
        names = np.exp(f + highest - new) * names + np.exp(i - new) * k
        highest = new
        read.append(memory @ q / max(abs(names @ q), np.exp(-new)))
    return np.array(read)


@pytest.mark.parametrize("chunk", [1, 4, 7, 100])
def test_matrix_memories_are_the_papers_recurrence_in_any_chunks(chunk):
    query, key, value = (random(2, 3, 13, 5, seed=seed) for seed in range(3))
    enter, keep = random(2, 3, 13, seed=4, scale=3.0), -random(2, 3, 13, seed=5).abs()
    found = matrix_memory(query, key, value, enter, keep, chunk=chunk)
    for b in range(2):
        for h in range(3):
            given = (part[b, h].double().numpy() for part in (query, key, value, enter, keep))
            assert np.allclose(found[b, h].numpy(), matrix_recurrence(*given), atol=2e-4)


def test_chunks_give_the_same_gradients():
    grads = []
    for chunk in (5, 64):
        parts = [random(1, 2, 20, 4, seed=seed).requires_grad_() for seed in range(3)]
        enter = random(1, 2, 20, seed=4).requires_grad_()
        keep = (-random(1, 2, 20, seed=5).abs()).requires_grad_()
        matrix_memory(*parts, enter, keep, chunk=chunk).square().sum().backward()
        grads.append([part.grad for part in (*parts, enter, keep)])
    for one, other in zip(*grads, strict=True):
        assert torch.allclose(one, other, atol=1e-4 * float(other.abs().max()))


@pytest.mark.parametrize("layer", [SLstm, MLstm])
def test_what_comes_later_changes_nothing(layer):
    torch.manual_seed(0)
    layer = layer(16, heads=4).eval()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
        x = random(2, 10, 16)
        other = x.clone()
        other[:, 6:] += 1
        before, after = layer(x), layer(other)
    assert torch.allclose(before[:, :6], after[:, :6], atol=1e-5)
    assert not torch.allclose(before[:, 6:], after[:, 6:], atol=1e-2)


def test_a_filter_sees_its_own_token_and_those_before_it():
    past = PastConvolution(2, 3)
    x = random(1, 5, 2)
    weight, bias = past.filter.weight.detach(), past.filter.bias.detach()
    padded = torch.cat([torch.zeros(1, 2, 2), x], dim=1)
    expected = torch.stack(
        [(padded[0, t : t + 3].T * weight[:, 0]).sum(1) + bias for t in range(5)]
    )
    assert torch.allclose(past(x)[0], expected, atol=1e-6)


def test_heads_are_normalised_apart():
    norm, x = HeadNorm(6, 2), random(1, 4, 6)
    other = x.clone()
    other[..., 3:] *= 7
    assert torch.allclose(norm(x)[..., :3], norm(other)[..., :3])
    assert torch.allclose(norm(x).reshape(4, 2, 3).mean(-1), torch.zeros(4, 2), atol=1e-6)
