# SPDX-License-Identifier: Apache-2.0
"""Save models with all that makes them again, and make them again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import safetensors
import safetensors.torch

import precordia
from precordia.core.errors import OptionError, OutputError, WeightsError
from precordia.core.input_spec import ANY_LEAD, InputSpec
from precordia.core.output import write_whole
from precordia.models.encoder import Encoder
from precordia.models.load_model import load_model
from precordia.models.saved_model import (
    CONFIG_FILE,
    FORMAT,
    FORMAT_VERSION,
    WEIGHTS_FILE,
    SavedModel,
    check_hash,
    find_saved,
)
from precordia.models.state_match import refuse_differences

_HEAD = "head."


def save_pretrained(
    model: Encoder,
    folder: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    input_spec: InputSpec | None = None,
    classes: Sequence[str] | None = None,
    training_data: Sequence[str] | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write ``model.safetensors`` and ``config.json`` into a folder.

    Parameters
    ----------
    model
        A model that `load_model` or `from_pretrained` made.
    folder
        Where; made if it is not there.
    overwrite
        Replace a model that is already there.
    input_spec, classes, training_data, details
        How recordings become inputs, codes of the outputs, databases that the weights were made
        from, and whatever else is of use (calibration, scores). What is not given is as the model
        has it.

    Raises
    ------
    OutputError
        If a model is there already, or the disk refuses.
    OptionError
        If the classes or the input (number and names of leads, length, rate) do not fit the model,
        or it has low-rank changes.

    Examples
    --------
    >>> import tempfile
    >>> model = load_model("resnet1d", n_outputs=2, width=4)
    >>> folder = Path(tempfile.mkdtemp()) / "small"
    >>> save_pretrained(model, folder, classes=("NORM", "AFIB"))
    >>> from_pretrained(folder).classes
    ('NORM', 'AFIB')
    """
    if not model.name:
        raise OptionError(
            "the model has no name, so it could not be made again. Make it with load_model(name)."
        )
    if any(".parametrizations." in key for key in model.state_dict()):
        raise OptionError(
            "the model has low-rank changes beside its weights, which nothing could read back. Put "
            "them into the weights with merge_lora(model), or keep them alone with "
            "lora_state(model)."
        )
    input_spec = model.input_spec if input_spec is None else input_spec
    classes = model.classes if classes is None else _names("classes", classes)
    if training_data is not None:
        training_data = _names("training_data", training_data)
    _check_fit(model, input_spec, classes)
    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    # One entry alone: several would come in another order each time, and so would the bytes.
    weights = safetensors.torch.save(state, metadata={"format": "pt"})
    shape = model.shape
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "precordia": precordia.__version__,
        "architecture": model.name,
        "options": model.options,
        "n_outputs": model.n_outputs,
        "signal": {
            "n_leads": shape.n_leads,
            "leads": list(shape.leads),
            "n_samples": shape.n_samples,
            "fs": shape.fs,
        },
        "input": None if input_spec is None else input_spec.to_table(),
        "classes": list(classes),
        "training_data": list(model.training_data if training_data is None else training_data),
        "details": dict(model.details if details is None else details),
        "n_parameters": sum(p.numel() for p in model.parameters()),
        "weights": {"sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)},
    }
    try:
        text = json.dumps(config, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"details cannot be stored ({error}); only texts, finite numbers, lists and tables can."
        ) from error
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder '{place}' could not be made ({error.strerror}). Choose another."
        ) from error
    # The description comes last and names the weights, so that no half of a pair passes for one.
    write_whole(
        {place / WEIGHTS_FILE: weights, place / CONFIG_FILE: text.encode()}, overwrite=overwrite
    )


def from_pretrained(
    where: str | os.PathLike[str],
    *,
    n_outputs: int | None = None,
    head: Literal["keep", "new"] = "keep",
    seed: int = 0,
    **changes: Any,
) -> Encoder:
    """Make the model that a folder, or a repository on the Hugging Face hub, holds.

    Parameters
    ----------
    where
        Folder that `save_pretrained` wrote, or ``"owner/name"`` (``"owner/name@revision"``).
    n_outputs
        0 leaves the head away; another number than the stored one needs ``head="new"``.
    head
        ``"new"`` puts a random head in place of the stored one.
    seed
        Of a new head.
    **changes
        Arguments of `load_model` that should differ from the stored ones, such as ``n_samples``.

    Raises
    ------
    WeightsError
        If there is no such model, its files are damaged, or its weights do not fit.
    """
    saved = find_saved(where)
    return load_model(
        saved.architecture, n_outputs=n_outputs, weights=saved, head=head, seed=seed, **changes
    )


def restore(
    model: Encoder, saved: SavedModel, *, head: Literal["keep", "new"] = "keep", seed: int = 0
) -> None:
    """Load saved weights into a model that was made for them.

    Raises
    ------
    WeightsError
        If the file is damaged, or its weights are not those that the model needs.
    """
    check_hash(saved)
    new_head = head == "new" or model.n_outputs == 0
    if model.n_outputs != saved.n_outputs and not new_head:
        raise WeightsError(
            f"'{saved.folder}' has {saved.n_outputs or 'no'} outputs and {model.n_outputs} were "
            "asked for. Use head='new' to put a random head in place of the stored one."
        )
    expected = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    try:
        with safetensors.safe_open(saved.weights, framework="pt") as file:
            shapes = {key: tuple(file.get_slice(key).get_shape()) for key in list(file.keys())}
            wanted = expected
            if new_head:
                shapes = {k: s for k, s in shapes.items() if not k.startswith(_HEAD)}
                wanted = {k: s for k, s in expected.items() if not k.startswith(_HEAD)}
            refuse_differences(shapes, wanted, source=str(saved.weights), model=model.name)
            state = {key: file.get_tensor(key) for key in shapes}
    except safetensors.SafetensorError as error:
        raise WeightsError(
            f"'{saved.weights}' is no safetensors file ({error}). Copy or fetch the folder again."
        ) from error
    model.load_state_dict(state, strict=not new_head)
    model.input_spec = saved.input_spec
    model.training_data = saved.training_data
    # Classes, scores and calibration are those of the old head, where there was one.
    same = head == "keep" and model.n_outputs == saved.n_outputs
    model.details = dict(saved.details) if same else {}
    model.classes = () if new_head else saved.classes
    if model.input_spec is not None and not _fits(model, model.input_spec):
        model.input_spec = None


def _names(argument: str, given: Sequence[str]) -> tuple[str, ...]:
    """Return names as they were given; one text would be taken apart into its letters."""
    if isinstance(given, str):
        raise OptionError(
            f"{argument} is {given!r}; a list of names is needed, such as [{given!r}]."
        )
    names = tuple(given)
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise OptionError(f"{argument} names {twice[0]!r} more than once; each may come once.")
    return names


def _check_fit(model: Encoder, input_spec: InputSpec | None, classes: Sequence[str]) -> None:
    if classes and len(classes) != model.n_outputs:
        raise OptionError(
            f"{len(classes)} classes arrived for {model.n_outputs} outputs; one name for each "
            "output is needed."
        )
    if input_spec is not None and not _fits(model, input_spec):
        shape = model.shape
        raise OptionError(
            f"the input has {_told(input_spec.leads, input_spec.n_leads)} and "
            f"{input_spec.n_samples} samples at {input_spec.fs:g} Hz; the model has "
            f"{_told(shape.leads, shape.n_leads)} and {shape.n_samples} samples at {shape.fs:g} "
            "Hz. They must agree."
        )


def _told(leads: Sequence[str], n_leads: int) -> str:
    return f"{n_leads} leads ({', '.join(leads)})" if leads else f"{n_leads} leads"


def _fits(model: Encoder, spec: InputSpec) -> bool:
    shape = model.shape
    same = (spec.n_leads, spec.n_samples) == (shape.n_leads, shape.n_samples)
    # Rows without names, and a row for any lead, take whatever the input gives them.
    named = bool(shape.leads) and ANY_LEAD not in (*shape.leads, *spec.leads)
    if named and shape.leads != spec.leads:
        return False
    return same and abs(spec.fs - shape.fs) < 1e-6 * shape.fs
