# SPDX-License-Identifier: Apache-2.0
"""``precordia catalogue``: one row a recording, and a page about all of them."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.options import Force, Json, Reading, reads
from precordia.cli.progress import progress

HELP = """Make a table of all recordings in a folder: format, patient (as a pseudonym), time, leads,
rate, length, quality, heart rate, what the file states, and problems; and a page about them.

An interrupted run goes on where it stopped when the same command is given again.

Examples:  precordia catalogue archive/ -o index.parquet --jobs 2
           precordia catalogue ward/ -o ward.csv
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("catalogue", help=HELP)(reads(run))


def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of recordings.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The table: .parquet or .csv.")
    ] = Path("catalogue.parquet"),
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes.")] = 1,
    key: Annotated[
        Path | None,
        typer.Option("--key", help="Key file for the same pseudonyms again; made if it is new."),
    ] = None,
    force: Force = False,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Read and assess every file."""
    from precordia.cataloguing.catalogue import catalogue
    from precordia.cataloguing.row import CatalogueRow
    from precordia.deidentification.pseudonyms import load_key
    from precordia.io.find import find_recordings

    total = sum(1 for _ in find_recordings(folder)) if folder.is_dir() else None
    with progress("cataloguing", total, quiet=json) as advance:

        def seen(row: CatalogueRow | None) -> None:
            advance(failed=row is not None and bool(row.problem))

        made = catalogue(
            folder,
            output,
            n_jobs=jobs,
            overwrite=force,
            key=load_key(key) if key is not None else None,
            progress=seen,
            **reading,
        )
    if not json:
        typer.echo(str(made))
        return
    s = made.summary
    told = {
        "table": str(made.table),
        "page": str(made.page),
        "recordings": s.n_files,
        "acceptable": s.n_acceptable,
        "not_acceptable": s.n_assessed - s.n_acceptable,
        "failed": s.n_failed,
        "hours": round(s.hours, 3),
        "resumed": made.n_resumed,
        "problems": dict(s.problems.most_common()),
    }
    typer.echo(json_text.dumps(told, ensure_ascii=False))
