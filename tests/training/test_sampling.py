# SPDX-License-Identifier: Apache-2.0
"""Batches are balanced, keep patients apart or together, and follow from the seed."""

import numpy as np
import pytest

from precordia.core.errors import OptionError, SignalError
from precordia.training.sampling import (
    batches_apart,
    paired_batches,
    record_weights,
    resampled_order,
)


def _labels(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    return np.eye(3)[rng.choice(3, n, p=[0.9, 0.09, 0.01])]


def test_with_full_power_all_statements_come_alike():
    labels = _labels()
    order = resampled_order(record_weights(labels, power=1.0), seed=0, epoch=0)
    share = labels[order].mean(axis=0)
    np.testing.assert_allclose(share, 1 / 3, atol=0.01)


def test_with_half_power_shares_are_square_roots():
    labels = _labels()
    share = labels[resampled_order(record_weights(labels), seed=0, epoch=0)].mean(axis=0)
    wanted = np.sqrt(labels.mean(axis=0))
    np.testing.assert_allclose(share, wanted / wanted.sum(), atol=0.01)


def test_without_power_each_record_comes_once():
    order = resampled_order(record_weights(_labels(), power=0.0), seed=3, epoch=1)
    assert sorted(order.tolist()) == list(range(2000))


def test_a_record_comes_as_often_as_it_weighs_but_for_one():
    weights = np.random.default_rng(0).exponential(size=300)
    counts = np.bincount(resampled_order(weights, seed=0, epoch=0), minlength=300)
    wanted = weights / weights.sum() * 300
    assert (np.abs(counts - wanted) < 1).all()


def test_an_epoch_follows_from_its_seed():
    weights = np.random.default_rng(0).exponential(size=100)
    first = resampled_order(weights, seed=1, epoch=2)
    np.testing.assert_array_equal(first, resampled_order(weights, seed=1, epoch=2))
    assert not np.array_equal(first, resampled_order(weights, seed=1, epoch=3))
    assert not np.array_equal(first, resampled_order(weights, seed=2, epoch=2))


def test_a_record_without_statements_or_with_unknown_ones_is_common():
    labels = np.array([[1.0, 0], [1, 0], [0, 1], [0, 0], [np.nan, np.nan]])
    weights = record_weights(labels, power=1.0)
    assert weights[3] == weights[4] == weights[0] < weights[2]


def test_no_patient_comes_twice_in_a_batch_and_no_record_is_lost():
    rng = np.random.default_rng(0)
    patients = rng.integers(0, 60, 200).astype(str)
    order = rng.permutation(200)
    batches = batches_apart(order, patients, 16)
    for batch in batches:
        assert len(set(patients[batch])) == len(batch) <= 16
    assert sorted(np.concatenate(batches).tolist()) == list(range(200))
    assert sum(len(batch) == 16 for batch in batches) >= 10


def test_distinct_patients_stay_in_order():
    batches = batches_apart(np.arange(10), np.arange(10).astype(str), 4)
    assert [batch.tolist() for batch in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_pair_is_of_one_patient_and_a_patient_has_one_pair():
    patients = np.random.default_rng(0).integers(0, 50, 120).astype(str)
    batches = paired_batches(patients, 8, seed=0, epoch=0)
    pairs = np.concatenate(batches)
    assert (patients[pairs[:, 0]] == patients[pairs[:, 1]]).all()
    assert (pairs[:, 0] != pairs[:, 1]).all()
    names, counts = np.unique(patients, return_counts=True)
    assert set(patients[pairs[:, 0]]) == set(names[counts >= 2])
    assert len(pairs) == (counts >= 2).sum()
    assert max(map(len, batches)) == 4
    others = np.concatenate(paired_batches(patients, 8, seed=0, epoch=1))
    assert not np.array_equal(pairs, others)


def test_mistakes_are_refused_in_sentences():
    with pytest.raises(OptionError, match="0 or more"):
        record_weights(np.eye(2), power=-1)
    with pytest.raises(OptionError, match="one must be positive"):
        resampled_order(np.zeros(3), seed=0, epoch=0)
    with pytest.raises(OptionError, match="at least 1"):
        batches_apart(np.arange(3), ["a", "b", "c"], 0)
    with pytest.raises(SignalError, match="one record each"):
        paired_batches(["a", "b"], 4, seed=0, epoch=0)
    with pytest.raises(OptionError, match="for a pair"):
        paired_batches(["a", "a"], 1, seed=0, epoch=0)
