# SPDX-License-Identifier: Apache-2.0
"""Shapley values of a linear head, against their definition."""

import itertools
import math

import numpy as np
import pytest

from precordia.benchmarking.linear_shap import (
    dimensions_for,
    gini,
    importance,
    linear_shap,
    shared_top,
)
from precordia.core.errors import OptionError

RNG = np.random.default_rng(1)


def by_definition(x, weights, background):
    """Average the marginal contribution of each input over all orders of the inputs."""
    n = len(x)

    def value(known):
        points = background.copy()
        points[:, list(known)] = x[list(known)]
        return (points @ weights).mean()

    phi = np.zeros(n)
    for order in itertools.permutations(range(n)):
        for place, j in enumerate(order):
            before = order[:place]
            phi[j] += value((*before, j)) - value(before)
    return phi / math.factorial(n)


def test_values_are_those_of_the_definition():
    points, weights = RNG.standard_normal((6, 4)), RNG.standard_normal((2, 4))
    ours = linear_shap(points, weights)
    for k in range(2):
        assert ours[k, 3] == pytest.approx(by_definition(points[3], weights[k], points))


def test_values_add_up_to_the_logit():
    points, weights = RNG.standard_normal((9, 5)), RNG.standard_normal((3, 5))
    other = RNG.standard_normal((20, 5))
    logits = points @ weights.T
    expected = logits - (other @ weights.T).mean(axis=0)
    assert pytest.approx(expected) == linear_shap(points, weights, other).sum(axis=2).T


def test_importance_is_the_mean_size_of_the_values():
    points, weights = RNG.standard_normal((9, 5)), RNG.standard_normal((3, 5))
    expected = np.abs(linear_shap(points, weights)).mean(axis=1)
    assert importance(points, weights) == pytest.approx(expected)


def test_an_even_head_needs_nine_dimensions_of_ten():
    assert dimensions_for(0.9, np.ones(10)) == 9
    assert dimensions_for(1.0, np.ones(10)) == 10
    assert dimensions_for(0.9, np.zeros(10)) == 0


def test_gini_is_the_mean_difference():
    values = RNG.random(30)
    expected = np.abs(values[:, None] - values).mean() / (2 * values.mean())
    assert gini(values) == pytest.approx(expected)


def test_the_same_importance_shares_all_of_its_top():
    values = RNG.random(30)
    assert shared_top(values, values, n_top=5) == 1
    assert shared_top(np.arange(10.0), -np.arange(10.0), n_top=5) == 0


def test_a_head_of_another_size_is_refused():
    with pytest.raises(OptionError, match="takes 3 dimensions"):
        linear_shap(np.zeros((2, 4)), np.zeros((1, 3)))
