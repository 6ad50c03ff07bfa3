# SPDX-License-Identifier: Apache-2.0
"""Pairs are one to one, as many as can be, and the nearest of those."""

from itertools import combinations

import numpy as np
import pytest

from precordia.delineation.matching import match


def pairs_of(reference, found, reach):
    i, j = match(np.array(reference, float), np.array(found, float), reach)
    return list(zip(i.tolist(), j.tolist(), strict=True))


@pytest.mark.parametrize(
    ("reference", "found", "reach", "expected"),
    [
        ([], [1.0], 5, []),
        ([1.0], [], 5, []),
        ([100], [150], 50, [(0, 0)]),
        ([100], [151], 50, []),
        ([100, 110], [105], 10, [(0, 0)]),  # one point serves one beat
        ([100, 112], [109, 121], 10, [(0, 0), (1, 1)]),  # the nearest pair would cost the other
        ([100, 200], [110, 150, 205], 20, [(0, 0), (1, 2)]),
        ([0, 1000], [0, 0, 1000], 20, [(0, 0), (1, 2)]),  # a repeat stays alone
    ],
)
def test_pairs_of_hand_cases(reference, found, reach, expected):
    assert pairs_of(reference, found, reach) == expected


def test_pairs_are_the_best_of_all_pairings():
    draw = np.random.default_rng(7)
    for _ in range(300):
        reference = np.sort(draw.integers(0, 50, draw.integers(0, 6))).astype(float)
        found = np.sort(draw.integers(0, 50, draw.integers(0, 6))).astype(float)
        reach = int(draw.integers(1, 25))
        best = (0, 0.0)
        for n in range(1, min(len(reference), len(found)) + 1):
            for a in combinations(range(len(reference)), n):
                # pairs that cross can be uncrossed without getting longer or fewer
                for b in combinations(range(len(found)), n):
                    far = np.abs(reference[list(a)] - found[list(b)])
                    if far.max() <= reach:
                        best = max(best, (n, -far.sum()))
        pairs = pairs_of(reference, found, reach)
        total = sum(abs(reference[i] - found[j]) for i, j in pairs)
        assert (len(pairs), -total) == best
        assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)


def test_ties_go_to_the_earlier_point():
    assert pairs_of([100], [90, 110], 20) == [(0, 0)]
    assert pairs_of([100, 120], [110], 20) == [(0, 0)]


def test_long_and_crowded_lines_are_quick():
    beats = np.arange(0.0, 30_000.0, 10)
    i, j = match(beats, beats + 3, 54)
    assert len(i) == len(beats)
    assert (i == j).all()
