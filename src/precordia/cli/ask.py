# SPDX-License-Identifier: Apache-2.0
"""``precordia ask``: a question about a recording, answered with its evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.options import File, Json, Reading, load, reads, show

HELP = """Answer a question about a recording, with the evidence, or say that it cannot be told.

Examples:  precordia ask ecg.dcm "Is the QRS wide?"
           precordia ask today.dcm "What changed?" --previous last_year.dcm
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ask", help=HELP)(reads(run))


def run(
    file: File,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="In English, in quotes.", show_default=False)
    ],
    previous: Annotated[
        Path | None,
        typer.Option("--previous", help="An earlier recording, for questions about change."),
    ] = None,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Read, examine, answer."""
    from precordia.pipeline import examine
    from precordia.questions.answer import answer

    study = examine(load(file, reading))
    earlier = examine(load(previous, reading)) if previous is not None else None
    show(answer(study, question, earlier), as_json=json)
