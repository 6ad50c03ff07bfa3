# SPDX-License-Identifier: Apache-2.0
"""Losses over hidden tokens, and codes, are the same for two processes as for one.

test_masked_losses_of_several_processes.py RANK MEETING OUT: one of the two processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from precordia.core.leads import STANDARD_12
from precordia.models.load_model import load_model
from precordia.nn.vector_quantiser import VectorQuantiser
from precordia.training.masks import Places
from precordia.training.objectives.cpc import cpc_loss
from precordia.training.objectives.jepa import standardised
from precordia.training.objectives.mae import Mae


def told(rows: slice) -> dict[str, tuple[Tensor, Tensor]]:
    """Return losses of some rows of the batch, and what their gradients should be compared of."""
    drawn = torch.Generator().manual_seed(0)
    weight = torch.randn(12, 8, generator=drawn).requires_grad_()
    frames = (torch.randn(8, 20, 12, generator=drawn) @ weight)[rows]
    places = torch.randint(0, 20, (8, 5), generator=drawn)[rows]
    cpc, _ = cpc_loss(frames[:, None], frames, (2,), places, places[:, :2], temperature=8.0)
    level = standardised(frames).square().mul(torch.arange(8.0)).tanh().mean()
    return {"cpc": (cpc, weight), "standardised": (level, weight), "mae": _mae(rows)}


def _mae(rows: slice) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    encoder = load_model(
        "vit1d", n_outputs=0, leads=STANDARD_12, n_samples=200, fs=100,
        patch=25, width=16, depth=1, heads=2, drop_path=0.0,
    )  # fmt: skip
    objective = Mae(encoder, decoder_width=16, decoder_depth=1, decoder_heads=2)
    drawn = torch.Generator().manual_seed(1)
    windows = torch.randn(8, 12, 200, generator=drawn)
    present = torch.rand(8, 12, generator=drawn) > torch.linspace(0, 0.9, 8)[:, None]
    order = torch.rand(8, 8, generator=drawn).argsort(dim=1)
    places = Places(order[:, :4], order[:, 4:])
    windows = windows * present[:, :, None]
    places = Places(places.kept[rows], places.hidden[rows])
    loss, _ = objective.loss_of(windows[rows], present[rows], places)
    return loss, encoder.patches.project.weight


def codes(rows: slice) -> Tensor:
    """Return a codebook after it followed two batches."""
    quantise = VectorQuantiser(3, 4)
    quantise.book.copy_(torch.eye(4, 3))
    quantise.total.copy_(quantise.book)
    quantise.count.fill_(1.0)
    quantise.begun.fill_(True)
    drawn = torch.Generator().manual_seed(0)
    for batch in torch.randn(2, 40, 3, generator=drawn):
        quantise(batch.unflatten(0, (8, 5))[rows].flatten(0, 1), drawn)
    return quantise.book


def first_codes(rows: slice) -> tuple[Tensor, Tensor]:
    """Return codes that begin with the vectors that count, and how far these are from them."""
    quantise = VectorQuantiser(3, 6).train()
    drawn = torch.Generator().manual_seed(1)
    vectors = torch.randn(8, 5, 3, generator=drawn)
    # the two processes have different numbers of vectors that count
    counted = torch.arange(5)[None, :] < torch.tensor([5, 5, 4, 5, 1, 2, 1, 1])[:, None]
    told = quantise(vectors[rows].flatten(0, 1), drawn, counted[rows].flatten())
    return quantise.book, told.commitment


def found(rows: slice, n: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Return each loss as the mean over processes, and the sum of its gradients."""
    book, apart = first_codes(rows)
    apart = apart.detach() / n
    if n > 1:
        dist.all_reduce(apart)
    results = {"codes": (codes(rows), torch.zeros(1)), "first codes": (book, apart)}
    for name, (loss, weight) in told(rows).items():
        gradient = torch.autograd.grad(loss / n, weight, retain_graph=True)[0]
        value = (loss.detach() / n).clone()
        if n > 1:
            dist.all_reduce(gradient)
            dist.all_reduce(value)
        results[name] = (value, gradient)
    return results


def test_losses_gradients_and_codes_of_two_processes_are_those_of_one(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    program = [sys.executable, str(Path(__file__))]
    running = [
        subprocess.Popen([*program, str(rank), str(tmp_path / "meeting"), str(tmp_path / "out")],
                         env=environment)
        for rank in range(2)
    ]  # fmt: skip
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    together = torch.load(tmp_path / "out", weights_only=True)
    for name, alone in found(slice(None), 1).items():
        for ours, theirs in zip(alone, together[name], strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


if __name__ == "__main__":
    torch.set_num_threads(1)
    rank = int(sys.argv[1])
    dist.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2)
    results = found(slice(4 * rank, 4 * rank + 4), 2)
    if rank == 0:
        torch.save(results, sys.argv[3])
    dist.destroy_process_group()
