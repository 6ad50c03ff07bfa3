# SPDX-License-Identifier: Apache-2.0
"""Published sets of tasks: what can be run here is run, what cannot says why."""

from __future__ import annotations

import dataclasses
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from precordia.benchmarking.classification import Watch, benchmark_classification
from precordia.benchmarking.classification_jobs import find_networks
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.cohort import Cohort, load_cohort, place_of
from precordia.benchmarking.laboratory_cohort import LABORATORY, laboratory_cohort
from precordia.benchmarking.outcome_cohorts import (
    AGE,
    COLUMNS,
    SURVIVAL,
    age_cohort,
    survival_cohort,
)
from precordia.benchmarking.outcomes import benchmark_outcome
from precordia.benchmarking.piece_cohorts import beat_cohort, minute_cohort
from precordia.benchmarking.pulse_cohort import pulse_cohort
from precordia.benchmarking.released_labels import read_released, with_released_labels
from precordia.benchmarking.result_rows import ResultRow
from precordia.benchmarking.rpeak_cohort import RPEAKS, rpeak_pieces
from precordia.benchmarking.rpeak_heads import benchmark_rpeak_heads
from precordia.core.errors import FormatError, OptionError, PrecordiaError, unknown_name
from precordia.core.value import Value
from precordia.datasets.databases import DATABASES, dataset_card
from precordia.datasets.dataset import Dataset, load_dataset
from precordia.datasets.store_manifest import MANIFEST

DONE, NOT_HERE, CANNOT, REFUSED = "done", "not here", "cannot yet", "refused"
_FOLDER = files("precordia.benchmarking") / "protocols"
_SPLITS = ("", "patients", "records")
PULSE = "pulse waves"
_OF = ("records", "beats", "minutes", AGE, SURVIVAL, RPEAKS, LABORATORY, PULSE)
#: length of beats for baselines, which have no window of their own
_BASELINE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolTask(Value):
    """One task of a protocol.

    Attributes
    ----------
    title
        In reports.
    database, task
        What it is scored on; the task is empty where it cannot be run.
    of
        What is scored: ``"records"``, ``"beats"`` or ``"minutes"`` of long recordings, ``"age"``,
        ``"survival"``, ``"rpeaks"``, ``"laboratory"`` values, or ``"pulse waves"``.
    split
        ``""`` for the published folds (or a hash of patients), ``"patients"`` for the hash,
        ``"records"`` for a published division that does not mind patients.
    least_positive
        Classes with fewer positive records are no part of it.
    released, corrected
        Released table whose labels and division are taken (`released_labels`), and whether put
        right; the table lies in the folder of the database or below.
    note
        What has to be known of it.
    cannot
        Why this package cannot run it yet; empty where it can.
    """

    title: str
    database: str
    task: str = ""
    of: str = "records"
    split: str = ""
    least_positive: int = 0
    released: str = ""
    corrected: bool = False
    note: str = ""
    cannot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol(Value):
    """A published set of tasks.

    Attributes
    ----------
    name, title, paper, about
        What it is.
    as_published
        Where running it here differs from the publication.
    tasks
        Its tasks.
    """

    name: str
    title: str
    paper: str
    about: str
    as_published: tuple[str, ...]
    tasks: tuple[ProtocolTask, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState(Value):
    """What became of one task: done, not here, cannot yet, or refused, and why."""

    task: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolResult(Value):
    """What a protocol gave: the state of every task, and the rows of those that were run."""

    protocol: str
    states: tuple[TaskState, ...]
    rows: tuple[ResultRow, ...]

    def __str__(self) -> str:
        lines = [f"{self.protocol}: {sum(s.state == DONE for s in self.states)} of "
                 f"{len(self.states)} tasks done"]  # fmt: skip
        width = max(len(s.task) for s in self.states)
        for s in self.states:
            first = f"  {s.task.ljust(width)}  {s.state}"
            said = f"{first}: {s.reason}" if s.reason else first
            lines += textwrap.wrap(said, 110, subsequent_indent=" " * (width + 4))
        return "\n".join(lines)


def list_protocols() -> tuple[str, ...]:
    """Return the names of the protocols.

    Examples
    --------
    >>> list_protocols()
    ('benchecg', 'merl', 'ptbxl')
    """
    names = sorted(path.name.removesuffix(".toml") for path in _FOLDER.iterdir())
    return tuple(name for name in names if name != "published")


def read_protocol(name: str) -> Protocol:
    """Return a protocol.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    FormatError
        If its file is damaged.

    Examples
    --------
    >>> len(read_protocol("benchecg").tasks)
    10
    """
    if name not in list_protocols():
        raise unknown_name("protocol", name, list_protocols(), listing=", ".join(list_protocols()))
    try:
        table = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
        tasks = tuple(ProtocolTask(**task) for task in table.pop("task"))
        lines = tuple(table.pop("as_published", ()))
        made = Protocol(**table, as_published=lines, tasks=tasks)
        if any(not (task.task or task.cannot) or task.split not in _SPLITS for task in tasks):
            raise ValueError("a task without labels or reason, or an unknown split")
        if unknown := [task.of for task in tasks if task.of not in _OF]:
            raise ValueError(f"a task of {unknown[0]}; {', '.join(_OF)} are known")
        return made
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(
            f"the protocol '{name}' cannot be read ({error}). Reinstall the package."
        ) from error


def benchmark_protocol(
    name: str,
    data: Sequence[str],
    output: str | Path,
    options: ClassificationOptions,
    *,
    watch: Watch = lambda _: None,
) -> ProtocolResult:
    """Run the tasks of a protocol whose databases are here.

    Parameters
    ----------
    name
        One of `list_protocols`.
    data
        ``"NAME=FOLDER"`` of each database, or paths of stores.
    output
        Folder of rows and answers; runs that are there are not made again.
    options
        Models, modes, labels, seeds. Folds are used where a database has folds.
    watch
        Is told in a few words what is being done.

    Returns
    -------
    The state of every task, none left out, and the rows.

    Raises
    ------
    UnknownNameError, OptionError
        If there is no such protocol, or data that it does not know what to do with.
    """
    protocol = read_protocol(name)
    here = _places(data)
    wanted = {task.database for task in protocol.tasks}
    if unused := sorted(set(here) - wanted):
        raise OptionError(
            f"protocol '{name}' has no task on {', '.join(unused)}; it needs "
            f"{', '.join(sorted(wanted))}. Leave the others out."
        )
    states, rows = [], []
    for task in protocol.tasks:
        watch(f"{protocol.title}: {task.title}")
        state, made = _run_task(task, here, output, options, watch)
        states.append(state)
        rows += made
    return ProtocolResult(protocol=protocol.title, states=tuple(states), rows=tuple(rows))


def _run_task(
    task: ProtocolTask,
    here: dict[str, str],
    output: str | Path,
    options: ClassificationOptions,
    watch: Watch,
) -> tuple[TaskState, list[ResultRow]]:
    if task.cannot:
        return TaskState(task=task.title, state=CANNOT, reason=task.cannot), []
    if task.database not in here:
        return TaskState(task=task.title, state=NOT_HERE, reason=_how_to_get(task.database)), []
    try:
        rows = []
        if task.of == RPEAKS:
            rows = _rpeak_rows(task, here[task.database], output, options, watch)
        for cohort, asked in _cohorts(task, here[task.database], options):
            told = _options_for(task, cohort, asked)
            score = benchmark_outcome if cohort.task in COLUMNS else benchmark_classification
            rows += score(cohort, output, told, watch=watch)
    except PrecordiaError as error:
        return TaskState(task=task.title, state=REFUSED, reason=str(error)), []
    reason = f"{len({row.run for row in rows if row.kind == 'measured'})} runs"
    return (
        TaskState(task=task.title, state=DONE, reason="; ".join(filter(None, (reason, task.note)))),
        rows,
    )


def _rpeak_rows(
    task: ProtocolTask,
    given: str,
    output: str | Path,
    options: ClassificationOptions,
    watch: Watch,
) -> list[ResultRow]:
    dataset = _recordings(task, given)
    rows = []
    for seconds, models in _by_length(options).items():
        asked = dataclasses.replace(options, models=models, baselines=(), take="centre")
        pieces = rpeak_pieces(dataset, seconds)
        told = _options_for(task, pieces.cohort, asked)
        rows += benchmark_rpeak_heads(pieces, output, told, watch=watch)
    if not rows:
        raise OptionError("R-peaks are found by models; none was named. Name one: --model NAME.")
    return rows


def _by_length(options: ClassificationOptions) -> dict[float, tuple[str, ...]]:
    """Return the models that were named by the length of their input."""
    lengths: dict[float, tuple[str, ...]] = {}
    for name, network in zip(options.models, find_networks(options), strict=True):
        lengths[network.spec.seconds] = (*lengths.get(network.spec.seconds, ()), name)
    return lengths


def _cohorts(
    task: ProtocolTask, given: str, options: ClassificationOptions
) -> Iterator[tuple[Cohort, ClassificationOptions]]:
    """Yield what is scored, with what is scored on it: beats are as long as a model's input."""
    if task.of == RPEAKS:
        return
    if task.of == PULSE:
        yield pulse_cohort(load_cohort(given, task=task.task)), options
        return
    if task.of == "records":
        cohort = load_cohort(given, task=task.task)
        if task.released:
            released = read_released(given.partition("=")[2], task.released)
            cohort = with_released_labels(cohort, released, corrected=task.corrected)
        yield cohort.frequent(task.least_positive) if task.least_positive else cohort, options
        return
    if task.of == AGE:
        yield age_cohort(load_cohort(given, task=task.task)), options
        return
    dataset = _recordings(task, given)
    if task.of in (SURVIVAL, LABORATORY):
        yield (survival_cohort if task.of == SURVIVAL else laboratory_cohort)(dataset), options
        return
    if task.of == "minutes":
        yield minute_cohort(dataset), dataclasses.replace(options, take="all")
        return
    for seconds, models in _by_length(options).items():
        asked = dataclasses.replace(options, models=models, baselines=(), take="centre")
        yield beat_cohort(dataset, seconds), asked
    if options.baselines:
        yield beat_cohort(dataset, _BASELINE_S), dataclasses.replace(options, models=())


def _recordings(task: ProtocolTask, given: str) -> Dataset:
    """Load recordings with their marks or follow-up, which a store does not hold."""
    name, equals, place = given.partition("=")
    if not equals or (Path(place) / MANIFEST).is_file():
        raise OptionError(
            f"'{given}' is a store, which does not hold what is needed for {task.of}; the files of "
            f"the database are needed. Name their folder: --data {task.database}=FOLDER."
        )
    return load_dataset(name, place, task=task.task)


def _options_for(
    task: ProtocolTask, cohort: Cohort, options: ClassificationOptions
) -> ClassificationOptions:
    changes: dict[str, Any] = {"split": task.split}
    if task.split or not any(cohort.folds):
        changes["folds"] = None
    return dataclasses.replace(options, **changes)


def _places(data: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for given in data:
        database = place_of(given)
        if database in found:
            raise OptionError(f"{database} was named twice; once is needed.")
        found[database] = given
    return found


def _how_to_get(database: str) -> str:
    if database not in DATABASES:
        return f"needs {database}, for which there is no loader"
    card = dataset_card(database)
    files_needed = "; ".join(card.layout)
    return (
        f"needs {card.title} in a folder ({files_needed}): --data {database}=FOLDER. "
        + card.how_to_get
    )
