# SPDX-License-Identifier: Apache-2.0
"""One pretraining under way: steps, checkpoints, and a look at what a collapse would show in."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from precordia.core.record import Remark
from precordia.training.ahead import made_ahead
from precordia.training.array_source import ArraySource
from precordia.training.checkpoint import (
    Checkpoint,
    optimiser_state,
    restore_optimiser,
    restore_weights,
    write_checkpoint,
)
from precordia.training.collapse import Spread, collapse_remark, spread_of_batch
from precordia.training.gathering import gathered
from precordia.training.group_order import Choice, GroupOrder
from precordia.training.interruption import Interrupted, Interruption
from precordia.training.objective import Learned, Objective
from precordia.training.optimiser import optimiser_of, set_lr
from precordia.training.order import network_seed
from precordia.training.predict import autocast, device_of
from precordia.training.processes import Processes
from precordia.training.progress import Progress
from precordia.training.run_log import RunLog
from precordia.training.schedule import lr_factor
from precordia.training.settings import TrainingSettings
from precordia.training.step_gradients import clip_gradients, learning_of, sum_gradients
from precordia.training.step_log import Noted, StepLog
from precordia.training.synchronised_norm import synchronised_norms
from precordia.training.unlabelled_batch import UnlabelledBatch
from precordia.training.unlabelled_source import UnlabelledSource

Watch = Callable[[int, int, str], None]
#: share of the steps before which embeddings may still lie close together
_EARLY = 0.2
#: steps that are thrown away before the time of others is taken
_WARM = 2


class PretrainLoop:
    """A pretraining under way.

    Parameters
    ----------
    objective
        On its device.
    data
        The recordings.
    order
        Which windows each step sees.
    settings
        Rates and the like; how long is said by `n_steps`.
    n_steps
        Steps in all.
    spread_steps
        Steps between measures of how far embeddings lie apart.
    processes
        Those that train.
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
        objective: Objective,
        data: UnlabelledSource | ArraySource,
        order: GroupOrder,
        settings: TrainingSettings,
        *,
        n_steps: int,
        spread_steps: int = 50,
        processes: Processes = Processes(),  # noqa: B008 (frozen)
        folder: Path | None = None,
        about: dict[str, Any] | None = None,
        found: Checkpoint | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.objective, self.data, self.order, self.settings = objective, data, order, settings
        self.n_steps, self.spread_steps, self.watch = n_steps, spread_steps, watch
        self.processes, self.folder, self.about = processes, folder, about or {}
        self.device = device_of(objective)
        processes.share([*objective.parameters(), *objective.buffers()])
        self.optimiser = optimiser_of(objective, settings)
        self.progress = Progress()
        self.interruption = Interruption()
        self.last_loss = math.nan
        self.spread: Spread | None = None
        if found is not None:
            restore_weights(objective, found.model, of=f"the checkpoint in '{folder}'")
            restore_optimiser(self.optimiser, found.optimiser)
            self.progress = found.progress
            self.spread = Spread(**self.progress.spread) if self.progress.spread else None

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
            stack.enter_context(synchronised_norms(self.objective, self.processes))
            self.objective.train()
            batches = stack.enter_context(
                contextlib.closing(
                    made_ahead(self._made, self._choices(), workers=self.settings.workers)
                )
            )
            for batch in batches:
                self._step(batch)
                if at.step % self.settings.checkpoint_steps == 0 and at.step < self.n_steps:
                    self._save()
            if not at.ended:
                self._look()
                at.ended = "steps"
                self._save()

    def seconds_of_a_step(self, least_s: float) -> float:
        """Return how long a step takes, without leaving a trace of it.

        Parameters
        ----------
        least_s
            Measure for at least so long, or for 50 steps.
        """
        loop = PretrainLoop(
            copy.deepcopy(self.objective), self.data, self.order, self.settings,
            n_steps=1_000_000, spread_steps=self.spread_steps, processes=self.processes,
        )  # fmt: skip
        loop.log = RunLog(None)
        times: list[float] = []
        with synchronised_norms(loop.objective, self.processes):
            loop.objective.train()
            loop.steps = StepLog(loop.log, loop.progress, n_steps=loop.n_steps, lr=self.settings.lr)
            before = time.monotonic()
            ahead = made_ahead(loop._made, loop._choices(), workers=self.settings.workers)
            with contextlib.closing(ahead) as batches:
                for batch in batches:
                    loop._step(batch)
                    if loop.steps.noted:
                        float(loop.steps.noted[-1].loss)  # waits for the accelerator
                    now = time.monotonic()
                    times.append(now - before)
                    before, known = now, times[_WARM:]
                    enough = len(known) >= 3 and (sum(known) >= least_s or len(known) >= 50)
                    if self._agreed(enough):
                        break
        known = sorted(times[_WARM:])
        taken = torch.tensor(known[len(known) // 2] if self.processes.is_first else 0.0)
        return float(self.processes.sum(taken.to(self.device)))

    def _agreed(self, wish: bool) -> bool:
        """Return what the first process wishes."""
        told = torch.tensor(float(wish and self.processes.is_first), device=self.device)
        return bool(self.processes.sum(told))

    def _choices(self) -> Iterator[Choice]:
        for step in range(self.progress.step, self.n_steps):
            yield self.order.batch(*divmod(step, self.order.n_batches))

    def _made(self, choice: Choice) -> UnlabelledBatch:
        """Cut this process's share of a batch; groups stay together."""
        together = self.order.together // self.data.together  # stretches of a group
        groups = len(choice.stretches) // together
        bounds = [k * groups // self.processes.n * together for k in range(self.processes.n + 1)]
        mine = slice(*bounds[self.processes.rank : self.processes.rank + 2])
        return self.data.batch(Choice(choice.stretches[mine], choice.places[mine]))

    def _step(self, batch: UnlabelledBatch) -> None:
        s, at = self.settings, self.progress
        factor = lr_factor(
            at.step, self.n_steps, schedule=s.schedule, warmup=s.warmup, last=s.last_lr
        )
        set_lr(self.optimiser, s.lr * factor)
        self.optimiser.zero_grad(set_to_none=True)
        learned = self._learn(batch)
        loss = learned.loss.detach() / self.processes.n
        learning = learning_of(self.optimiser)
        stop = sum_gradients(learning, loss, self.interruption.wanted, self.processes)
        norm = clip_gradients(learning, s.clip)
        self.optimiser.step()
        done = (at.step + 1) / self.n_steps
        self.objective.after_step(done)
        parts = {name: value.detach() for name, value in learned.logged.items()}
        epoch, n_windows = at.step // self.order.n_batches, len(batch) * self.processes.n
        self.steps.noted.append(Noted(at.step, epoch, s.lr * factor, loss, norm, n_windows, parts))
        at.step += 1
        at.epoch = at.step // self.order.n_batches
        if len(self.steps.noted) >= s.log_steps or at.step == 1:
            self._look()
        if at.step % self.spread_steps == 0 or at.step == self.n_steps:
            self._measure(learned)
        if self.watch is not None:
            self.watch(at.step, self.n_steps, self._words())
        if stop:
            self._save()
            raise Interrupted(at.step, self.folder)

    def _learn(self, batch: UnlabelledBatch) -> Learned:
        step, seed = self.progress.step, self.settings.seed
        torch.manual_seed(network_seed(seed, step, self.processes.rank + 1))
        # The same in all processes, for `drawn_for_rows`.
        generator = torch.Generator(self.device).manual_seed(network_seed(seed, step, 0))
        progress = self.progress.step / self.n_steps
        with autocast(self.device, self.settings.precision):
            learned = self.objective(batch.to(self.device), progress, generator)
        (learned.loss / self.processes.n).backward()
        return learned

    def _look(self) -> None:
        """Log the last steps, and refuse to go on from nonsense."""
        for loss in self.steps.look():
            self.last_loss = self.progress.loss_sum = loss

    def _measure(self, learned: Learned) -> None:
        """Log how far the embeddings of the batch lie apart, and say so if they do not."""
        at = self.progress
        self._look()
        held = gathered(learned.embeddings.detach())
        self.spread = spread = spread_of_batch(held.reshape(len(held), -1))
        at.spread = dataclasses.asdict(spread)
        self.log.write(
            {
                "step": at.step,
                "effective_rank": spread.rank,
                "mean_cosine": spread.cosine,
                "deviation": spread.deviation,
            }
        )
        late = at.step > _EARLY * self.n_steps
        if late and spread.has_collapsed and not at.epochs:
            at.epochs.append({"collapsed": at.step, **dataclasses.asdict(spread)})

    def last_spread(self) -> dict[str, float]:
        """Return the last measure of how far embeddings lie apart; empty where there is none."""
        return {} if self.spread is None else dataclasses.asdict(self.spread)

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What was noticed, also before a resumption."""
        held = [dict(noted) for noted in self.progress.epochs]
        return tuple(
            collapse_remark(step=noted.pop("collapsed"), spread=Spread(**noted)) for noted in held
        )

    def _save(self) -> None:
        self._look()
        if self.folder is None or not self.processes.is_first:
            return
        self.progress.log_bytes = self.log.settle()
        write_checkpoint(
            Checkpoint(
                progress=self.progress,
                about=self.about,
                model=self.objective.state_dict(),
                average={},
                best={},
                optimiser=optimiser_state(self.optimiser),
            ),
            self.folder,
        )

    def _words(self) -> str:
        loss = "" if math.isnan(self.last_loss) else f", loss {self.last_loss:.4g}"
        rank = "" if self.spread is None else f", rank {self.spread.rank:.1f}"
        return f"epoch {self.progress.epoch + 1}{loss}{rank}"
