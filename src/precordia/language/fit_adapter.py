# SPDX-License-Identifier: Apache-2.0
"""Train an adapter on questions about recordings, resumable to the step."""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from precordia.core.errors import OptionError
from precordia.language.adapted_model import AdaptedModel
from precordia.language.question_batch import Question, batch_questions
from precordia.training.checkpoint import (
    Checkpoint,
    optimiser_state,
    restore_optimiser,
    write_checkpoint,
)
from precordia.training.interruption import Interrupted, Interruption
from precordia.training.optimiser import optimiser_of, set_lr
from precordia.training.order import batch_of, n_batches, network_seed
from precordia.training.processes import Processes
from precordia.training.progress import Progress
from precordia.training.run_folder import checkpoint_to_go_on_from
from precordia.training.run_log import RunLog
from precordia.training.schedule import lr_factor
from precordia.training.settings import SPEED, TrainingSettings
from precordia.training.step_gradients import clip_gradients, learning_of

Watch = Callable[[int, int, str], None]
#: settings of a training that say nothing to that of an adapter
UNUSED = (
    *("average", "metric", "loss", "loss_options", "mixup", "lower_lr", "layer_decay"),
    *("precision", "grain", "workers"),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedAdapter:
    """How a training went.

    Attributes
    ----------
    epochs
        What was logged of each.
    best_epoch, best_loss
        Epoch of the least loss on the validation part, from 1, and that loss.
    n_steps
        Steps done.
    seconds
        Time spent.
    """

    epochs: tuple[dict[str, Any], ...]
    best_epoch: int
    best_loss: float
    n_steps: int
    seconds: float


def fit_adapter(
    model: AdaptedModel,
    train: Sequence[Question],
    valid: Sequence[Question] = (),
    settings: TrainingSettings = TrainingSettings(epochs=10, batch_size=16),  # noqa: B008 (frozen)
    *,
    folder: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    watch: Watch | None = None,
) -> FittedAdapter:
    """Train what learns of an adapted model, in place; the language model itself is frozen.

    Parameters
    ----------
    model
        An adapted model.
    train, valid
        Questions with answers. Without any for validation the last epoch is kept.
    settings
        Rates, epochs, seed and so on. ``patience`` counts epochs without a lower loss of the
        validation part.
    folder
        Where log and checkpoints go; None writes nothing.
    resume, overwrite
        Go on from the checkpoint in the folder, or begin anew.
    watch
        Is told of every step.

    Returns
    -------
    How it went. The model has the weights of the best epoch.

    Raises
    ------
    OptionError
        If there are no questions, a setting means nothing here, or training diverges.
    OutputError, WeightsError
        If the folder, or the checkpoint in it, cannot be used.

    Notes
    -----
    The loss is the cross-entropy of the answer's tokens alone, each answer counting once. Order
    and drop-out are functions of seed, epoch and step, so that a resumed training is the same.
    """
    if not train:
        raise OptionError("no question arrived to train on; at least one is needed.")
    check_settings(settings)
    about = {
        "settings": {k: v for k, v in settings.to_dict().items() if k not in SPEED},
        "questions": _digest((*train, *valid)),
        "model": [model.base.sha256, model.adapter.name],
    }
    found = None
    if folder is not None:
        found = checkpoint_to_go_on_from(
            folder, about, Processes(), resume=resume, overwrite=overwrite
        )
    loop = _Loop(model, train, valid, settings, folder, about, watch)
    if found is not None:
        loop.restore(found)
    loop.run()
    at = loop.progress
    model.load_learned(loop.best or model.learned_state(), of="the best epoch")
    model.eval()
    return FittedAdapter(
        epochs=tuple(at.epochs),
        best_epoch=at.best_epoch + 1 if valid else len(at.epochs),
        best_loss=at.best_score,
        n_steps=at.step,
        seconds=at.seconds,
    )


def check_settings(settings: TrainingSettings) -> None:
    """Refuse settings that mean nothing to the training of an adapter."""
    usual = TrainingSettings()
    odd = [name for name in UNUSED if getattr(settings, name) != getattr(usual, name)]
    if odd:
        raise OptionError(
            f"training.{odd[0]} means nothing to the training of an adapter; leave it out."
        )


def _digest(questions: Sequence[Question]) -> str:
    digest = hashlib.sha256()
    for question in questions:
        digest.update(f"{question.text}\x1f{question.answer}\x1e".encode())
        for held in question.recordings:
            digest.update(held.tobytes())
    return digest.hexdigest()


class _Loop:
    """A training under way."""

    def __init__(
        self,
        model: AdaptedModel,
        train: Sequence[Question],
        valid: Sequence[Question],
        settings: TrainingSettings,
        folder: Path | None,
        about: dict[str, Any],
        watch: Watch | None,
    ) -> None:
        self.model, self.train, self.valid, self.settings = model, train, valid, settings
        self.folder, self.about, self.watch = folder, about, watch
        self.optimiser = optimiser_of(torch.nn.ParameterList(model.learning().values()), settings)
        self.progress, self.best = Progress(), {}
        self.epoch_steps = n_batches(len(train), settings.batch_size)
        self.n_steps = settings.epochs * self.epoch_steps
        self.interruption = Interruption()

    def run(self) -> None:
        at = self.progress
        self.log = RunLog(
            None if at.ended else self.folder, length=at.log_bytes, step=at.step, tensorboard=False
        )
        started = time.monotonic() - at.seconds
        with contextlib.ExitStack() as stack:
            stack.callback(self.log.close)
            if self.folder is not None:
                stack.enter_context(self.interruption.heeded())
            while not at.ended:
                self.model.train()
                for number in range(at.number, self.epoch_steps):
                    self._step(number)
                    at.seconds = time.monotonic() - started
                    if self.interruption.wanted:
                        self._save()
                        raise Interrupted(at.step, self.folder)
                    if at.step % self.settings.checkpoint_steps == 0:
                        self._save()
                self._end_epoch()
                at.seconds = time.monotonic() - started
                self._save()

    def restore(self, found: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self.model.load_learned(found.model, of=f"the checkpoint in '{self.folder}'")
        restore_optimiser(self.optimiser, found.optimiser)
        self.progress, self.best = found.progress, dict(found.best)

    def _step(self, number: int) -> None:
        s, at = self.settings, self.progress
        rows = batch_of(
            len(self.train), s.batch_size, seed=s.seed, epoch=at.epoch, number=number
        ).rows
        lr = s.lr * lr_factor(
            at.step, self.n_steps, schedule=s.schedule, warmup=s.warmup, last=s.last_lr
        )
        set_lr(self.optimiser, lr)
        self.optimiser.zero_grad(set_to_none=True)
        torch.manual_seed(network_seed(s.seed, at.step, 0))
        parts = min(s.accumulate, len(rows))
        total = 0.0
        for part in range(parts):
            few = [self.train[k] for k in rows[part::parts]]
            loss = self.model.loss(self._batch(few)) * (len(few) / len(rows))
            loss.backward()
            total += float(loss.detach())
        norm = float(clip_gradients(learning_of(self.optimiser), s.clip))
        if not math.isfinite(total + norm):
            raise OptionError(
                f"the loss is {total:g} and its gradient {norm:g} in step {at.step + 1}; training "
                f"diverged. Use a lower lr than {s.lr:g}, or clip."
            )
        self.optimiser.step()
        at.step, at.number, at.loss_sum = at.step + 1, number + 1, at.loss_sum + total
        self.log.write({"step": at.step, "epoch": at.epoch + 1, "loss": total, "lr": lr})
        if self.watch is not None:
            self.watch(at.step, self.n_steps, f"epoch {at.epoch + 1} of {s.epochs}")

    def _batch(self, few: Sequence[Question]) -> Any:
        return batch_questions(self.model.base, self.model.adapter, few).to(self.model.device)

    def _end_epoch(self) -> None:
        at, s = self.progress, self.settings
        told = {"epoch": at.epoch + 1, "loss": at.loss_sum / self.epoch_steps}
        if self.valid:
            loss = self._validation_loss()
            told["valid_loss"] = loss
            if at.is_better(loss, less=True):
                at.best_score, at.best_epoch = loss, at.epoch
                self.best = self.model.learned_state()
        at.epochs.append(told)
        self.log.write({"epoch_ended": at.epoch + 1, "step": at.step, **told})
        waited = at.epoch - at.best_epoch
        at.epoch, at.number, at.loss_sum = at.epoch + 1, 0, 0.0
        if self.valid and 0 < s.patience <= waited:
            at.ended = "patience"
        elif at.epoch == s.epochs:
            at.ended = "epochs"

    def _validation_loss(self) -> float:
        self.model.eval()
        total = 0.0
        with torch.no_grad():
            for first in range(0, len(self.valid), 2 * self.settings.batch_size):
                few = self.valid[first : first + 2 * self.settings.batch_size]
                total += float(self.model.loss(self._batch(few))) * len(few)
        return total / len(self.valid)

    def _save(self) -> None:
        if self.folder is None:
            return
        self.progress.log_bytes = self.log.settle()
        held = Checkpoint(
            progress=self.progress,
            about=self.about,
            model=self.model.learned_state(),
            average={},
            best=self.best,
            optimiser=optimiser_state(self.optimiser),
        )
        write_checkpoint(held, self.folder)
