# SPDX-License-Identifier: Apache-2.0
"""N-grams against plain counting, naive Bayes against scikit-learn."""

from collections import Counter

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from precordia.core.errors import OptionError, SignalError
from precordia.core.tokens import Tokens
from precordia.tokens.naive_bayes import fit_naive_bayes
from precordia.tokens.ngrams import count_ngrams


def tokens(seed, leads=("I", "II"), n=40):
    rng = np.random.default_rng(seed)
    return Tokens(
        tokenizer="sax",
        n_symbols=5,
        leads=leads,
        symbols=rng.integers(0, 5, n * len(leads)),
        lead=np.repeat(np.arange(len(leads)), n),
        times=np.zeros(n * len(leads)),
        gain=np.zeros((len(leads), 2), int),
        fs=100,
        n_samples=1000,
    )


@pytest.mark.parametrize("n", [1, 2, 3])
def test_counts_are_those_of_plain_counting(n):
    said = tokens(0)
    plain = Counter()
    for k in range(2):
        s = said.symbols[said.lead == k].tolist()
        for order in range(1, n + 1):
            plain.update((k, *s[i : i + order]) for i in range(len(s) - order + 1))
    row = count_ngrams([said], n=n, columns=2**40)
    assert sorted(row.data) == sorted(plain.values())


def test_a_lead_is_known_by_its_name_and_not_by_its_place():
    said = tokens(1)
    turned = Tokens(
        tokenizer="sax",
        n_symbols=5,
        leads=("II", "I"),
        symbols=np.concatenate([said.symbols[40:], said.symbols[:40]]),
        lead=said.lead,
        times=said.times,
        gain=said.gain,
        fs=100,
        n_samples=1000,
    )
    counts = count_ngrams([said, turned])
    assert (counts[0] != counts[1]).nnz == 0


def test_order_counts_in_pairs_and_not_in_symbols():
    said = tokens(2, leads=("II",))
    turned = Tokens(
        **{f: getattr(said, f) for f in said.__slots__} | {"symbols": said.symbols[::-1]}
    )
    assert (count_ngrams([said], n=1) != count_ngrams([turned], n=1)).nnz == 0
    assert (count_ngrams([said], n=2) != count_ngrams([turned], n=2)).nnz > 0


def test_naive_bayes_is_that_of_another_library():
    MultinomialNB = pytest.importorskip("sklearn.naive_bayes").MultinomialNB
    rng = np.random.default_rng(0)
    counts = csr_matrix(rng.poisson(2.0, (60, 30)).astype(float))
    labels = rng.integers(0, 2, (60, 3)).astype(float)
    ours = fit_naive_bayes(counts, labels, smoothing=0.7).score(counts)
    for k in range(3):
        log = MultinomialNB(alpha=0.7).fit(counts, labels[:, k]).predict_joint_log_proba(counts)
        assert np.allclose(ours[:, k], log[:, 1] - log[:, 0])


def test_mistakes_are_named():
    with pytest.raises(SignalError, match="no recording"):
        count_ngrams([])
    with pytest.raises(OptionError, match="1 or more"):
        count_ngrams([tokens(0)], n=0)
    counts = count_ngrams([tokens(0), tokens(1)])
    with pytest.raises(SignalError, match="all or in none"):
        fit_naive_bayes(counts, np.ones((2, 1)))
    with pytest.raises(SignalError, match="one of each"):
        fit_naive_bayes(counts, np.ones((3, 1)))
    with pytest.raises(OptionError, match="positive"):
        fit_naive_bayes(counts, np.array([[0.0], [1]]), smoothing=0)
