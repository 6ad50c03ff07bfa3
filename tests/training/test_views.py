# SPDX-License-Identifier: Apache-2.0
"""Views change what they may and keep what they must."""

from __future__ import annotations

import math

import pytest
import torch

from precordia.core.errors import OptionError
from precordia.core.leads import STANDARD_12
from precordia.models.load_model import load_model
from precordia.training.unlabelled_batch import UnlabelledBatch
from precordia.training.views import Change, check_crops, views


def _batch(n: int = 4) -> UnlabelledBatch:
    seconds = torch.arange(500) / 100
    shape = torch.sin(2 * math.pi * seconds)[None, None].repeat(n, 12, 1)
    rows = torch.arange(n)
    made = torch.Generator().manual_seed(0)
    limb = torch.randn(n, 2, 500, generator=made)
    shape = shape.clone()
    shape[:, 0], shape[:, 1] = limb[:, 0], limb[:, 1]
    shape[:, 2] = limb[:, 1] - limb[:, 0]
    shape[:, 3] = -(limb[:, 0] + limb[:, 1]) / 2
    shape[:, 4] = limb[:, 0] - limb[:, 1] / 2
    shape[:, 5] = limb[:, 1] - limb[:, 0] / 2
    return UnlabelledBatch(
        windows=shape,
        present=torch.ones(n, 12, dtype=torch.bool),
        patients=rows // 2,
        records=rows,
        starts=rows * 0,
        fs=100.0,
        leads=STANDARD_12,
        ages=torch.full((n,), 50.0),
        males=torch.ones(n),
    )


def _drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_views_differ_from_each_other_and_come_from_the_generator_alone():
    change = Change(crop=0.8, masked_leads=0.3, masked_spans=2)
    first = views(_batch(), change, _drawn(1), n=2)
    again = views(_batch(), change, _drawn(1), n=2)
    other = views(_batch(), change, _drawn(2), n=2)
    assert torch.equal(first.windows, again.windows)
    assert not torch.equal(first.windows, other.windows)
    assert not torch.equal(first.windows[:4], first.windows[4:])
    assert first.patients.tolist() == [0, 0, 1, 1] * 2
    assert first.windows.shape == (8, 12, 400)


def test_limb_leads_keep_their_identities_through_gain_and_noise():
    made = views(_batch(), Change(noise=1.0), _drawn())
    x = made.windows
    assert torch.allclose(x[:, 2], x[:, 1] - x[:, 0], atol=1e-4)
    assert torch.allclose(x[:, 3], -(x[:, 0] + x[:, 1]) / 2, atol=1e-4)
    assert not torch.allclose(x, _batch().windows, atol=0.05)


def test_without_change_a_view_is_the_window():
    same = views(_batch(), Change(gain_db=0.0, noise=0.0), _drawn(), n=3)
    assert torch.equal(same.windows, _batch().windows.repeat(3, 1, 1))


def test_a_crop_keeps_the_direction_of_time():
    batch = _batch()
    made = views(batch, Change(crop=0.5, gain_db=0.0, noise=0.0), _drawn())
    for view, window in zip(made.windows[:, 0], batch.windows[:, 0], strict=True):
        places = window.unfold(0, 250, 1)
        assert (places == view).all(dim=1).any()


def test_masked_leads_are_zero_and_said_to_be_absent():
    made = views(_batch(), Change(masked_leads=0.5), _drawn())
    assert (made.windows[~made.present] == 0).all()
    assert 0 < int((~made.present).sum()) < made.present.numel()
    assert made.present.any(dim=1).all()


def test_crops_that_an_encoder_cannot_take_are_refused():
    fixed = load_model(
        "vit1d", n_outputs=0, leads=STANDARD_12, n_samples=500, fs=100, patch=50, width=32,
        depth=1, heads=2, positions="learned",
    )  # fmt: skip
    check_crops(fixed, 1.0)
    with pytest.raises(OptionError, match="500 samples alone"):
        check_crops(fixed, 0.5)
    free = load_model(
        "vit1d", n_outputs=0, leads=STANDARD_12, n_samples=500, fs=100, patch=50, width=32,
        depth=1, heads=2,
    )  # fmt: skip
    with pytest.raises(OptionError, match="at least 50"):
        check_crops(free, 0.05)


@pytest.mark.parametrize(
    ("option", "said"),
    [({"crop": 0.0}, "crop"), ({"masked_leads": 1.0}, "masked_leads"), ({"noise": 2.0}, "noise")],
)
def test_impossible_changes_are_refused_with_sentences(option, said):
    with pytest.raises(OptionError, match=said):
        Change(**option)
