# SPDX-License-Identifier: Apache-2.0
"""The card of an architecture: what it is, whose, and what may be asked of it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from importlib.resources.abc import Traversable
from typing import Any

from precordia.core.errors import FormatError
from precordia.core.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard(Value):
    """What is known of a model before PyTorch is loaded.

    Attributes
    ----------
    name, title
        Our name; what it is in a few words.
    paper, code
        Where it was published (DOI or arXiv), and the authors' code where there is some.
    licence
        Licence of this implementation.
    leads, fs, seconds
        Input where the caller names none: ``"standard-12"`` or names, Hz, s.
    parameters
        Number of parameters with the options as below, these leads and five outputs.
    dim
        Length of the embedding.
    tokens
        What one token is.
    outputs
        What a score is of: ``"window"``, or ``"sample"``.
    options
        Name and default of every option.
    about
        Name and meaning of every option.
    advice
        What the input should be: rate, scale, length.
    departures
        Sentences: where this implementation leaves the paper or its code.
    """

    name: str
    title: str
    paper: str
    code: str
    licence: str
    fs: float
    seconds: float
    parameters: int
    dim: int
    tokens: str
    leads: str = "standard-12"
    outputs: str = "window"
    options: dict[str, Any] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    advice: str = ""
    departures: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.title}"


def read_model_card(path: Traversable) -> ModelCard:
    """Read the card of an architecture from its TOML file.

    Raises
    ------
    FormatError
        If it is not TOML, or an entry is missing or unknown.

    Examples
    --------
    >>> from importlib.resources import files
    >>> read_model_card(files("precordia.models") / "resnet1d.toml").name
    'resnet1d'
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        if unknown := sorted(set(entries) - {f.name for f in fields(ModelCard)}):
            raise TypeError(f"unknown entries {', '.join(unknown)}")
        if set(entries.get("options", {})) != set(entries.get("about", {})):
            raise TypeError("options and about name different options")
        entries["departures"] = tuple(entries.get("departures", ()))
        return ModelCard(**entries)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(
            f"the card '{path.name}' cannot be read ({error}); it needs the entries of "
            "ModelCard. Reinstall the package."
        ) from error
