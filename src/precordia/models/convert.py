# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of other programs become folders that `from_pretrained` reads."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from precordia.core.input_spec import InputSpec
from precordia.models.encoder import Encoder
from precordia.models.load_model import load_model
from precordia.models.read_checkpoint import read_checkpoint
from precordia.models.take_weights import rename, take_weights


def convert_weights(
    file: str | os.PathLike[str],
    *,
    model: str,
    to: str | os.PathLike[str],
    n_outputs: int | None = None,
    overwrite: bool = False,
    input_spec: InputSpec | None = None,
    classes: Sequence[str] | None = None,
    training_data: Sequence[str] = (),
    details: Mapping[str, Any] | None = None,
    objects: Literal["refuse", "leave"] = "refuse",
    **arguments: Any,
) -> Encoder:
    """Turn a checkpoint (.pt, .pth, .ckpt, .safetensors) into a folder.

    Parameters
    ----------
    file
        The checkpoint: weights by key, or a table that holds them under ``state_dict``,
        ``model_state_dict``, ``model`` or the like.
    model
        Name of the model that they are for, one of `list_models`.
    to
        Folder to write.
    n_outputs
        Outputs of the head; as many as the checkpoint's last layer has where it is not given.
    overwrite
        Replace a model that is there.
    input_spec, classes, training_data, details
        Stored beside the weights; classes where the checkpoint has a head.
    objects
        ``"refuse"`` a checkpoint that holds Python objects beside the weights, or ``"leave"`` them
        unread.
    **arguments
        Leads, length, rate and options, as for `load_model`.

    Returns
    -------
    The model with the weights.

    Raises
    ------
    MissingFileError
        If there is no such file.
    WeightsError
        If the file is no checkpoint, holds code, or has weights that the model does not know or
        lacks some that it needs.

    Notes
    -----
    Keys of the published programs are renamed by the model; every key must be accounted for. Python
    objects in a checkpoint are code that would run when it is read, so that only arrays, numbers,
    texts and tables of these are taken (``torch.load(weights_only=True)``).

    Examples
    --------
    >>> import tempfile, torch
    >>> folder = Path(tempfile.mkdtemp())
    >>> source = load_model("resnet1d", n_outputs=2, width=4)
    >>> torch.save({"state_dict": source.state_dict()}, folder / "other.pt")
    >>> model = convert_weights(folder / "other.pt", model="resnet1d", to=folder / "m", width=4)
    >>> model.n_outputs
    2
    """
    state = read_checkpoint(file, objects=objects)
    if n_outputs is None:
        empty = load_model(model, n_outputs=0, **arguments)
        last = rename(empty, state).get("head.weight")
        n_outputs = 0 if last is None or last.ndim != 2 else len(last)
    made = load_model(model, n_outputs=n_outputs, **arguments)
    take_weights(made, state, source=os.fspath(file))
    made.input_spec, made.training_data = input_spec, tuple(training_data)
    made.classes = tuple(classes or ()) if made.n_outputs else ()
    made.details = {"converted_from": Path(file).name, **(details or {})}
    made.save_pretrained(to, overwrite=overwrite)
    return made
