# SPDX-License-Identifier: Apache-2.0
"""Byte-pair encoding against a reference that counts everything anew."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from precordia.core.errors import OptionError
from precordia.tokens.byte_pairs import MOST_SYMBOLS, learn_merges, merge, merge_all, spell


def replace(string, pair, symbol):
    out, k = [], 0
    while k < len(string):
        if tuple(string[k : k + 2]) == pair:
            out.append(symbol)
            k += 2
        else:
            out.append(string[k])
            k += 1
    return out


def brute_force(strings, n_letters, n_merges):
    strings, merges = [list(s) for s in strings], []
    for k in range(n_merges):
        counts = Counter(pair for s in strings for pair in pairwise(s))
        if not counts or max(counts.values()) < 2:
            break
        most = max(counts.values())
        pair = min(p for p, n in counts.items() if n == most)
        merges.append(pair)
        strings = [replace(s, pair, n_letters + k) for s in strings]
    return merges, strings


@pytest.mark.parametrize("seed", range(40))
def test_merges_are_those_of_the_reference(seed):
    rng = np.random.default_rng(seed)
    n_letters = int(rng.integers(1, 5))
    strings = [rng.integers(0, n_letters, rng.integers(0, 40)) for _ in range(rng.integers(1, 5))]
    merges, merged = brute_force([s.tolist() for s in strings], n_letters, 12)
    found = learn_merges(strings, n_letters=n_letters, n_merges=12)
    assert [tuple(m) for m in found.tolist()] == merges
    assert [s.tolist() for s in merge_all(strings, found, n_letters=n_letters)] == merged


@pytest.mark.parametrize("seed", range(10))
def test_an_unseen_string_is_spelled_again(seed):
    rng = np.random.default_rng(seed)
    merges = learn_merges([rng.integers(0, 4, 300)], n_letters=4, n_merges=40)
    string = rng.integers(0, 4, 200)
    words = spell(merges, n_letters=4)
    said = merge(string, merges, n_letters=4)
    assert np.concatenate([words[k] for k in said]).tolist() == string.tolist()
    assert len(said) < len(string)


def test_no_pair_reaches_over_the_end_of_a_string():
    strings = [np.array([0, 1]), np.array([0, 2])] * 3
    merges = learn_merges(strings, n_letters=3, n_merges=10)
    assert merges.tolist() == [[0, 1], [0, 2]]


def test_a_vocabulary_that_would_not_fit_is_refused():
    with pytest.raises(OptionError, match="fewer merges"):
        learn_merges([np.zeros(4, int)], n_letters=10, n_merges=MOST_SYMBOLS)
