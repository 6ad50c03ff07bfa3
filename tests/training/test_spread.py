# SPDX-License-Identifier: Apache-2.0
"""Losses that keep embeddings apart, against closed forms and loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from precordia.core.errors import OptionError
from precordia.training.spread import coding_rate, koleo, sigreg


def _normal(*shape: int, seed: int = 0) -> torch.Tensor:
    made = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=made, dtype=torch.float64)


def _drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_koleo_equals_the_double_loop():
    points = _normal(9, 4)
    unit = points / points.norm(dim=1, keepdim=True)
    nearest = [min((unit[i] - unit[j]).norm().item() for j in range(9) if j != i) for i in range(9)]
    expected = -sum(math.log(d) for d in nearest) / 9
    assert koleo(points).item() == pytest.approx(expected, abs=1e-6)


def test_koleo_is_highest_for_a_collapse_and_still_has_a_gradient_near_it():
    points = (torch.ones(6, 4, dtype=torch.float64) + 1e-3 * _normal(6, 4)).requires_grad_()
    loss = koleo(points)
    loss.backward()
    assert loss.item() > koleo(_normal(6, 4)).item() + 3
    assert torch.isfinite(points.grad).all()
    assert (points.grad.abs().sum(dim=1) > 0).all()
    assert koleo(torch.ones(6, 4)).item() == pytest.approx(-0.5 * math.log(1e-8), rel=1e-4)


def _epps_pulley(x: np.ndarray) -> float:
    """The integral over all of the axis in closed form (products of Gaussians)."""
    n = len(x)
    apart = np.exp(-((x[:, None] - x) ** 2) / 2).sum() / n**2
    own = np.exp(-(x**2) / 4).sum() / n
    whole = math.sqrt(2 * math.pi) * apart - 2 * math.sqrt(math.pi) * own
    return n * (whole + math.sqrt(2 * math.pi / 3))


def test_the_statistic_equals_its_closed_form_in_one_dimension():
    for points in (_normal(40, 1), 2 * _normal(40, 1, seed=1) + 1, torch.zeros(40, 1).double()):
        given = sigreg(points, _drawn(), n_directions=1, n_points=401, furthest=9.0)
        assert given.item() == pytest.approx(_epps_pulley(points.numpy()[:, 0]), rel=1e-6)


def test_the_usual_seventeen_points_are_close_to_the_integral():
    points = 1.7 * _normal(64, 1)
    given = sigreg(points, _drawn(), n_directions=1).item()
    assert given == pytest.approx(_epps_pulley(points.numpy()[:, 0]), rel=0.02)


def test_a_collapse_is_worse_than_a_normal_cloud_and_each_view_is_judged_alone():
    normal, flat = _normal(128, 8), torch.zeros(128, 8, dtype=torch.float64)
    good, bad = sigreg(normal, _drawn()).item(), sigreg(flat, _drawn()).item()
    assert good < 1.5 < 20 < bad
    both = sigreg(torch.stack([normal, flat]), _drawn()).item()
    assert both == pytest.approx((good + bad) / 2)


def test_directions_come_from_the_generator_alone():
    points = _normal(32, 6) * 2
    first, second = sigreg(points, _drawn(5)), sigreg(points, _drawn(5))
    assert torch.equal(first, second)
    assert not torch.equal(first, sigreg(points, _drawn(6)))


def test_the_gradient_is_that_of_finite_differences():
    points = _normal(2, 6, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: sigreg(x, _drawn(), n_directions=4), (points,))


def test_following_the_gradient_makes_a_cloud_normal():
    points = (0.1 * _normal(64, 2)).requires_grad_()
    drawn = _drawn()
    descent = torch.optim.Adam([points], lr=0.1)
    for _ in range(150):
        descent.zero_grad()
        sigreg(points, drawn).backward()
        descent.step()
    covariance = torch.cov(points.detach().T)
    assert torch.allclose(covariance, torch.eye(2, dtype=torch.float64), atol=0.2)


@pytest.mark.parametrize("shape", [(20, 5), (5, 20)])
def test_the_coding_rate_follows_from_singular_values(shape):
    points = _normal(*shape).float()
    n, dim = shape
    values = np.linalg.svd(points.double().numpy(), compute_uv=False)
    expected = 0.5 * np.log1p(dim / (n * 0.05) * values**2).sum()
    assert coding_rate(points).item() == pytest.approx(expected, rel=1e-5)


def test_the_coding_rate_of_a_collapse_is_the_lowest_of_unit_vectors():
    spread = torch.nn.functional.normalize(_normal(64, 16), dim=1).float()
    alike = spread[:1].repeat(64, 1)
    assert coding_rate(alike).item() == pytest.approx(0.5 * math.log1p(16 / 0.05), rel=1e-4)
    assert coding_rate(spread).item() > 5 * coding_rate(alike).item()
    views = coding_rate(torch.stack([spread, alike]))
    assert views.shape == (2,)
    assert views[0].item() == pytest.approx(coding_rate(spread).item(), rel=1e-5)


def test_impossible_options_are_refused_with_sentences():
    with pytest.raises(OptionError, match="at least one direction"):
        sigreg(torch.zeros(4, 2), _drawn(), n_directions=0)
    with pytest.raises(OptionError, match="above 0"):
        coding_rate(torch.zeros(4, 2), distortion=0.0)
