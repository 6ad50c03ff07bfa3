# SPDX-License-Identifier: Apache-2.0
"""Crops cover the window, and their votes are counted as asked."""

import numpy as np
import pytest
import torch
from scipy.special import expit, logit
from torch import nn

from precordia.core.errors import OptionError, UnknownNameError
from precordia.training.windows_vote import combine_votes, crop_starts, predict_by_crops


class Peak(nn.Module):
    """Says for each lead how high it gets; absent leads say nothing."""

    def forward(self, x, present=None):
        highest = x.amax(dim=2)
        return highest if present is None else torch.where(present, highest, -9.0)


@pytest.mark.parametrize(("n", "length", "step"), [(1000, 250, 125), (1001, 250, 125), (7, 7, 3)])
def test_every_sample_is_in_a_crop(n, length, step):
    covered = np.zeros(n, bool)
    for start in crop_starts(n, length, step):
        assert 0 <= start <= n - length
        covered[start : start + length] = True
    assert covered.all()


def test_the_benchmark_has_seven_crops_of_ten_seconds():
    assert len(crop_starts(1000, 250, 125)) == 7


@pytest.mark.parametrize(
    ("how", "by_hand"),
    [
        ("max", lambda z: z.max(axis=1)),
        ("mean", lambda z: z.mean(axis=1)),
        ("mean-probability", lambda z: logit(expit(z).mean(axis=1))),
    ],
)
def test_votes_are_counted_as_asked(how, by_hand):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 2, 100)).astype(np.float32)
    crops = np.stack([x[:, :, s : s + 40].max(axis=2) for s in range(0, 61, 20)], axis=1)
    found = predict_by_crops(Peak(), x, fs=10.0, seconds=4, step_seconds=2, how=how, batch_size=7)
    np.testing.assert_allclose(found, by_hand(crops.astype(float)), rtol=1e-5)


def test_votes_of_extreme_logits_stay_finite():
    found = combine_votes(
        np.array([[[900.0], [800.0]], [[-900.0], [-800.0]]]), how="mean-probability"
    )
    assert np.isfinite(found).all()
    assert found[0] > 700
    assert found[1] < -700


def test_the_maximum_finds_what_is_in_one_crop_only():
    x = np.zeros((2, 1, 1000), np.float32)
    x[1, 0, 970] = 3
    assert predict_by_crops(Peak(), x, fs=100.0, how="max").ravel().tolist() == [0, 3]


def test_absent_leads_are_absent_in_every_crop():
    x = np.ones((3, 2, 50), np.float32)
    present = np.array([[True, True], [True, False], [True, True]])
    found = predict_by_crops(Peak(), x, fs=10.0, seconds=2, step_seconds=1, present=present)
    assert found.tolist() == [[1, 1], [1, -9], [1, 1]]


def test_mistakes_are_refused_in_sentences():
    x = np.ones((3, 2, 50), np.float32)
    with pytest.raises(OptionError, match="windows have 50"):
        predict_by_crops(Peak(), x, fs=10.0, seconds=6)
    with pytest.raises(UnknownNameError, match="Did you mean 'mean'"):
        predict_by_crops(Peak(), x, fs=10.0, seconds=2, how="men")
