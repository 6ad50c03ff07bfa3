# SPDX-License-Identifier: Apache-2.0
"""Batches gathered, mixed and augmented, ahead of the step that needs them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from precordia.training.order import Batch, augmentation_seed, shares_of_work
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet

#: changes windows of some records: (windows, which leads are there, random numbers) -> windows
Augmentation = Callable[[Tensor, Tensor | None, torch.Generator], Tensor]


@dataclass(frozen=True, slots=True)
class Pass:
    """What goes through the model at once.

    Attributes
    ----------
    windows
        What the model sees.
    labels
        What it should say; NaN is unknown.
    weights, present
        As in `TrainingSet`.
    """

    windows: Float[Tensor, "batch lead sample"]
    labels: Float[Tensor, "batch ..."]
    weights: Float[Tensor, " batch"] | None = None
    present: Bool[Tensor, "batch lead"] | None = None

    def to(self, device: torch.device) -> Pass:
        """Move everything to a device."""
        if device.type == "cpu":
            return self
        held = (self.windows, self.labels, self.weights, self.present)
        return Pass(*(None if t is None else t.to(device, non_blocking=True) for t in held))


@dataclass(frozen=True, slots=True)
class Feed:
    """A batch ready for the model.

    Attributes
    ----------
    batch
        Which one.
    passes
        What this process does of it, in order.
    counted
        Known labels of the whole batch, over all processes, by weight.
    """

    batch: Batch
    passes: tuple[Pass, ...]
    counted: float


class Feeder:
    """Make batches for one process of several.

    Parameters
    ----------
    train
        The windows.
    settings
        Batch size, passes, grain, seed, mixup and threads.
    augment
        What is done to windows, in order.
    rank, n_processes
        Which process this is.
    """

    def __init__(
        self,
        train: TrainingSet,
        settings: TrainingSettings,
        augment: Sequence[Augmentation] = (),
        *,
        rank: int = 0,
        n_processes: int = 1,
    ) -> None:
        self.train, self.settings, self.augment = train, settings, tuple(augment)
        self.rank, self.n_processes = rank, n_processes

    def over(self, batches: Iterable[Batch]) -> Iterator[Feed]:
        """Give the batches in order, some of them made ahead in threads."""
        if not self.settings.workers:
            yield from map(self.make, batches)
            return
        rest = iter(batches)
        with ThreadPoolExecutor(self.settings.workers) as pool:
            ahead: deque[Future[Feed]] = deque()
            try:
                while True:
                    while (
                        len(ahead) <= self.settings.workers and (b := next(rest, None)) is not None
                    ):
                        ahead.append(pool.submit(self.make, b))
                    if not ahead:
                        return
                    yield ahead.popleft().result()
            finally:
                for future in ahead:
                    future.cancel()

    def make(self, batch: Batch) -> Feed:
        """Make what this process does of a batch."""
        labels = self._labels(batch)
        weights = None if self.train.weights is None else self.train.weights[batch.rows]
        known = ~np.isnan(labels).reshape(len(labels), -1)
        count = known.sum(axis=1, dtype=np.float64) @ (
            np.ones(len(labels)) if weights is None else weights.astype(np.float64)
        )
        passes = []
        for whole in shares_of_work(len(batch.rows), self.settings.grain, self.settings.accumulate):
            mine = shares_of_work(whole.stop - whole.start, self.settings.grain, self.n_processes)[
                self.rank
            ]
            part = slice(whole.start + mine.start, whole.start + mine.stop)
            windows, present = self._windows(batch, part)
            passes.append(
                Pass(
                    windows,
                    torch.from_numpy(labels[part]),
                    None if weights is None else torch.from_numpy(weights[part]),
                    present,
                )
            )
        return Feed(batch, tuple(passes), float(count))

    def _labels(self, batch: Batch) -> np.ndarray:
        labels = self.train.labels[batch.rows]
        if batch.partners is None or batch.shares is None:
            return labels
        share = batch.shares.reshape(-1, *(1,) * (labels.ndim - 1))
        return share * labels + (1 - share) * self.train.labels[batch.partners]

    def _windows(self, batch: Batch, part: slice) -> tuple[Tensor, Tensor | None]:
        windows = torch.from_numpy(self.train.gather(batch.rows[part]))
        there = self.train.present
        present = None if there is None else torch.from_numpy(there[batch.rows[part]])
        if batch.partners is not None and batch.shares is not None:
            others = torch.from_numpy(self.train.gather(batch.partners[part]))
            windows = torch.lerp(
                others, windows, torch.from_numpy(batch.shares[part])[:, None, None]
            )
            if there is not None and present is not None:
                present = present & torch.from_numpy(there[batch.partners[part]])
                windows *= present[:, :, None]
        return (
            self._augmented(windows, present, batch, part.start) if self.augment else windows
        ), present

    def _augmented(
        self, windows: Tensor, present: Tensor | None, batch: Batch, first: int
    ) -> Tensor:
        """Augment grain by grain, each with its own random numbers, however work is divided."""
        grain, done = self.settings.grain, []
        for start in range(0, len(windows), grain):
            generator = torch.Generator().manual_seed(
                augmentation_seed(
                    self.settings.seed, batch.epoch, batch.number, (first + start) // grain
                )
            )
            piece = windows[start : start + grain]
            there = None if present is None else present[start : start + grain]
            for change in self.augment:
                piece = change(piece, there, generator)
            done.append(piece)
        return torch.cat(done)
