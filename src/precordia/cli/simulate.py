# SPDX-License-Identifier: Apache-2.0
"""``precordia simulate``: a 12-lead ECG whose truth is known."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.options import Force, Json, save

HELP = """Write a simulated 12-lead ECG, marked as synthetic.

Example:  precordia simulate af.edf --scenario atrial-fibrillation --seed 1
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate", help=HELP)(run)


def run(
    output: Annotated[
        Path | None, typer.Argument(metavar="OUTPUT", help="The new file.", show_default=False)
    ] = None,
    scenario: Annotated[
        str, typer.Option(help="Name of a scenario, or 'list' to see them.")
    ] = "sinus",
    heart_rate: Annotated[float | None, typer.Option(help="Heart rate, beats per minute.")] = None,
    seconds: Annotated[float, typer.Option(help="Length, s.")] = 10,
    seed: Annotated[int, typer.Option(help="The same seed gives the same ECG.")] = 0,
    force: Force = False,
    json: Json = False,
) -> None:
    """Simulate and write."""
    from precordia.core.errors import OptionError
    from precordia.generation.scenarios import list_scenarios
    from precordia.generation.simulate import simulate

    if scenario == "list":
        names = list(list_scenarios())
        typer.echo(json_text.dumps({"scenarios": names}) if json else "\n".join(names))
        return
    if output is None:
        raise OptionError("no OUTPUT was named. Say where to write, such as: af.edf")
    rate = {} if heart_rate is None else {"heart_rate_bpm": heart_rate}
    record = simulate(scenario, seconds=seconds, seed=seed, **rate)
    save(record, output, force=force, as_json=json)
