# SPDX-License-Identifier: Apache-2.0
"""Train a model: seeded to the bit, stopped when validation says so, resumable."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from precordia.core.errors import OptionError
from precordia.core.record import Remark
from precordia.training.feeding import Augmentation, Feed, Feeder
from precordia.training.optimiser import optimiser_of, set_lr
from precordia.training.order import batch_of, n_batches, network_seed
from precordia.training.predict import autocast, call, predict
from precordia.training.progress import Progress
from precordia.training.schedule import lr_factor
from precordia.training.settings import TrainingSettings
from precordia.training.targets import Loss, default_loss, plain_loss, summed_loss
from precordia.training.training_set import TrainingSet, refuse_shared_patients
from precordia.training.validation_scores import (
    LESS_IS_BETTER,
    SCORES,
    by_record,
    chosen_metric,
)
from precordia.training.weight_average import WeightAverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A trained model and how it came about.

    Attributes
    ----------
    model
        The model with the weights of the best epoch, in evaluation mode.
    settings
        What it was trained with.
    metric
        Name of the score that chose the epoch.
    best_score, best_epoch
        That score, and the epoch from 0; NaN without a validation set, when the last is kept.
    epochs
        Loss, learning rate and scores of each epoch.
    ended
        ``"epochs"`` or ``"patience"``.
    n_steps
        Steps of the optimiser.
    seconds
        Time spent.
    folder
        Where log and checkpoint are; None without.
    remarks
        What was noticed.
    """

    model: nn.Module
    settings: TrainingSettings
    metric: str
    best_score: float
    best_epoch: int
    epochs: tuple[dict[str, Any], ...]
    ended: str
    n_steps: int
    seconds: float
    folder: Path | None = None
    remarks: tuple[Remark, ...] = field(default=())

    def __repr__(self) -> str:
        return (
            f"Fitted({len(self.epochs)} epochs, best {self.metric} {self.best_score:.3f} "
            f"in epoch {self.best_epoch + 1})"
        )


def fit(
    model: nn.Module,
    train: TrainingSet,
    valid: TrainingSet | None = None,
    settings: TrainingSettings | None = None,
    *,
    augment: Sequence[Augmentation] = (),
    watch: Callable[[int, int, str], None] | None = None,
) -> Fitted:
    """Train a model.

    Parameters
    ----------
    model
        Takes ``(batch, lead, sample)``, and ``present`` as a second argument where it wants to
        know which leads were recorded; gives logits.
    train, valid
        Training and validation set; they may share no patient.
    settings
        Everything else.
    augment
        What is done to windows of the training set, in order: each takes windows, which leads are
        there, and a `torch.Generator`, and gives windows.
    watch
        Is told steps done, steps in all, and a few words.

    Returns
    -------
    The model, trained in place, with the weights of its best epoch.

    Raises
    ------
    OptionError
        If settings, model and data do not go together, or the loss stops being a number.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, (64, 1))
    >>> windows = rng.normal(size=(64, 1, 8)).astype(np.float32) + labels[:, :, None]
    >>> sets = [TrainingSet(windows=windows[k::2], labels=labels[k::2]) for k in (0, 1)]
    >>> _ = torch.manual_seed(0)
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(8, 1))
    >>> fitted = fit(model, *sets, TrainingSettings(epochs=3, batch_size=8, lr=0.1))
    >>> fitted.best_score > 0.8
    True
    """
    settings = settings or TrainingSettings()
    with torch.random.fork_rng(devices=_seeded_devices(settings)):
        loop = _Loop(model, train, valid, settings, augment, watch)
        loop.run()
        return loop.fitted()


class _Loop:
    """One training under way."""

    def __init__(
        self,
        model: nn.Module,
        train: TrainingSet,
        valid: TrainingSet | None,
        settings: TrainingSettings,
        augment: Sequence[Augmentation],
        watch: Callable[[int, int, str], None] | None,
    ) -> None:
        if not len(train):
            raise OptionError("the training set is empty; at least one window is needed.")
        if valid is not None:
            _check_pair(train, valid)
        self.device = _device(settings.device)
        self.model = model.to(self.device)
        self.train, self.valid, self.settings, self.watch = train, valid, settings, watch
        self.metric = chosen_metric(train.task, settings.metric)
        self.loss = _loss(settings, train)
        self.optimiser = optimiser_of(model, settings)
        self.average = WeightAverage(model, settings.average) if settings.average else None
        self.feeder = Feeder(train, settings, augment)
        self.progress = Progress()
        self.best: dict[str, torch.Tensor] | None = None
        self.epoch_steps = n_batches(len(train), settings.batch_size)
        self.n_steps = settings.epochs * self.epoch_steps

    def run(self) -> None:
        started = time.monotonic() - self.progress.seconds
        while not self.progress.ended:
            self.model.train()
            for feed in self.feeder.over(self._batches_left()):
                self._step(feed)
                if self.watch is not None:
                    self.watch(self.progress.step, self.n_steps, self._words())
            self._end_epoch()
            self.progress.seconds = time.monotonic() - started

    def _batches_left(self):
        at, s = self.progress, self.settings
        return (
            batch_of(
                len(self.train),
                s.batch_size,
                seed=s.seed,
                epoch=at.epoch,
                number=number,
                mixup=s.mixup,
            )
            for number in range(at.number, self.epoch_steps)
        )

    def _step(self, feed: Feed) -> None:
        s, at = self.settings, self.progress
        lr = s.lr * lr_factor(
            at.step, self.n_steps, schedule=s.schedule, warmup=s.warmup, last=s.last_lr
        )
        set_lr(self.optimiser, lr)
        self.optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        for k, held in enumerate(feed.passes):
            held = held.to(self.device)
            torch.manual_seed(network_seed(s.seed, at.step, k))
            with autocast(self.device, s.precision):
                logits = call(self.model, held.windows, held.present)
            if not at.step:
                _check_logits(logits, held.labels, self.train)
            loss = summed_loss(self.loss, logits, held.labels, held.weights) / max(
                feed.counted, 1e-9
            )
            loss.backward()
            total += loss.detach()
        if s.clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), s.clip)
        self.optimiser.step()
        if self.average is not None:
            self.average.update(self.model, at.step)
        at.loss_sum += float(total)
        if not math.isfinite(at.loss_sum):
            raise OptionError(
                f"the loss stopped being a number in step {at.step + 1}; training diverged. Use a "
                f"lower lr than {s.lr:g}, or clip."
            )
        at.step += 1
        at.number += 1

    def _end_epoch(self) -> None:
        at = self.progress
        told: dict[str, Any] = {"epoch": at.epoch, "loss": at.loss_sum / self.epoch_steps}
        if self.valid is not None:
            told |= self._validated()
            score = told[self.metric if self.metric != "loss" else "valid_loss"]
            if at.is_better(score, less=self.metric in LESS_IS_BETTER):
                at.best_score, at.best_epoch = score, at.epoch
                self.best = self._weights()
        at.epochs.append(told)
        late = self.settings.patience and at.epoch - at.best_epoch >= self.settings.patience
        at.epoch, at.number, at.loss_sum = at.epoch + 1, 0, 0.0
        if self.valid is not None and late:
            at.ended = "patience"
        elif at.epoch == self.settings.epochs:
            at.ended = "epochs"

    def _weights(self) -> dict[str, torch.Tensor]:
        held = self.average.held if self.average is not None else self.model.state_dict()
        return {name: tensor.detach().clone() for name, tensor in held.items()}

    def _validated(self) -> dict[str, float]:
        assert self.valid is not None
        if self.average is None:
            logits = predict(self.model, self.valid, precision=self.settings.precision)
        else:
            with self.average.inside(self.model):
                logits = predict(self.model, self.valid, precision=self.settings.precision)
        z, y, _ = by_record(self.valid, logits)
        labels = torch.from_numpy(y)
        known = max(float((~torch.isnan(labels)).sum()), 1.0)
        told = {
            "valid_loss": float(summed_loss(self.loss, torch.from_numpy(z), labels, None)) / known
        }
        if self.metric != "loss":
            told[self.metric] = SCORES[self.metric](z, y)
        return told

    def _words(self) -> str:
        at = self.progress
        best = "" if math.isnan(at.best_score) else f", best {self.metric} {at.best_score:.3f}"
        return f"epoch {at.epoch + 1} of {self.settings.epochs}{best}"

    def fitted(self) -> Fitted:
        self.model.load_state_dict(self.best if self.best is not None else self._weights())
        at = self.progress
        return Fitted(
            model=self.model.eval(),
            settings=self.settings,
            metric=self.metric,
            best_score=at.best_score,
            best_epoch=at.best_epoch,
            epochs=tuple(at.epochs),
            ended=at.ended,
            n_steps=at.step,
            seconds=at.seconds,
            remarks=self.train.remarks,
        )


def _check_pair(train: TrainingSet, valid: TrainingSet) -> None:
    refuse_shared_patients(train, valid)
    if train.task != valid.task or train.classes != valid.classes:
        raise OptionError(
            f"training has {train.task} of {', '.join(train.classes[:8])} and validation "
            f"{valid.task} of {', '.join(valid.classes[:8])}; they must be the same."
        )
    if not len(valid):
        raise OptionError("the validation set is empty; leave it out, or give windows.")
    if train.shape != valid.shape:
        raise OptionError(
            f"windows of training are {train.shape} and of validation {valid.shape} (leads, "
            "samples); they must be the same."
        )


def _check_logits(logits: torch.Tensor, labels: torch.Tensor, train: TrainingSet) -> None:
    n = len(labels)
    wanted = {
        "multilabel": (n, train.n_outputs),
        "multiclass": (n, train.n_outputs),
        "regression": (n, train.n_outputs),
        "sample-classes": (n, train.n_outputs, labels.shape[-1]),
    }[train.task]
    if tuple(logits.shape) != wanted:
        raise OptionError(
            f"the model gives {tuple(logits.shape)} for {n} windows; {wanted} is needed for "
            f"{train.task} of {train.n_outputs} classes. Make it with n_outputs={train.n_outputs}."
        )


def _loss(settings: TrainingSettings, train: TrainingSet) -> Loss:
    name = settings.loss or default_loss(train.task)
    if not name:
        name = "cross-entropy" if train.labels.ndim == 2 else "bce"
    loss = plain_loss(name)
    if loss is None:
        raise OptionError(f"no loss '{name}'.")
    return loss


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise OptionError(f"device is '{name}'; 'cpu', 'cuda' or 'auto' is needed.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise OptionError("device is 'cuda' and this machine has none; use 'cpu' or 'auto'.")
    return device


def _seeded_devices(settings: TrainingSettings) -> list[int]:
    device = _device(settings.device)
    return [device.index or 0] if device.type == "cuda" else []
