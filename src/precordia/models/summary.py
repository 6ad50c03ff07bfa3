# SPDX-License-Identifier: Apache-2.0
"""A model in a few lines: name, parameters, tokens, receptive field, input."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from precordia.core.value import Value
from precordia.models.encoder import Encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary(Value):
    """What a model is, in numbers.

    Attributes
    ----------
    name, options
        What `load_model` was asked for.
    n_parameters
        Number of parameters, the head's included.
    n_outputs, dim
        Number of scores, length of the embedding.
    n_tokens, token_dim
        Tokens of a window of ``n_samples`` samples, and their length.
    receptive_field_s
        How much a token sees, s; NaN for all of the window.
    leads, n_leads, n_samples, fs
        Input.
    classes, training_data
        What the outputs are called, and what the weights were made from.
    """

    name: str
    n_parameters: int
    n_outputs: int
    dim: int
    n_tokens: int
    token_dim: int
    receptive_field_s: float
    leads: tuple[str, ...]
    n_leads: int
    n_samples: int
    fs: float
    options: dict[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    training_data: tuple[str, ...] = ()

    def __str__(self) -> str:
        options = ", ".join(f"{name}={value}" for name, value in self.options.items())
        sees = self.receptive_field_s
        leads = ", ".join(self.leads) if len(self.leads) <= 3 else ""
        lines = [
            f"{self.name}: {self.n_parameters:,} parameters ({options})",
            f"  input      {self.n_leads} lead{'s' * (self.n_leads > 1)}"
            f"{f' ({leads})' if leads else ''}, {self.n_samples} samples, "
            f"{self.n_samples / self.fs:g} s at {self.fs:g} Hz",
            f"  tokens     {self.n_tokens} of {self.token_dim} numbers, each seeing "
            + ("all of the window" if sees != sees else f"{sees:.3g} s"),
            f"  embedding  {self.dim} numbers",
            f"  outputs    {self.n_outputs or 'none'}"
            + (f" ({', '.join(self.classes[:5])}{' ...' * (len(self.classes) > 5)})"
               if self.classes else ""),
        ]  # fmt: skip
        if self.training_data:
            lines.append(f"  made from  {', '.join(self.training_data)}")
        return "\n".join(lines)


def summarise(model: Encoder) -> ModelSummary:
    """Describe a model; one empty window goes through it to count its tokens.

    Examples
    --------
    >>> from precordia.models.load_model import load_model
    >>> print(summarise(load_model("resnet1d", n_outputs=5)))
    resnet1d: 3,851,397 parameters (size=18, width=64, kernel=3, dropout=0.0)
      input      12 leads, 1000 samples, 10 s at 100 Hz
      tokens     32 of 512 numbers, each seeing 4.35 s
      embedding  512 numbers
      outputs    5
    """
    shape, was_training = model.shape, model.training
    like = next(model.parameters())
    model.eval()
    with torch.no_grad():
        window = torch.zeros(1, shape.n_leads, shape.n_samples, dtype=like.dtype)
        tokens = model.tokens(window.to(like.device))
    model.train(was_training)
    seen = model.receptive_field()
    return ModelSummary(
        name=model.name or type(model).__name__,
        n_parameters=sum(p.numel() for p in model.parameters()),
        n_outputs=model.n_outputs,
        dim=model.dim,
        n_tokens=tokens.shape[1],
        token_dim=tokens.shape[2],
        receptive_field_s=float("nan") if seen is None else seen / shape.fs,
        leads=shape.leads,
        n_leads=shape.n_leads,
        n_samples=shape.n_samples,
        fs=shape.fs,
        options=dict(model.options),
        classes=model.classes,
        training_data=model.training_data,
    )
