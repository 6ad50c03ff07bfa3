# SPDX-License-Identifier: Apache-2.0
"""``precordia models parity``: whether our models give what their authors' code gives."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.options import Json
from precordia.cli.progress import progress

HELP = """Compare our models with numbers that the code of their authors gave.

Each fixture of the folder is a pair of files: a description (.json) of weights and input that
follow from a rule, and the outputs (.npz). Printed are the largest difference of each output as a
part of its largest number, and whether it is within the tolerance of the model's card. The exit
code is 1 if a fixture disagrees or cannot be read.

Example:  precordia models parity fixtures/ --only ecg-founder.12lead
"""

_PLURAL = {
    "agrees": "agree",
    "disagrees": "disagree",
    "no such model": "without a model",
    "unreadable": "unreadable",
}


def parity(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of fixtures.")],
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="A fixture or a model. May come again."),
    ] = None,
    json: Json = False,
) -> None:
    """Run the fixtures of a folder."""
    from precordia.benchmarking.parity import compare_fixtures, find_fixtures

    paths = find_fixtures(folder, only or ())
    results = []
    with progress("comparing", len(paths), quiet=json) as advance:
        for result in compare_fixtures(paths):
            results.append(result)
            advance(failed=result.failed, note=result.fixture)
            if not json:
                typer.echo(str(result))
    counts = {name: sum(result.verdict == name for result in results) for name in _PLURAL}
    if json:
        told = {"fixtures": [result.to_dict() for result in results], "counts": counts}
        typer.echo(json_text.dumps(told, ensure_ascii=False, allow_nan=False))
    else:
        said = (f"{n} {_PLURAL[name]}" for name, n in counts.items())
        typer.echo(", ".join(said))
    if any(result.failed for result in results):
        raise typer.Exit(1)
