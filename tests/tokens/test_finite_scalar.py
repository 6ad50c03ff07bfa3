# SPDX-License-Identifier: Apache-2.0
"""Finite scalar quantisation in closed form."""

import itertools

import numpy as np
import pytest
from scipy.special import expit

from precordia.tokens.finite_scalar import from_levels, join_levels, split_levels, to_levels

LEVELS = [(6, 6, 6, 6), (8, 5, 5), (2,), (3, 7)]


@pytest.mark.parametrize("levels", LEVELS)
def test_symbols_and_levels_are_one_to_one(levels):
    every = np.array(list(itertools.product(*map(range, levels))))
    symbols = join_levels(every, levels)
    assert sorted(symbols.tolist()) == list(range(int(np.prod(levels))))
    assert (split_levels(symbols, levels) == every).all()


def test_the_symbol_is_the_sum_of_digits():
    rng = np.random.default_rng(0)
    v = rng.integers(0, 6, (50, 4))
    assert (join_levels(v, (6,) * 4) == sum(v[:, i] * 6**i for i in range(4))).all()


@pytest.mark.parametrize("n", [2, 3, 6, 9])
def test_levels_are_the_rounded_logistic_and_off_by_half_a_step_at_most(n):
    z = np.linspace(-12, 12, 4001)[:, None]
    v = to_levels(z, (n,))
    assert np.abs(v / (n - 1) - expit(z)).max() <= 0.5 / (n - 1) + 1e-12
    assert v.min() == 0
    assert v.max() == n - 1


@pytest.mark.parametrize("n", [2, 3, 6, 9])
def test_what_is_put_back_falls_on_its_own_level(n):
    v = np.arange(n)[:, None]
    assert (to_levels(from_levels(v, (n,)), (n,)) == v).all()
    assert np.isfinite(from_levels(v, (n,))).all()
