# SPDX-License-Identifier: Apache-2.0
"""``precordia examine``: from files to studies, reports and drawings."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from precordia.cli.options import Force, Json, Reading, reads
from precordia.cli.problems import say_problems
from precordia.cli.progress import progress

if TYPE_CHECKING:
    from precordia.batch import Job, Outcome

HELP = """Read an ECG, check it, find the waves, measure, name what is there, and draw it.

One file gives study.json, report.html and ecg.svg in a folder named after it. Several files, or
a folder, give one such folder each, with summary.csv; what was done before is skipped, so an
interrupted run goes on where it stopped. Of one file, --output page.html (or .json, .svg, .png,
.pdf) writes that alone. Identifiers of the patient are written only with
--patient.

Examples:  precordia examine ecg.dcm
           precordia examine ward/ --output studies --jobs 2
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("examine", help=HELP)(reads(run))


def run(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Recordings or folders.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder, or one file such as page.html.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes.")] = 1,
    patient: Annotated[
        bool, typer.Option("--patient", help="Write the patient's identifiers too.")
    ] = False,
    force: Force = False,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Examine one file or many."""
    from precordia.io.zarr_store import is_store

    options = reading
    if len(paths) == 1 and (not paths[0].is_dir() or is_store(paths[0])):
        _one(paths[0], output, patient=patient, force=force, as_json=json, options=options)
    else:
        told = {"patient": patient, "force": force, "as_json": json}
        _many(paths, output or Path("studies"), jobs, **told, options=options)


def _one(
    path: Path,
    output: Path | None,
    *,
    patient: bool,
    force: bool,
    as_json: bool,
    options: dict[str, object],
) -> None:
    from precordia.batch import REPORT, STUDY, write_part, write_study
    from precordia.core.errors import OutputError
    from precordia.pipeline import examine

    if output is not None and _is_part(output):
        if output.exists() and not force:
            raise OutputError(
                f"'{output}' exists and was left as it is. "
                "Choose another name, or overwrite with --force."
            )
        study = examine(path, **options)  # type: ignore[arg-type]
        text = write_part(study, output, title=path.name, overwrite=force, identifiers=patient)
        typer.echo(text if as_json else f"{study}\n\nWritten: {output}")
        return
    folder = output or Path(f"{path.stem}-study")
    if (folder / STUDY).exists() and not force:
        raise OutputError(
            f"'{folder}' holds a study already and was left as it is. "
            "Choose another folder with --output, or overwrite with --force."
        )
    study = examine(path, **options)  # type: ignore[arg-type]
    text = write_study(study, folder, title=path.name, overwrite=force, identifiers=patient)
    typer.echo(text if as_json else f"{study}\n\nReport: {folder / REPORT}")


def _is_part(output: Path) -> bool:
    """Tell whether the output is one file by its name, and not a folder that is there."""
    from precordia.batch import PARTS

    return output.suffix.lower() in PARTS and not output.is_dir()


def _many(
    paths: list[Path],
    output: Path,
    n_jobs: int,
    *,
    patient: bool,
    force: bool,
    as_json: bool,
    options: dict[str, object],
) -> None:
    from precordia.batch import examine_many, plan_jobs, recordings_of, summary_csv
    from precordia.core.errors import FormatError, OutputError
    from precordia.core.output import write_text_whole
    from precordia.reporting.summary_table import TABLE, earlier_rows

    if _is_part(output):
        raise OutputError(
            f"'{output}' is the name of a file, and several recordings give a folder each. "
            "Name a folder with --output, or examine one recording."
        )
    earlier = earlier_rows(output)
    files = recordings_of(paths)
    if not files:
        raise FormatError(
            f"no recording was found in {', '.join(map(str, paths))}. "
            "Name files, or a folder that holds some; 'precordia formats' lists what is read."
        )
    jobs = plan_jobs(files, output)
    outcomes: list[Outcome] = []
    try:
        with progress("examining", len(jobs), quiet=as_json) as advance:
            for outcome in examine_many(
                jobs, n_jobs=n_jobs, overwrite=force, identifiers=patient, options=options
            ):
                outcomes.append(outcome)
                advance(failed=outcome.status == "failed")
    finally:
        if outcomes:
            output.mkdir(parents=True, exist_ok=True)
            table = summary_csv(outcomes, earlier)
            write_text_whole(table, output / TABLE, overwrite=True)
    _conclude(outcomes, jobs, output, as_json=as_json)


def _conclude(outcomes: list[Outcome], jobs: list[Job], output: Path, *, as_json: bool) -> None:
    from precordia.reporting.summary_table import TABLE

    counts = {s: sum(o.status == s for o in outcomes) for s in ("done", "skipped", "failed")}
    failed = [o for o in outcomes if o.status == "failed"]
    if as_json:
        problems = [{"file": str(o.job.path), "problem": o.problem} for o in failed]
        report = {**counts, "output": str(output), "problems": problems}
        typer.echo(json_text.dumps(report, ensure_ascii=False))
    else:
        say_problems((o.job.path, o.problem) for o in failed)
        typer.echo(
            f"{counts['done']} examined, {counts['skipped']} were there already, "
            f"{counts['failed']} could not be read. Summary: {output / TABLE}"
        )
    if failed and len(failed) == len(jobs):
        raise typer.Exit(2)
