# SPDX-License-Identifier: Apache-2.0
"""Score frozen encoders on ages and survival, beside what looks at no recording."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from precordia.benchmarking.baselines import AGE_SEX, age_sex_features
from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.benchmarking.classification import Watch, frozen_methods, work_through
from precordia.benchmarking.classification_jobs import BASELINE, Job, Method
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.classification_run import Run
from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.concordance import concordance
from precordia.benchmarking.low_labels import choose_labelled, read_share
from precordia.benchmarking.number_metrics import number_scores
from precordia.benchmarking.outcome_cohorts import AGE, COLUMNS, SURVIVAL
from precordia.benchmarking.part_embeddings import embedder, usable
from precordia.benchmarking.predictions import Predictions, write_predictions
from precordia.benchmarking.result_rows import ResultRow, append_rows
from precordia.benchmarking.scoring import Measured
from precordia.benchmarking.withheld import Chosen, Part, Withheld
from precordia.core.errors import OptionError

MEAN_OF_TRAINING = "mean of training"
_Embed = Callable[[Part], Float[np.ndarray, "batch dim"]]


def benchmark_outcome(
    cohort: Cohort,
    output: str | Path,
    options: ClassificationOptions,
    *,
    watch: Watch = lambda _: None,
) -> list[ResultRow]:
    """Score frozen encoders on a number or on survival.

    Parameters
    ----------
    cohort
        From `age_cohort` or `survival_cohort`.
    output
        Folder of rows and answers, as for `benchmark_classification`.
    options
        Models, labels, seeds, division, draws. Only mode ``"linear"`` is there: ridge regression
        for an age, proportional hazards with a ridge penalty for survival.
    watch
        Is told in a few words what is being done.

    Returns
    -------
    The rows of this benchmark, those made earlier included: R2, mean absolute error and
    correlation of an age; Harrell's concordance of survival. Controls are each architecture with
    random weights, and what needs no recording: the mean of the training records for an age, age
    and sex for survival.

    Raises
    ------
    OptionError
        If the cohort has classes, or another mode than linear is asked for.

    Notes
    -----
    Penalties are chosen on validation records; the test records are opened after that. Intervals
    are over patients, with the same draws for all methods. A record that cannot be prepared is
    answered with the mean of the training records, or with their mean risk.
    """
    if cohort.task not in COLUMNS:
        raise OptionError(
            f"the records have the task '{cohort.task}'; age_cohort or survival_cohort is needed."
        )
    place = Path(output)

    def measure(job: Job, parts: tuple[Part, Part, Withheld]) -> None:
        _measure(cohort, job, options, parts, place)

    return work_through(cohort, _methods(cohort, options), place, options, measure, watch)


def _methods(cohort: Cohort, options: ClassificationOptions) -> list[Method]:
    """Return frozen encoders, their twins with random weights, and what needs no recording."""
    frozen = frozen_methods(options, cohort.task)
    blind = MEAN_OF_TRAINING if cohort.task == AGE else AGE_SEX
    if options.controls or blind in options.baselines:
        frozen.append(Method(name=blind, mode=BASELINE))
    if not frozen:
        raise OptionError(
            f"nothing was named that can be scored on {cohort.task}; a model is needed."
        )
    return frozen


def _measure(
    cohort: Cohort,
    job: Job,
    options: ClassificationOptions,
    parts: tuple[Part, Part, Withheld],
    place: Path,
) -> None:
    began = time.perf_counter()
    train, valid, withheld = parts
    rows, remarks = choose_labelled(
        _kinds(train), train.cohort.patients, read_share(job.labels), seed=job.seed
    )
    chosen = _learn(cohort.task, job, train, rows, valid)
    test = withheld.reveal(chosen)
    answers = chosen.answer(test)
    minutes = (time.perf_counter() - began) / 60
    said = (*cohort.remarks, *job.partition.remarks, *remarks)
    notes = [*(remark.text for remark in said), *chosen.notes]
    made = Run(cohort, job, options, {}, None, place).rows(
        score_outcome(test.cohort, answers[:, 0], draws=options.draws),
        chosen,
        len(rows),
        notes,
        minutes,
    )
    write_predictions(
        Predictions(
            names=test.cohort.names,
            classes=(cohort.task,),
            scores=answers,
            targets=test.cohort.numbers,
        ),
        place,
        job.key,
    )
    append_rows(made, place)


def score_outcome(
    cohort: Cohort, answers: Float[np.ndarray, " batch"], *, draws: int = 1000
) -> list[Measured]:
    """Return the scores of answers on test records, with intervals over patients.

    Parameters
    ----------
    cohort
        The test records.
    answers
        The predicted number, or the risk.
    draws
        Of patients.
    """
    weights = draw_patients(cohort.patients, draws=draws)
    if cohort.task == AGE:
        truth = cohort.numbers[:, 0]
        values, drawn = number_scores(answers, truth), number_scores(answers, truth, weights)
    else:
        years, died = cohort.numbers[:, 0], cohort.numbers[:, 1] == 1
        values = {"concordance": concordance(answers, years, died)}
        drawn = {"concordance": concordance(answers, years, died, weights)}
    found = []
    for metric, value in values.items():
        low, high = interval(lambda _, m=metric: drawn[m], weights)
        found.append(
            Measured(
                metric=metric,
                value=float(value[0]),
                low=low,
                high=high,
                n_records=len(cohort),
                n_patients=len(set(cohort.patients)),
                n_positive=0 if cohort.task == AGE else int(cohort.numbers[:, 1].sum()),
                note="" if np.isfinite(value[0]) else _WHY[metric],
            )
        )
    return found


_WHY = {
    "r2": "the test records are all the same",
    "mean_absolute_error": "no test record",
    "correlation": "the predictions or the test records are all the same",
    "concordance": "no two test records can be compared",
}


def _kinds(part: Part) -> Float[np.ndarray, "batch statement"]:
    """Return what few labels are drawn alike in: deaths, or nothing but patients."""
    if part.cohort.task == SURVIVAL:
        died = part.cohort.numbers[:, 1]
        return np.stack([died, 1 - died], axis=1)
    return np.ones((len(part), 1))


def _learn(task: str, job: Job, train: Part, rows: np.ndarray, valid: Part) -> Chosen:
    network = job.method.network
    if job.method.name == MEAN_OF_TRAINING:
        mean = float(train.cohort.numbers[rows, 0].mean())
        return _sealed(lambda part: np.full(len(part), mean), "nothing to choose", "")
    embed: _Embed = age_sex_features if network is None else embedder(network, seed=job.seed)
    spec = "" if network is None else network.spec.fingerprint
    of_all, of_valid = embed(train), embed(valid)
    seen, x = usable(of_all, rows)
    at, held = usable(of_valid, np.arange(len(valid)))
    if not len(seen) or not len(at):
        raise OptionError("no training or validation record could be prepared for the model.")
    y, valid_y = train.cohort.numbers[seen], valid.cohort.numbers[at]
    learn = _learn_number if task == AGE else _learn_risk
    answer, selection, usual = learn(x, y, held, valid_y)

    def answers(part: Part) -> np.ndarray:
        found = embed(part)
        unseen = np.asarray(~np.isfinite(found).all(axis=1))
        said = answer(np.where(unseen[:, None], 0.0, found))
        return np.where(unseen, usual, said)

    n_lost = len(rows) - len(seen) + len(valid) - len(at)
    notes = (f"{n_lost} records could not be prepared for the model",) if n_lost else ()
    return dataclasses.replace(_sealed(answers, selection, spec), notes=notes)


def _learn_number(x, y, valid_x, valid_y) -> tuple[Callable, str, float]:
    from precordia.training.ridge_probe import fit_ridge_probe, probe_numbers

    probe = fit_ridge_probe(x, y, valid_embeddings=valid_x, valid_labels=valid_y)
    said = f"ridge penalty {probe.alpha[0]:g} by validation squared error"
    return lambda embeddings: probe_numbers(probe, embeddings)[:, 0], said, float(y.mean())


def _learn_risk(x, y, valid_x, valid_y) -> tuple[Callable, str, float]:
    from precordia.training.cox_probe import fit_cox_probe, probe_risk

    probe = fit_cox_probe(
        x,
        y[:, 0],
        y[:, 1] == 1,
        valid_embeddings=valid_x,
        valid_times=valid_y[:, 0],
        valid_events=valid_y[:, 1] == 1,
    )
    said = (
        f"proportional hazards, Breslow's ties; ridge penalty {probe.alpha:g} by validation "
        "partial likelihood"
    )
    return lambda embeddings: probe_risk(probe, embeddings), said, 0.0


def _sealed(answer: Callable[[Part], np.ndarray], selection: str, spec: str) -> Chosen:
    return Chosen(
        answer=lambda part: answer(part)[:, None],
        thresholds=np.full(1, np.nan),
        selection=selection,
        spec=spec,
    )
