# SPDX-License-Identifier: Apache-2.0
"""``precordia convert``: a recording in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.options import File, Force, Json, Reading, load, reads, save

HELP = """Write a recording in another format; the suffix of OUTPUT decides which.

Example:  precordia convert ecg.dcm ecg.edf
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
    force: Force = False,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Read and write, naming what the new format cannot hold."""
    options = {"identifiers": True} if identifiers else {}
    record = load(file, reading)
    save(record, output, force=force, as_json=json, to=to, **options)
