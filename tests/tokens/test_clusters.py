# SPDX-License-Identifier: Apache-2.0
"""Codebooks against scikit-learn, SciPy and the definition."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from precordia.tokens.clusters import aggregate, kmeans, nearest


def cloud(seed, n=600, dim=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, dim)) + rng.integers(0, 4, (n, 1)) * 4


def test_the_nearest_centre_is_the_nearest():
    points, centres = cloud(0, 9000), cloud(1, 40)
    assert (nearest(points, centres) == cdist(points, centres).argmin(axis=1)).all()


def test_kmeans_is_as_good_as_that_of_another_library():
    KMeans = pytest.importorskip("sklearn.cluster").KMeans
    points = cloud(2)
    centres = kmeans(points, 12, seed=0, rounds=100)
    ours = cdist(points, centres).min(axis=1)
    theirs = KMeans(12, n_init=1, random_state=0).fit(points).inertia_
    assert (ours**2).sum() < 1.1 * theirs


def test_kmeans_of_fewer_points_than_centres_keeps_every_point():
    points = np.array([[0.0], [1.0], [5.0]])
    assert set(kmeans(points, 8, seed=0).ravel()) == {0.0, 1.0, 5.0}


@pytest.mark.parametrize("radius", [0.3, 1.0, 3.0])
def test_every_point_is_near_a_chosen_one_and_chosen_ones_are_apart(radius):
    points = cloud(3, dim=2)
    chosen = points[aggregate(points, radius)]
    assert cdist(points, chosen).min(axis=1).max() <= radius
    apart = cdist(chosen, chosen)[~np.eye(len(chosen), dtype=bool)]
    assert apart.min() > radius


def test_aggregation_takes_the_first_free_point_by_norm():
    points = cloud(4, 200, 2)
    order = sorted(range(len(points)), key=lambda k: np.linalg.norm(points[k]))
    chosen = []
    for k in order:
        if all(np.linalg.norm(points[k] - points[c]) > 0.7 for c in chosen):
            chosen.append(k)
    assert aggregate(points, 0.7).tolist() == chosen
