# SPDX-License-Identifier: Apache-2.0
"""An encoder by any of its names: one that ships, a published one, a graph, a folder of weights."""

from __future__ import annotations

import os
from pathlib import Path

from precordia.core.errors import OptionError, unknown_name
from precordia.core.registry import load_object
from precordia.models.published_card import list_published
from precordia.models.published_folder import find_published
from precordia.models.runtime import Graph, load_graph
from precordia.models.saved_model import read_saved
from precordia.models.shipped import SHIPPED


def load_encoder(name: str | os.PathLike[str], *, half: bool = False) -> Graph:
    """Load an encoder; a second call in the same process returns the same.

    Parameters
    ----------
    name
        A model that ships, a published encoder whose weights were converted, the path of a graph
        (``.onnx``) with its card beside it, or a folder of weights.
    half
        Multiply with numbers of 16 bits; networks that PyTorch runs can.

    Raises
    ------
    UnknownNameError
        If there is nothing of that name.
    OptionError
        If ``half`` is asked of a graph, which has its own numbers.
    WeightsError
        If its files are absent or damaged.
    MissingExtraError
        If it needs PyTorch, or onnxruntime, and that is not installed.
    """
    place = network_folder(name)
    if place is None:
        _refuse_half(name, half)
        return load_graph(os.fspath(name))
    load = load_object(
        "precordia.models.torch_graph:load_saved_graph",
        extra="train",
        purpose=f"embedding with {os.fspath(name)}",
    )
    return load(place, name=os.fspath(name), half=half)


def check_encoder(name: str | os.PathLike[str], *, half: bool = False) -> None:
    """Tell early what is wrong with an encoder, without loading PyTorch.

    Raises
    ------
    UnknownNameError, OptionError, WeightsError, MissingExtraError
        As `load_encoder`; damage within weights that PyTorch runs is found later.
    """
    place = network_folder(name)
    if place is None:
        _refuse_half(name, half)
        load_graph(os.fspath(name))
    else:
        read_saved(place)


def _refuse_half(name: str | os.PathLike[str], half: bool) -> None:
    if half:
        raise OptionError(
            f"half=True is for networks that PyTorch runs; {os.fspath(name)} is a graph with "
            "numbers of its own. Leave half out."
        )


def network_folder(name: str | os.PathLike[str]) -> Path | None:
    """Return the folder of weights that PyTorch runs; None for a graph.

    Raises
    ------
    UnknownNameError
        If there is nothing of that name.
    WeightsError
        If it is a published encoder whose weights are not here.
    """
    text = os.fspath(name)
    if text in SHIPPED or text.endswith(".onnx"):
        return None
    if text in list_published():
        return find_published(text)
    if Path(text).is_dir():
        return Path(text)
    known = (*SHIPPED, *list_published())
    listing = f"{', '.join(SHIPPED)}, published ones in 'precordia models list', or a folder"
    raise unknown_name("encoder", text, known, listing=listing)
