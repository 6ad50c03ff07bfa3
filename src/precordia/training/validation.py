# SPDX-License-Identifier: Apache-2.0
"""Score a model on a validation set, each process a part of it."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from precordia.training.losses import Loss
from precordia.training.predict import predict
from precordia.training.processes import Processes
from precordia.training.targets import summed_loss
from precordia.training.training_set import TrainingSet
from precordia.training.validation_scores import SCORES, by_record

#: windows that go through the model together
_BATCH = 128


def validate(
    model: nn.Module,
    valid: TrainingSet,
    *,
    loss: Loss,
    metric: str,
    precision: str,
    processes: Processes,
) -> dict[str, float]:
    """Return loss and score of a model on a validation set.

    Parameters
    ----------
    model
        The model.
    valid
        The set; logits of the windows of one record are averaged.
    loss, metric
        What is computed.
    precision
        As in `TrainingSettings`.
    processes
        Each predicts whole batches, the same ones as a single process would.
    """
    logits = _predicted(model, valid, precision, processes)
    z, y, _ = by_record(valid, logits)
    labels = torch.from_numpy(y)
    known = max(float((~torch.isnan(labels)).sum()), 1.0)
    told = {"valid_loss": float(summed_loss(loss, torch.from_numpy(z), labels, None)) / known}
    return told if metric == "loss" else told | {metric: SCORES[metric](z, y)}


def _predicted(
    model: nn.Module, valid: TrainingSet, precision: str, processes: Processes
) -> np.ndarray:
    if processes.n == 1:
        return predict(model, valid, batch_size=_BATCH, precision=precision)
    n_batches = -(-len(valid) // _BATCH)
    mine = range(processes.rank, n_batches, processes.n)
    rows = [np.arange(k * _BATCH, min((k + 1) * _BATCH, len(valid))) for k in mine]
    said = [predict(model, valid.part(r), batch_size=_BATCH, precision=precision) for r in rows]
    shape = said[0].shape[1:] if said else predict(model, valid.part(np.arange(1))).shape[1:]
    device = next(model.parameters()).device
    whole = torch.zeros((len(valid), *shape), device=device)
    for r, part in zip(rows, said, strict=True):
        whole[r] = torch.from_numpy(part).to(device)
    return processes.sum(whole).cpu().numpy()
