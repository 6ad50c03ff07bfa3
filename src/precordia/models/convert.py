# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of other programs become folders that `from_pretrained` reads."""

from __future__ import annotations

import contextlib
import os
import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from precordia.core.errors import MissingFileError, WeightsError
from precordia.core.input_spec import InputSpec
from precordia.models.encoder import Encoder
from precordia.models.load_model import load_model
from precordia.models.take_weights import rename, take_weights

#: where programs put the weights within a checkpoint
_WITHIN = ("state_dict", "model_state_dict", "model", "module", "encoder", "ekg_state_dict")


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
        Stored beside the weights; classes only where there are as many as outputs.
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
    >>> import tempfile
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
    made.classes = tuple(classes or ())
    made.details = {"converted_from": Path(file).name, **(details or {})}
    made.save_pretrained(to, overwrite=overwrite)
    return made


def read_checkpoint(
    file: str | os.PathLike[str], *, objects: Literal["refuse", "leave"] = "refuse"
) -> dict[str, Tensor]:
    """Read the weights of a checkpoint without running anything that stands in it.

    Parameters
    ----------
    file
        The checkpoint.
    objects
        What happens to Python objects beside the weights: ``"refuse"`` the file, or ``"leave"``
        them unread, with an empty thing in the place of each.

    Raises
    ------
    MissingFileError, WeightsError
        As `convert_weights`.
    """
    place = Path(file)
    if not place.is_file():
        raise MissingFileError(
            f"there is no file '{place}'. Name a checkpoint (.pt, .safetensors)."
        )
    try:
        if place.suffix == ".safetensors":
            found: Any = safetensors.torch.load_file(place)
        else:
            _refuse_lies(place)
            with warnings.catch_warnings(), _objects_left(place, objects):
                warnings.simplefilter("ignore")  # old ways of storing, which are read all the same
                found = torch.load(place, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except safetensors.SafetensorError as error:
        raise WeightsError(
            f"'{place}' is no safetensors file ({error}). Fetch it again."
        ) from error
    except MemoryError as error:
        raise WeightsError(
            f"'{place}' does not fit into memory. Use a machine with more of it."
        ) from error
    except Exception as error:  # torch.load raises whatever the file makes it stumble over
        raise WeightsError(_why(place, error)) from error
    for key in _WITHIN:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
            break
    if not isinstance(found, Mapping) or not found:
        raise WeightsError(
            f"'{place}' holds {_kind(found)}; weights by key, or a table with state_dict, are "
            "needed. Save model.state_dict()."
        )
    others = [str(key) for key, value in found.items() if not isinstance(value, Tensor)]
    if others:
        raise WeightsError(
            f"'{place}' holds {len(others)} entries that are no arrays ({', '.join(others[:3])}); "
            "weights by key are needed. Save model.state_dict() alone."
        )
    return {str(key): value for key, value in found.items()}


class _Unread:
    """What stands in the place of an object that is not read: nothing of it is kept or run."""

    def __new__(cls, *_: Any, **__: Any) -> _Unread:
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...

    def __setitem__(self, key: Any, value: Any) -> None: ...


def _objects_left(place: Path, objects: str) -> contextlib.AbstractContextManager[Any]:
    """Let empty things be made where a checkpoint names a class that is not that of an array."""
    if objects != "leave" or not zipfile.is_zipfile(place):
        return contextlib.nullcontext()
    named = torch.serialization.get_unsafe_globals_in_checkpoint(place)
    kinds: list[Any] = [(type("_Unread", (_Unread,), {}), name) for name in named]
    return torch.serialization.safe_globals(kinds)


def _refuse_lies(place: Path) -> None:
    """Refuse an archive whose entries are far larger than the file itself."""
    if not zipfile.is_zipfile(place):
        return
    size = place.stat().st_size
    with zipfile.ZipFile(place) as archive:
        claimed = sum(entry.file_size for entry in archive.infolist())
    if claimed > size + 1_000_000:
        raise WeightsError(
            f"'{place}' has {size} bytes and claims to hold {claimed}; checkpoints are not "
            "compressed, so it is damaged or made to harm. Fetch it again."
        )


def _why(place: Path, error: Exception) -> str:
    said = str(error)
    if "weights_only" in said or "Unsupported global" in said or "WeightsUnpickler" in said:
        named = re.search(r"GLOBAL ([\w.]+)", said)
        what = f" ({named[1]})" if named else ""
        return (
            f"'{place}' holds Python objects{what}, which are code that would run when it is read; "
            "only arrays are taken. Save model.state_dict() with the program that made it, or "
            "write safetensors."
        )
    reason = next(iter(said.strip().splitlines()), type(error).__name__)
    return (
        f"'{place}' is no checkpoint that can be read ({reason}). Fetch it again, or save "
        "model.state_dict()."
    )


def _kind(found: Any) -> str:
    return "nothing" if found is None or found == {} else f"a {type(found).__name__}"
