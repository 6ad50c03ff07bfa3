# SPDX-License-Identifier: Apache-2.0
"""``precordia convert``: a recording in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.options import File, Force, Json, Reading, load, reads, save
from precordia.cli.set_option import refuse_taken
from precordia.core.errors import OptionError

#: what is told to the writer otherwise than by --set
_TAKEN = ("record", "output", "path", "to", "force", "overwrite", "as_json", "identifiers")

HELP = """Write a recording in another format; the suffix of OUTPUT decides which.

Examples:  precordia convert ecg.dcm ecg.edf
           precordia convert ecg.dcm ecg.hea --set fmt=516            WFDB in FLAC
           precordia convert ecg.dcm ecg.scp --set compressed=true
           precordia convert ecg.dcm ecg.json --set fhir_version=r4
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("convert", help=HELP)(reads(run))


def run(
    file: File,
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="The new file.")],
    to: Annotated[
        str | None, typer.Option(help="Format, where the suffix should not decide.")
    ] = None,
    identifiers: Annotated[
        bool, typer.Option("--identifiers", help="Write the patient's identifiers too.")
    ] = False,
    choose: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Option of the format; repeatable."),
    ] = None,
    force: Force = False,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Read and write, naming what the new format cannot hold."""
    options = {"identifiers": True} if identifiers else {}
    chosen = dict(_chosen(text) for text in choose or [])
    refuse_taken("a format", chosen, _TAKEN)
    if "format" in chosen:
        raise OptionError("the suffix of the output, or --to, tells its format, and not --set.")
    options |= chosen
    record = load(file, reading)
    save(record, output, force=force, as_json=json, to=to, **options)


def _chosen(text: str) -> tuple[str, object]:
    """Return name and value of an option: true, false, a number, or a word."""
    key, sign, value = text.partition("=")
    if not sign or not key.isidentifier():
        raise typer.BadParameter(
            f"'{text}' arrived; KEY=VALUE was needed, such as fmt=516 or compressed=true.",
            param_hint="--set",
        )
    if value.lower() in ("true", "false"):
        return key, value.lower() == "true"
    for number in (int, float):
        try:
            return key, number(value)
        except ValueError:
            continue
    return key, value
