# SPDX-License-Identifier: Apache-2.0
"""A training that is killed again and again: killed_training.py FOLDER.

FOLDER/whole is trained at one go, FOLDER/killed by processes that are killed (SIGKILL) at drawn
moments, and FOLDER/unlucky by processes that are killed just before a checkpoint takes its name.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.utils.tensorboard.writer  # once, here, and not in every child
from safetensors.torch import save_file
from torch import nn

from precordia.training.fit import fit
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet


def made(n: int, seed: int) -> TrainingSet:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (n, 2)).astype(np.float32)
    windows = rng.normal(size=(n, 2, 64)).astype(np.float32) + 0.3 * labels[:, :, None]
    names = [f"{seed}-{k}" for k in range(n)]
    return TrainingSet(windows=windows, labels=labels, names=names, patients=names)


def shifted(windows, present, generator):
    """Move each window in time by its own draw."""
    shifts = torch.randint(0, 64, (len(windows), 1, 1), generator=generator)
    place = (torch.arange(64) + shifts) % 64
    return windows.gather(2, place.expand(-1, windows.shape[1], -1))


def trained(folder: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(2, 8, 5),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(8, 2),
    )
    settings = TrainingSettings(
        epochs=6,
        batch_size=16,
        lr=0.02,
        average=0.9,
        mixup=0.3,
        patience=5,
        checkpoint_steps=7,
        log_steps=3,
    )
    train, valid = made(300, 1), made(100, 2)
    fitted = fit(model, train, valid, settings, augment=[shifted], folder=folder, resume=True)
    save_file(fitted.model.state_dict(), folder / "model.safetensors")


def killed_before_checkpoint(folder: Path, number: int) -> None:
    replace, seen = Path.replace, []

    def unlucky(self: Path, target: Path) -> Path:
        seen.append(target)
        if len(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, target)

    Path.replace = unlucky
    trained(folder)


def in_child(work: Callable[[], None], *, killed_after_s: float | None = None) -> bool:
    """Whether the work came to its end."""
    if (child := os.fork()) == 0:
        try:
            torch.set_num_threads(1)
            work()
        except BaseException as error:
            print(type(error).__name__, error, file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if killed_after_s is not None:
        time.sleep(killed_after_s)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1] == 0


def main() -> None:
    folder = Path(sys.argv[1])
    began = time.monotonic()
    assert in_child(lambda: trained(folder / "whole"))
    took = time.monotonic() - began
    rng, kills = np.random.default_rng(0), 0
    while not in_child(
        lambda: trained(folder / "killed"),
        killed_after_s=took * rng.uniform(0.15, 0.5) if kills < 5 else None,
    ):
        kills += 1
    for number in (1, 2, 4):
        assert not in_child(lambda n=number: killed_before_checkpoint(folder / "unlucky", n))
    assert in_child(lambda: trained(folder / "unlucky"))
    print(kills)


if __name__ == "__main__":
    main()
