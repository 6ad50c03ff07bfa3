# SPDX-License-Identifier: Apache-2.0
"""Cards: what trained weights are, on which data, under which licence, with which score."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any

from precordia.core.errors import WeightsError
from precordia.core.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Card(Value):
    """The card of one set of weights that ships with the package.

    Attributes
    ----------
    name
        Name of the weights, with a version.
    task
        What they do.
    data
        Databases that they were made from.
    licence
        Licence of the weights, and of the data.
    scores
        Measured figures, each with how it was measured.
    input
        What the model needs: rate, leads, scale.
    rebuild
        Command that makes them again.
    details
        Every other entry of the file.
    """

    name: str
    task: str
    data: tuple[str, ...]
    licence: dict[str, str]
    scores: dict[str, Any]
    input: dict[str, Any] = field(default_factory=dict)
    rebuild: str = ""
    details: dict[str, Any] = field(default_factory=dict)


_FIELDS = ("name", "task", "data", "licence", "scores", "input", "rebuild")


def read_card(path: Traversable) -> Card:
    """Read a card from its TOML file.

    Raises
    ------
    WeightsError
        If the file is not TOML or an entry is missing.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        known = {k: entries.pop(k) for k in _FIELDS if k in entries}
        known["data"] = tuple(known["data"])
        return Card(**known, details=entries)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"the card '{path.name}' cannot be read ({error}); it needs at least "
            "name, task, data, licence and scores. Reinstall the package."
        ) from error
