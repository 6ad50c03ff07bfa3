# SPDX-License-Identifier: Apache-2.0
"""Batches gathered, mixed and augmented, ahead of the step that needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from precordia.training.ahead import made_ahead
from precordia.training.order import Batch, augmentation_seed, shares_of_work
from precordia.training.settings import TrainingSettings
from precordia.training.training_set import TrainingSet

#: changes windows of some records: (windows, which leads are there, random numbers) -> windows.
#: One that has ``of_records`` is told which records these are, and may change leads and labels.
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
        yield from made_ahead(self.make, batches, workers=self.settings.workers)

    def make(self, batch: Batch) -> Feed:
        """Make what this process does of a batch."""
        rows, s = batch.rows, self.settings
        known = ~np.isnan(self.train.labels[rows]).reshape(len(rows), -1)
        by_window = known.sum(axis=1, dtype=np.float64)
        if self.train.weights is not None:
            by_window *= self.train.weights[rows]
        passes = []
        for whole in shares_of_work(len(rows), s.grain, s.accumulate):
            mine = shares_of_work(whole.stop - whole.start, s.grain, self.n_processes)[self.rank]
            part = slice(whole.start + mine.start, whole.start + mine.stop)
            passes.append(self._augmented(self._mixed(batch, part), batch, part))
        return Feed(batch, tuple(passes), float(by_window.sum()))

    def _gathered(self, rows: Int[np.ndarray, " batch"]) -> Pass:
        held = self.train
        return Pass(
            torch.from_numpy(held.gather(rows)),
            torch.from_numpy(held.labels[rows]),
            None if held.weights is None else torch.from_numpy(held.weights[rows]),
            None if held.present is None else torch.from_numpy(held.present[rows]),
        )

    def _mixed(self, batch: Batch, part: slice) -> Pass:
        held = self._gathered(batch.rows[part])
        if batch.partners is None or batch.shares is None:
            return held
        other = self._gathered(batch.partners[part])
        share = torch.from_numpy(batch.shares[part])
        windows = torch.lerp(other.windows, held.windows, share[:, None, None])
        by_label = share.reshape(-1, *(1,) * (held.labels.ndim - 1))
        labels = by_label * held.labels + (1 - by_label) * other.labels  # NaN stays unknown
        present = held.present
        if present is not None and other.present is not None:
            present = present & other.present
            windows *= present[:, :, None]
        return Pass(windows, labels, held.weights, present)

    def _augmented(self, held: Pass, batch: Batch, part: slice) -> Pass:
        """Augment in order; random numbers do not depend on how work is divided."""
        for change in self.augment:
            if hasattr(change, "of_records"):
                done = change.of_records(
                    held.windows,
                    held.present,
                    held.labels,
                    records=batch.rows[part],
                    seed=self.settings.seed,
                    epoch=batch.epoch,
                )
                present = done.present
                if held.present is None and bool(present.all()):
                    present = None
                held = Pass(done.windows, done.labels, held.weights, present)
            else:
                held = self._by_grain(change, held, batch, part.start)
        return held

    def _by_grain(self, change: Augmentation, held: Pass, batch: Batch, first: int) -> Pass:
        """Augment a few windows at a time, each few with random numbers of their own."""
        grain, done = self.settings.grain, []
        for start in range(0, len(held.windows), grain):
            few = slice(start, start + grain)
            seed = augmentation_seed(
                self.settings.seed, batch.epoch, batch.number, (first + start) // grain
            )
            present = None if held.present is None else held.present[few]
            done.append(change(held.windows[few], present, torch.Generator().manual_seed(seed)))
        return Pass(torch.cat(done), held.labels, held.weights, held.present)
