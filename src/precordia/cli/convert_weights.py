# SPDX-License-Identifier: Apache-2.0
"""``precordia convert-weights``: a checkpoint of another program becomes a folder of ours."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer

from precordia.cli.options import Force, Json
from precordia.cli.set_option import refuse_taken
from precordia.core.errors import OptionError, unknown_name

#: what is told otherwise than by --set
_TAKEN = (
    *("file", "model", "to", "overwrite", "leads", "fs", "seconds", "classes"),
    *("input_spec", "training_data", "details"),
)
HELP = """Turn a checkpoint of a published model into a folder that from_pretrained reads.

With the name of a published encoder, all else is in its card, and the folder is where 'precordia
embed' looks for it. With the name of a network, say its options and input.

Only arrays are taken from the checkpoint; Python objects in it are code, and never run.

Examples:  precordia convert-weights 12_lead_ECGFounder.pth --model ecg-founder.12lead
           precordia convert-weights mine.pt --model net1d --set norm=false --to mine
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("convert-weights", help=HELP)(convert_weights)


def convert_weights(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The checkpoint.")],
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="Model that it is of.")],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FOLDER",
            help="Folder to write; that of converted models for a published encoder.",
        ),
    ] = None,
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
    from precordia.models.architectures import ARCHITECTURES
    from precordia.models.published_card import list_published

    if model in list_published():
        _published(
            file, model, to, given=(leads, fs, seconds, option, classes), force=force, json=json
        )
        return
    if model not in ARCHITECTURES:  # told before PyTorch is loaded
        known = (*ARCHITECTURES, *list_published())
        raise unknown_name("model", model, known, listing="'precordia models list'")
    if to is None:
        raise OptionError(
            f"no folder was named for weights of {model}. Say where they go: --to FOLDER."
        )
    chosen = _options(option)
    refuse_taken(f"the model {model}", chosen, _TAKEN)
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
        **chosen,
    )
    _tell(made, to, json=json)


def _published(
    file: Path, model: str, to: Path | None, *, given: tuple[Any, ...], force: bool, json: bool
) -> None:
    """Convert weights of a published encoder, of which its card says all."""
    from precordia.core.registry import load_object
    from precordia.models.published_card import published_card
    from precordia.models.published_folder import refuse_withheld

    refuse_withheld(published_card(model))  # told before PyTorch is loaded
    if any(value is not None for value in given):
        raise OptionError(
            f"leads, rate, length, options and classes of {model} are in its card. Leave --leads, "
            "--fs, --seconds, --set and --classes away, or name its network with --model."
        )
    convert = load_object(
        "precordia.models.convert_published:convert_published",
        extra="train",
        purpose="converting weights",
    )
    made, folder = convert(file, model, to=to, overwrite=force)
    _tell(made, folder, json=json)


def _tell(made: Any, folder: Path, *, json: bool) -> None:
    summary = made.describe()
    if json:
        said = {"folder": str(folder), "model": summary.to_dict()}
        typer.echo(json_text.dumps(said, ensure_ascii=False, allow_nan=False))
    else:
        typer.echo(f"{folder}\n{summary}")


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
