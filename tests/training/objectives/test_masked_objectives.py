# SPDX-License-Identifier: Apache-2.0
"""What the objectives that hide and tell have in common: their weights, sizes and precision."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from precordia.core.leads import STANDARD_12
from precordia.core.registry import load_object
from precordia.models.load_model import load_model
from precordia.training.objective_table import OBJECTIVES

NAMES = ("jepa", "mae", "cpc", "wav2vec", "heartlang")


def made(name: str):
    row = OBJECTIVES[name]
    length = {"seconds": 10, "fs": 100} | dict(row.input)
    encoder = load_model(
        row.architecture, n_outputs=0, leads=STANDARD_12, **length, **row.model_options
    )
    return load_object(row.path)(encoder, **row.options)


@pytest.mark.parametrize("name", NAMES)
def test_no_weight_is_stored_twice(name):
    state = made(name).state_dict()
    places = [value.data_ptr() for value in state.values() if value.numel()]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("name", NAMES)
def test_the_usual_sizes_take_a_step_on_twelve_leads_of_which_some_are_absent(name, make_batch):
    row = OBJECTIVES[name]
    n_samples = 500 if name == "wav2vec" else 1000
    batch = make_batch(n_rows=4, n_samples=n_samples, pairs=row.grouping == "neighbours")
    present = batch.present.clone()
    present[0, 3:] = False
    starts = torch.tensor([0, 500, 0, 500])
    batch = dataclasses.replace(
        batch, windows=batch.windows * present[:, :, None], present=present, starts=starts
    )
    objective = made(name)
    for progress in (0.0, 0.9):
        learned = objective(batch, progress, torch.Generator().manual_seed(0))
        learned.loss.backward()
        objective.after_step(progress)
        assert torch.isfinite(learned.loss)
        assert torch.isfinite(learned.embeddings).all()
    grads = [p.grad for p in objective.parameters() if p.grad is not None]
    assert all(torch.isfinite(g).all() for g in grads)


@pytest.mark.parametrize("name", NAMES)
def test_losses_are_summed_in_whole_precision(name, make_batch):
    n_samples = 500 if name == "wav2vec" else 1000
    batch = make_batch(n_rows=4, n_samples=n_samples, pairs=True)
    batch = dataclasses.replace(batch, starts=torch.tensor([0, 500, 0, 500]))
    objective = made(name)
    for progress in (0.0, 0.9):
        losses = []
        for half in (False, True):
            torch.manual_seed(0)
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                learned = objective(batch, progress, torch.Generator().manual_seed(0))
            learned.loss.backward()
            assert learned.loss.dtype == torch.float32
            losses.append(float(learned.loss.detach()))
        assert abs(losses[1] - losses[0]) < 0.1 * losses[0]
