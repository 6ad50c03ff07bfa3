# SPDX-License-Identifier: Apache-2.0
"""The polygonal chain keeps its tolerance and is as long as it may be."""

import numpy as np
import pytest

from precordia.tokens.chain import chain


def walk(seed, n=400):
    return np.cumsum(np.random.default_rng(seed).normal(size=n)) / 3


def plain_chain(x, tolerance, longest):
    """The definition, word for word."""
    corners, start = [0], 0
    while start < len(x) - 1:
        end = start + 1
        while end + 1 < len(x) and end + 1 - start <= longest:
            steps = end + 1 - start
            line = x[start] + (x[end + 1] - x[start]) * np.arange(steps + 1) / steps
            if ((line - x[start : end + 2]) ** 2).sum() > (steps - 1) * tolerance**2:
                break
            end += 1
        corners.append(end)
        start = end
    return corners


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tolerance", [0.05, 0.3, 2.0])
def test_the_chain_is_the_one_of_the_definition(seed, tolerance):
    x = walk(seed)
    assert chain(x, tolerance=tolerance, longest=40).tolist() == plain_chain(x, tolerance, 40)


@pytest.mark.parametrize("tolerance", [0.05, 0.3, 2.0])
def test_the_whole_error_is_within_the_bound(tolerance):
    x = walk(9, 3000)
    corners = chain(x, tolerance=tolerance, longest=100)
    line = np.interp(np.arange(len(x)), corners, x[corners])
    n_lines = len(corners) - 1
    assert ((line - x) ** 2).sum() <= (len(x) - 1 - n_lines) * tolerance**2 * (1 + 1e-9)


def test_no_line_is_longer_than_allowed_and_ends_are_kept():
    corners = chain(np.zeros(1001), tolerance=0.1, longest=50)
    assert corners.tolist() == list(range(0, 1001, 50))
    assert chain(np.array([3.0]), tolerance=0.1, longest=5).tolist() == [0]
