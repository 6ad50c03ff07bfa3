# SPDX-License-Identifier: Apache-2.0
"""How a model is trained: every number of the loop, checked before anything is loaded."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from precordia.core.errors import OptionError, unknown_name
from precordia.core.value import Value

SCHEDULES = ("one-cycle", "cosine", "constant")
PRECISIONS = ("float32", "bfloat16", "auto")
#: a smaller group of records costs more calls of the augmentations than it is worth
GRAIN = 8
#: settings that change how fast training is and nothing else
SPEED = ("device", "threads", "workers", "checkpoint_steps", "log_steps")

#: what other programs call the settings
_ELSEWHERE = {
    "learning_rate": "lr",
    "max_epochs": "epochs",
    "num_train_epochs": "epochs",
    "accumulate_grad_batches": "accumulate",
    "gradient_accumulation_steps": "accumulate",
    "gradient_clip_val": "clip",
    "max_grad_norm": "clip",
    "ema": "average",
    "early_stopping": "patience",
    "num_workers": "workers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings(Value):
    """Everything the training loop can be told.

    Attributes
    ----------
    epochs
        How often the training set is gone through.
    batch_size
        Records of one step of the optimiser, over all passes and all processes together.
    accumulate
        Passes that a batch is divided into, for want of memory.
    lr
        Highest learning rate.
    schedule
        ``"one-cycle"`` (up for `warmup`, then down by a cosine), ``"cosine"`` (the same with a
        linear start) or ``"constant"`` (a linear start, then level).
    warmup
        Share of all steps in which the rate rises.
    last_lr
        Rate at the end as a share of `lr`.
    lower_lr
        Factor on the rate of all layers below the head; smaller for fine-tuning, 0 trains the head
        alone.
    layer_decay
        Further factor on the rate of each group of layers below the highest one; see
        ``model.lower_layers()``.
    weight_decay
        Decoupled decay of weights; biases and norms are never decayed.
    beta1, beta2
        Of AdamW.
    clip
        Largest norm of the gradient; 0 leaves it.
    average
        Decay of the running average of weights that is validated and kept; 0 uses the weights.
    patience
        Epochs without a better score after which training stops; 0 never stops early.
    metric
        Score on the validation set that chooses the epoch; by default macro AUROC of classes and
        the loss of anything else. See `validation_scores.METRICS`.
    loss
        Name of the loss; by default that of the task.
    loss_options
        What the loss is told beside logits and labels.
    mixup
        Parameter of the beta distribution by which records of a batch are mixed; 0 mixes none.
    precision
        ``"float32"``; ``"bfloat16"`` for matrix products and convolutions; or ``"auto"``: bfloat16
        where the processor or accelerator is made for it.
    device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"auto"``: what ``PRECORDIA_DEVICE`` names, else an
        accelerator where there is one.
    threads
        Threads of one process; 0 leaves PyTorch's number.
    workers
        Threads that gather batches ahead; 0 gathers when needed.
    seed
        Of everything that is drawn. Weights that exist already are the caller's.
    checkpoint_steps
        Steps between checkpoints; one is written after every epoch too.
    log_steps
        Steps between looks at the loss; every step has its line all the same.
    grain
        Records that share random numbers where an augmentation does not know records, and the least
        that a process is given then.

    Examples
    --------
    >>> TrainingSettings(epochs=3, lr=1e-3).schedule
    'one-cycle'
    """

    epochs: int = 50
    batch_size: int = 64
    accumulate: int = 1
    lr: float = 1e-3
    schedule: str = "one-cycle"
    warmup: float = 0.1
    last_lr: float = 0.001
    lower_lr: float = 1.0
    layer_decay: float = 1.0
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    clip: float = 1.0
    average: float = 0.0
    patience: int = 10
    metric: str = ""
    loss: str = ""
    loss_options: dict[str, Any] | None = None
    mixup: float = 0.0
    precision: str = "float32"
    device: str = "auto"
    threads: int = 0
    workers: int = 1
    seed: int = 0
    checkpoint_steps: int = 500
    log_steps: int = 20
    grain: int = GRAIN

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_kind(field.name, str(field.type), getattr(self, field.name))
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise OptionError(f"{name} is {getattr(self, name)}; at least {least} is needed.")
        for name, (low, high) in _BETWEEN.items():
            value = getattr(self, name)
            if not low <= value <= high or not math.isfinite(value):
                raise OptionError(f"{name} is {value}; between {low} and {high:g} is needed.")
        for name in ("beta1", "beta2", "average"):
            if getattr(self, name) == 1:
                raise OptionError(f"{name} is 1, which never learns; less than 1 is needed.")
        if self.lr == 0:
            raise OptionError("lr is 0, which never learns; a rate such as 0.001 is needed.")
        _check_name("schedule", self.schedule, SCHEDULES)
        _check_name("precision", self.precision, PRECISIONS)
        if self.batch_size < self.accumulate:
            raise OptionError(
                f"a batch of {self.batch_size} cannot be divided into {self.accumulate} passes; "
                "accumulate may be batch_size at most."
            )

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> TrainingSettings:
        """Make settings from a table of a configuration.

        Raises
        ------
        UnknownNameError, OptionError
            If a key is unknown, or a value of the wrong kind.

        Examples
        --------
        >>> TrainingSettings.from_table({"epochs": 3, "lr": 1}).lr
        1.0
        """
        known = {field.name: str(field.type) for field in fields(cls)}
        for key in table:
            if key not in known:
                raise unknown_name(
                    "training setting",
                    key,
                    known,
                    listing=", ".join(known),
                    elsewhere=_ELSEWHERE,
                )
        whole = {
            k: float(v) if _is_whole(v) and known[k] == "float" else v for k, v in table.items()
        }
        return cls(**whole)


_LEAST = {
    "epochs": 1,
    "batch_size": 1,
    "accumulate": 1,
    "patience": 0,
    "threads": 0,
    "workers": 0,
    "seed": 0,
    "checkpoint_steps": 1,
    "log_steps": 1,
    "grain": 1,
}
_BETWEEN = {
    "lr": (0.0, 100.0),
    "warmup": (0.0, 1.0),
    "last_lr": (0.0, 1.0),
    "lower_lr": (0.0, 1.0),
    "layer_decay": (0.0, 1.0),
    "weight_decay": (0.0, 100.0),
    "beta1": (0.0, 1.0),
    "beta2": (0.0, 1.0),
    "clip": (0.0, 1e9),
    "average": (0.0, 1.0),
    "mixup": (0.0, 100.0),
}
_WORDS = {"int": "a whole number", "float": "a number", "str": "text"}


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_kind(name: str, kind: str, value: Any) -> None:
    if kind not in _WORDS:
        if value is not None and not isinstance(value, dict):
            raise OptionError(f"{name} is {value!r}; a table is needed.")
        return
    fits = {
        "int": _is_whole(value),
        "float": isinstance(value, float) or _is_whole(value),
        "str": isinstance(value, str),
    }[kind]
    if not fits:
        raise OptionError(f"{name} is {value!r}; {_WORDS[kind]} is needed.")


def _check_name(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise unknown_name(what, name, known, listing=", ".join(known))
