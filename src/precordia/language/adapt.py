# SPDX-License-Identifier: Apache-2.0
"""From a configuration to a trained adapter with its scores and controls, in one folder."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from precordia.core.errors import OptionError, PrecordiaError
from precordia.core.output import write_text_whole
from precordia.core.registry import load_object
from precordia.language.adapt_configuration import AdaptConfiguration, read_adapt_configuration
from precordia.language.adapter_scores import adapter_scores, answers_of
from precordia.language.make_adapter import make_adapter
from precordia.language.question_rows import (
    Asked,
    divide_by_patient,
    ecg_qa_questions,
    label_questions,
    texts_to_read,
    with_options,
)
from precordia.language.recording_input import RecordingInput
from precordia.training.configuration_tables import check_known_keys, toml_text
from precordia.training.data_parts import part_of_each
from precordia.training.record_source import (
    RecordSource,
    simulated_source,
    source_from_dataset,
    source_from_store,
)
from precordia.training.run_place import make_place

if TYPE_CHECKING:
    from precordia.language.causal_model import CausalModel
    from precordia.language.fit_adapter import Watch
    from precordia.language.question_batch import Question

METRICS, CONFIGURATION = "metrics.json", "configuration.toml"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Adapted:
    """A trained adapter and what it scored.

    Attributes
    ----------
    folder
        Where it is.
    metrics
        What ``metrics.json`` says.
    """

    folder: Path
    metrics: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return folder and scores as plain texts and numbers."""
        return {"folder": str(self.folder), "metrics": self.metrics}

    def __str__(self) -> str:
        told = self.metrics
        lines = [
            f"{self.folder}: {told['adapter']}, {told['n_learned']} weights learned, loss "
            f"{told['best_loss']:.3f} on {told['n_validation']} questions for validation, epoch "
            f"{told['best_epoch']} of {told['n_epochs']}"
        ]
        if (scores := told.get("scores")) is not None:
            value, (low, high) = scores["exact_match"]["value"], scores["exact_match"]["interval"]
            lines.append(
                f"exact match on {scores['n_questions']} questions of {scores['n_patients']} "
                f"patients ({told['scored_on']}): {value:.3f} ({low:.3f} to {high:.3f})"
            )
            for words in ("question_only", "other_recording"):
                above = scores[f"above_{words}"]
                low, high = above["interval"]
                lines.append(
                    f"  above {words.replace('_', ' ')}: {above['value']:+.3f} "
                    f"({low:+.3f} to {high:+.3f})"
                )
        return "\n".join(lines)


def adapt(
    configuration: str | Path | Mapping[str, Any],
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    changes: Iterable[str] = (),
    watch: Watch | None = None,
) -> Adapted:
    """Train an adapter as a configuration says, and save it with its scores.

    Parameters
    ----------
    configuration
        Path of a TOML file, or its tables.
    folder
        Where everything goes, in place of ``output``.
    resume, overwrite
        Go on with a training that was interrupted, or begin anew in its folder.
    changes
        ``"key=value"`` in place of what the configuration says.
    watch
        Is told steps done, steps in all, and a few words.

    Returns
    -------
    Where it is and what it scored. The folder has ``adapter.safetensors``, its card
    ``adapter.toml``, ``metrics.json``, the configuration as it was run and ``log.jsonl``.

    Raises
    ------
    UnknownNameError, OptionError
        If the configuration is not right.
    MissingFileError, FormatError, WeightsError
        If questions, recordings or the language model cannot be read.
    OutputError
        If the folder is in use, or the disk refuses.
    MissingExtraError
        If PyTorch, transformers or peft is not installed.

    Notes
    -----
    Answers are chosen from the options of the template and scored by exact match. Beside it stand
    a twin that was trained in the same way without any recording, and the adapter itself with
    the recordings of other patients; both differences have intervals over patients.
    """
    held = read_adapt_configuration(configuration, changes=changes)
    place = Path(folder or held.output)
    if not str(folder or held.output):
        raise OptionError("nothing says where to; give output, or a folder (folder=, --folder).")
    fit = load_object(
        "precordia.language.fit_adapter:fit_adapter", extra="language", purpose="adapting"
    )
    load_object("precordia.language.fit_adapter:check_settings")(held.training)
    recordings = RecordingInput.from_table(held.adapter.name, held.input)
    _check_tiny(held.base.tiny)
    divided, source = _questions(held)
    make_place(place, resume=resume, overwrite=overwrite)
    if overwrite or not (place / CONFIGURATION).exists():
        write_text_whole(toml_text(held.tables), place / CONFIGURATION, overwrite=True)
    shown = _shown(divided, source, recordings, watch)
    base = _base(held, place, divided["train"], resume)
    if held.training.threads:
        load_object("torch:set_num_threads")(held.training.threads)
    parts = {name: _written(rows, shown) for name, rows in divided.items()}
    model = _model(held, base, recordings, place)
    fitted = fit(
        model,
        parts["train"],
        parts["validation"],
        held.training,
        folder=place,
        resume=resume,
        overwrite=overwrite,
        watch=watch,
    )
    scored = "test" if divided["test"] else "validation"
    metrics: dict[str, Any] = {
        "adapter": held.adapter.name,
        "n_learned": sum(p.numel() for p in model.learning().values()),
        "n_train": len(divided["train"]),
        "n_validation": len(divided["validation"]),
        "best_epoch": fitted.best_epoch,
        "best_loss": fitted.best_loss,
        "n_epochs": len(fitted.epochs),
        "epochs": list(fitted.epochs),
        "seconds": round(fitted.seconds, 1),
        "scored_on": scored,
    }
    _save(model, recordings, place, held, divided)
    if rows := with_options(divided[scored], divided["train"]):
        own, other = (answers_of(model, rows, shown, which) for which in ("own", "other"))
        del model  # there may be no memory for two
        twin = _twin(held, place, divided, recordings, parts, watch)
        metrics["scores"] = adapter_scores(rows, own, answers_of(twin, rows, shown, "none"), other)
    write_text_whole(json.dumps(metrics, indent=1), place / METRICS, overwrite=True)
    return Adapted(folder=place, metrics=metrics)


def _twin(
    held: AdaptConfiguration,
    place: Path,
    divided: Mapping[str, Sequence[Asked]],
    recordings: RecordingInput,
    parts: Mapping[str, Sequence[Question]],
    watch: Watch | None,
) -> Any:
    """Train the same in the same way, with nothing in place of each recording."""
    from precordia.language.fit_adapter import fit_adapter
    from precordia.language.question_batch import without_recordings

    twin = _model(held, _base(held, place, divided["train"], True), recordings, place)
    train, valid = (without_recordings(parts[name]) for name in ("train", "validation"))
    fit_adapter(twin, train, valid, held.training, watch=watch)
    return twin


def _questions(held: AdaptConfiguration) -> tuple[dict[str, list[Asked]], RecordSource]:
    data = held.data
    if data.simulated:
        source = simulated_source(data.simulated, data.scenarios, seed=data.seed)
    elif data.store:
        source = source_from_store(data.store)
    else:
        source = source_from_dataset("ptbxl", data.ptbxl, task=data.labels or None)
    if not data.questions:
        asked = label_questions(source, seed=data.seed)
    else:
        asked = ecg_qa_questions(
            data.questions, source, wording=data.wording, templates=data.templates
        )
    named = {name: [str(fold) for fold in getattr(data, name)] for name in ("train", "validation")}
    parts, _ = part_of_each(source, **named, shares=data.shares, seed=data.seed)
    test = {str(fold) for fold in data.test}
    if both := test & {*named["train"], *named["validation"]}:
        raise OptionError(f"fold {', '.join(sorted(both))} is in data.test and in another part.")
    parts = ["test" if fold in test else part for part, fold in zip(parts, source.folds)]  # noqa: B905
    divided = divide_by_patient(asked, dict(enumerate(parts)))
    for name in ("train", "validation"):
        if not divided[name]:
            raise OptionError(
                f"none of the {len(asked)} questions is for {name}; choose other folds."
            )
    if 0 < data.limit < len(divided["train"]):
        few = np.random.default_rng(data.seed).permutation(len(divided["train"]))[: data.limit]
        divided["train"] = [divided["train"][k] for k in sorted(few.tolist())]
    return divided, source


def _shown(
    divided: Mapping[str, Sequence[Asked]],
    source: RecordSource,
    recordings: RecordingInput,
    watch: Watch | None,
) -> dict[int, np.ndarray]:
    """Return what the adapter takes of each recording that is asked about."""
    wanted = sorted({k for rows in divided.values() for row in rows for k in row.recordings})
    shown: dict[int, np.ndarray] = {}
    refused: PrecordiaError | None = None
    for number, k in enumerate(wanted):
        try:
            shown[k] = recordings.take(source.read(k))
        except PrecordiaError as error:
            refused = error
        if watch is not None:
            watch(number + 1, len(wanted), "preparing recordings")
    if not shown and refused is not None:
        raise refused
    for rows in divided.values():  # those that cannot be used are not asked about
        rows[:] = [row for row in rows if all(k in shown for k in row.recordings)]  # type: ignore[index]
    return shown


def _written(rows: Sequence[Asked], shown: Mapping[int, np.ndarray]) -> list[Question]:
    from precordia.language.question_batch import Question

    return [Question(row.text, tuple(shown[k] for k in row.recordings), row.answer) for row in rows]


def _check_tiny(told: Mapping[str, Any]) -> None:
    from precordia.language.tiny_model import make_tiny_model

    known = [name for name in inspect.signature(make_tiny_model).parameters if name != "texts"]
    check_known_keys("base.tiny", told, known)


def _base(
    held: AdaptConfiguration, place: Path, train: Sequence[Asked], again: bool
) -> CausalModel:
    from precordia.language import saved_adapter, tiny_model
    from precordia.language.causal_model import load_causal_model

    if held.base.model:
        return load_causal_model(held.base.model, precision=held.base.precision)
    at = place / saved_adapter.BASE
    if not again or not at.is_dir():
        told = {"seed": held.training.seed, **held.base.tiny}
        tiny_model.save_tiny_model(tiny_model.make_tiny_model(texts_to_read(train), **told), at)
    return load_causal_model(at)


def _model(
    held: AdaptConfiguration, base: CausalModel, recordings: RecordingInput, place: Path
) -> Any:
    from precordia.language.adapted_model import AdaptedModel
    from precordia.models.device import chosen_device

    made = make_adapter(
        held.adapter.name,
        base.network,
        recordings.shape,
        seed=held.training.seed,
        options=held.adapter.options,
    )
    return AdaptedModel(base, made, held.low_rank).to(chosen_device(held.training.device))


def _save(
    model: Any,
    recordings: RecordingInput,
    place: Path,
    held: AdaptConfiguration,
    divided: Mapping[str, Sequence[Asked]],
) -> None:
    from precordia.language.saved_adapter import save_adapter

    train = divided["train"]
    options = {
        str(row.template): list(row.options)
        for row in {row.template: row for row in with_options(train, train)}.values()
    }
    data = held.data.questions or "simulated recordings"
    told = {"data": {"questions": data, "n": len(train)}, "options": options}
    save_adapter(model, recordings, place, about=told, overwrite=True)
