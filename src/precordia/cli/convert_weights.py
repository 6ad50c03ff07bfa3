# SPDX-License-Identifier: Apache-2.0
"""``precordia convert-weights``: a checkpoint of another program becomes a folder of ours."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer

from precordia.cli.options import Force, Json

HELP = """Turn a checkpoint of a published model into a folder that from_pretrained reads.

Only arrays are taken from the checkpoint; Python objects in it are refused, as they are code.

Example:  precordia convert-weights 12_lead_ECGFounder.pth --model net1d --set norm=false
--fs 500 --seconds 10 --to ecg-founder
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("convert-weights", help=HELP)(convert_weights)


def convert_weights(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The checkpoint.")],
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="Model that it is of.")],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Folder to write.")],
    leads: Annotated[
        str | None, typer.Option("--leads", help="Names of the leads between commas.")
    ] = None,
    fs: Annotated[float | None, typer.Option("--fs", help="Sampling rate, Hz.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", help="Length, s.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE of the model's options. May come again."),
    ] = None,
    classes: Annotated[
        str | None, typer.Option("--classes", help="Codes of the outputs between commas.")
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Convert a checkpoint."""
    from precordia.core.registry import load_object
    from precordia.models.architectures import model_card

    model_card(model)  # an unknown name is told before PyTorch is loaded
    convert = load_object(
        "precordia.models.convert:convert_weights", extra="train", purpose="converting weights"
    )
    made = convert(
        file,
        model=model,
        to=to,
        overwrite=force,
        leads=_names(leads),
        fs=fs,
        seconds=seconds,
        classes=_names(classes),
        **_options(option),
    )
    summary = made.describe()
    if json:
        said = {"folder": str(to), "model": summary.to_dict()}
        typer.echo(json_text.dumps(said, ensure_ascii=False, allow_nan=False))
    else:
        typer.echo(f"{to}\n{summary}")


def _names(given: str | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(name.strip() for name in given.split(","))


def _options(given: list[str] | None) -> dict[str, Any]:
    """Turn NAME=VALUE into arguments: numbers and truths where they look like some."""
    said: dict[str, Any] = {}
    for pair in given or ():
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise typer.BadParameter(f"'{pair}' is no NAME=VALUE of a model, such as norm=false.")
        try:
            said[key] = json_text.loads(value)
        except ValueError:
            said[key] = value
    return said
