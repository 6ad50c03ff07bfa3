# SPDX-License-Identifier: Apache-2.0
"""Score classifiers on a database: encoders, their controls and plain baselines in one table."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import precordia
from precordia.benchmarking.baselines import BASELINES, RULES, learn_baseline
from precordia.benchmarking.benchmark import describe_machine
from precordia.benchmarking.challenge_metric import ChallengeWeights, read_challenge_weights
from precordia.benchmarking.classification_metrics import MIN_RECORDS
from precordia.benchmarking.cohort import Cohort, load_cohort
from precordia.benchmarking.commit import source_commit
from precordia.benchmarking.contamination import UNKNOWN, seen_in_training
from precordia.benchmarking.low_labels import choose_labelled, read_share
from precordia.benchmarking.networks import MODES, Network, find_network, learn_network
from precordia.benchmarking.partition import Partition, cross_divide, divide, divide_records
from precordia.benchmarking.predictions import Predictions, read_predictions, write_predictions
from precordia.benchmarking.result_rows import ROWS_FILE, ResultRow, append_rows, read_rows, run_key
from precordia.benchmarking.scoring import (
    DRAWS,
    Measured,
    TestTruth,
    score_2017,
    score_answers,
    score_challenge,
)
from precordia.benchmarking.stress import (
    LEAD_SUBSETS,
    SNRS_DB,
    add_recorded_noise,
    keep_leads,
    noise_hash,
    read_noises,
)
from precordia.benchmarking.subgroups import score_groups
from precordia.benchmarking.summaries import summarise_runs
from precordia.benchmarking.withheld import Chosen, Part, Withheld
from precordia.core.errors import OptionError, PrecordiaError, unknown_name
from precordia.core.input_spec import InputSpec
from precordia.core.record import Record
from precordia.training.settings import TrainingSettings

#: changes with whatever changes a result although all arguments are the same
PROTOCOL = 1
SPLITS = ("", "patients", "records")
#: written by the training loop while it runs
CHECKPOINT = "checkpoint.safetensors"
#: modes that settings of the training loop change
TRAINED = ("finetune", "scratch", "attention")
#: settings that do not change what comes out; the seed is that of the run
SPEED = ("device", "threads", "workers", "checkpoint_steps", "log_steps", "seed")
SCRATCH, BASELINE = "scratch", "baseline"
Watch = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassificationOptions:
    """What is measured, and how.

    Attributes
    ----------
    models
        Names of architectures (random weights) or folders of weights.
    modes
        How each is used: see `networks.MODES`.
    labels
        Shares of training patients whose labels are used, such as ``"1%"``.
    n_seeds
        Seeds of random weights, training and draws of patients; what is not random runs once.
    controls
        Also each architecture with random weights, frozen in the same modes, and from scratch.
    baselines
        Also these of `baselines.BASELINES`.
    folds
        Which folds are what, as for `partition.read_folds`; the published ones by default.
    cross_validate
        Number of folds of a cross-validation by patients instead; 0 for none.
    split
        ``""`` for published folds, or a hash of patients where there are none; ``"patients"`` for
        the hash; ``"records"`` for a division by record, as some papers have it.
    split_seed
        Of divisions that are drawn.
    lead_subsets, subgroups
        Also with leads taken away; also by sex, age and device.
    noise
        Folder of the noise stress test; None for no noise.
    challenge
        The organisers' ``weights.csv``; None for none.
    spec
        Input of the models, where it should not be their own.
    model_options
        Of the architectures.
    settings
        Of the training loop.
    min_records
        Fewer positives or negatives leave a class out of means.
    draws
        Of patients, for intervals.
    """

    models: tuple[str, ...] = ()
    modes: tuple[str, ...] = ("linear",)
    labels: tuple[str, ...] = ("100%",)
    n_seeds: int = 1
    controls: bool = True
    baselines: tuple[str, ...] = ()
    folds: str | None = None
    cross_validate: int = 0
    split: str = ""
    split_seed: int = 0
    lead_subsets: bool = False
    subgroups: bool = False
    noise: Path | None = None
    challenge: Path | None = None
    spec: InputSpec | None = None
    model_options: dict[str, Any] = field(default_factory=dict)
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    min_records: int = MIN_RECORDS
    draws: int = DRAWS

    def __post_init__(self) -> None:
        for mode in self.modes:
            if mode not in MODES:
                raise unknown_name("mode", mode, MODES, listing=", ".join(MODES))
        for name in self.baselines:
            if name not in BASELINES:
                raise unknown_name("baseline", name, BASELINES, listing=", ".join(BASELINES))
        if not self.models and not self.baselines:
            raise OptionError("neither a model nor a baseline was named; at least one is needed.")
        if self.n_seeds < 1:
            raise OptionError(f"n_seeds is {self.n_seeds}; at least 1 is needed.")
        if self.min_records < 1:
            raise OptionError(f"min_records is {self.min_records}; at least 1 is needed.")
        if self.draws < 1:
            raise OptionError(f"draws is {self.draws}; at least 1 is needed.")
        if self.cross_validate and self.folds:
            raise OptionError("both folds and a cross-validation were named; one is needed.")
        if self.split not in SPLITS:
            raise unknown_name("split", self.split, SPLITS[1:], listing=", ".join(SPLITS[1:]))
        for share in self.labels:
            read_share(share)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Method:
    """One line of the table: a network in a mode, or a baseline."""

    name: str
    mode: str
    network: Network | None = None

    @property
    def chance(self) -> bool:
        """Whether two seeds give two results with all labels."""
        if self.network is None:
            return False
        return self.mode != "linear" or not self.network.pretrained


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """One run: a method on a division with some labels and a seed."""

    method: Method
    partition: Partition
    labels: str
    seed: int
    key: str


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
    if options.cross_validate:
        partitions = cross_divide(cohort, options.cross_validate, seed=options.split_seed)
    else:
        partitions = [_divided(cohort, options)]
    methods = list_methods(options)
    noises = read_noises(options.noise) if options.noise else {}
    table = read_challenge_weights(options.challenge) if options.challenge else None
    place = Path(output)
    done = {row.run for row in _rows_there(place)}
    jobs = [
        job
        for partition in partitions
        for job in _jobs(cohort, partition, methods, options, noises, table)
    ]
    parts: dict[int, tuple[Part, Part, Withheld]] = {}
    spent: list[float] = []
    for number, job in enumerate(jobs, start=1):
        if job.key in done:
            continue
        watch(
            f"{number}/{len(jobs)} {job.method.name}, {job.method.mode}, {job.labels} of labels, "
            f"seed {job.seed}{_time_left(spent, len(jobs) - number + 1)}"
        )
        began = time.perf_counter()
        at = id(job.partition)
        if at not in parts:
            parts[at] = _open(cohort, job.partition)
        run = _Run(cohort, job, options, noises, table, place)
        rows, answers = run.measure(*parts[at])
        write_predictions(answers, place, job.key)
        append_rows(rows, place)
        spent.append(time.perf_counter() - began)
        # what a killed training would have gone on from
        (place / "training" / job.key / CHECKPOINT).unlink(missing_ok=True)
    found = _rows_there(place)
    keys = {job.key for job in jobs}
    of_runs = [row for row in found if row.run in keys]
    truths = _truths(cohort, jobs, options)
    held = {job.key: read_predictions(place, job.key) for job in jobs}
    summaries = summarise_runs(of_runs, truths, held)
    for rows in summaries:
        if rows[0].run not in {row.run for row in found}:
            append_rows(rows, place)
    mine = keys | {rows[0].run for rows in summaries}
    return [row for row in _rows_there(place) if row.run in mine]


def _time_left(spent: Sequence[float], n_runs: int) -> str:
    """Say how long the remaining runs will take, if they are like those before."""
    if not spent:
        return ""
    minutes = sum(spent) / len(spent) * n_runs / 60
    return f", about {max(round(minutes), 1)} min left"


def _divided(cohort: Cohort, options: ClassificationOptions) -> Partition:
    if options.split == "records":
        return divide_records(cohort)
    return divide(
        cohort,
        options.folds,
        by_hash=options.split == "patients",
        seed=options.split_seed,
    )


def list_methods(options: ClassificationOptions) -> list[Method]:
    """Return the lines of the table: what was asked for, then its controls and the baselines."""
    networks = [
        find_network(name, spec=options.spec, **options.model_options) for name in options.models
    ]
    found: dict[tuple, Method] = {}

    def add(network: Network, mode: str) -> None:
        if not network.pretrained:
            network = network.untrained()
            mode = SCRATCH if mode == "finetune" else mode
        if mode == SCRATCH:
            network = network.untrained()
        name = network.architecture if mode == SCRATCH else network.name
        same = (name, mode, network.weights_hash, str(network.options), network.spec.fingerprint)
        found.setdefault(same, Method(name=name, mode=mode, network=network))

    for network in networks:
        for mode in options.modes:
            add(network, mode)
    if options.controls:
        for network in networks:
            for mode in dict.fromkeys((*options.modes, "linear")):
                if mode in ("linear", "attention"):
                    add(network.untrained(), mode)
            add(network.untrained(), SCRATCH)
    methods = list(found.values())
    return methods + [Method(name=name, mode=BASELINE) for name in options.baselines]


def _rows_there(place: Path) -> list[ResultRow]:
    return read_rows(place) if (place / ROWS_FILE).exists() else []


def _jobs(
    cohort: Cohort,
    partition: Partition,
    methods: Sequence[Method],
    options: ClassificationOptions,
    noises: dict[str, Record],
    table: ChallengeWeights | None,
) -> list[Job]:
    jobs = []
    split_hash = partition.fingerprint(cohort)
    for labels in options.labels:
        for method in methods:
            drawn = method.chance or (read_share(labels) < 1 and method.name != RULES)
            for seed in range(options.n_seeds if drawn else 1):
                network = method.network
                key = run_key(
                    protocol=PROTOCOL,
                    version=precordia.__version__,
                    cohort=cohort.fingerprint,
                    database=cohort.database,
                    task=cohort.task,
                    split=split_hash,
                    method=method.name,
                    mode=method.mode,
                    network=None
                    if network is None
                    else (
                        network.architecture,
                        network.weights_hash,
                        network.options,
                        network.spec.fingerprint,
                    ),
                    settings=_deciding(options.settings) if method.mode in TRAINED else None,
                    labels=read_share(labels),
                    seed=seed,
                    min_records=options.min_records,
                    draws=options.draws,
                    lead_subsets=options.lead_subsets,
                    subgroups=options.subgroups,
                    noise=noise_hash(noises) if noises else "",
                    challenge=None if table is None else table.to_dict(),
                )
                jobs.append(
                    Job(method=method, partition=partition, labels=labels, seed=seed, key=key)
                )
    return jobs


def _deciding(settings: TrainingSettings) -> dict[str, Any]:
    """Return the settings that decide a result, without those of speed and the run's seed."""
    return {name: value for name, value in settings.to_dict().items() if name not in SPEED}


def _open(cohort: Cohort, partition: Partition) -> tuple[Part, Part, Withheld]:
    return (
        Part(cohort.part(partition.train)),
        Part(cohort.part(partition.validation)),
        Withheld(lambda: Part(cohort.part(partition.test))),
    )


def _truth(cohort: Cohort, partition: Partition, options: ClassificationOptions) -> TestTruth:
    test = cohort.part(partition.test)
    return TestTruth.of(
        test.classes,
        test.targets,
        test.patients,
        draws=options.draws,
        min_records=options.min_records,
    )


def _truths(
    cohort: Cohort, jobs: Sequence[Job], options: ClassificationOptions
) -> dict[str, TestTruth]:
    held: dict[int, TestTruth] = {}
    for job in jobs:
        if id(job.partition) not in held:
            held[id(job.partition)] = _truth(cohort, job.partition, options)
    return {job.key: held[id(job.partition)] for job in jobs}


class _Run:
    """One job: learn, seal, open the test records, score."""

    def __init__(self, cohort, job, options, noises, table, place) -> None:
        self.cohort, self.job, self.options = cohort, job, options
        self.noises, self.table, self.place = noises, table, place

    def measure(
        self, train: Part, valid: Part, withheld: Withheld
    ) -> tuple[list[ResultRow], Predictions]:
        """Return all rows of the run, and the answers that they are of."""
        began = time.perf_counter()
        job = self.job
        rows, remarks = choose_labelled(
            train.targets, train.cohort.patients, read_share(job.labels), seed=job.seed
        )
        chosen = self._learn(train, rows, valid)
        test = withheld.reveal(chosen)
        truth = _truth(self.cohort, job.partition, self.options)
        scores = chosen.answer(test)
        probabilities = None if chosen.probabilities is None else chosen.probabilities(scores)
        measured = score_answers(
            truth, scores, probabilities=probabilities, thresholds=chosen.thresholds
        )
        if self.table is not None:
            measured.append(score_challenge(truth, scores, chosen.thresholds, self.table))
        if self.options.subgroups:
            measured += score_groups(truth, scores, test.cohort)
        if self.cohort.database == "cinc2017":
            measured.append(score_2017(truth, scores))
        measured += self._stressed(chosen, test, truth)
        minutes = (time.perf_counter() - began) / 60
        said = (*self.cohort.remarks, *job.partition.remarks, *remarks)
        notes = [*(remark.text for remark in said), *chosen.notes]
        return (
            self._rows(measured, chosen, len(rows), notes, minutes),
            Predictions(
                names=test.cohort.names,
                classes=test.cohort.classes,
                scores=scores,
                probabilities=probabilities,
                targets=test.targets,
            ),
        )

    def _learn(self, train: Part, rows: np.ndarray, valid: Part) -> Chosen:
        method, seed = self.job.method, self.job.seed
        if method.network is None:
            return learn_baseline(method.name, train, rows, valid, seed=seed)
        return learn_network(
            method.network,
            method.mode,
            train,
            rows,
            valid,
            seed=seed,
            settings=self.options.settings,
            folder=self.place / "training" / self.job.key,
        )

    def _stressed(self, chosen: Chosen, test: Part, truth: TestTruth) -> list[Measured]:
        alterations = {}
        if self.options.lead_subsets:
            alterations |= {
                f"leads: {name}": keep_leads(leads) for name, leads in LEAD_SUBSETS.items()
            }
        if self.noises:
            alterations |= {
                f"noise: {snr} dB": add_recorded_noise(self.noises, snr) for snr in SNRS_DB
            }
        found = []
        for subject, alter in alterations.items():
            try:
                scores = chosen.answer(test.altered(alter))
            except PrecordiaError as error:
                found.append(
                    Measured(metric="macro_auroc", subject=subject, value=math.nan, note=str(error))
                )
                continue
            one = score_answers(truth, scores, per_class=False)[0]
            found.append(dataclasses.replace(one, subject=subject))
        return found

    def _settings(self) -> str:
        """Say what is not usual of architecture and training."""
        method, usual = self.job.method, TrainingSettings().to_dict()
        said = {} if method.network is None else dict(method.network.options)
        if method.mode in TRAINED:
            given = _deciding(self.options.settings)
            said |= {name: value for name, value in given.items() if value != usual[name]}
        return ", ".join(f"{name}={value}" for name, value in said.items())

    def _rows(
        self,
        measured: Sequence[Measured],
        chosen: Chosen,
        n_labelled: int,
        notes: Sequence[str],
        minutes: float,
    ) -> list[ResultRow]:
        job, network = self.job, self.job.method.network
        common = {
            "run": job.key,
            "task": self.cohort.task,
            "database": self.cohort.database,
            "database_version": self.cohort.version,
            "data_hash": self.cohort.fingerprint,
            "split": job.partition.method,
            "split_hash": job.partition.fingerprint(self.cohort),
            "model": job.method.name,
            "mode": job.method.mode,
            "settings": self._settings(),
            "weights_hash": chosen.weights_hash,
            "labels": job.labels,
            "n_labelled": n_labelled,
            "seed": str(job.seed),
            "contaminated": _contamination(self.cohort.database, network),
            "input": chosen.spec,
            "version": precordia.__version__,
            "commit": source_commit(),
            "hardware": describe_machine(),
            "minutes": round(minutes, 3),
            "date": datetime.now(UTC).date().isoformat(),
        }
        rows = []
        for k, one in enumerate(measured):
            said = [one.note] if k else [one.note, chosen.selection, *notes]
            rows.append(
                ResultRow(**{**one.to_dict(), **_numbers(one), "note": _joined(said)}, **common)
            )
        return rows


def _contamination(database: str, network: Network | None) -> str:
    if network is None or not network.pretrained:
        return ""
    if not network.training_data:
        return UNKNOWN
    return ", ".join(seen_in_training(database, network.training_data))


def _numbers(one: Measured) -> dict[str, float]:
    """Numbers of a score as they are: in its dict, NaN is None."""
    return {name: getattr(one, name) for name in ("value", "low", "high")}


def _joined(notes: Sequence[str]) -> str:
    return "; ".join(note for note in notes if note)
