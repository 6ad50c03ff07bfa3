# SPDX-License-Identifier: Apache-2.0
"""A training on disk: one file, whole or not at all, without pickle."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from precordia.core.errors import OutputError, WeightsError
from precordia.core.output import write_whole
from precordia.training.progress import Progress

NAME = "checkpoint.safetensors"
_KEY, _VERSION = "precordia.training", 1

State = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a training needs to go on as if nothing had happened.

    Attributes
    ----------
    progress
        Where it stood.
    about
        What it was: settings, data, and whatever else must be the same to go on.
    model, average, best
        Weights now, their running average, and those of the best epoch; the last two may be empty.
    optimiser
        Moments of the optimiser: ``"<number of the parameter>/<name>"``.

    Notes
    -----
    There is no state of random numbers: every draw is a function of seed, epoch and step.
    """

    progress: Progress
    about: dict[str, Any]
    model: State
    average: State
    best: State
    optimiser: State


def write_checkpoint(held: Checkpoint, folder: Path) -> Path:
    """Write a checkpoint over the one before.

    Raises
    ------
    OutputError
        If the disk refuses; the checkpoint before stays as it was.
    """
    tensors: State = {}
    for part in ("model", "average", "best", "optimiser"):
        for name, tensor in getattr(held, part).items():
            # a tensor that shares its memory with another is refused, so each gets its own
            tensors[f"{part}/{name}"] = tensor.detach().cpu().contiguous().clone()
    said = {"version": _VERSION, "progress": held.progress.to_dict(), "about": held.about}
    text = json.dumps(said, sort_keys=True)
    bundle = json.dumps({"said": text, "sha256": _digest(text, tensors)})
    try:
        write_whole({folder / NAME: save(tensors, {_KEY: bundle})}, overwrite=True)
    except OutputError as error:
        before = "The checkpoint before it is whole; free" if (folder / NAME).exists() else "Free"
        raise OutputError(f"{error} {before} space and resume (resume=True, --resume).") from error
    return folder / NAME


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """Read the checkpoint of a folder; None where there is none.

    Raises
    ------
    WeightsError
        If the file is damaged or not a checkpoint.
    """
    path = folder / NAME
    for rest in folder.glob(f".{path.stem}-*{path.suffix}"):  # left behind by a killed process
        with contextlib.suppress(OSError):
            rest.unlink()
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            bundle = json.loads((file.metadata() or {})[_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        text = bundle["said"]
        if bundle["sha256"] != _digest(text, tensors):
            raise WeightsError(
                f"'{path}' is damaged: its bytes are not those that were written. Begin anew "
                "(overwrite=True, --force)."
            )
        said = json.loads(text)
        progress = Progress.from_dict(said["progress"])
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(
            f"'{path}' is no checkpoint of a training ({type(error).__name__}). Begin anew "
            "(overwrite=True, --force)."
        ) from error
    parts: dict[str, State] = {"model": {}, "average": {}, "best": {}, "optimiser": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition("/")
        parts[part][rest] = tensor
    return Checkpoint(progress=progress, about=said["about"], **parts)


def optimiser_state(optimiser: torch.optim.Optimizer) -> State:
    """Return the moments of an optimiser as tensors by name."""
    return {
        f"{number}/{name}": tensor
        for number, parameter in enumerate(_parameters(optimiser))
        for name, tensor in optimiser.state[parameter].items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, state: State) -> None:
    """Give an optimiser the moments that `optimiser_state` returned."""
    parameters = _parameters(optimiser)
    for key, tensor in state.items():
        number, _, name = key.partition("/")
        parameter = parameters[int(number)]
        optimiser.state[parameter][name] = tensor.to(parameter.device, copy=True)


def restore_weights(model: nn.Module, state: State, *, of: str) -> None:
    """Give a model weights, or say which of them differ.

    Parameters
    ----------
    model
        The model.
    state
        Weights by name.
    of
        Where they come from, for the error.

    Raises
    ------
    WeightsError
        If names or shapes differ.

    Examples
    --------
    >>> try:
    ...     restore_weights(nn.Linear(1, 2), {"weight": torch.zeros(2, 2)}, of="it")
    ... except WeightsError as error:
    ...     print(error)
    it is of another model: it lacks bias; weight is (2, 2) and (2, 1) is needed. Make the model
    as it was made then.
    """
    mine = model.state_dict()
    said = [
        *_listed("it lacks", [n for n in mine if n not in state]),
        *_listed("the model has no", [n for n in state if n not in mine]),
    ]
    for name in (n for n in mine if n in state and state[n].shape != mine[n].shape):
        said.append(f"{name} is {tuple(state[name].shape)} and {tuple(mine[name].shape)} is needed")
    if said:
        more = f"; {len(said) - 6} more" if len(said) > 6 else ""
        raise WeightsError(
            f"{of} is of another model: {'; '.join(said[:6])}{more}. Make the model as it was "
            "made then."
        )
    model.load_state_dict(state)


def _listed(words: str, names: list[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return [f"{words} {', '.join(names[:5])}{more}"]


def _parameters(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    return [p for group in optimiser.param_groups for p in group["params"]]


def _digest(text: str, tensors: State) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
