# SPDX-License-Identifier: Apache-2.0
"""``precordia benchmark ecg-qa``: published questions, answered from labels and recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.options import Json, show
from precordia.cli.progress import watched

HELP = """Score answers to the questions of ECG-QA: strict match of sets, beside the question alone.

Example:  precordia benchmark ecg-qa --data DATA --labels-only
"""


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    group.command("ecg-qa", help=HELP)(run)


def run(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of ecg-qa/ and ptbxl/ ($PRECORDIA_DATA).")
    ] = None,
    wording: Annotated[
        str, typer.Option("--wording", help="Words of the questions: template or paraphrased.")
    ] = "template",
    labels_only: Annotated[
        bool, typer.Option("--labels-only", help="Answer from labels; examine no recording.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", help="Examine only so many recordings.")
    ] = None,
    json: Json = False,
) -> None:
    """Score, print."""
    from precordia.benchmarking.ecg_qa import benchmark_ecg_qa
    from precordia.core.errors import unknown_name

    if wording not in ("template", "paraphrased"):
        raise unknown_name("wording", wording, ("template", "paraphrased"), listing="--help")
    scores = benchmark_ecg_qa(
        data, wording=wording, recordings=not labels_only, limit=limit, watch=watched
    )
    show(scores, as_json=json)
