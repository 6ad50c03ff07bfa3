# SPDX-License-Identifier: Apache-2.0
"""Score classifiers on a database: encoders, their controls and plain baselines in one table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from precordia.benchmarking.challenge_metric import read_challenge_weights
from precordia.benchmarking.classification_jobs import Job, Method, list_jobs, list_methods
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.classification_run import Run, truth_of
from precordia.benchmarking.cohort import Cohort, load_cohort
from precordia.benchmarking.partition import Partition, cross_divide, divide, divide_records
from precordia.benchmarking.predictions import read_predictions, write_predictions
from precordia.benchmarking.result_rows import ROWS_FILE, ResultRow, append_rows, read_rows
from precordia.benchmarking.scoring import TestTruth
from precordia.benchmarking.stress import read_noises
from precordia.benchmarking.summaries import summarise_runs
from precordia.benchmarking.withheld import Part, Withheld
from precordia.core.errors import OptionError

#: written by the training loop while it runs
CHECKPOINT = "checkpoint.safetensors"
Watch = Callable[[str], None]


def benchmark_classification(
    data: str | Cohort,
    output: str | Path,
    options: ClassificationOptions,
    *,
    task: str | None = None,
    watch: Watch = lambda _: None,
    **dataset_options: Any,
) -> list[ResultRow]:
    """Score classifiers on a database.

    Parameters
    ----------
    data
        ``"NAME=FOLDER"``, a store, or a `Cohort`.
    output
        Folder of the rows (``rows.jsonl``, only appended to) and of the answers on test records.
        Runs whose rows are there already are not made again.
    options
        What is measured.
    task
        Which labels, for data named by text.
    watch
        Is told in a few words what is being done.
    **dataset_options
        Of the loader of the database.

    Returns
    -------
    The rows of this benchmark, those made earlier included.

    Raises
    ------
    UnknownNameError, OptionError, FormatError
        If a name is unknown, or data and options do not go together.

    Notes
    -----
    Whatever is chosen (penalty, epoch, threshold) is chosen on validation records. The test records
    are opened only for a method that has chosen (`withheld`). Intervals are over patients, and all
    methods get the same draws, so that differences are compared in pairs.
    """
    cohort = data if isinstance(data, Cohort) else load_cohort(data, task=task, **dataset_options)
    partitions = divisions(cohort, options)
    methods = list_methods(options)
    noises = read_noises(options.noise) if options.noise else {}
    table = read_challenge_weights(options.challenge) if options.challenge else None
    place = Path(output)
    done = {row.run for row in rows_there(place)}
    jobs = [
        job
        for partition in partitions
        for job in list_jobs(cohort, partition, methods, options, noises, table)
    ]
    parts: dict[int, tuple[Part, Part, Withheld]] = {}
    spent: list[float] = []
    for number, job in enumerate(jobs, start=1):
        if job.key in done:
            continue
        watch(
            f"{number}/{len(jobs)} {job.method.name}, {job.method.mode}, {job.labels} of labels, "
            f"seed {job.seed}{time_left(spent, len(jobs) - number + 1)}"
        )
        began = time.perf_counter()
        at = id(job.partition)
        if at not in parts:
            parts[at] = open_parts(cohort, job.partition)
        run = Run(cohort, job, options, noises, table, place)
        rows, answers = run.measure(*parts[at])
        write_predictions(answers, place, job.key)
        append_rows(rows, place)
        spent.append(time.perf_counter() - began)
        # what a killed training would have gone on from
        (place / "training" / job.key / CHECKPOINT).unlink(missing_ok=True)
    found = rows_there(place)
    keys = {job.key for job in jobs}
    of_runs = [row for row in found if row.run in keys]
    truths = _truths(cohort, jobs, options)
    held = {job.key: read_predictions(place, job.key) for job in jobs}
    summaries = summarise_runs(of_runs, truths, held)
    for rows in summaries:
        if rows[0].run not in {row.run for row in found}:
            append_rows(rows, place)
    mine = keys | {rows[0].run for rows in summaries}
    return [row for row in rows_there(place) if row.run in mine]


def time_left(spent: Sequence[float], n_runs: int) -> str:
    """Say how long the remaining runs will take, if they are like those before."""
    if not spent:
        return ""
    minutes = sum(spent) / len(spent) * n_runs / 60
    return f", about {max(round(minutes), 1)} min left"


def divisions(cohort: Cohort, options: ClassificationOptions) -> list[Partition]:
    """Return the division of records that was asked for; several for a cross-validation."""
    if options.cross_validate:
        return cross_divide(cohort, options.cross_validate, seed=options.split_seed)
    if options.split == "records":
        return [divide_records(cohort)]
    return [
        divide(cohort, options.folds, by_hash=options.split == "patients", seed=options.split_seed)
    ]


def rows_there(place: Path) -> list[ResultRow]:
    """Return the rows of a folder, none where there is no file."""
    return read_rows(place) if (place / ROWS_FILE).exists() else []


def frozen_methods(options: ClassificationOptions, what: str) -> list[Method]:
    """Return the frozen encoders that were named, and their twins with random weights.

    Raises
    ------
    OptionError
        If another mode than linear is asked for.
    """
    if set(options.modes) != {"linear"}:
        raise OptionError(
            f"{what} is scored with frozen encoders only, mode linear; "
            f"{', '.join(options.modes)} was asked for. Leave the others out."
        )
    return [m for m in list_methods(options) if m.network is not None and m.mode == "linear"]


def work_through(
    cohort: Cohort,
    methods: Sequence[Method],
    output: str | Path,
    options: ClassificationOptions,
    measure: Callable[[Job, tuple[Part, Part, Withheld]], None],
    watch: Watch,
) -> list[ResultRow]:
    """Make the runs of methods that are not there yet, and return the rows of all.

    Parameters
    ----------
    cohort, methods, options
        What is run on what.
    output
        Folder of rows.
    measure
        Makes one run on its parts, and appends its rows.
    watch
        Is told in a few words what is being done.
    """
    place = Path(output)
    jobs = [
        job
        for partition in divisions(cohort, options)
        for job in list_jobs(cohort, partition, methods, options, {}, None)
    ]
    done = {row.run for row in rows_there(place)}
    parts: dict[int, tuple[Part, Part, Withheld]] = {}
    for number, job in enumerate(jobs, start=1):
        if job.key in done:
            continue
        watch(f"{number}/{len(jobs)} {job.method.name}, {job.labels} of labels, seed {job.seed}")
        if id(job.partition) not in parts:
            parts[id(job.partition)] = open_parts(cohort, job.partition)
        measure(job, parts[id(job.partition)])
    keys = {job.key for job in jobs}
    return [row for row in rows_there(place) if row.run in keys]


def open_parts(cohort: Cohort, partition: Partition) -> tuple[Part, Part, Withheld]:
    """Return the parts of a division, that of the test closed."""
    return (
        Part(cohort.part(partition.train)),
        Part(cohort.part(partition.validation)),
        Withheld(lambda: Part(cohort.part(partition.test))),
    )


def _truths(
    cohort: Cohort, jobs: Sequence[Job], options: ClassificationOptions
) -> dict[str, TestTruth]:
    held: dict[int, TestTruth] = {}
    for job in jobs:
        if id(job.partition) not in held:
            held[id(job.partition)] = truth_of(cohort, job.partition, options)
    return {job.key: held[id(job.partition)] for job in jobs}
