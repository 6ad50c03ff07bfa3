# SPDX-License-Identifier: Apache-2.0
"""Views as a usual loader of data makes them: window by window, with a generator of NumPy."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from precordia.signal.lead_algebra import ELECTRODES
from precordia.training.augment_noise import Noise
from precordia.training.noise_bank import load_noise
from precordia.training.unlabelled_batch import UnlabelledBatch
from precordia.training.views import Change

TO_LEADS = np.asarray(ELECTRODES.coefficients, np.float32)
TO_ELECTRODES = np.linalg.pinv(TO_LEADS)


class ChangeWindows:
    """What `precordia.training.views.views` does to twelve leads in millivolts."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)

    def __call__(self, batch: UnlabelledBatch, change: Change) -> tuple[Tensor, Tensor]:
        """Return one view of each window, and which leads it has."""
        made = [
            self.one(window, present, batch.fs, change)
            for window, present in zip(batch.windows.numpy(), batch.present.numpy(), strict=True)
        ]
        windows, present = (np.stack(part) for part in zip(*made, strict=True))
        return torch.from_numpy(windows), torch.from_numpy(present)

    def one(self, x: np.ndarray, present: np.ndarray, fs: float, change: Change):
        """Return a view of one window."""
        rng, n = self.rng, round(change.crop * x.shape[1])
        start = rng.integers(x.shape[1] - n + 1)
        x = x[:, start : start + n].copy()
        if change.gain_db:
            x *= 10 ** (rng.uniform(-change.gain_db, change.gain_db) / 20)
            if present.all():
                gains = 1 + 0.02 * rng.standard_normal(9, dtype=np.float32).clip(-3, 3)
                x = (TO_LEADS * gains) @ TO_ELECTRODES @ x
        if rng.random() < change.noise:
            x = self.noisy(x, present, fs)
        if change.masked_leads:
            chance = np.where(present, rng.random(len(x)), -1.0)
            stays = chance >= min(change.masked_leads, chance.max())
            present, x = present & stays, x * stays[:, None]
        for _ in range(change.masked_spans):
            length = rng.integers(round(change.masked_seconds * fs) + 1)
            start = rng.integers(n - length + 1)
            x[:, start : start + length] = 0
        return x.astype(np.float32, copy=False), present

    def noisy(self, x: np.ndarray, present: np.ndarray, fs: float) -> np.ndarray:
        """Add noise of one kind to each electrode."""
        held = load_noise(str(self.rng.choice(Noise().kinds)), fs).rows.numpy()
        rows = self.rng.integers(len(held), size=9)
        starts = self.rng.integers(held.shape[1] - x.shape[1] + 1, size=9)
        sources = [held[r, s : s + x.shape[1]] for r, s in zip(rows, starts, strict=True)]
        noise = TO_LEADS @ np.stack(sources)
        there = present & (x.var(axis=1) > 0) & (noise.var(axis=1) > 0)
        if not there.any():
            return x
        ratio = np.median(x[there].var(axis=1) / noise[there].var(axis=1))
        factor = np.sqrt(ratio / 10 ** (self.rng.uniform(6, 24) / 10))
        return x + np.float32(factor) * noise * there[:, None]
