# SPDX-License-Identifier: Apache-2.0
"""The effective rank, against closed forms."""

import numpy as np
import pytest

from precordia.core.errors import OptionError
from precordia.training.effective_rank import effective_rank

RNG = np.random.default_rng(0)


def test_rank_counts_the_directions_that_are_used():
    basis = np.linalg.qr(RNG.standard_normal((32, 3)))[0]
    points = np.vstack([np.eye(3), -np.eye(3)]) @ basis.T
    assert effective_rank(points) == pytest.approx(3)
    assert effective_rank(points + 100.0) == pytest.approx(3), "an offset is no direction"
    assert effective_rank(np.ones((5, 8))) == 1.0
    assert np.isnan(effective_rank(np.ones((1, 8))))


def test_rank_of_unequal_directions_follows_the_entropy():
    points = np.vstack([np.diag([3.0, 1.0]), -np.diag([3.0, 1.0])])
    share = np.array([0.75, 0.25])
    assert effective_rank(points) == pytest.approx(np.exp(-(share * np.log(share)).sum()))


def test_embeddings_that_are_not_finite_are_refused_with_a_sentence():
    with pytest.raises(OptionError, match="1 of 3"):
        effective_rank(np.array([[1.0], [np.nan], [2.0]]))
