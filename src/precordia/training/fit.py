# SPDX-License-Identifier: Apache-2.0
"""Train a model: seeded to the bit, stopped when validation says so, resumable."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from precordia.core.errors import OptionError
from precordia.core.record import Remark
from precordia.models.device import (
    chosen_device,
    chosen_precision,
    repeatable,
    seeded_devices,
)
from precordia.training.feeding import Augmentation
from precordia.training.loop import Loop, Watch
from precordia.training.order import n_batches
from precordia.training.processes import Processes, join
from precordia.training.run_folder import checkpoint_to_go_on_from
from precordia.training.settings import SPEED, TrainingSettings
from precordia.training.targets import loss_of
from precordia.training.training_set import TrainingSet, refuse_shared_patients
from precordia.training.validation_scores import chosen_metric


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
    folder: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    watch: Watch | None = None,
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
        What is done to windows of the training set, in order: an
        `precordia.training.augmenter.Augmenter`, or anything that takes windows, which leads are
        there, and a `torch.Generator`, and gives windows.
    folder
        Where the log (``log.jsonl``), event files for TensorBoard and the checkpoint go.
    resume
        Go on from the checkpoint of the folder, if it has one.
    overwrite
        Begin anew in a folder that has a training already.
    watch
        Is told steps done, steps in all, and a few words.

    Returns
    -------
    The model, trained in place, with the weights of its best epoch.

    Raises
    ------
    OptionError
        If settings, model and data do not go together, or the loss stops being a number.
    OutputError
        If the folder has a training already, or the disk refuses.
    WeightsError
        If the checkpoint is damaged, or of another model, data or settings.
    Interrupted
        After Ctrl-C, a `KeyboardInterrupt`; the checkpoint is written first.

    Notes
    -----
    All that is drawn (order, mixing, augmentation, dropout) is a function of the seed, the epoch
    and the place in it, so that a resumed training is the same to the bit as one that was never
    interrupted. Under torchrun each batch is divided among processes; the result differs from that
    of one process by rounding, and by what dropout draws. `accumulate` changes what batch norms
    see, and nothing else.

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
    if all(hasattr(change, "of_records") for change in augment):  # work can be divided anywhere
        settings = dataclasses.replace(settings, grain=1)
    _check_sets(train, valid)
    metric = chosen_metric(train.task, settings.metric)
    loss = loss_of(settings, train)
    device = chosen_device(settings.device)
    precision = chosen_precision(settings.precision, device)
    settings = dataclasses.replace(settings, precision=precision)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    processes = join(device)
    with torch.random.fork_rng(devices=seeded_devices(device)), repeatable(device):
        _check_division(train, settings, processes)
        about = _about(train, valid, settings, augment)
        place = None if folder is None else Path(folder)
        found = (
            None
            if place is None
            else checkpoint_to_go_on_from(
                place, about, processes, resume=resume, overwrite=overwrite
            )
        )
        loop = Loop(
            model.to(device),
            train,
            valid,
            settings,
            loss=loss,
            metric=metric,
            augment=augment,
            processes=processes,
            folder=place,
            about=about,
            found=found,
            watch=watch if processes.is_first else None,
        )
        loop.run()
        return Fitted(
            model=loop.take_best(),
            settings=settings,
            metric=metric,
            best_score=loop.progress.best_score,
            best_epoch=loop.progress.best_epoch,
            epochs=tuple(loop.progress.epochs),
            ended=loop.progress.ended,
            n_steps=loop.progress.step,
            seconds=loop.progress.seconds,
            folder=place,
            remarks=train.remarks,
        )


def _check_sets(train: TrainingSet, valid: TrainingSet | None) -> None:
    if not len(train):
        raise OptionError("the training set is empty; at least one window is needed.")
    if valid is None:
        return
    if not len(valid):
        raise OptionError("the validation set is empty; leave it out, or give windows.")
    refuse_shared_patients(train, valid)
    if train.task != valid.task or train.classes != valid.classes:
        raise OptionError(
            f"training has {train.task} of {', '.join(train.classes[:8])} and validation "
            f"{valid.task} of {', '.join(valid.classes[:8])}; they must be the same."
        )
    if train.shape != valid.shape:
        raise OptionError(
            f"windows of training are {train.shape} and of validation {valid.shape} (leads, "
            "samples); they must be the same."
        )


def _check_division(train: TrainingSet, settings: TrainingSettings, processes: Processes) -> None:
    smallest = len(train) // n_batches(len(train), settings.batch_size)
    grains = -(-smallest // settings.grain) // settings.accumulate
    if grains < processes.n:
        raise OptionError(
            f"batches of {smallest} records in {settings.accumulate} passes and grains of "
            f"{settings.grain} do not keep {processes.n} processes busy; use a larger batch_size "
            f"than {settings.batch_size}, or a smaller grain."
        )


def _about(
    train: TrainingSet,
    valid: TrainingSet | None,
    settings: TrainingSettings,
    augment: Sequence[Augmentation],
) -> dict[str, Any]:
    """Return what must be the same for a training to go on."""
    chosen = {k: v for k, v in settings.to_dict().items() if k not in SPEED}
    return {
        "settings": chosen,
        "training data": train.fingerprint,
        "validation data": "" if valid is None else valid.fingerprint,
        "augmentations": [_named(change) for change in augment],
    }


def _named(change: Augmentation) -> str:
    if hasattr(change, "steps"):
        return repr(change.steps)
    if dataclasses.is_dataclass(change):
        return repr(change)
    return getattr(change, "__qualname__", type(change).__qualname__)
