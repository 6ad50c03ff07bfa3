# SPDX-License-Identifier: Apache-2.0
"""All finite or not, wherever the number stands that is not."""

import numpy as np
import pytest

from precordia.core.finite import all_finite


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_number_that_is_not_finite_is_seen_anywhere(bad, dtype):
    for place in (0, 1, 777, 2998, 2999):
        values = np.random.default_rng(place).normal(size=(3, 1000)).astype(dtype)
        assert all_finite(values)
        values.reshape(-1)[place] = bad
        assert not all_finite(values)
        assert not all_finite(values[:, ::-1])


def test_both_infinities_beside_nan_are_seen():
    assert not all_finite(np.array([np.inf, np.nan, -np.inf]))


def test_large_numbers_are_finite_and_so_is_nothing():
    assert all_finite(np.array([np.finfo(np.float64).max, -np.finfo(np.float64).max]))
    assert all_finite(np.empty((12, 0)))
