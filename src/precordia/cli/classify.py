# SPDX-License-Identifier: Apache-2.0
"""``precordia classify``: rule-based findings, each with its evidence."""

from __future__ import annotations

import typer

from precordia.cli.options import File, Format, Json, Rate, Unit, load, show


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("classify", help=HELP)(run)


HELP = """Name what is there: rule-based findings, each with the numbers that met it.

Example:  precordia classify ecg.dcm --json
"""


def run(
    file: File, json: Json = False, format: Format = None, unit: Unit = None, fs: Rate = None
) -> None:
    """Read, classify, print."""
    from precordia.classification.classify import classify

    show(classify(load(file, format, unit, fs)), as_json=json)
