# SPDX-License-Identifier: Apache-2.0
"""``precordia classify``: rule-based findings, each with its evidence."""

from __future__ import annotations

import typer

from precordia.cli.options import File, Json, Reading, load, reads, show


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("classify", help=HELP)(reads(run))


HELP = """Name what is there: rule-based findings, each with the numbers that met it.

Example:  precordia classify ecg.dcm --json
"""


def run(file: File, json: Json = False, *, reading: Reading) -> None:
    """Read, classify, print."""
    from precordia.classification.classify import classify

    show(classify(load(file, reading)), as_json=json)
