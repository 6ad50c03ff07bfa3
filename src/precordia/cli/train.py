# SPDX-License-Identifier: Apache-2.0
"""``precordia train``: a model from a configuration, with its scores, in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.learning import learning, tell
from precordia.cli.options import Force, Json

HELP = """Train a model as a TOML file says, and save it with its scores.

The folder gets the model, metrics.json (scores on the validation set with 95 % intervals),
log.jsonl, the configuration as it was run and environment.json. Ctrl-C saves a checkpoint;
--resume goes on from it as if nothing had happened.

Example:  precordia train --example > training.toml; precordia train training.toml
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("train", help=HELP)(run)


def run(
    configuration: Annotated[
        Path | None, typer.Argument(metavar="CONFIG", help="The TOML file.", show_default=False)
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where everything goes, instead of output.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a training that was interrupted.")
    ] = False,
    force: Force = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE, such as training.lr=0.01. May come again."),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Print a configuration that runs as it is.")
    ] = False,
    json: Json = False,
) -> None:
    """Train, or print an example."""
    import json as json_text

    from precordia.training.example import example_configuration
    from precordia.training.train import train

    if example:
        text = example_configuration()
        typer.echo(json_text.dumps({"example": text}) if json else text, nl=json)
        return
    if configuration is None:
        raise typer.BadParameter("CONFIG is missing; 'precordia train --example' prints one.")
    with learning() as watch:
        done = train(
            configuration,
            folder=folder,
            resume=resume,
            overwrite=force,
            changes=set_ or (),
            watch=watch,
        )
    tell(done, as_json=json)
