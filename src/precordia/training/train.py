# SPDX-License-Identifier: Apache-2.0
"""From a configuration to a model with its scores, in one folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from precordia.core.errors import OptionError, WeightsError
from precordia.core.input_spec import ANY_LEAD, InputSpec
from precordia.core.output import write_text_whole
from precordia.core.record import Remark
from precordia.core.registry import load_object
from precordia.core.settings import settings as places
from precordia.models.architectures import list_models, model_card
from precordia.training.absent_leads import remark_absent_leads
from precordia.training.augmentations import augmentations_from_tables
from precordia.training.configuration import Configuration, read_configuration
from precordia.training.configuration_tables import toml_text
from precordia.training.data_parts import part_of_each, training_sets
from precordia.training.final_scores import final_scores, score_lines, told_of_scores, without_nan
from precordia.training.number_source import with_numbers
from precordia.training.prepared_windows import PreparedWindows, prepare_windows
from precordia.training.record_source import (
    RecordSource,
    simulated_source,
    source_from_dataset,
    source_from_store,
)
from precordia.training.run_place import place_of
from precordia.training.sample_classes import check_wave_classes
from precordia.training.target_scale import TargetScale
from precordia.training.training_set import TrainingSet
from precordia.training.usual_input import usual_input
from precordia.training.usual_wave_input import usual_wave_input
from precordia.training.validation_scores import check_choice
from precordia.training.wave_marks import wave_marks_of
from precordia.training.wave_windows import wave_sets

if TYPE_CHECKING:
    from precordia.models.encoder import Encoder
    from precordia.training.fit import Fitted
    from precordia.training.loop import Watch
    from precordia.training.processes import Processes

MODEL, METRICS, CONFIGURATION, ENVIRONMENT = (
    "model",
    "metrics.json",
    "configuration.toml",
    "environment.json",
)
#: stands among the data of a model whose first weights do not say what they were made from
UNTOLD = "unknown: what the weights that it began with were made from"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trained:
    """A trained model, its scores, and where they are.

    Attributes
    ----------
    folder
        Where everything is.
    model
        With the weights of the best epoch.
    metrics
        What ``metrics.json`` says.
    remarks
        What was noticed.
    """

    folder: Path
    model: Any
    metrics: dict[str, Any]
    remarks: tuple[Remark, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Return folder, scores and remarks as plain texts and numbers."""
        remarks = [remark.text for remark in self.remarks]
        return {
            "folder": str(self.folder),
            "metrics": without_nan(self.metrics),
            "remarks": remarks,
        }

    def __str__(self) -> str:
        told = self.metrics
        lines = [
            f"{self.folder / MODEL}: {told['best_metric']} {told['best_score']:.3f} on "
            f"{told['n_validation']} {_what(told)} for validation, epoch {told['best_epoch']} of "
            f"{told['n_epochs']}"
        ]
        lines += score_lines(told)
        lines += [f"note: {remark.text}" for remark in self.remarks]
        return "\n".join(lines)


def train(
    configuration: str | Path | Mapping[str, Any],
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    changes: Iterable[str] = (),
    watch: Watch | None = None,
) -> Trained:
    """Train a model as a configuration says, and save it with its scores.

    Parameters
    ----------
    configuration
        Path of a TOML file, or its tables; `precordia.training.example` has one.
    folder
        Where everything goes, in place of ``output``.
    resume
        Go on with a training that was interrupted.
    overwrite
        Begin anew in a folder that holds a training.
    changes
        ``"key=value"`` in place of what the configuration says, such as ``"training.lr=0.01"``.
    watch
        Is told steps done, steps in all, and a few words.

    Returns
    -------
    The model and its scores. The folder has the model (``model``), ``metrics.json``, the
    configuration as it was run, ``environment.json``, ``log.jsonl`` and event files for
    TensorBoard.

    Raises
    ------
    UnknownNameError, OptionError
        If the configuration is not right.
    OutputError
        If the folder holds a training already, or the disk refuses.
    WeightsError
        If weights or a checkpoint are damaged, or of another model.
    MissingExtraError
        If PyTorch is not installed.

    Notes
    -----
    Scores are of the validation set that chose the epoch and are too good by a little for that;
    the test part is not touched. Intervals are of 1000 draws of patients.

    Examples
    --------
    >>> import tempfile
    >>> done = train(
    ...     {
    ...         "output": f"{tempfile.mkdtemp()}/trained",
    ...         "data": {"simulated": 24, "scenarios": ["sinus", "left-bundle-block"]},
    ...         "model": {"name": "resnet1d", "options": {"width": 4}, "leads": ["I", "V1"],
    ...                   "fs": 100, "seconds": 4},
    ...         "training": {"epochs": 1, "batch_size": 8},
    ...     }
    ... )
    >>> done.folder.name, done.metrics["n_epochs"]
    ('trained', 1)
    """
    held = read_configuration(configuration, changes=changes)
    place = Path(folder or held.output)
    if not str(folder or held.output):
        raise OptionError("nothing says where to; give output, or a folder (folder=, --folder).")
    join = load_object("precordia.training.processes:join", extra="train", purpose="training")
    chosen_device = load_object("precordia.models.device:chosen_device", extra="train")
    processes = join(chosen_device(held.training.device))
    with place_of(place, resume=resume, overwrite=overwrite, is_first=processes.is_first):
        source = _source(held)
        named = _named(held, source)
        model, spec = _model(held, n_outputs=len(named))
        sets, scale, remarks = _sets(held, source, spec, processes, watch)
        check_choice(sets[1], held.training.metric)
        if processes.is_first:
            _keep_configuration(place, held, resume=resume)
        fitted = _fitted(held, model, spec, sets, place, resume, overwrite, watch)
        metrics = final_scores(fitted, sets, scale=scale, fs=spec.fs)
        if scale is not None:
            scale.write_into_head(fitted.model)
        if processes.is_first:
            _save(place, fitted, spec, _all_data(held, fitted.model, source), sets, scale, metrics)
    noticed = (*source.remarks, *remarks, *fitted.remarks)
    return Trained(folder=place, model=fitted.model, metrics=metrics, remarks=noticed)


def _keep_configuration(place: Path, held: Configuration, *, resume: bool) -> None:
    """Write the configuration, unless a training is gone on with that has its own."""
    from precordia.training.checkpoint import NAME

    if not (resume and (place / NAME).exists() and (place / CONFIGURATION).exists()):
        write_text_whole(toml_text(held.tables), place / CONFIGURATION, overwrite=True)


def _source(held: Configuration) -> RecordSource:
    data = held.data
    if data.store:
        return source_from_store(data.store)
    if data.database:
        return source_from_dataset(
            data.database, data.folder, task=data.labels or None, **data.options
        )
    return simulated_source(data.simulated, data.scenarios, seed=data.seed)


def _named(held: Configuration, source: RecordSource) -> Sequence[str]:
    """Return what the model's outputs are called."""
    if held.data.task == "waves":
        return check_wave_classes(held.data.classes)
    return held.data.targets or held.data.classes or source.classes


def _model(held: Configuration, *, n_outputs: int) -> tuple[Encoder, InputSpec]:
    """Make the model and say how recordings become its windows."""
    from precordia.models.load_model import load_model

    choice, spec = held.model, held.input
    asked: dict[str, Any] = {
        "leads": choice.leads or None,
        "fs": choice.fs or None,
        "seconds": choice.seconds or None,
    }
    if choice.weights:
        from precordia.models.saved_model import find_saved

        saved = find_saved(choice.weights)
        if choice.sha256 and saved.sha256 != choice.sha256:
            raise WeightsError(
                f"the weights in '{choice.weights}' have the hash {saved.sha256} and model.sha256 "
                f"is {choice.sha256}; they are of another training. Correct the one that is wrong."
            )
        usual = any(value is not None for value in asked.values())
        spec = spec or (None if usual else saved.input_spec)
        asked |= {"weights": choice.weights, "head": "new"}
        name = choice.name or saved.architecture
    else:
        name = choice.name
    _check_outputs(name, held.data.task)
    if held.data.task == "waves" and not choice.weights and asked["leads"] is None:
        asked["leads"] = (ANY_LEAD,)
    if spec is not None:
        asked |= {"leads": spec.leads, "fs": spec.fs, "seconds": spec.seconds}
    given = {key: value for key, value in asked.items() if value is not None}
    model = load_model(
        name, n_outputs=n_outputs, seed=held.training.seed, **given, **choice.options
    )
    if spec is None:
        shape = model.shape
        usual_of = usual_wave_input if held.data.task == "waves" else usual_input
        spec = usual_of(shape.leads, shape.fs, shape.seconds)
    return model, replace(spec, model=name)


def _check_outputs(name: str, task: str) -> None:
    """Refuse a model that gives scores of windows where those of samples are needed, and so on."""
    wanted = "sample" if task == "waves" else "window"
    if (given := model_card(name).outputs) != wanted:
        fits = ", ".join(m for m in list_models() if model_card(m).outputs == wanted)
        raise OptionError(
            f"{name} gives scores of each {given}, and data.task = '{task}' needs those of each "
            f"{wanted}. Take one of {fits}."
        )


def _sets(
    held: Configuration,
    source: RecordSource,
    spec: InputSpec,
    processes: Processes,
    watch: Watch | None,
) -> tuple[tuple[TrainingSet, TrainingSet], TargetScale | None, list[Remark]]:
    data = held.data
    parts, remarks = part_of_each(
        source,
        train=[str(fold) for fold in data.train],
        validation=[str(fold) for fold in data.validation],
        shares=data.shares,
        seed=data.seed,
    )
    used = np.flatnonzero([part in ("train", "validation") for part in parts])
    few = source.of(used)
    if data.task == "waves":
        marks = wave_marks_of(
            database=data.database,
            folder=data.folder,
            labels=data.labels,
            options=data.options,
            annotations=data.annotations,
        )
        sets, noticed = wave_sets(
            few,
            marks,
            spec,
            [parts[k] for k in used],
            classes=check_wave_classes(data.classes),
            n_jobs=data.jobs,
            watch=watch if processes.is_first else None,
        )
        return sets, None, remarks + noticed
    cache = data.cache or places().cache / "windows"
    how: dict[str, Any] = {
        "n_jobs": data.jobs,
        "wait": not processes.is_first,
        "watch": watch if processes.is_first else None,
    }
    windows = prepare_windows(few, spec, cache, **how)
    scale, few_parts = None, [parts[k] for k in used]
    remarks += _left_out(windows)
    remarks += remark_absent_leads(windows.present, windows.record, spec.leads)
    if data.task == "regression":
        few, scale, noticed = with_numbers(few, data.targets, windows, few_parts, cache, **how)
        remarks += noticed
    sets = training_sets(few, windows, few_parts, classes=data.classes, task=data.task)
    return sets, scale, remarks


def _left_out(windows: PreparedWindows) -> list[Remark]:
    if not windows.left_out:
        return []
    name, reason = next(iter(windows.left_out.items()))
    text = f"{len(windows.left_out)} records were left out, such as '{name}': {reason}"
    return [Remark(code="records-left-out", text=text)]


def _fitted(
    held: Configuration,
    model: Encoder,
    spec: InputSpec,
    sets: tuple[TrainingSet, TrainingSet],
    place: Path,
    resume: bool,
    overwrite: bool,
    watch: Watch | None,
) -> Fitted:
    from precordia.training.augmenter_for import augmenter_for
    from precordia.training.fit import fit

    settings, steps = held.training, augmentations_from_tables(held.augment)
    if held.data.task == "waves":  # most samples are background, so accuracy says little
        settings = replace(settings, metric=settings.metric or "macro_dice")
    augment = [augmenter_for(sets[0], steps, spec)] if steps else []
    return fit(
        model,
        *sets,
        settings,
        augment=augment,
        folder=place,
        resume=resume,
        overwrite=overwrite,
        watch=watch,
    )


def _save(
    place: Path,
    fitted: Fitted,
    spec: InputSpec,
    databases: tuple[str, ...],
    sets: tuple[TrainingSet, TrainingSet],
    scale: TargetScale | None,
    metrics: dict[str, Any],
) -> None:
    """Write what the folder promises; again and again the same, so that a killed one is mended."""
    from precordia.training.environment import environment

    model: Any = fitted.model
    model.save_pretrained(
        place / MODEL,
        overwrite=True,
        input_spec=spec,
        classes=sets[0].classes,
        training_data=databases,
        details={
            "task": sets[0].task,
            **told_of_scores(metrics, scale),
            f"n_{_what(metrics)}": len(set(sets[0].names)),
            "seed": fitted.settings.seed,
        },
    )
    about = environment() | {"minutes": round(fitted.seconds / 60, 2), "steps": fitted.n_steps}
    for name, held in ((METRICS, metrics), (ENVIRONMENT, about)):
        text = json.dumps(without_nan(held), indent=2, ensure_ascii=False)
        write_text_whole(text + "\n", place / name, overwrite=True)


def _what(metrics: Mapping[str, Any]) -> str:
    return "windows" if "boundaries" in metrics else "records"


def _all_data(held: Configuration, model: Encoder, source: RecordSource) -> tuple[str, ...]:
    """Return the databases of the weights that it began with, and of this training."""
    before = model.training_data or ((UNTOLD,) if held.model.weights else ())
    return tuple(dict.fromkeys((*before, *source.databases)))
