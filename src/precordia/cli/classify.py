# SPDX-License-Identifier: Apache-2.0
"""``precordia classify``: findings by rules and by a model, each with its evidence."""

from __future__ import annotations

from typing import Annotated

import typer

from precordia.cli.options import File, Json, Reading, load, reads, show


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("classify", help=HELP)(reads(run))


HELP = """Name what is there: findings by rules and by a trained model, each with its evidence.

Example:  precordia classify ecg.dcm --json

Any words:  precordia classify ecg.dcm --statements "inferior infarction; fast heart beat"
"""


def run(
    file: File,
    method: Annotated[
        str, typer.Option("--method", help="Who judges: both, rules or learned.")
    ] = "both",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="precordia-12lead, precordia-any-lead, or a graph (.onnx) with its card; chosen "
            "by the leads where it is not given.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which leads the model's findings rest on.")
    ] = False,
    statements: Annotated[
        list[str] | None,
        typer.Option(
            "--statements",
            help="Judge what is named here in any words, English or German, and nothing else; "
            "several apart by semicolons, or the option again.",
        ),
    ] = None,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Read, classify, print."""
    from precordia.classification.classify import classify

    record = load(file, reading)
    named = None
    if statements:
        named = [text for given in statements for text in given.split(";")]
    found = classify(record, method=method, model=model, explain=explain, statements=named)
    show(found, as_json=json)
