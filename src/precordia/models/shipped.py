# SPDX-License-Identifier: Apache-2.0
"""The models that ship with the package: names, and the files that they are in."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from precordia.core.cards import Card, read_card
from precordia.core.errors import WeightsError, unknown_name

#: name of each model and the stem of its graph (.onnx), card (.toml) and statistics (.npz)
SHIPPED = {
    "precordia-12lead": "precordia_12lead",
    "precordia-any-lead": "precordia_any_lead",
    "precordia-words": "precordia_words",
}
#: all that ship and have a card here, those whose weights are no graph too
CARDS = {**SHIPPED, "precordia-beats": "precordia_beats", "precordia-af": "precordia_af"}


def shipped_card(name: str) -> Card:
    """Return the card of anything that ships with weights.

    Raises
    ------
    UnknownNameError
        If nothing of that name ships.

    Examples
    --------
    >>> shipped_card("precordia-af").details["classes"]
    ['AFIB']
    """
    if name not in CARDS:
        raise unknown_name("shipped model", name, CARDS, listing=", ".join(CARDS))
    return read_card(files("precordia.models") / "box" / f"{CARDS[name]}.toml")


def is_there(name: str) -> bool:
    """Tell whether a model's graph and card are on this machine.

    Parameters
    ----------
    name
        Name of a model that ships with the package, or the path of a graph (``.onnx``) with its
        card beside it.

    Raises
    ------
    UnknownNameError
        If there is no model of that name.

    Examples
    --------
    >>> is_there("nowhere/mine.onnx")
    False
    """
    folder, stem = _place(name)
    return all((folder / f"{stem}{ending}").is_file() for ending in (".onnx", ".toml"))


def model_card(name: str) -> Card:
    """Return the card of a model.

    Raises
    ------
    UnknownNameError
        If there is no model of that name.
    WeightsError
        If the card is not there or cannot be read.
    """
    folder, stem = _place(name)
    return read_card(folder / f"{stem}.toml")


def model_bytes(name: str, ending: str) -> bytes:
    """Return the content of a file of a model, such as its graph (``".onnx"``).

    Raises
    ------
    UnknownNameError
        If there is no model of that name.
    WeightsError
        If the file is not there.
    """
    folder, stem = _place(name)
    file = folder / f"{stem}{ending}"
    try:
        return file.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"'{file.name}' of the model {name} is not there. Install precordia anew, or do "
            "without a model: classify(record, method='rules')."
        ) from error


def _place(name: str) -> tuple[Traversable, str]:
    """Return the folder and the stem of a model's files."""
    if isinstance(name, str) and name in SHIPPED:
        return files("precordia.models") / "box", SHIPPED[name]
    path = Path(name)
    if path.suffix == ".onnx":
        return path.parent, path.stem
    raise unknown_name("model with a graph", str(name), SHIPPED, listing=", ".join(SHIPPED))
