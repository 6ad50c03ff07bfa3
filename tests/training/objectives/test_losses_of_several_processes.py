# SPDX-License-Identifier: Apache-2.0
"""Losses that compare windows are the same for two processes as for one with the whole batch.

test_losses_of_several_processes.py RANK MEETING OUT: one of the two processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from precordia.training.contrast import nt_xent
from precordia.training.gathering import gathered
from precordia.training.objectives.clef import alignment, dissimilarity, risk_contrast
from precordia.training.objectives.cmsc import cmsc_loss
from precordia.training.objectives.comet import same_id_loss, sample_loss
from precordia.training.objectives.moco_koleo import participant_loss
from precordia.training.objectives.simdino import agreement_loss, expansion
from precordia.training.spread import koleo, sigreg

PATIENTS = torch.tensor([0, 0, 1, 2, 1, 3, 3, 4])


def losses(rows: slice, weight: Tensor) -> dict[str, Tensor]:
    """Return the losses of some rows of the batch, through a map whose gradient is compared."""
    drawn = torch.Generator().manual_seed(0)
    x = torch.randn(2, 8, 3, 6, generator=drawn, dtype=torch.float64)[:, rows]
    tokens = x @ weight
    views, patients = tokens.mean(dim=2), PATIENTS[rows]
    whole = gathered(views.transpose(0, 1).contiguous()).transpose(0, 1)
    unlike = dissimilarity(torch.linspace(0, 1, 8, dtype=torch.float64))
    return {
        "nt_xent": nt_xent(views, patients),
        "participant": participant_loss(views[0], views[1].detach(), patients),
        "koleo": koleo(views[0]),
        "sigreg": sigreg(views, torch.Generator().manual_seed(3)),
        "cmsc": cmsc_loss(views[0], views[1], patients),
        "agreement": agreement_loss(views, views.detach()),
        "expansion": expansion(views),
        "sample": sample_loss(tokens),
        "patient": same_id_loss(views[0], patients),
        "clef": risk_contrast(whole, unlike, PATIENTS) + alignment(whole, unlike),
    }


def slopes(rows: slice, n: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Return each loss as the mean over processes, and the sum of its gradients."""
    told = {}
    drawn = torch.Generator().manual_seed(1)
    weight = torch.randn(6, 4, generator=drawn, dtype=torch.float64).requires_grad_()
    for name, loss in losses(rows, weight).items():
        gradient = torch.autograd.grad(loss / n, weight, retain_graph=True)[0]
        value = (loss.detach() / n).clone()
        if n > 1:
            dist.all_reduce(gradient)
            dist.all_reduce(value)
        told[name] = (value, gradient)
    return told


def test_losses_and_gradients_of_two_processes_are_those_of_one(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    program = [sys.executable, str(Path(__file__))]
    running = [
        subprocess.Popen([*program, str(rank), str(tmp_path / "meeting"), str(tmp_path / "out")],
                         env=environment)
        for rank in range(2)
    ]  # fmt: skip
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    together = torch.load(tmp_path / "out", weights_only=True)
    for name, alone in slopes(slice(None), 1).items():
        for ours, theirs in zip(alone, together[name], strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7, msg=name)


if __name__ == "__main__":
    torch.set_num_threads(1)
    rank = int(sys.argv[1])
    dist.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2)
    found = slopes(slice(4 * rank, 4 * rank + 4), 2)
    if rank == 0:
        torch.save(found, sys.argv[3])
    dist.destroy_process_group()
