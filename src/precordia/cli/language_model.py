# SPDX-License-Identifier: Apache-2.0
"""Flags of the commands that may ask a language model, and the one way to choose it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from precordia.cli.set_option import refuse_taken

if TYPE_CHECKING:
    from precordia.core.neighbours import Neighbours
    from precordia.core.record import Record
    from precordia.language.backend import Backend

BackendName = Annotated[
    str,
    typer.Option(
        "--backend", help="Language model that phrases it: none, endpoint, local or recorded."
    ),
]
BackendOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Option of the backend, such as base_url=http://localhost:8080/v1 or model=NAME. "
        "May come again.",
    ),
]
Remote = Annotated[
    bool,
    typer.Option(
        "--remote", help="Allow a model on another machine. Facts and question are sent to it."
    ),
]
KeepUnverified = Annotated[
    bool,
    typer.Option("--keep-unverified", help="Mark what is not known to be true, not remove it."),
]
SimilarIn = Annotated[
    Path | None,
    typer.Option(
        "--similar-in",
        metavar="INDEX",
        help="Show the model what is known of the most alike recordings of other patients.",
    ),
]
#: as many recordings are shown
_SHOWN = 3
#: options of backends that are no words
_NUMBERS = {"timeout_s": float, "attempts": int, "most_bytes": int}
_FLAGS = ("unencrypted",)


def chosen_backend(name: str, given: list[str] | None, *, remote: bool) -> Backend | None:
    """Make the backend that a command names.

    Parameters
    ----------
    name
        Name in the table of backends.
    given
        Options as ``KEY=VALUE``.
    remote
        Whether other machines are allowed.

    Returns
    -------
    The backend; None for ``"none"``.

    Raises
    ------
    OptionError
        If options come without a backend, or one is no ``KEY=VALUE``.
    """
    from precordia.core.errors import OptionError
    from precordia.language.backend import load_backend

    if name == "none":
        if given or remote:
            raise OptionError(
                "--set and --remote are for a language model, and none was chosen. "
                "Add --backend endpoint, or leave them out."
            )
        return None
    options = dict(_option(text) for text in given or [])
    refuse_taken("a language model", options, ("remote", "name"))
    if remote and name != "endpoint":
        raise OptionError(f"--remote is for --backend endpoint; '{name}' asks no other machine.")
    if remote:
        options["remote"] = True
    return load_backend(name, **options)


def alike(record: Record, index: Path | None, backend: Backend | None) -> Neighbours | None:
    """Find recordings of other patients that a model is shown beside this one.

    Parameters
    ----------
    record
        The recording.
    index
        Folder that ``precordia index`` made; None finds none.
    backend
        The model; without one nobody would look at them.

    Returns
    -------
    The three most alike.

    Raises
    ------
    OptionError
        If there is an index, and no model.
    """
    from precordia.core.errors import OptionError

    if index is None:
        return None
    if backend is None:
        raise OptionError(
            "--similar-in is for a language model, and none was chosen. Add --backend, or list "
            "alike recordings with 'precordia similar'."
        )
    from precordia.embedding.similar import similar

    return similar(record, index, k=_SHOWN, exclude_same_patient=True)


def _option(text: str) -> tuple[str, Any]:
    """Return name and value of an option of a backend."""
    from precordia.core.errors import OptionError

    key, sign, value = text.partition("=")
    if not sign or not key.isidentifier():
        raise OptionError("--set takes KEY=VALUE, such as base_url=http://localhost:8080/v1.")
    if key in _FLAGS and value.lower() in ("true", "false"):
        return key, value.lower() == "true"
    try:
        return key, _NUMBERS.get(key, str)(value)
    except ValueError as error:
        raise OptionError(f"--set {key} takes a number; '{value[:40]}' arrived.") from error
