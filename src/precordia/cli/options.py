# SPDX-License-Identifier: Apache-2.0
"""Arguments that several commands share, and the one way to read a file from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from precordia.core.record import Record
    from precordia.core.value import Value

File = Annotated[Path, typer.Argument(metavar="FILE", help="The recording.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Format = Annotated[
    str | None,
    typer.Option(
        "--format", help="Name of the file's format, where its content should not decide."
    ),
]
Unit = Annotated[
    str | None,
    typer.Option("--unit", help="Unit of the samples (uV, mV, V), where the file lacks it."),
]
Rate = Annotated[
    float | None, typer.Option("--fs", help="Sampling rate in Hz, where the file lacks it.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there already.")]


def reader_options(unit: str | None, fs: float | None) -> dict[str, Any]:
    """Return the options that were given, as the reader takes them."""
    given = {"unit": unit, "fs": fs}
    return {name: value for name, value in given.items() if value is not None}


def load(path: Path, format: str | None, unit: str | None, fs: float | None) -> Record:
    """Read the recording that a command names."""
    from precordia.io.read import read

    return read(path, format=format, **reader_options(unit, fs))


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
