# SPDX-License-Identifier: Apache-2.0
"""Where a training stands: everything that a checkpoint must hold beside weights."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Progress:
    """How far a training is; the loop moves it on.

    Attributes
    ----------
    epoch, number
        Epoch that is under way, and batches of it that are done.
    step
        Steps done.
    best_score, best_epoch
        Best score on the validation set so far and its epoch; NaN and -1 before the first.
    epochs
        What was logged of each finished epoch.
    loss_sum
        Sum of the losses of the steps of this epoch.
    log_bytes
        Length of the log that belongs to this state; what follows is of steps that are done again.
    seconds
        Time spent so far, over all resumptions.
    ended
        Why training is over: ``"epochs"`` or ``"patience"``; empty while it is not.
    spread
        Last measure of how far embeddings lie apart, by name; empty where none was taken.

    Examples
    --------
    >>> Progress.from_dict(Progress(step=3).to_dict()).step
    3
    """

    epoch: int = 0
    number: int = 0
    step: int = 0
    best_score: float = math.nan
    best_epoch: int = -1
    epochs: list[dict[str, Any]] = field(default_factory=list)
    loss_sum: float = 0.0
    log_bytes: int = 0
    seconds: float = 0.0
    ended: str = ""
    spread: dict[str, float] = field(default_factory=dict)

    def is_better(self, score: float, *, less: bool) -> bool:
        """Whether a score beats the best so far; NaN never does, once there is another.

        Examples
        --------
        >>> Progress(best_score=0.8).is_better(0.9, less=False)
        True
        """
        if math.isnan(self.best_score):
            return True
        return score < self.best_score if less else score > self.best_score

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain numbers and texts."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Progress:
        """Rebuild what `to_dict` returned."""
        return cls(**data)
