# SPDX-License-Identifier: Apache-2.0
"""State-space layers against the recurrence that they stand for, computed step by step."""

import numpy as np
import pytest
import torch

from precordia.nn.state_space import DiagonalStateSpace, StateSpaceBlock


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def layer(*, bidirectional, seed=3):
    torch.manual_seed(seed)
    return DiagonalStateSpace(5, state=6, bidirectional=bidirectional)


def recurrence(system, x, way):
    """Run x[t+1] = exp(dt A) x[t] + (exp(dt A) - 1)/A u[t], y = 2 Re(C x), in complex numbers."""
    step = np.exp(system.log_step.detach().double().numpy())[:, None]
    poles = -np.exp(system.log_decay.detach().double().numpy()) + 1j * (
        system.frequency.detach().double().numpy()
    )
    weight = system.weight[way].detach().double().numpy()
    out = weight[..., 0] + 1j * weight[..., 1]
    forward, entering = np.exp(step * poles), (np.exp(step * poles) - 1) / poles
    y = np.zeros(x.shape)
    for record in range(len(x)):
        state = np.zeros(poles.shape, complex)
        for t in range(x.shape[-1]):
            state = forward * state + entering * x[record, :, t][:, None]
            y[record, :, t] = 2 * (out * state).sum(axis=1).real
    return y


def test_a_layer_is_the_recurrence_that_it_stands_for():
    system = layer(bidirectional=False)
    x = torch.randn(2, 5, 150)
    expected = recurrence(system, x.double().numpy(), 0)
    expected += x.double().numpy() * system.skip.detach().double().numpy()[:, None]
    assert np.allclose(system(x).detach().numpy(), expected, atol=1e-4)


def test_the_way_back_sees_what_comes_after_and_not_the_sample_itself():
    system = layer(bidirectional=True)
    x = torch.randn(2, 5, 97)
    signal = x.double().numpy()
    backward = recurrence(system, signal[..., ::-1], 1)[..., ::-1]
    after = np.zeros_like(backward)
    after[..., :-1] = backward[..., 1:]
    expected = recurrence(system, signal, 0) + after
    expected += signal * system.skip.detach().double().numpy()[:, None]
    assert np.allclose(system(x).detach().numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("n_samples", [30, 50, 137, 400])
def test_without_fourier_transform_the_result_is_the_same(bidirectional, n_samples):
    system = layer(bidirectional=bidirectional)
    x = torch.randn(2, 5, n_samples)
    expected = system(x)
    system.without_fourier = True
    assert torch.allclose(system(x), expected, atol=1e-4)


def test_one_way_is_causal():
    block = StateSpaceBlock(4).eval()
    x = torch.randn(1, 4, 80)
    changed = x.clone()
    changed[..., 50:] += 1.0
    with torch.no_grad():
        first, second = block(x), block(changed)
    assert torch.allclose(first[..., :50], second[..., :50], atol=1e-5)
    assert not torch.allclose(first[..., 50:], second[..., 50:], atol=1e-2)


def test_responses_die_out():
    system = layer(bidirectional=False)
    with torch.no_grad():
        system.log_step.fill_(np.log(0.1))
    kernel = system.kernel(400).detach().abs()
    assert kernel[..., 300:].max() < 1e-4 * kernel.max()
