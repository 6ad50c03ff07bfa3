# SPDX-License-Identifier: Apache-2.0
"""Examine many files: parallel, resumable, and one bad file never stops the rest."""

from __future__ import annotations

import csv
import dataclasses
import functools
import hashlib
import io
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from precordia.core.errors import PrecordiaError
from precordia.core.output import write_text_whole
from precordia.core.report import Language
from precordia.core.study import Study
from precordia.io.find import find_recordings
from precordia.workers import LOST, over_all

if TYPE_CHECKING:
    from precordia.plotting.drawing import Drawing

STUDY, REPORT, DRAWING, TABLE = "study.json", "report.html", "ecg.svg", "summary.csv"
#: endings of a file of which one may be asked for alone
PARTS = (".html", ".htm", ".json", ".svg", ".png", ".pdf")
#: columns of the summary
SUMMARY = (
    *("file", "status", "acceptable", "heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms"),
    *("qtc_fridericia_ms", "qrs_axis_deg", "findings", "disagreements", "problem"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file and the folder for its outputs."""

    path: Path
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file.

    Attributes
    ----------
    job
        Which.
    status
        ``"done"``, ``"skipped"`` (was done before) or ``"failed"``.
    problem
        A sentence where it failed.
    row
        Its line of the summary.
    """

    job: Job
    status: str
    problem: str = ""
    row: dict[str, Any] | None = None


def recordings_of(paths: Iterable[Path]) -> list[Path]:
    """Return files as they are named, and of folders what is found in them; each once.

    Summaries of earlier runs are left out.
    """
    found: list[Path] = []
    for path in paths:
        inside = find_recordings(path) if path.is_dir() else [path]
        found += [p for p in inside if p.name != TABLE or not path.is_dir()]
    return list(dict.fromkeys(found))


def plan_jobs(files: Iterable[Path], output: Path) -> list[Job]:
    """Give each file a folder of its own; equal stems are told apart by a short hash."""
    files = list(files)
    stems = Counter(p.stem for p in files)
    jobs = []
    for path in files:
        name = path.stem
        if stems[path.stem] > 1:
            digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
            name = f"{path.stem}-{digest}"
        jobs.append(Job(path=path, folder=output / name))
    return jobs


def write_study(
    study: Study, folder: Path, *, title: str, overwrite: bool = False, identifiers: bool = False
) -> str:
    """Write ``study.json``, ``report.html`` and ``ecg.svg`` into a folder.

    The study is written last: where it is, the others are whole.

    Parameters
    ----------
    study
        What was found.
    folder, title, overwrite
        Where, under which title, and whether to replace what is there.
    identifiers
        Write the patient's identifier, name and date of birth into the study too, and header
        entries that may name people or places.

    Returns
    -------
    The study as it was written.

    Raises
    ------
    OutputError
        If something is there already, or the folder cannot be written.
    """
    from precordia.core.errors import OutputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder '{folder}' could not be made ({error.strerror}). "
            "Choose another with --output."
        ) from error
    drawing, page = _drawn(study, title)
    drawing.save(folder / DRAWING, overwrite=overwrite)
    write_text_whole(page, folder / REPORT, overwrite=overwrite)
    text = _study_text(study, identifiers)
    write_text_whole(text, folder / STUDY, overwrite=overwrite)
    return text


def write_part(
    study: Study, path: Path, *, title: str, overwrite: bool = False, identifiers: bool = False
) -> str:
    """Write one file of a study: the page, the drawing or the study itself, by the suffix.

    Parameters
    ----------
    study, title, overwrite, identifiers
        As in `write_study`.
    path
        Ends with one of `PARTS`.

    Returns
    -------
    The study as text.

    Raises
    ------
    OutputError
        If the file is there already or cannot be written.
    """
    suffix, text = path.suffix.lower(), _study_text(study, identifiers)
    if suffix == ".json":
        write_text_whole(text, path, overwrite=overwrite)
        return text
    drawing, page = _drawn(study, title)
    if suffix in (".html", ".htm"):
        write_text_whole(page, path, overwrite=overwrite)
    else:
        drawing.save(path, overwrite=overwrite)
    return text


def _drawn(study: Study, title: str) -> tuple[Drawing, str]:
    from precordia.plotting.plot import plot
    from precordia.reporting.report_page import report_page

    drawing = plot(study.record, marks=study.fiducials, findings=study.findings, title=title)
    return drawing, report_page(study, title=title, drawing_svg=drawing.svg)


def _study_text(study: Study, identifiers: bool) -> str:
    from precordia.io.array_metadata import without_identifiers

    if not identifiers:
        study = dataclasses.replace(study, record=without_identifiers(study.record))
    return study.to_json()


def examine_many(
    jobs: list[Job],
    *,
    n_jobs: int = 1,
    overwrite: bool = False,
    identifiers: bool = False,
    options: dict[str, Any] | None = None,
) -> Iterator[Outcome]:
    """Examine files, yielding each outcome as it comes.

    Parameters
    ----------
    jobs
        Files and folders.
    n_jobs
        Processes.
    overwrite
        Examine again what is there already; otherwise it is skipped, which resumes a run.
    identifiers
        Write the patients' identifiers into the studies too.
    options
        Passed to the reader.

    Yields
    ------
    One outcome per job; those that are skipped first.

    Raises
    ------
    OptionError
        If ``n_jobs`` is below 1.
    """
    waiting = []
    for job in jobs:
        if (job.folder / STUDY).exists() and not overwrite:
            yield Outcome(job=job, status="skipped")
        else:
            waiting.append(job)
    work = functools.partial(_examine_one, identifiers=identifiers, options=options or {})
    for job, outcome in over_all(work, waiting, n_jobs=n_jobs):
        yield outcome or Outcome(job=job, status="failed", problem=LOST)


def _examine_one(job: Job, identifiers: bool, options: dict[str, Any]) -> Outcome:
    from precordia.pipeline import examine

    try:
        study = examine(job.path, **options)
        # Half-finished outputs of an interrupted run are replaced: the study was not there.
        write_study(study, job.folder, title=job.path.name, overwrite=True, identifiers=identifiers)
    except PrecordiaError as error:
        return Outcome(job=job, status="failed", problem=str(error))
    except MemoryError:
        return Outcome(job=job, status="failed", problem="memory ran out.")
    return Outcome(job=job, status="done", row=_row(job, study))


def export_many(
    files: list[Path],
    output: Path,
    *,
    language: Language = "en",
    n_jobs: int = 1,
    overwrite: bool = False,
    identifiers: bool = False,
    options: dict[str, Any] | None = None,
) -> Iterator[Outcome]:
    """Write signal, drawing, numbers of every beat and text of many recordings.

    Parameters
    ----------
    files
        Recordings.
    output
        Folder that gets one folder for each, named by `precordia.reporting.multimodal.entry_id`,
        which is the same for the same samples and tells nobody whose they are.
    language
        Of the text: ``"en"`` or ``"de"``.
    n_jobs
        Processes.
    overwrite
        Write again what is there already; otherwise it is skipped.
    identifiers
        Keep identifiers, dates and free text of the files.
    options
        Passed to the reader.

    Yields
    ------
    One outcome per file, as each is done; what could not be read has failed, with a sentence.

    Raises
    ------
    OptionError
        If ``n_jobs`` is below 1.
    UnknownNameError
        If there is no such language.
    """
    from precordia.reporting.wording import check_words

    check_words(language, "paragraph")
    work = functools.partial(
        _export_one,
        language=language,
        overwrite=overwrite,
        identifiers=identifiers,
        options=options or {},
    )
    jobs = [Job(path=path, folder=output) for path in files]
    for job, outcome in over_all(work, jobs, n_jobs=n_jobs):
        yield outcome or Outcome(job=job, status="failed", problem=LOST)


def _export_one(
    job: Job, language: Language, overwrite: bool, identifiers: bool, options: dict[str, Any]
) -> Outcome:
    from precordia.pipeline import examine
    from precordia.reporting.multimodal import ENTRY, entry_id, write_multimodal

    try:
        study = examine(job.path, **options)
        name = entry_id(study)
        folder = job.folder / name
        there = Job(path=job.path, folder=folder)
        if (folder / ENTRY).exists() and not overwrite:
            return Outcome(job=there, status="skipped")
        # Half-finished parts of an interrupted run are replaced: the entry was not there.
        write_multimodal(
            study, folder, name, language=language, identifiers=identifiers, overwrite=True
        )
    except PrecordiaError as error:
        return Outcome(job=job, status="failed", problem=str(error))
    except MemoryError:
        return Outcome(job=job, status="failed", problem="memory ran out.")
    return Outcome(job=there, status="done")


def _row(job: Job, study: Study) -> dict[str, Any]:
    numbers = study.measurements
    row: dict[str, Any] = {"file": str(job.path), "status": "done"}
    row["acceptable"] = study.quality.acceptable
    for name in SUMMARY[3:9]:
        value = getattr(numbers, name)
        row[name] = round(value, 1) if math.isfinite(value) else ""
    row["findings"] = "; ".join(f.code for f in study.findings.present)
    row["disagreements"] = "; ".join(f.code for f in study.findings.disagreements)
    row["problem"] = ""
    return row


def summary_csv(outcomes: Iterable[Outcome]) -> str:
    """Return the summary of a run as CSV text: one line per file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, SUMMARY, restval="", lineterminator="\n")
    writer.writeheader()
    for outcome in sorted(outcomes, key=lambda o: str(o.job.path)):
        row = outcome.row or _row_from_disk(outcome)
        writer.writerow(row)
    return text.getvalue()


def _row_from_disk(outcome: Outcome) -> dict[str, Any]:
    path = outcome.job.folder / STUDY
    if outcome.status == "skipped" and path.exists():
        try:
            study = Study.from_json(path.read_text(encoding="utf-8"))
            return _row(outcome.job, study) | {"status": "skipped"}
        except (PrecordiaError, OSError, ValueError):
            pass
    return {
        "file": os.fspath(outcome.job.path),
        "status": outcome.status,
        "problem": outcome.problem,
    }
