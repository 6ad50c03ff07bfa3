# SPDX-License-Identifier: Apache-2.0
"""Steps of a training that are looked at a few at a time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from precordia.core.errors import OptionError
from precordia.training.progress import Progress
from precordia.training.run_log import RunLog


@dataclass(slots=True)
class Noted:
    """A step whose loss has not been looked at yet: looking would wait for the accelerator.

    Attributes
    ----------
    step, epoch
        Their numbers, from 0.
    lr
        Learning rate.
    loss, norm
        Loss, and length of its gradient.
    n_records
        Windows of the step, in all processes.
    parts
        What else is logged of it.
    """

    step: int
    epoch: int
    lr: float
    loss: Float[Tensor, ""]
    norm: Float[Tensor, ""]
    n_records: int
    parts: dict[str, Tensor] = field(default_factory=dict)


class StepLog:
    """Log the steps of a training, with its speed and the time left.

    Parameters
    ----------
    log
        Where lines go.
    progress
        How far the training is; its ``seconds`` are kept.
    n_steps
        Steps in all.
    lr
        The highest learning rate, to be named where training diverges.

    Examples
    --------
    >>> import torch
    >>> steps = StepLog(RunLog(None), Progress(step=1), n_steps=10, lr=0.1)
    >>> steps.noted.append(Noted(0, 0, 0.1, torch.tensor(2.0), torch.tensor(1.0), 32))
    >>> steps.look()
    [2.0]
    """

    def __init__(self, log: RunLog, progress: Progress, *, n_steps: int, lr: float) -> None:
        self.log, self.progress, self.n_steps, self.lr = log, progress, n_steps, lr
        self.noted: list[Noted] = []
        self.started = time.monotonic() - progress.seconds
        self.looked = time.monotonic()

    def look(self) -> list[float]:
        """Log the losses of the steps noted, and return them.

        Raises
        ------
        OptionError
            If a loss or its gradient is not finite: nothing good can come of going on.
        """
        at, now = self.progress, time.monotonic()
        at.seconds = now - self.started
        rate = sum(n.n_records for n in self.noted) / max(now - self.looked, 1e-9)
        left = (now - self.looked) / max(len(self.noted), 1) * (self.n_steps - at.step)
        self.looked = now
        losses = []
        for noted in self.noted:
            loss, norm = float(noted.loss), float(noted.norm)
            if not math.isfinite(loss + norm):
                raise OptionError(
                    f"the loss is {loss:g} and its gradient {norm:g} in step {noted.step + 1}; "
                    f"training diverged. Use a lower lr than {self.lr:g} (--set "
                    f"training.lr={self.lr / 10:g}), or clip."
                )
            losses.append(loss)
            self.log.write(
                {
                    "step": noted.step + 1,
                    "epoch": noted.epoch + 1,
                    "loss": loss,
                    **{name: float(value) for name, value in noted.parts.items()},
                    "lr": noted.lr,
                    "gradient_norm": norm,
                    "records_per_s": round(rate, 1),
                    "seconds_left": round(left, 1),
                }
            )
        self.noted.clear()
        return losses

    def pause(self) -> None:
        """Count the time until now to no step, and keep how long all has taken."""
        self.looked = time.monotonic()
        self.progress.seconds = self.looked - self.started
