# SPDX-License-Identifier: Apache-2.0
"""However a batch is divided, into passes or among processes, the training is the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from precordia.core.errors import OptionError
from precordia.training.augmentations import load_augmentation
from precordia.training.augmenter import Augmenter
from precordia.training.fit import fit
from precordia.training.order import batch_of, n_batches, shares_of_work
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet

torch.set_num_threads(1)
PROGRAM = Path(__file__)
#: float32 sums in another order, over ten steps
TOLERANCE = 2e-5


def made(n: int, seed: int) -> TrainingSet:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (n, 2)).astype(np.float32)
    windows = rng.normal(size=(n, 2, 64)).astype(np.float32) + 0.3 * labels[:, :, None]
    labels[rng.random(labels.shape) < 0.2] = np.nan
    names = [f"{seed}-{k}" for k in range(n)]
    weights = rng.uniform(0.5, 2, n)
    return TrainingSet(windows=windows, labels=labels, names=names, patients=names, weights=weights)


def model_of(norm: type[nn.Module]) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            # a bias before a batch norm has no effect, and Adam makes steps of its rounding
            nn.Conv1d(2, 8, 5, bias=norm is not nn.BatchNorm1d),
            norm(8) if norm is nn.BatchNorm1d else norm(2, 8),
            nn.GELU(),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
            nn.Linear(8, 2),
        )


def reversed_by_draw(windows, present, generator):
    """An augmentation that knows no records: half of them upside down."""
    signs = torch.randint(0, 2, (len(windows), 1, 1), generator=generator) * 2 - 1
    return windows * signs


def weights(norm: type[nn.Module], **changes) -> dict[str, torch.Tensor]:
    settings = TrainingSettings(
        **{"epochs": 2, "batch_size": 32, "lr": 0.02, "average": 0.9, "mixup": 0.3, **changes}
    )
    known = Augmenter(steps=(load_augmentation("shift", seconds=0.1),), fs=100, leads=("I", "II"))
    fitted = fit(
        model_of(norm), made(150, 1), made(300, 2), settings, augment=[known, reversed_by_draw]
    )
    return {name: t.clone() for name, t in fitted.model.state_dict().items()}


def furthest(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    return max(float((one[k].double() - other[k].double()).abs().max()) for k in one)


def test_each_window_comes_once_an_epoch_in_batches_of_nearly_one_size():
    n, size = 103, 16
    rows = [batch_of(n, size, seed=1, epoch=2, number=k).rows for k in range(n_batches(n, size))]
    assert sorted(np.concatenate(rows)) == list(range(n))
    assert {len(r) for r in rows} <= {14, 15}


@pytest.mark.parametrize("n", [1, 7, 8, 31, 64, 65])
@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_shares_cover_a_batch_by_whole_grains(n, parts):
    shares = shares_of_work(n, 8, parts)
    covered = [k for share in shares for k in range(share.start, share.stop)]
    assert covered == list(range(n))
    assert all(share.start % 8 == 0 or share.start == n for share in shares)


def test_passes_add_up_to_the_batch():
    whole = weights(nn.GroupNorm)
    parted = weights(nn.GroupNorm, accumulate=2)
    assert furthest(whole, parted) < TOLERANCE
    assert furthest(whole, weights(nn.GroupNorm, seed=1)) > 100 * TOLERANCE  # it could fail


def test_threads_that_gather_ahead_change_nothing():
    assert furthest(weights(nn.BatchNorm1d, workers=0), weights(nn.BatchNorm1d, workers=3)) == 0


@pytest.fixture(scope="module")
def of_two_processes() -> dict[str, dict[str, torch.Tensor]]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
            *("--master-port", str(29_500 + os.getpid() % 1000), str(PROGRAM)),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    return {key: {name: torch.tensor(t) for name, t in held.items()} for key, held in said.items()}


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, nn.GroupNorm])
def test_two_processes_train_the_same_model_as_one(of_two_processes, norm):
    assert furthest(of_two_processes[norm.__name__], weights(norm)) < TOLERANCE


def test_passes_and_processes_together_are_those_of_passes_alone(of_two_processes):
    one = weights(nn.BatchNorm1d, batch_size=64, accumulate=2)
    assert furthest(of_two_processes["accumulated"], one) < TOLERANCE


def test_too_small_batches_for_so_many_passes_are_refused():
    with pytest.raises(OptionError, match="grain"):
        weights(nn.GroupNorm, batch_size=8, accumulate=2)


if __name__ == "__main__":
    found = {norm.__name__: weights(norm) for norm in (nn.BatchNorm1d, nn.GroupNorm)}
    found["accumulated"] = weights(nn.BatchNorm1d, batch_size=64, accumulate=2)
    if os.environ["RANK"] == "0":
        print(
            json.dumps({k: {n: t.tolist() for n, t in held.items()} for k, held in found.items()})
        )
