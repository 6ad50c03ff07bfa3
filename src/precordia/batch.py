# SPDX-License-Identifier: Apache-2.0
"""Examine many files: parallel, resumable, and one bad file never stops the rest."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from precordia.core.errors import OutputError, PrecordiaError
from precordia.core.output import write_text_whole
from precordia.core.record import Record
from precordia.core.report import Language
from precordia.core.study import Study
from precordia.io.find import find_recordings
from precordia.reporting.summary_table import TABLE, study_row, table_csv
from precordia.workers import LOST, over_all

if TYPE_CHECKING:
    from precordia.plotting.drawing import Drawing

STUDY, REPORT, DRAWING = "study.json", "report.html", "ecg.svg"
#: endings of a file of which one may be asked for alone
PARTS = (".html", ".htm", ".json", ".svg", ".png", ".pdf")


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
            name = _name_by_place(path)
        jobs.append(Job(path=path, folder=output / name))
    return jobs


def _name_by_place(path: Path) -> str:
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    return f"{path.stem}-{digest}"


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
        Examine again what is there already; otherwise it is skipped, which resumes a run. A folder
        with the study of another recording of the same name, from an earlier run, is left as it
        is: the recording has a folder of its own then, as in `plan_jobs`.
    identifiers
        Write the patients' identifiers into the studies too.
    options
        Passed to the reader.

    Yields
    ------
    One outcome per job, with the folder that the study is in.

    Raises
    ------
    OptionError
        If ``n_jobs`` is below 1.
    """
    work = functools.partial(
        _examine_one, overwrite=overwrite, identifiers=identifiers, options=options or {}
    )
    for job, outcome in over_all(work, jobs, n_jobs=n_jobs):
        yield outcome or Outcome(job=job, status="failed", problem=LOST)


def _examine_one(job: Job, overwrite: bool, identifiers: bool, options: dict[str, Any]) -> Outcome:
    from precordia.io.read import read
    from precordia.pipeline import examine

    try:
        record = read(job.path, **options)
        if not overwrite:
            job, held = _own_place(job, record)
            if held is not None:
                row = study_row(job.path, job.folder, held, status="skipped")
                return Outcome(job=job, status="skipped", row=row)
        study = examine(record)
        # Half-finished outputs of an interrupted run are replaced: the study was not there.
        write_study(study, job.folder, title=job.path.name, overwrite=True, identifiers=identifiers)
    except PrecordiaError as error:
        return Outcome(job=job, status="failed", problem=str(error))
    except MemoryError:
        return Outcome(job=job, status="failed", problem="memory ran out.")
    return Outcome(job=job, status="done", row=study_row(job.path, job.folder, study))


def _own_place(job: Job, record: Record) -> tuple[Job, Study | None]:
    """Return the job with a folder that no other recording has, and the study that is there."""
    for name in (job.folder.name, _name_by_place(job.path)):
        own = dataclasses.replace(job, folder=job.folder.with_name(name))
        if not (own.folder / STUDY).exists():
            return own, None
        held = _study_in(own.folder)
        if held is not None and _same_signal(held.record, record):
            return own, held
    raise OutputError(
        f"'{own.folder}' holds the study of another recording, or of what '{job.path.name}' was "
        "before. Choose another folder, or allow overwriting (overwrite=True, --force)."
    )


def _study_in(folder: Path) -> Study | None:
    try:
        return Study.from_json((folder / STUDY).read_text(encoding="utf-8"))
    except (PrecordiaError, OSError, ValueError):
        return None


def _same_signal(one: Record, other: Record) -> bool:
    return (
        one.leads == other.leads
        and one.fs == other.fs
        and np.array_equal(one.signal, other.signal, equal_nan=True)
    )


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


def summary_csv(outcomes: Iterable[Outcome], earlier: Iterable[dict[str, Any]] = ()) -> str:
    """Return the summary of a run as CSV text: one line per file.

    Parameters
    ----------
    outcomes
        What became of each file.
    earlier
        Lines of earlier runs (`precordia.reporting.summary_table.earlier_rows`); those of files
        of this run are replaced.
    """
    rows = {row["file"]: row for row in earlier}
    for outcome in outcomes:
        file = os.fspath(outcome.job.path)
        problem = {"file": file, "status": outcome.status, "problem": outcome.problem}
        rows[file] = outcome.row or problem
    return table_csv(rows[file] for file in sorted(rows))
