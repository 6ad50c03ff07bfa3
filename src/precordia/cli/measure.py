# SPDX-License-Identifier: Apache-2.0
"""``precordia measure``: intervals, axes, amplitudes, heart-rate variability."""

from __future__ import annotations

import typer

from precordia.cli.options import File, Json, Reading, load, reads, show


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("measure", help=HELP)(reads(run))


HELP = """Measure intervals, axes, amplitudes, ST levels and heart-rate variability.

Example:  precordia measure ecg.dcm --json
"""


def run(file: File, json: Json = False, *, reading: Reading) -> None:
    """Read, measure, print."""
    from precordia.measurement.measure import measure

    show(measure(load(file, reading)), as_json=json)
