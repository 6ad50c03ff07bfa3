# SPDX-License-Identifier: Apache-2.0
"""Batches of simulated recordings, small encoders, and a few steps of training."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

from precordia.core.leads import STANDARD_12
from precordia.training.objective import Learned, Objective
from precordia.training.unlabelled_batch import UnlabelledBatch

PLAIN = Path(__file__).resolve().parents[3] / "benchmarks" / "pretraining" / "straightforward"


def beats_of(n_rows: int, n_samples: int, seed: int, fs: float) -> tuple[torch.Tensor, tuple]:
    """Return rows of bumps at a rate and with a shape of their own, and where they stand."""
    generator = torch.Generator().manual_seed(seed)
    clock = torch.arange(n_samples) / fs
    windows, peaks = [], []
    for _ in range(n_rows):
        chance = torch.rand(4, generator=generator)
        apart, first = 0.5 + 0.6 * float(chance[0]), 0.2 + 0.2 * float(chance[1])
        centres = torch.arange(first, n_samples / fs, apart)
        since = clock[None, :] - centres[:, None]
        qrs = torch.exp(-((since / 0.02) ** 2)).sum(0)
        wave = (0.2 + 0.4 * chance[2]) * torch.exp(-(((since - 0.3) / 0.05) ** 2)).sum(0)
        gains = torch.randn(12, 1, generator=generator)
        row = gains * (qrs + wave) + 0.02 * torch.randn(12, n_samples, generator=generator)
        windows.append(row)
        peaks.append((centres * fs).round().long().clamp(max=n_samples - 1))
    return torch.stack(windows), tuple(peaks)


@pytest.fixture(scope="session")
def make_batch() -> Callable[..., UnlabelledBatch]:
    """Maker of batches: (n_rows, n_samples, seed, fs, pairs)."""

    def make(
        n_rows: int = 8, n_samples: int = 400, seed: int = 0, fs: float = 100, pairs: bool = False
    ) -> UnlabelledBatch:
        windows, peaks = beats_of(n_rows, n_samples, seed, fs)
        whose = torch.arange(n_rows) // 2 if pairs else torch.arange(n_rows)
        return UnlabelledBatch(
            windows=windows,
            present=torch.ones(n_rows, 12, dtype=torch.bool),
            patients=whose,
            records=whose,
            starts=torch.zeros(n_rows, dtype=torch.long),
            fs=fs,
            leads=STANDARD_12,
            ages=torch.full((n_rows,), torch.nan),
            males=torch.full((n_rows,), torch.nan),
            rpeaks=peaks,
        )

    return make


@pytest.fixture(scope="session")
def few_steps() -> Callable[..., list[float]]:
    """Trainer: an objective and a batch, and the losses of some steps on it come back."""

    def train(
        objective: Objective, batch: UnlabelledBatch, *, n_steps: int = 20, lr: float = 2e-3
    ) -> list[float]:
        objective.train()
        parameters = [p for p in objective.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(parameters, lr=lr)
        generator = torch.Generator().manual_seed(0)
        losses = []
        for step in range(n_steps):
            learned: Learned = objective(batch, step / n_steps, generator)
            optimiser.zero_grad()
            learned.loss.backward()
            optimiser.step()
            objective.after_step(step / n_steps)
            losses.append(float(learned.loss.detach()))
        return losses

    return train


@pytest.fixture(scope="session")
def plain() -> Callable[[str], ModuleType]:
    """Reader of the straightforward versions in benchmarks/pretraining/straightforward."""

    def read(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"plain_{name}", PLAIN / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return read


@pytest.fixture(autouse=True)
def _one_thread_and_seed():
    torch.set_num_threads(1)
    torch.manual_seed(0)
