# SPDX-License-Identifier: Apache-2.0
"""One run: learn, seal, open the test records, score."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

import precordia
from precordia.benchmarking.baselines import learn_baseline
from precordia.benchmarking.benchmark import describe_machine
from precordia.benchmarking.classification_jobs import TRAINED, deciding
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.commit import source_commit
from precordia.benchmarking.contamination import UNKNOWN, seen_in_training
from precordia.benchmarking.low_labels import choose_labelled, read_share
from precordia.benchmarking.networks import Network, learn_network
from precordia.benchmarking.partition import Partition
from precordia.benchmarking.predictions import Predictions
from precordia.benchmarking.result_rows import ResultRow
from precordia.benchmarking.scoring import (
    Measured,
    TestTruth,
    score_2017,
    score_answers,
    score_challenge,
)
from precordia.benchmarking.stress import LEAD_SUBSETS, SNRS_DB, add_recorded_noise, keep_leads
from precordia.benchmarking.subgroups import score_groups
from precordia.benchmarking.withheld import Chosen, Part, Withheld
from precordia.core.errors import PrecordiaError
from precordia.training.absent_leads import remark_absent_leads
from precordia.training.settings import TrainingSettings


def truth_of(cohort: Cohort, partition: Partition, options: ClassificationOptions) -> TestTruth:
    """Return what is so of the test records, with the draws that all methods share."""
    test = cohort.part(partition.test)
    return TestTruth.of(
        test.classes,
        test.targets,
        test.patients,
        draws=options.draws,
        min_records=options.min_records,
    )


class Run:
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
        truth = truth_of(self.cohort, job.partition, self.options)
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
        if (network := job.method.network) is not None:
            spec = network.spec
            present = [train.present(spec, rows), valid.present(spec), test.present(spec)]
            held = np.concatenate(present)
            absent = remark_absent_leads(held, np.arange(len(held)), spec.leads)
            notes += [remark.text for remark in absent]
        return (
            self.rows(measured, chosen, len(rows), notes, minutes),
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
                scores = chosen.answer(test.altered(alter, subject))
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
            given = deciding(self.options.settings)
            said |= {name: value for name, value in given.items() if value != usual[name]}
        return ", ".join(f"{name}={value}" for name, value in said.items())

    def rows(
        self,
        measured: Sequence[Measured],
        chosen: Chosen,
        n_labelled: int,
        notes: Sequence[str],
        minutes: float,
    ) -> list[ResultRow]:
        """Return a row a number, with all that is needed to repeat it."""
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
            "weights_from": "" if network is None else network.weights_hash,
            "architecture": "" if network is None else network.architecture,
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
