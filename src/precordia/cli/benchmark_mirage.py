# SPDX-License-Identifier: Apache-2.0
"""``precordia benchmark mirage``: whether answers rest on the recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.language_model import BackendName, BackendOptions, Remote, chosen_backend
from precordia.cli.options import Json, show
from precordia.cli.progress import watched

HELP = """Ask questions of recordings and of counterfeits of them: answers that stay are flagged.

Without --data, of simulated recordings; with it, of ludb/ and ptbxl/ there as well.

Examples:  precordia benchmark mirage
           precordia benchmark mirage --data DATA --responder classifier
           precordia benchmark mirage --responder backend --backend local --set folder=FOLDER
"""


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    group.command("mirage", help=HELP)(run)


def run(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of ludb/ and ptbxl/ ($PRECORDIA_DATA).")
    ] = None,
    responder: Annotated[
        str,
        typer.Option(
            help="Who answers: engine, rules, classifier, backend; or a control, 'text prior' or "
            "'always normal'."
        ),
    ] = "engine",
    backend: BackendName = "none",
    choose: BackendOptions = None,
    remote: Remote = False,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="At most so many recordings of each database.")
    ] = 8,
    json: Json = False,
) -> None:
    """Ask, score, print."""
    from precordia.benchmarking.mirage import benchmark_mirage
    from precordia.benchmarking.mirage_recordings import battery_records
    from precordia.benchmarking.mirage_responders import make_responder

    language_model = chosen_backend(backend, choose, remote=remote)
    asked = make_responder(responder, backend=language_model)
    records = battery_records(data, limit=limit)
    name = responder if language_model is None else f"{backend} {language_model.model}".strip()
    show(benchmark_mirage(asked, records, name=name, watch=watched), as_json=json)
