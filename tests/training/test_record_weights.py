# SPDX-License-Identifier: Apache-2.0
"""Records count the more, the rarer what they show."""

import numpy as np
import pytest

from precordia.core.errors import OptionError
from precordia.training.record_weights import record_weights


def _labels(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    return np.eye(3)[rng.choice(3, n, p=[0.9, 0.09, 0.01])]


def test_with_full_power_all_statements_come_alike():
    labels = _labels()
    share = (record_weights(labels, power=1.0)[:, None] * labels).mean(axis=0)
    np.testing.assert_allclose(share, 1 / 3, atol=1e-12)


def test_with_half_power_shares_are_square_roots():
    labels = _labels()
    share = (record_weights(labels)[:, None] * labels).mean(axis=0)
    wanted = np.sqrt(labels.mean(axis=0))
    np.testing.assert_allclose(share, wanted / wanted.sum(), atol=1e-12)


def test_without_power_all_count_the_same():
    np.testing.assert_array_equal(record_weights(_labels(), power=0.0), np.ones(2000))


def test_a_record_without_statements_or_with_unknown_ones_is_common():
    labels = np.array([[1.0, 0], [1, 0], [0, 1], [0, 0], [np.nan, np.nan]])
    weights = record_weights(labels, power=1.0)
    assert weights[3] == weights[4] == weights[0] < weights[2]


def test_a_negative_power_is_refused():
    with pytest.raises(OptionError, match="0 or more"):
        record_weights(np.eye(2), power=-1)
