# SPDX-License-Identifier: Apache-2.0
"""Diagonal-plus-low-rank systems against the recurrence that they stand for, step by step."""

import numpy as np
import pytest
import torch

from precordia.nn.state_space_low_rank import LowRankStateSpace, hippo_legs

STEPS = 40


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def layer(seed=3, *, longest=None, bidirectional=False):
    torch.manual_seed(seed)
    return LowRankStateSpace(
        5,
        state=6,
        steps=STEPS,
        longest=longest,
        shortest_step=0.02,
        bidirectional=bidirectional,
    )


def complex_of(array):
    half = array.detach().double().numpy()
    half = half[..., 0] + 1j * half[..., 1]
    return np.concatenate([half, half.conj()], axis=-1)


def recurrence(system, x, weight=None):
    """Run the system of each channel, discretised with the bilinear rule, in complex numbers."""
    weight = system.weight if weight is None else weight
    poles, entering, p, q, stored = map(
        complex_of, (system.poles, system.entering, system.rank_in, system.rank_out, weight)
    )
    y = np.zeros(x.shape)
    for channel, step in enumerate(system.log_step.double().exp().tolist()):
        a = np.diag(poles[channel]) - np.outer(p[channel], q[channel])
        unit = np.eye(len(a))
        back = np.linalg.inv(unit - step / 2 * a)
        turn = back @ (unit + step / 2 * a)
        into = back @ entering[channel] * step
        past = np.linalg.matrix_power(turn, system.steps)
        out = stored[channel] @ np.linalg.inv(unit - past)
        for record in range(len(x)):
            state = np.zeros(len(a), complex)
            for t in range(x.shape[-1]):
                state = turn @ state + into * x[record, channel, t]
                y[record, channel, t] = (out @ state).real
    return y + x * system.skip.detach().double().numpy()[:, None]


@pytest.mark.parametrize("n_samples", [1, 17, STEPS, STEPS + 1, 3 * STEPS + 5])
def test_a_layer_is_the_recurrence_that_it_stands_for_at_every_length(n_samples):
    system = layer()
    x = torch.randn(2, 5, n_samples)
    expected = recurrence(system, x.double().numpy())
    found = system(x).detach().numpy()
    assert np.allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_what_comes_later_changes_nothing():
    system, x = layer(), torch.randn(1, 5, STEPS)
    other = x.clone()
    other[..., 20:] += 5
    with torch.no_grad():
        before, after = system(x), system(other)
    assert torch.allclose(before[..., :20], after[..., :20], atol=1e-4)
    assert not torch.allclose(before[..., 20:], after[..., 20:], atol=0.1)


@pytest.mark.parametrize("n_samples", [STEPS, 2 * STEPS + 3])
def test_without_a_fourier_transform_the_numbers_are_the_same(n_samples):
    system, x = layer(longest=2 * STEPS + 3), torch.randn(2, 5, n_samples)
    with torch.no_grad():
        expected = system(x)
        system.without_fourier = True
        assert torch.allclose(system(x), expected, atol=1e-5)
        system.without_fourier = False
        assert torch.equal(system(x), expected)


def test_the_matrix_is_hippos():
    poles, entering, rank = (half.numpy() for half in hippo_legs(8))
    n = np.arange(8)
    legs = -np.tril(np.sqrt(2 * n[:, None] + 1) * np.sqrt(2 * n + 1), -1) - np.diag(n + 1.0)
    whole = np.concatenate([poles, poles.conj()])
    p = np.concatenate([rank, rank.conj()])
    b = np.concatenate([entering, entering.conj()])
    ours = np.diag(whole) - np.outer(p, p.conj())
    # Another basis of the same system: equal eigenvalues, equal response C A^k B with C = B*.
    assert np.allclose(
        np.sort_complex(np.linalg.eigvals(ours).round(6)),
        np.sort_complex(np.linalg.eigvals(legs).astype(complex).round(6)),
        atol=1e-3,
    )
    plain = np.sqrt(2 * n + 1.0)
    for power in range(4):
        theirs = plain @ np.linalg.matrix_power(legs, power) @ plain
        assert (b.conj() @ np.linalg.matrix_power(ours, power) @ b).real == pytest.approx(theirs)


def test_odd_numbers_of_states_are_refused():
    with pytest.raises(ValueError, match="even"):
        LowRankStateSpace(2, state=3)


@pytest.mark.parametrize("n_samples", [1, 2, 17, STEPS, 2 * STEPS + 3])
def test_a_second_system_runs_from_the_end_and_begins_with_the_next_sample(n_samples):
    system, x = layer(longest=2 * STEPS + 3, bidirectional=True), torch.randn(2, 5, n_samples)
    there = recurrence(system, x.double().numpy())
    # The way back, of the signal without its present sample; the skip is counted once.
    behind = np.pad(x.double().numpy(), ((0, 0), (0, 0), (0, 1)))[..., 1:][..., ::-1]
    skip = system.skip.detach().double().numpy()[:, None]
    back = recurrence(system, behind, system.weight_back) - behind * skip
    expected = there + back[..., ::-1]
    with torch.no_grad():
        found = system(x)
        system.without_fourier = True
        held = system(x)
    assert np.allclose(found.numpy(), expected, atol=1e-4 * np.abs(expected).max())
    assert torch.allclose(held, found, atol=1e-5)


def test_kept_kernels_follow_weights_length_and_gradients():
    system, x = layer(bidirectional=True), torch.randn(1, 5, STEPS)
    with torch.no_grad():
        first = system(x)
        assert torch.equal(system(x), first)
        assert system(x[..., :7]).shape == (1, 5, 7)
        for array in (system.weight, system.weight_back, system.log_step, system.rank_out):
            array *= 1.5
            found = system(x)
            assert not torch.allclose(found, first, atol=1e-4)
            first = found
        other = layer(seed=9, bidirectional=True)
        system.load_state_dict(other.state_dict())
        assert torch.equal(system(x), other(x))
    trained = system(x)
    trained.sum().backward()
    assert system.weight_back.grad.abs().any()
    assert torch.allclose(trained, other(x))
    assert system.double()(x.double()).dtype == torch.float64
    with torch.inference_mode():
        assert layer()(x).shape == x.shape
