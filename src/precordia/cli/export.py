# SPDX-License-Identifier: Apache-2.0
"""``precordia export``: recordings as signal, drawing, numbers of every beat, and text."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from precordia.cli.options import Force, Json, Reading, reads
from precordia.cli.problems import say_problems
from precordia.cli.progress import progress

if TYPE_CHECKING:
    from precordia.batch import Outcome

HELP = """Write recordings in four parts for models that read signals, pictures and words.

Each recording gets a folder with signal.hea and signal.dat (WFDB), ecg.png on paper of 25 mm/s and
10 mm/mV, and entry.json: every beat in every lead as numbers, what the file says, and text made of
claims that stand beside each sentence. entry.json follows the JSON Schema that is written beside
the folders as schema.json. Folders are named by their content, not by the file; index.jsonl says
which is which as long as you keep it. Identifiers, dates and free text are left out but with
--identifiers.

Example:  precordia export ward/ --output set --jobs 2
"""
INDEX, SCHEMA_FILE = "index.jsonl", "schema.json"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export", help=HELP)(reads(run))


def run(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Recordings or folders.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the set.")],
    language: Annotated[
        str, typer.Option("--language", help="en (English) or de (German).")
    ] = "en",
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes.")] = 1,
    identifiers: Annotated[
        bool, typer.Option("--identifiers", help="Keep identifiers, dates and free text.")
    ] = False,
    force: Force = False,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Examine and write many."""
    from precordia.batch import export_many, recordings_of
    from precordia.core.errors import FormatError, OutputError
    from precordia.core.output import write_text_whole
    from precordia.reporting.multimodal import multimodal_schema

    files = recordings_of(paths)
    if not files:
        raise FormatError(
            f"no recording was found in {', '.join(map(str, paths))}. "
            "Name files, or a folder that holds some; 'precordia formats' lists what is read."
        )
    outcomes: list[Outcome] = []
    with progress("exporting", len(files), quiet=json) as advance:
        for outcome in export_many(
            files,
            output,
            language=language,  # type: ignore[arg-type]
            n_jobs=jobs,
            overwrite=force,
            identifiers=identifiers,
            options=reading,
        ):
            outcomes.append(outcome)
            advance(failed=outcome.status == "failed")
    failed = [o for o in outcomes if o.status == "failed"]
    written = [o for o in outcomes if o.status != "failed"]
    if written:
        try:
            schema = json_text.dumps(multimodal_schema(), indent=1) + "\n"
            write_text_whole(schema, output / SCHEMA_FILE, overwrite=True)
            write_text_whole(_index(written, output), output / INDEX, overwrite=True)
        except OSError as error:
            raise OutputError(f"'{output}' could not be written ({error}).") from error
    _conclude(failed, outcomes, output, as_json=json)
    if len(failed) == len(outcomes):
        raise typer.Exit(2)


def _index(written: list[Outcome], output: Path) -> str:
    """Return one line per recording: its folder and the file that it came from.

    Lines of earlier runs are kept, so that a set grows.
    """
    lines = {}
    if (output / INDEX).exists():
        for line in (output / INDEX).read_text(encoding="utf-8").splitlines():
            lines[json_text.loads(line)["file"]] = line
    for outcome in written:
        row = {"id": outcome.job.folder.name, "file": str(outcome.job.path)}
        lines[row["file"]] = json_text.dumps(row, ensure_ascii=False)
    return "".join(f"{line}\n" for _, line in sorted(lines.items()))


def _conclude(
    failed: list[Outcome], outcomes: list[Outcome], output: Path, *, as_json: bool
) -> None:
    counts = {s: sum(o.status == s for o in outcomes) for s in ("done", "skipped", "failed")}
    if as_json:
        problems = [{"file": str(o.job.path), "problem": o.problem} for o in failed]
        told = {**counts, "output": str(output), "problems": problems}
        typer.echo(json_text.dumps(told, ensure_ascii=False))
        return
    say_problems((outcome.job.path, outcome.problem) for outcome in failed)
    typer.echo(
        f"{counts['done']} written, {counts['skipped']} were there already, "
        f"{counts['failed']} could not be written. Set: {output}"
    )
