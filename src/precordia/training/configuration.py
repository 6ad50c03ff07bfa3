# SPDX-License-Identifier: Apache-2.0
"""What `precordia train` is told: one TOML file, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from precordia.core.errors import OptionError, unknown_name
from precordia.core.input_spec import InputSpec
from precordia.training.augmentations import describe_augmentation
from precordia.training.configuration_tables import (
    changed_tables,
    check_known_keys,
    check_table,
    made_of_table,
    read_tables,
)
from precordia.training.number_targets import check_numbers
from precordia.training.sample_classes import check_wave_classes
from precordia.training.settings import TrainingSettings

_TASKS = ("multilabel", "multiclass", "regression", "waves")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChoice:
    """Which recordings, and what of them is for training and for validation.

    Attributes
    ----------
    store
        Folder of a store.
    database, folder, labels, options
        Or: name of a database, the folder of its files, which of its label sets, and what its
        loader takes.
    simulated, scenarios
        Or: how many recordings to simulate, and of what.
    task
        ``"multilabel"``, ``"multiclass"`` where classes exclude each other, ``"regression"``, or
        ``"waves"``, where each sample is background, P, QRS or T.
    classes
        Which classes; all by default.
    annotations
        For ``"waves"``, ending of the annotation files beside the records, in which ``{lead}``
        stands for the lead; by default as the database has them, or what records carry.
    targets
        Which numbers, of `precordia.training.number_targets.NUMBERS`, for ``"regression"``.
    train, validation
        Folds of each; without them, the published parts or a hash of the patient.
    shares, seed
        Of the hash.
    cache
        Folder for prepared windows.
    jobs
        Processes that prepare windows.
    """

    store: str = ""
    database: str = ""
    folder: str = ""
    labels: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    simulated: int = 0
    scenarios: list[str] = field(default_factory=list)
    task: str = "multilabel"
    classes: list[str] = field(default_factory=list)
    annotations: str = ""
    targets: list[str] = field(default_factory=list)
    train: list[Any] = field(default_factory=list)
    validation: list[Any] = field(default_factory=list)
    shares: list[float] = field(default_factory=lambda: [0.8, 0.1, 0.1])
    seed: int = 0
    cache: str = ""
    jobs: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """Which model.

    Attributes
    ----------
    name, options
        One of `precordia.models.architectures.list_models`, and its options.
    weights
        Folder of `save_pretrained`, or a repository of the hub, to start from.
    sha256
        Hash that these weights must have; any by default.
    leads, fs, seconds
        Where they should not be as in the model's card; an ``[input]`` says them too.
    """

    name: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    weights: str = ""
    sha256: str = ""
    leads: list[str] = field(default_factory=list)
    fs: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything that a training is told.

    Attributes
    ----------
    output
        Folder for the model, its scores and the log.
    data, model, training
        See there.
    input
        How recordings become windows; by default as the weights, or the model's card, say.
    augment
        Tables of `precordia.training.augmentations`, in order.
    tables
        All of it as it was read.
    """

    output: str
    data: DataChoice
    model: ModelChoice
    training: TrainingSettings
    input: InputSpec | None
    augment: tuple[dict[str, Any], ...]
    tables: dict[str, Any]


def read_configuration(
    given: str | Path | Mapping[str, Any], *, changes: Iterable[str] = ()
) -> Configuration:
    """Read a configuration and check it.

    Parameters
    ----------
    given
        Path of a TOML file, or its tables.
    changes
        ``"key=value"`` with a dotted key and a value as in TOML, such as ``"training.lr=0.01"``;
        they replace what stands there.

    Raises
    ------
    MissingFileError, FormatError
        If there is no such file, or it is no TOML.
    UnknownNameError
        If a key is unknown; the nearest is named.
    OptionError, LeadError, SamplingRateError
        If a value is of the wrong kind or impossible, or something is missing.

    Examples
    --------
    >>> tables = {"data": {"simulated": 20, "scenarios": ["sinus"]}, "model": {"name": "resnet1d"}}
    >>> read_configuration(tables, changes=["training.lr = 0.01"]).training.lr
    0.01
    """
    tables = changed_tables(read_tables(given), changes)
    known = ("output", "data", "model", "input", "training", "augment")
    inside = {"model": ModelChoice, "data": DataChoice, "training": TrainingSettings}
    check_known_keys("the configuration", tables, known, inside=inside)
    for key in ("data", "model"):
        if key not in tables:
            raise OptionError(f"the configuration has no table [{key}]; it needs one.")
    augment = tables.get("augment", [])
    if not isinstance(augment, list) or not all(isinstance(t, dict) for t in augment):
        raise OptionError("augment is a list of tables, [[augment]], each with a name.")
    _refuse_nothing("data", tables["data"], ("classes", "train", "validation"))
    _refuse_nothing("model", tables["model"], ("name", "weights", "leads", "fs", "seconds"))
    data = _checked_data(made_of_table("data", DataChoice, tables["data"]))
    _check_augmentations(augment, data.task)
    output = tables.get("output", "")
    if not isinstance(output, str):
        raise OptionError(f"output is {output!r}; text is needed: a folder.")
    spec = InputSpec.from_table(tables["input"]) if "input" in tables else None
    return Configuration(
        output=output,
        data=data,
        model=_checked_model(made_of_table("model", ModelChoice, tables["model"]), spec),
        training=TrainingSettings.from_table(check_table("training", tables.get("training", {}))),
        input=spec,
        augment=tuple(augment),
        tables=tables,
    )


def _refuse_nothing(name: str, table: Any, keys: Iterable[str]) -> None:
    """Refuse keys that are given and say nothing: what is left out has a default, 0 has none."""
    for key in keys:
        if isinstance(table, dict) and key in table and not table[key]:
            raise OptionError(f"{name}.{key} is {table[key]!r}, which is none. Leave it out.")


def _checked_data(data: DataChoice) -> DataChoice:
    said = [name for name in ("store", "database", "simulated") if getattr(data, name)]
    if len(said) != 1:
        raise OptionError(
            f"[data] names {' and '.join(said) or 'nothing'}; one of store, database (with "
            "folder) and simulated (with scenarios) is needed."
        )
    if data.database and not data.folder:
        raise OptionError(f"[data] names {data.database} and no folder; data.folder is needed.")
    if data.simulated and not data.scenarios:
        raise OptionError("[data] has no scenarios to simulate; data.scenarios is needed.")
    _check_task(data)
    real = all(isinstance(s, int | float) and s >= 0 for s in data.shares)
    if len(data.shares) != 3 or not real or abs(sum(data.shares) - 1) > 1e-6:
        raise OptionError(
            f"data.shares is {data.shares}; three shares of train, validation and test that add "
            "up to 1 are needed."
        )
    if data.jobs < 1:
        raise OptionError(f"data.jobs is {data.jobs}; at least 1 is needed.")
    return data


def _check_task(data: DataChoice) -> None:
    if data.task == "sample-classes":
        raise OptionError(
            f"data.task is '{data.task}'; {', '.join(_TASKS)} can be had from a configuration. "
            "Classes of samples of one's own are trained from Python: TrainingSet and fit. Waves "
            'can be had: task = "waves".'
        )
    if data.task not in _TASKS:
        raise unknown_name("data.task", data.task, _TASKS, listing=", ".join(_TASKS))
    if data.annotations and data.task != "waves":
        raise OptionError(
            f"data.annotations is '{data.annotations}', and data.task '{data.task}' has no use for "
            'them; leave it out, or use task = "waves".'
        )
    if data.task == "waves":
        _check_waves(data)
    if data.task != "regression":
        if data.targets:
            raise OptionError(
                f"data.targets names numbers, and data.task is '{data.task}'; leave them out, or "
                'use task = "regression".'
            )
        return
    if data.classes:
        raise OptionError(
            "data.classes names classes, and regression learns numbers; name them in data.targets."
        )
    if not data.targets:
        raise OptionError(
            "data.targets is needed for regression: the numbers to learn, such as "
            '["age_years", "qrs_ms"].'
        )
    check_numbers(data.targets)


def _check_waves(data: DataChoice) -> None:
    if data.store:
        raise OptionError(
            f"data.task is 'waves' and data.store '{data.store}'; a store keeps no marks of waves. "
            "Name database and folder: marks are read from its files."
        )
    check_wave_classes(data.classes)


def _check_augmentations(tables: Iterable[Mapping[str, Any]], task: str) -> None:
    for table in tables:
        name = str(table.get("name", ""))
        if describe_augmentation(name).moves_samples and task == "waves":
            raise OptionError(
                f"the augmentation '{name}' moves samples, and data.task = 'waves' has a class for "
                "each of them; leave it out."
            )


def _checked_model(model: ModelChoice, spec: InputSpec | None) -> ModelChoice:
    if not model.name and not model.weights:
        raise OptionError("[model] has neither name nor weights; one of them is needed.")
    if spec is not None and (model.leads or model.fs or model.seconds):
        raise OptionError(
            "[model] names leads, fs or seconds beside an [input], which says them; leave them "
            "out of [model]."
        )
    return model
