# SPDX-License-Identifier: Apache-2.0
"""What `precordia pretrain` is asked for, checked before anything is loaded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from precordia.core.errors import OptionError, unknown_name
from precordia.core.input_spec import LEAD_SETS, InputSpec
from precordia.models.architectures import list_models, model_card
from precordia.models.model_card import ModelCard
from precordia.models.options import complete_options
from precordia.training.configuration_tables import toml_value
from precordia.training.objective_row import Row
from precordia.training.objective_table import complete_objective_options, objective_row
from precordia.training.settings import TrainingSettings
from precordia.training.usual_input import usual_input

#: stands among the data of a model whose first weights do not say what they were made from
UNTOLD = "unknown: what the weights that it began with were made from"
#: what of the loop may be told; the others say nothing to training without labels
_LOOP = (
    "lr", "schedule", "warmup", "last_lr", "weight_decay", "beta1", "beta2", "clip", "precision",
    "device", "threads", "workers", "checkpoint_steps", "log_steps",
)  # fmt: skip
_USUAL = {"schedule": "cosine", "last_lr": 0.01, "weight_decay": 0.05, "checkpoint_steps": 200}
_INPUT = ("leads", "fs", "seconds")
_ROOMS = ("training", "model", "input")
#: steps between measures of how far embeddings lie apart
_SPREAD_STEPS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainRequest:
    """What is to be trained, how, and for how long.

    Attributes
    ----------
    name, row, options
        The objective, what is known of it, and all its options.
    architecture, model_options, weights
        The encoder; options as they were given, and the folder of weights it begins with.
    spec
        How recordings become windows.
    training
        Rates and the like.
    minutes, steps, epochs
        How long; one of them is above 0.
    batch_size, seed, folds
        As they were given.
    spread_steps
        Steps between measures of how far embeddings lie apart.
    """

    name: str
    row: Row
    options: dict[str, Any]
    architecture: str
    model_options: dict[str, Any]
    weights: str
    spec: InputSpec
    training: TrainingSettings
    minutes: float
    steps: int
    epochs: int
    batch_size: int
    seed: int
    folds: tuple[str, ...]
    spread_steps: int = _SPREAD_STEPS

    def to_dict(self) -> dict[str, Any]:
        """Return what must be the same for a pretraining to go on."""
        names = ("minutes", "steps", "epochs", "batch_size", "seed", "architecture", "weights")
        return {
            "objective": self.name,
            **self.options,
            **{name: getattr(self, name) for name in names},
            "folds": list(self.folds),
            **{f"model.{key}": value for key, value in self.model_options.items()},
        }


def read_request(
    objective: str,
    *,
    model: str | Path = "",
    options: Mapping[str, Any] | None = None,
    changes: Iterable[str] = (),
    input_spec: InputSpec | None = None,
    minutes: float = 0.0,
    steps: int = 0,
    epochs: int = 0,
    batch_size: int = 64,
    seed: int = 0,
    folds: Sequence[str] = (),
) -> PretrainRequest:
    """Check what was asked for.

    Parameters
    ----------
    objective, model, options, changes, input_spec, minutes, steps, epochs, batch_size, seed, folds
        As for `precordia.training.pretrain.pretrain`.

    Raises
    ------
    UnknownNameError
        If there is no such objective or architecture; the nearest is named.
    OptionError, LeadError, SamplingRateError
        If an option is unknown or impossible, or the objective cannot train the architecture.
    """
    row = objective_row(objective)
    _check_length(minutes, steps, epochs)
    _check_whole("batch_size", batch_size, 2)
    _check_whole("seed", seed, 0)
    told = _sorted_changes(changes)
    architecture, weights, spec = _model(row, model)
    if row.architectures and architecture not in row.architectures:
        raise OptionError(
            f"{objective} trains {', '.join(row.architectures)}; {architecture} was asked for. "
            "Choose one of them (model=, --model), or another objective."
        )
    _check_places(objective, row, told[""], model_card(architecture))
    own = architecture == row.architecture and not weights
    chosen = {**(row.model_options if own else {}), **told["model"]}
    complete_options(model_card(architecture), chosen)
    if input_spec is None:
        card = model_card(architecture)
        usual = {**row.input, **told["input"]}
        spec = _usual_spec(card, usual) if spec is None or told["input"] else spec
    elif told["input"]:
        raise OptionError("an input was given whole and changed too; change it where it stands.")
    else:
        spec = input_spec
    return PretrainRequest(
        name=objective,
        row=row,
        options=complete_objective_options(objective, {**(options or {}), **told[""]}),
        architecture=architecture,
        model_options=chosen,
        weights=weights,
        spec=replace(spec, model=architecture),
        training=_settings(row, told["training"], batch_size, seed),
        minutes=float(minutes),
        steps=steps,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        folds=tuple(str(fold) for fold in folds),
    )


def _check_length(minutes: float, steps: int, epochs: int) -> None:
    said = {"minutes": minutes, "steps": steps, "epochs": epochs}
    given = [name for name, value in said.items() if value]
    if len(given) != 1:
        raise OptionError(
            f"{' and '.join(given) or 'nothing'} says how long to train; one of minutes, steps and "
            "epochs is needed (--minutes 30)."
        )
    value = said[given[0]]
    if not 0 < value < math.inf or (given[0] != "minutes" and value != int(value)):
        raise OptionError(f"{given[0]} is {value}; a number above 0 is needed.")


def _check_whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise OptionError(f"{name} is {value!r}; a whole number of at least {least} is needed.")


def _sorted_changes(changes: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what is told of the loop, the model, the input and, under "", the objective."""
    told: dict[str, dict[str, Any]] = {"": {}, **{room: {} for room in _ROOMS}}
    for change in changes:
        key, equals, said = change.partition("=")
        key = key.strip()
        if not equals or not key:
            raise OptionError(f"'{change}' is no key=value, such as training.lr=0.001.")
        room, dot, rest = key.partition(".")
        if not dot:
            room, rest = "", key
        elif room not in _ROOMS:
            raise unknown_name("room", room, _ROOMS, listing=", ".join(_ROOMS))
        told[room][rest] = toml_value(said.strip())
    for room, known in (("training", _LOOP), ("input", _INPUT)):
        for key in told[room]:
            if key not in known:
                raise unknown_name(f"setting of {room}", key, known, listing=", ".join(known))
    return told


def _check_places(objective: str, row: Row, told: Mapping[str, Any], card: ModelCard) -> None:
    """Refuse what is no option of the objective and stands somewhere else, and say where."""
    rooms = {"input": _INPUT, "model": card.options, "training": _LOOP}
    for key in told:
        for room, known in rooms.items():
            if key not in row.options and key in known:
                raise OptionError(
                    f"{objective} has no option '{key}'. Did you mean '{room}.{key}'?"
                )


def _model(row: Row, model: str | Path) -> tuple[str, str, InputSpec | None]:
    """Return architecture, folder of weights, and the input that belongs to these."""
    name = str(model) or row.architecture
    if name in list_models():
        return name, "", None
    if not Path(name).is_dir():
        model_card(name)  # an unknown name, and the nearest one
    from precordia.models.saved_model import find_saved

    saved = find_saved(name)
    return saved.architecture, str(saved.folder), saved.input_spec


def _usual_spec(card: ModelCard, told: Mapping[str, Any]) -> InputSpec:
    leads = told.get("leads", card.leads)
    if isinstance(leads, str):
        leads = LEAD_SETS.get(leads, tuple(name.strip() for name in leads.split(",")))
    return usual_input(tuple(leads), told.get("fs", card.fs), told.get("seconds", card.seconds))


def _settings(row: Row, told: Mapping[str, Any], batch_size: int, seed: int) -> TrainingSettings:
    table = {**_USUAL, **row.training, **told, "batch_size": batch_size, "seed": seed}
    return TrainingSettings.from_table(table)
