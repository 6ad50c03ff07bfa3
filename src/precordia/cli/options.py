# SPDX-License-Identifier: Apache-2.0
"""Arguments that several commands share, and the one way to read a file from the command line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from precordia.core.record import Record
    from precordia.core.value import Value

File = Annotated[Path, typer.Argument(metavar="FILE", help="The recording.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there already.")]


#: what a reader may be told, beside the file: one flag each, given to it only where it was given
_READING = {
    "format": Annotated[
        str | None,
        typer.Option(
            "--format", help="Name of the file's format, where its content should not decide."
        ),
    ],
    "unit": Annotated[
        str | None,
        typer.Option(
            "--unit", help="Unit of the samples (uV, mV, V), where the file lacks it or errs."
        ),
    ],
    "fs": Annotated[
        float | None, typer.Option("--fs", help="Sampling rate in Hz, where the file lacks it.")
    ],
    "leads": Annotated[
        str | None,
        typer.Option(
            "--leads", help="Names of the leads between commas, where the file lacks them."
        ),
    ],
    "variable": Annotated[
        str | None, typer.Option("--variable", help="Which array of the file is the signal.")
    ],
    "axes": Annotated[
        str | None,
        typer.Option(
            "--axes", help="What each dimension of the array is, such as 'record lead sample'."
        ),
    ],
    "index": Annotated[
        int | None, typer.Option("--index", help="Which record of an array of many, from 0.")
    ],
    "ignore_checksum": Annotated[
        bool, typer.Option("--ignore-checksum", help="Read a file whose checksum is wrong.")
    ],
}
Reading = dict[str, Any]


def reads(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the flags that say how its file is to be read.

    Parameters
    ----------
    command
        Takes an argument ``reading``: the options that were given, for `precordia.read`.

    Returns
    -------
    The command with the flags in place of that argument.
    """
    given = inspect.signature(command, eval_str=True).parameters
    own = [given[name] for name in given if name != "reading"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    flags = [
        inspect.Parameter(
            name, keyword, default=False if name == "ignore_checksum" else None, annotation=kind
        )
        for name, kind in _READING.items()
    ]

    def run(**values: Any) -> None:
        said = {name: values.pop(name) for name in _READING}
        reading = {
            name: value for name, value in said.items() if value is not None and value is not False
        }
        if "leads" in reading:
            reading["leads"] = [lead.strip() for lead in reading["leads"].split(",")]
        command(**values, reading=reading)

    run.__doc__ = command.__doc__
    run.__signature__ = inspect.Signature([*own, *flags])  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in (*own, *flags)}
    return run


def load(path: Path, reading: Reading) -> Record:
    """Read the recording that a command names."""
    from precordia.io.read import read

    return read(path, **reading)


def save(
    record: Record,
    output: Path,
    *,
    force: bool,
    as_json: bool,
    to: str | None = None,
    **options: Any,
) -> None:
    """Write a record, say where, and name what the format could not hold."""
    import json
    import warnings

    from precordia.io.write import write

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        target = write(record, output, format=to, overwrite=force, **options)
    losses = [str(w.message) for w in caught]
    if as_json:
        typer.echo(json.dumps({"output": str(target), "lost": losses}, ensure_ascii=False))
        return
    typer.echo(f"{target}")
    for loss in losses:
        typer.echo(f"note: {loss}", err=True)


def show(value: Value, *, as_json: bool, text: str | None = None) -> None:
    """Print a value: one JSON object, or text for people."""
    typer.echo(value.to_json() if as_json else (str(value) if text is None else text))
