# SPDX-License-Identifier: Apache-2.0
"""The truth is scikit-learn's search by brute force."""

import time

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from precordia.core.errors import OptionError, SignalError, UnknownNameError
from precordia.embedding import neighbours
from precordia.embedding.neighbours import find_neighbours

LIBRARY = {"cosine": "cosine", "l2": "euclidean"}


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3000, 24)).astype(np.float32), rng.normal(size=(200, 24))


def from_library(vectors, queries, k, metric):
    searcher = NearestNeighbors(metric=LIBRARY[metric], algorithm="brute").fit(vectors)
    distances, rows = searcher.kneighbors(queries, n_neighbors=k)
    return rows, 1 - distances if metric == "cosine" else distances


@pytest.mark.parametrize("metric", LIBRARY)
@pytest.mark.parametrize("block", [8_000_000, 40_000, 96])
def test_rows_and_scores_are_those_of_a_library_however_the_vectors_are_cut(
    drawn, metric, block, monkeypatch
):
    monkeypatch.setattr(neighbours, "_BLOCK_BYTES", block)
    vectors, queries = drawn if block > 96 else (drawn[0][:150], drawn[1][:20])
    found = find_neighbours(vectors, queries, k=7, metric=metric)
    rows, scores = from_library(vectors.astype(float), queries, 7, metric)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.scores, scores, atol=1e-7)


@pytest.mark.parametrize("metric", LIBRARY)
def test_several_arrays_are_searched_as_one(drawn, metric, tmp_path):
    vectors, queries = drawn
    np.save(tmp_path / "part.npy", vectors[1000:])
    parts = [vectors[:1000], np.load(tmp_path / "part.npy", mmap_mode="r"), vectors[:0]]
    apart, whole = (find_neighbours(v, queries, metric=metric) for v in (parts, vectors))
    np.testing.assert_array_equal(apart.rows, whole.rows)
    np.testing.assert_array_equal(apart.scores, whole.scores)


def test_nearly_equal_vectors_are_told_apart_by_their_distance():
    """Far from the origin, products of 32 bits cannot order what differs by a thousandth."""
    offsets = np.array([0.004, 0.001, 0.003, 0.002])
    vectors = 1000 + np.outer(offsets, [1.0, 0.0, 0.0])
    found = find_neighbours(vectors, np.full((1, 3), 1000.0), k=4, metric="l2")
    np.testing.assert_array_equal(found.rows[0], [1, 3, 2, 0])
    np.testing.assert_allclose(found.scores[0], np.sort(offsets), rtol=1e-9)


def test_nobody_of_the_own_group_is_a_neighbour(drawn):
    vectors, _ = drawn
    patients = np.arange(len(vectors)) // 3
    queries, own = vectors[:60], patients[:60]
    found = find_neighbours(vectors, queries, k=5, apart=[(patients, own)])
    assert not (patients[found.rows] == own[:, None]).any()
    for q, rows in enumerate(found.rows):
        left = np.flatnonzero(patients != own[q])
        theirs, _ = from_library(vectors[left], queries[q : q + 1], 5, "cosine")
        np.testing.assert_array_equal(rows, left[theirs[0]])


def test_who_belongs_to_no_group_may_be_a_neighbour():
    vectors = np.eye(3)
    none = np.full(3, -1)
    found = find_neighbours(vectors, vectors[:1], k=1, apart=[(none, none[:1])])
    assert found.rows[0, 0] == 0


def test_where_fewer_are_left_than_asked_for_the_rest_is_empty():
    found = find_neighbours(
        np.eye(3), np.eye(3)[:1], k=5, apart=[(np.array([4, 4, 9]), np.array([4]))]
    )
    assert found.rows.tolist() == [[2, -1, -1, -1, -1]]
    assert np.isnan(found.scores[0, 1:]).all()
    assert find_neighbours(np.empty((0, 3)), np.eye(3), k=1).rows.tolist() == [[-1]] * 3


def test_equals_stand_in_order_of_their_rows():
    found = find_neighbours(np.ones((40, 2)), np.ones((1, 2)), k=3)
    assert len(set(found.rows[0])) == 3
    assert found.rows[0].tolist() == sorted(found.rows[0])
    np.testing.assert_allclose(found.scores, 1.0)


def test_a_vector_without_length_is_like_nothing():
    found = find_neighbours(np.array([[0.0, 0.0], [-1.0, 0.0]]), np.array([[1.0, 0.0]]), k=2)
    assert found.rows.tolist() == [[0, 1]]
    np.testing.assert_allclose(found.scores, [[0.0, -1.0]])


def test_what_cannot_be_searched_is_refused():
    for wrong in (np.zeros((2, 3)), np.zeros(2), np.full((1, 2), np.nan)):
        with pytest.raises(SignalError):
            find_neighbours(np.eye(2), wrong)
    with pytest.raises(OptionError, match="at least 1"):
        find_neighbours(np.eye(2), np.eye(2), k=0)
    with pytest.raises(UnknownNameError, match="cosine"):
        find_neighbours(np.eye(2), np.eye(2), metric="cosin")
    with pytest.raises(SignalError, match="one number for each"):
        find_neighbours(np.eye(2), np.eye(2), apart=[(np.zeros(3, int), np.zeros(2, int))])


def test_a_hundred_thousand_vectors_are_searched_in_well_under_a_second(tmp_path):
    rng = np.random.default_rng(1)
    np.save(tmp_path / "many.npy", rng.random((100_000, 512), dtype=np.float32))
    vectors = np.load(tmp_path / "many.npy", mmap_mode="r")
    find_neighbours(vectors[:1000], vectors[:1])
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        found = find_neighbours(vectors, vectors[70_000:70_001])
        best = min(best, time.perf_counter() - start)
    assert found.rows[0, 0] == 70_000
    assert best < 0.8
