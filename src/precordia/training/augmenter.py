# SPDX-License-Identifier: Apache-2.0
"""Augmentations in a row, each with random numbers of the record, epoch and seed alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from precordia.core.errors import OptionError
from precordia.training.draws import Draws, draws_of
from precordia.training.window_batch import WindowBatch, pad_rpeaks


def augment(batch: WindowBatch, steps: Sequence[Any], draws: Draws) -> WindowBatch:
    """Apply augmentations one after the other.

    Parameters
    ----------
    batch
        Windows.
    steps
        From `precordia.training.augmentations.load_augmentation`. Each happens to a record with
        its own probability.
    draws
        Random numbers of the records.

    Returns
    -------
    Another batch; the given one is not changed.

    Examples
    --------
    >>> from precordia.training.augmentations import load_augmentation
    >>> batch = WindowBatch(
    ...     windows=torch.ones(2, 1, 50), present=torch.ones(2, 1).bool(), fs=100, leads=("II",)
    ... )
    >>> draws = draws_of(seed=0, epoch=0, records=[0, 1])
    >>> changed = augment(batch, [load_augmentation("gain")], draws)
    >>> changed.windows.shape, bool((changed.windows[0] != changed.windows[1]).all())
    (torch.Size([2, 1, 50]), True)
    """
    for number, step in enumerate(steps):
        own = draws.within(number)
        if step.probability >= 1:
            batch = step(batch, own)
            continue
        rows = torch.nonzero(own.uniform("whether", 1)[:, 0] < step.probability)[:, 0]
        if len(rows):
            batch = batch.with_rows(rows, step(batch.of(rows), own.of(rows)))
    return batch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Augmenter:
    """Augmentations for a training loop.

    Attributes
    ----------
    steps
        From `precordia.training.augmentations.load_augmentation`.
    fs, leads
        Of the windows.
    one_scale
        Whether all leads are in millivolts or in one multiple of it; see `WindowBatch`.
    rpeaks
        Samples of the R-peaks of each window of the training set, where a step needs them; see
        `precordia.training.window_rpeaks`.
    fetch
        Gives windows, present and labels of rows of the training set, where a step needs partners.
    n_records
        Size of the training set, for the same.

    Raises
    ------
    OptionError
        If a step cannot work on such windows.
    """

    steps: tuple[Any, ...]
    fs: float
    leads: tuple[str, ...]
    one_scale: bool = True
    rpeaks: Sequence[np.ndarray] | None = None
    fetch: Callable[[np.ndarray], tuple[Tensor, Tensor | None, Tensor | None]] | None = None
    n_records: int = 0

    def __post_init__(self) -> None:
        for step in self.steps:
            check = getattr(step, "check", None)
            if check is not None:
                check(fs=self.fs, leads=self.leads, one_scale=self.one_scale)

    def of_records(
        self,
        windows: Float[Tensor, "batch lead sample"],
        present: Bool[Tensor, "batch lead"] | None = None,
        labels: Float[Tensor, "batch ..."] | None = None,
        *,
        records: Sequence[int] | Int[np.ndarray, " batch"],
        seed: int,
        epoch: int,
    ) -> WindowBatch:
        """Augment windows of the training set with what depends on seed, epoch and record alone."""
        rows = np.asarray(records)
        batch = self._batch(windows, present, labels)
        if self.rpeaks is not None:
            batch = replace(batch, rpeaks=pad_rpeaks([self.rpeaks[k] for k in rows]))
        steps = [self._with_partners(step, rows, seed, epoch) for step in self.steps]
        return augment(batch, steps, draws_of(seed=seed, epoch=epoch, records=rows))

    def __call__(
        self,
        windows: Float[Tensor, "batch lead sample"],
        present: Bool[Tensor, "batch lead"] | None,
        generator: torch.Generator,
    ) -> Float[Tensor, "batch lead sample"]:
        """Augment windows with one generator for all of them; ``present`` is updated in place."""
        for step in self.steps:
            if step.needs:
                raise OptionError(
                    f"the augmentation '{step.name}' needs {step.needs} of each record, and the "
                    "caller does not say which records these are. Call of_records(...)."
                )
        keys = torch.randint(0, 2**62, (len(windows),), generator=generator)
        batch = augment(self._batch(windows, present, None), self.steps, Draws(keys.numpy()))
        if present is not None:
            present.copy_(batch.present)
        return batch.windows

    def _batch(self, windows, present, labels) -> WindowBatch:
        there = torch.ones(windows.shape[:2], dtype=torch.bool) if present is None else present
        return WindowBatch(
            windows=windows,
            present=there,
            fs=self.fs,
            leads=self.leads,
            labels=labels,
            one_scale=self.one_scale,
        )

    def _with_partners(self, step, rows, seed, epoch):
        if step.needs != "partner":
            return step
        if self.fetch is None or not self.n_records:
            raise OptionError(
                f"the augmentation '{step.name}' mixes records; the augmenter needs fetch and "
                "n_records to look others up."
            )
        partners = step.partners(rows, self.n_records, seed=seed, epoch=epoch)
        others, present, labels = self.fetch(partners)
        return step.with_partner(self._batch(others, present, labels))
