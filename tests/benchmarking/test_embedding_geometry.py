# SPDX-License-Identifier: Apache-2.0
"""Geometry of embeddings, against scikit-learn and closed forms."""

import numpy as np
import pytest

from precordia.benchmarking.embedding_geometry import (
    linear_cka,
    nearest,
    neighbour_shares,
    silhouettes,
    trustworthiness,
)
from precordia.core.errors import OptionError

RNG = np.random.default_rng(0)


def test_cka_does_not_see_rotation_scale_or_offset():
    points = RNG.standard_normal((60, 8))
    turned = points @ np.linalg.qr(RNG.standard_normal((8, 8)))[0]
    assert linear_cka(points, 5 * turned - 2) == pytest.approx(1)


def test_cka_of_unrelated_embeddings_is_near_zero_even_with_many_dimensions():
    unrelated = [
        linear_cka(RNG.standard_normal((80, 400)), RNG.standard_normal((80, 400)))
        for _ in range(20)
    ]
    assert abs(np.mean(unrelated)) < 0.05


def test_cka_falls_as_noise_grows():
    points = RNG.standard_normal((200, 10))
    values = [linear_cka(points, points + s * RNG.standard_normal((200, 10))) for s in (0.1, 1, 5)]
    assert values[0] > values[1] > values[2]


def test_shares_are_the_prevalence_without_order_and_one_in_clean_clusters():
    labels = RNG.random((2000, 2)) < [0.3, 0.1]
    near = nearest(RNG.standard_normal((2000, 16)), n_neighbours=10)
    shares = neighbour_shares(near, labels)
    for k, prevalence in enumerate(labels.mean(axis=0)):
        assert shares[labels[:, k], k].mean() == pytest.approx(prevalence, abs=0.03)
    has = np.arange(100) < 40
    centres = np.where(has[:, None], [1.0, 0.0], [0.0, 1.0])
    near = nearest(centres + 0.01 * RNG.standard_normal((100, 2)), n_neighbours=5)
    assert (neighbour_shares(near, has[:, None])[has] == 1).all()


def test_neighbours_are_those_of_scikit_learn():
    neighbours = pytest.importorskip("sklearn.neighbors")
    points = RNG.standard_normal((700, 12))
    theirs = neighbours.NearestNeighbors(n_neighbors=8, metric="cosine").fit(points)
    expected = theirs.kneighbors(return_distance=False)
    assert (np.sort(nearest(points, n_neighbours=8)) == np.sort(expected)).all()


def test_a_patient_is_no_neighbour_of_himself():
    patients = [f"p{n // 5}" for n in range(50)]
    near = nearest(np.repeat(RNG.standard_normal((10, 4)), 5, axis=0), patients, n_neighbours=7)
    assert all(patients[n] != patients[row] for row in range(50) for n in near[row])


def test_too_many_neighbours_are_refused():
    with pytest.raises(OptionError, match="leaves only 1"):
        nearest(np.eye(4), ["a", "a", "a", "b"], n_neighbours=2)


def test_silhouette_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    points, has = RNG.standard_normal((600, 5)), RNG.random(600) < 0.3
    points[has] += 1.0
    assert silhouettes(points, has).mean() == pytest.approx(metrics.silhouette_score(points, has))


def test_silhouettes_need_two_on_either_side():
    assert np.isnan(silhouettes(np.eye(4), np.array([True, False, False, False]))).all()


def test_trustworthiness_is_that_of_scikit_learn():
    manifold = pytest.importorskip("sklearn.manifold")
    points = RNG.standard_normal((120, 6))
    picture = points[:, :2] + 0.3 * RNG.standard_normal((120, 2))
    expected = manifold.trustworthiness(points, picture, n_neighbors=10)
    assert trustworthiness(points, picture) == pytest.approx(expected)


def test_embeddings_with_gaps_are_refused():
    with pytest.raises(OptionError, match="1 of 3 embeddings are not finite"):
        linear_cka(np.array([[1.0, 2.0], [np.nan, 1.0], [0.0, 0.0]]), np.zeros((3, 2)))
