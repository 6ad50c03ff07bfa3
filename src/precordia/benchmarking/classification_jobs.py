# SPDX-License-Identifier: Apache-2.0
"""The lines of the table, and every run that they need, each with a key of all that decides it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import precordia
from precordia.benchmarking.baselines import RULES
from precordia.benchmarking.challenge_metric import ChallengeWeights
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.low_labels import read_share
from precordia.benchmarking.networks import Network, find_network
from precordia.benchmarking.partition import Partition
from precordia.benchmarking.result_rows import run_key
from precordia.benchmarking.stress import noise_hash
from precordia.benchmarking.zero_shot_mode import RANDOM, WORDS, ZERO_SHOT
from precordia.core.record import Record
from precordia.training.settings import TrainingSettings

#: changes with whatever changes a result although all arguments are the same
PROTOCOL = 1
#: modes that settings of the training loop change
TRAINED = ("finetune", "scratch", "attention")
#: settings that do not change what comes out; the seed is that of the run
SPEED = ("device", "threads", "workers", "checkpoint_steps", "log_steps", "seed")
SCRATCH, BASELINE = "scratch", "baseline"


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
        if self.mode in ZERO_SHOT:
            return self.mode == RANDOM
        return self.mode != "linear" or not self.network.pretrained


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """One run: a method on a division with some labels and a seed."""

    method: Method
    partition: Partition
    labels: str
    seed: int
    key: str


def list_methods(options: ClassificationOptions) -> list[Method]:
    """Return the lines of the table: what was asked for, then its controls and the baselines."""
    networks = find_networks(options)
    found: dict[tuple, Method] = {}

    def add(network: Network, mode: str) -> None:
        if not network.pretrained:
            network = network.untrained()
            mode = SCRATCH if mode == "finetune" else mode
        if mode == SCRATCH:
            network = network.untrained()
        if mode in ("finetune", SCRATCH):
            network.check_statements()
        name = network.architecture if mode == SCRATCH else network.name
        same = (name, mode, network.weights_hash, str(network.options), network.spec.fingerprint)
        found.setdefault(same, Method(name=name, mode=mode, network=network))

    for network in networks:
        for mode in options.modes:
            add(network, mode)
    if options.controls:
        for network in networks:
            if WORDS in options.modes:
                for mode in ZERO_SHOT:
                    add(network, mode)
            if set(options.modes) <= set(ZERO_SHOT):
                continue  # the controls of words are other words
            for mode in dict.fromkeys((*options.modes, "linear")):
                if mode in ("linear", "attention"):
                    add(network.untrained(), mode)
            if network.outputs == "window":
                add(network.untrained(), SCRATCH)
    methods = list(found.values())
    return methods + [Method(name=name, mode=BASELINE) for name in options.baselines]


def find_networks(options: ClassificationOptions) -> list[Network]:
    """Return the models that were named, with the windows that were asked for."""
    found = [
        find_network(name, spec=options.spec, **options.model_options) for name in options.models
    ]
    return [network.taking(options.take) for network in found] if options.take else found


def list_jobs(
    cohort: Cohort,
    partition: Partition,
    methods: Sequence[Method],
    options: ClassificationOptions,
    noises: dict[str, Record],
    table: ChallengeWeights | None,
) -> list[Job]:
    """Return every run on a division of the records."""
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
                    settings=deciding(options.settings) if method.mode in TRAINED else None,
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


def deciding(settings: TrainingSettings) -> dict[str, Any]:
    """Return the settings that decide a result, without those of speed and the run's seed."""
    return {name: value for name, value in settings.to_dict().items() if name not in SPEED}
