# SPDX-License-Identifier: Apache-2.0
"""What the table of objectives says of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is known of an objective before it is loaded.

    Attributes
    ----------
    path
        ``"module:class"``.
    title
        Name for people.
    paper
        Where it was published.
    does
        One sentence, without a full stop.
    architecture, model_options
        Model that is trained unless somebody names another, and its options.
    architectures
        Models that it can train; empty for every one.
    needs
        What a batch must bring beside windows: of "rpeaks", "ages", "males".
    grouping
        How the windows of a batch belong together: "records", "neighbours" or "patients".
    options
        Name and default of everything that it can be told.
    input
        Of fs and seconds, what windows should be where the model's card says otherwise.
    training
        Settings of the training loop, such as lr, where the usual ones do not suit.
    """

    path: str
    title: str
    paper: str
    does: str
    architecture: str
    model_options: Mapping[str, Any] = field(default_factory=dict)
    architectures: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    grouping: Literal["records", "neighbours", "patients"] = "records"
    options: Mapping[str, Any] = field(default_factory=dict)
    input: Mapping[str, float] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain texts, numbers, lists and tables."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    def __str__(self) -> str:
        takes = {
            "records": "",
            "neighbours": "two windows of each recording",
            "patients": "two recordings of each patient",
        }[self.grouping]
        needs = ", ".join(filter(None, [takes, *self.needs]))
        trains = ", ".join(self.architectures) or f"any model, {self.architecture} by default"
        return f"{self.does} ({self.paper}); trains {trains}{f'; needs {needs}' if needs else ''}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(held) for key, held in value.items()}
    return [_plain(held) for held in value] if isinstance(value, tuple) else value
