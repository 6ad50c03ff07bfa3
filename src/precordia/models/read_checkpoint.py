# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of other programs are read; nothing that stands in them is run."""

from __future__ import annotations

import os
import pickle
import re
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from precordia.core.errors import MissingFileError, WeightsError

#: where programs put the weights within a checkpoint
_WITHIN = ("state_dict", "model_state_dict", "model", "module", "encoder", "ekg_state_dict")

#: kinds of objects beside weights that are left unread
_MOST_KINDS = 200


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
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # old ways of storing, which are read all the same
                found = _load(place) if objects == "refuse" else _load_without_objects(place)
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


class _UnreadTable:
    """What stands in the place of a table of a kind of its own: a plain one, as PyTorch wants."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        return OrderedDict()


def _load(place: Path) -> Any:
    return torch.load(place, map_location="cpu", weights_only=True)


def _load_without_objects(place: Path) -> Any:
    """Load a checkpoint with an empty thing in the place of whatever is no array.

    PyTorch names one class at a time that it would not make. What it knows to do harm it refuses
    whatever it is told.
    """
    empty: dict[str, Any] = {}
    while True:
        with torch.serialization.safe_globals([(kind, name) for name, kind in empty.items()]):
            try:
                return _load(place)
            except pickle.UnpicklingError as error:
                named = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
                if named is None or named[1] in empty or len(empty) >= _MOST_KINDS:
                    raise
                table = named[1].lower().endswith("dict")
                kind = type("_Unread", (_UnreadTable if table else _Unread,), {})
                # What Python brings itself is named without its module.
                modules = ("",) if "." in named[1] else ("", "builtins.", "__builtin__.")
                empty |= {module + named[1]: kind for module in modules}


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
