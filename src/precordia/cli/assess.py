# SPDX-License-Identifier: Apache-2.0
"""``precordia assess``: whether a recording can be read."""

from __future__ import annotations

import typer

from precordia.cli.options import File, Json, Reading, load, reads, show


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("assess", help=HELP)(reads(run))


HELP = """Say whether a recording can be read, lead by lead, with reasons.

Example:  precordia assess ecg.dcm --json
"""


def run(file: File, json: Json = False, *, reading: Reading) -> None:
    """Read, assess, print."""
    from precordia.quality.assess import assess

    show(assess(load(file, reading)), as_json=json)
