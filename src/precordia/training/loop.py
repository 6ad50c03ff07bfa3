# SPDX-License-Identifier: Apache-2.0
"""One training under way: steps, epochs, checkpoints."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from precordia.training.checkpoint import (
    Checkpoint,
    optimiser_state,
    restore_optimiser,
    restore_weights,
    write_checkpoint,
)
from precordia.training.feeding import Augmentation, Feed, Feeder
from precordia.training.interruption import Interrupted, Interruption
from precordia.training.losses import Loss
from precordia.training.optimiser import optimiser_of, set_lr
from precordia.training.order import batch_of, n_batches, network_seed
from precordia.training.predict import autocast, call, device_of
from precordia.training.processes import Processes
from precordia.training.progress import Progress
from precordia.training.run_log import RunLog
from precordia.training.schedule import lr_factor
from precordia.training.settings import TrainingSettings
from precordia.training.step_gradients import clip_gradients, learning_of, sum_gradients
from precordia.training.step_log import Noted, StepLog
from precordia.training.synchronised_norm import synchronised_norms
from precordia.training.targets import check_logits, summed_loss
from precordia.training.training_set import TrainingSet
from precordia.training.validation import validate
from precordia.training.validation_scores import LESS_IS_BETTER
from precordia.training.weight_average import WeightAverage

Watch = Callable[[int, int, str], None]


class Loop:
    """A training under way.

    Parameters
    ----------
    model
        On its device.
    train, valid
        The data.
    settings
        Checked against data and model.
    loss, metric
        What is descended, and what chooses the epoch.
    augment
        What is done to windows.
    processes
        Those that train this model.
    folder
        Where log and checkpoints go; None writes nothing.
    about
        What must be the same to resume.
    found
        Checkpoint to go on from.
    watch
        Is told of every step.
    """

    def __init__(
        self,
        model: nn.Module,
        train: TrainingSet,
        valid: TrainingSet | None,
        settings: TrainingSettings,
        *,
        loss: Loss,
        metric: str,
        augment: Sequence[Augmentation] = (),
        processes: Processes = Processes(),  # noqa: B008 (frozen)
        folder: Path | None = None,
        about: dict[str, Any] | None = None,
        found: Checkpoint | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.model, self.train, self.valid, self.settings = model, train, valid, settings
        self.loss, self.metric, self.watch, self.processes = loss, metric, watch, processes
        self.folder, self.about = folder, about or {}
        self.device = device_of(model)
        processes.share([*model.parameters(), *model.buffers()])
        self.optimiser = optimiser_of(model, settings)
        self.average = WeightAverage(model, settings.average) if settings.average else None
        self.feeder = Feeder(train, settings, augment, rank=processes.rank, n_processes=processes.n)
        self.progress = Progress()
        self.best: dict[str, Tensor] = {}
        self.epoch_steps = n_batches(len(train), settings.batch_size)
        self.n_steps = settings.epochs * self.epoch_steps
        self.interruption = Interruption()
        if found is not None:
            self._restore(found)

    def run(self) -> None:
        """Train to the end, or until interrupted."""
        at = self.progress
        first = self.processes.is_first and not at.ended
        self.log = RunLog(self.folder if first else None, length=at.log_bytes, step=at.step)
        self.steps = StepLog(self.log, at, n_steps=self.n_steps, lr=self.settings.lr)
        with contextlib.ExitStack() as stack:
            stack.callback(self.log.close)
            stack.enter_context(
                self.interruption.heeded() if self.folder else contextlib.nullcontext()
            )
            stack.enter_context(synchronised_norms(self.model, self.processes))
            while not at.ended:
                self.model.train()
                with contextlib.closing(self.feeder.over(self._batches_left())) as feeds:
                    for feed in feeds:
                        self._step(feed)
                        if (
                            at.step % self.settings.checkpoint_steps == 0
                            and at.number < self.epoch_steps
                        ):
                            self._save()
                self._end_epoch()
                self._save()

    def _batches_left(self) -> Iterator[Any]:
        at, s = self.progress, self.settings
        for number in range(at.number, self.epoch_steps):
            yield batch_of(
                len(self.train),
                s.batch_size,
                seed=s.seed,
                epoch=at.epoch,
                number=number,
                mixup=s.mixup,
            )

    def _step(self, feed: Feed) -> None:
        s, at = self.settings, self.progress
        factor = lr_factor(
            at.step, self.n_steps, schedule=s.schedule, warmup=s.warmup, last=s.last_lr
        )
        set_lr(self.optimiser, s.lr * factor)
        self.optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        for number, held in enumerate(feed.passes):
            total += self._pass(held.to(self.device), number, max(feed.counted, 1e-9))
        learning = learning_of(self.optimiser)
        stop = sum_gradients(learning, total, self.interruption.wanted, self.processes)
        norm = clip_gradients(learning, s.clip)
        self.optimiser.step()
        if self.average is not None:
            self.average.update(self.model, at.step)
        self.steps.noted.append(
            Noted(at.step, at.epoch, s.lr * factor, total, norm, len(feed.batch.rows))
        )
        at.step += 1
        at.number += 1
        if len(self.steps.noted) >= s.log_steps:
            self._look()
        if self.watch is not None:
            self.watch(at.step, self.n_steps, self._words())
        if stop:
            self._save()
            raise Interrupted(at.step, self.folder)

    def _pass(self, held: Any, number: int, counted: float) -> Tensor:
        """Send windows forth and back; return their part of the loss of the batch."""
        at = self.progress
        part = number * self.processes.n + self.processes.rank
        torch.manual_seed(network_seed(self.settings.seed, at.step, part))
        with autocast(self.device, self.settings.precision):
            logits = call(self.model, held.windows, held.present)
        if not at.step:
            check_logits(logits, held.labels, self.train)
        loss = summed_loss(self.loss, logits, held.labels, held.weights) / counted
        loss.backward()
        return loss.detach()

    def _look(self) -> None:
        """Log the last steps, and refuse to go on from nonsense."""
        for loss in self.steps.look():  # one by one: sums of sums round differently
            self.progress.loss_sum += loss

    def _end_epoch(self) -> None:
        self._look()
        at = self.progress
        told: dict[str, Any] = {"loss": at.loss_sum / self.epoch_steps}
        if self.valid is not None:
            with self.average.inside(self.model) if self.average else contextlib.nullcontext():
                told |= validate(
                    self.model,
                    self.valid,
                    loss=self.loss,
                    metric=self.metric,
                    precision=self.settings.precision,
                    processes=self.processes,
                )
            score = told["valid_loss" if self.metric == "loss" else self.metric]
            if at.is_better(score, less=self.metric in LESS_IS_BETTER):
                at.best_score, at.best_epoch, self.best = score, at.epoch, self._weights()
        self.steps.pause()
        at.epochs.append({"epoch": at.epoch + 1, **told})
        self.log.write(
            {"epoch_ended": at.epoch + 1, "step": at.step, **told, "seconds": round(at.seconds, 1)}
        )
        waited = at.epoch - at.best_epoch
        at.epoch, at.number, at.loss_sum = at.epoch + 1, 0, 0.0
        if self.valid is not None and 0 < self.settings.patience <= waited:
            at.ended = "patience"
        elif at.epoch == self.settings.epochs:
            at.ended = "epochs"

    def _weights(self) -> dict[str, Tensor]:
        held = self.average.held if self.average is not None else self.model.state_dict()
        return {name: tensor.detach().clone() for name, tensor in held.items()}

    def _save(self) -> None:
        self._look()
        if self.folder is None or not self.processes.is_first:
            return
        self.progress.log_bytes = self.log.settle()
        write_checkpoint(
            Checkpoint(
                progress=self.progress,
                about=self.about,
                model=self.model.state_dict(),
                average=self.average.held if self.average is not None else {},
                best=self.best,
                optimiser=optimiser_state(self.optimiser),
            ),
            self.folder,
        )

    def _restore(self, found: Checkpoint) -> None:
        restore_weights(self.model, found.model, of=f"the checkpoint in '{self.folder}'")
        restore_optimiser(self.optimiser, found.optimiser)
        if self.average is not None:
            self.average.held = {k: t.to(self.device) for k, t in found.average.items()}
        self.best = {k: t.to(self.device) for k, t in found.best.items()}
        self.progress = found.progress

    def _words(self) -> str:
        at = self.progress
        best = "" if math.isnan(at.best_score) else f", best {self.metric} {at.best_score:.3f}"
        return f"epoch {at.epoch + 1} of {self.settings.epochs}{best}"

    def take_best(self) -> nn.Module:
        """Give the model the weights of its best epoch, the last ones without validation."""
        self.model.load_state_dict(self.best or self._weights())
        return self.model.eval()
