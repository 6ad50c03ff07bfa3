# SPDX-License-Identifier: Apache-2.0
"""``precordia index`` and ``precordia similar``: recordings that look alike."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.options import File, Json, Reading, load, reads, show
from precordia.cli.problems import say_problems
from precordia.cli.progress import progress

HELP_INDEX = """Make an index of recordings, in which 'precordia similar' looks.

A store brings labels and reports with it; for files they may come from --table, a CSV with a column
'file' and any of labels (between semicolons), report, patient. Reports are kept with --texts alone:
they may hold names and dates. Keys of patients are kept as hashes. Running it again adds what is
new.

Examples:  precordia index archive/ --to alike --table labels.csv
           precordia index ptbxl-store/ --to alike --texts
"""
HELP_SIMILAR = """List the recordings of an index that look most alike to one.

A patient's own recordings are each other's nearest, whatever they show: --exclude-same-patient
leaves them out, so far as the file or --patient says whose it is.

Example:  precordia similar ecg.dcm --in alike -k 5 --exclude-same-patient
"""


def add_to(app: typer.Typer) -> None:
    """Add both commands."""
    app.command("index", help=HELP_INDEX)(reads(run_index))
    app.command("similar", help=HELP_SIMILAR)(reads(run_similar))


def run_index(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="A store, recordings or folders.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="INDEX", help="Folder of the index.")],
    model: Annotated[
        str | None, typer.Option("--model", help="The encoder, as in 'precordia embed --help'.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", help="CSV: file, labels, report, patient.")
    ] = None,
    texts: Annotated[bool, typer.Option("--texts", help="Keep the reports.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes, for files.")] = 1,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Embed and write."""
    from precordia.batch import recordings_of
    from precordia.core.errors import FormatError, OptionError
    from precordia.datasets.store import open_store
    from precordia.datasets.store_manifest import is_store
    from precordia.embedding.encode import TWELVE
    from precordia.embedding.fill_index import index_files, index_store, read_index_table

    encoder = model or TWELVE
    if len(paths) == 1 and is_store(paths[0]):
        if table is not None:
            raise OptionError("a store brings its own labels and reports; leave --table out.")
        store = open_store(paths[0])
        with progress("embedding", len(store), quiet=json) as advance:
            filled = index_store(
                store, to, model=encoder, texts=texts, advance=lambda bad: advance(failed=bad)
            )
    else:
        known = None if table is None else read_index_table(table)
        files = recordings_of(paths)
        if not files:
            raise FormatError(
                f"no recording was found in {', '.join(map(str, paths))}. "
                "Name files, a folder that holds some, or a store."
            )
        with progress("embedding", len(files), quiet=json) as advance:
            filled = index_files(
                files,
                to,
                model=encoder,
                known=known,
                texts=texts,
                n_jobs=jobs,
                advance=lambda bad: advance(failed=bad),
                options=reading,
            )
    if json:
        told = {
            "index": str(to),
            "recordings": filled.n_indexed,
            "added": filled.n_indexed - filled.n_before,
            "table_rows_unused": filled.n_unused,
            "kept_labels": filled.n_kept,
            "problems": [{"file": name, "problem": why} for name, why in filled.problems],
        }
        typer.echo(json_text.dumps(told, ensure_ascii=False))
    else:
        say_problems(filled.problems)
        typer.echo(
            f"{filled.n_indexed - filled.n_before} added, {len(filled.problems)} could not be. "
            f"{to} holds {filled.n_indexed} recordings."
        )
        if filled.n_unused:
            typer.echo(f"note: {filled.n_unused} rows of the table name none of the files.")
        if filled.n_kept:
            typer.echo(
                f"note: {filled.n_kept} recordings were in the index already, with other labels "
                "than the table's, and keep those. Make another index to have them replaced."
            )
    if not filled.n_indexed:
        raise typer.Exit(2)


def run_similar(
    file: File,
    among: Annotated[Path, typer.Option("--in", metavar="INDEX", help="Folder of the index.")],
    k: Annotated[int, typer.Option("-k", help="How many.")] = 5,
    exclude_same_patient: Annotated[
        bool,
        typer.Option("--exclude-same-patient", help="Leave out recordings of the same patient."),
    ] = False,
    exclude_same_recording: Annotated[
        bool,
        typer.Option("--exclude-same-recording", help="Leave out this very recording."),
    ] = False,
    patient: Annotated[
        str | None,
        typer.Option("--patient", help="Key of the patient, where the file does not say it."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="The index's encoder, where its files are elsewhere now."),
    ] = None,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Embed, search, list."""
    from precordia.embedding.index import open_index
    from precordia.embedding.similar import similar

    held = open_index(among)
    found = similar(
        load(file, reading),
        held,
        k=k,
        model=model,
        patient=patient,
        exclude_same_patient=exclude_same_patient,
        exclude_same_recording=exclude_same_recording,
    )
    show(found, as_json=json)
