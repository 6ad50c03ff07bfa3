# SPDX-License-Identifier: Apache-2.0
"""What a finished model says of itself: scores, calibration, thresholds, failures."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
from evaluate import (
    SUPERCLASSES,
    calibration_error,
    calibration_of_all,
    cross_fitted_answers,
    macro_with_interval,
)
from export import write_card, write_familiar

from precordia.benchmarking.classification_metrics import auroc, best_thresholds
from precordia.benchmarking.debiased_calibration import debiased_ece, ece_by_chance
from precordia.classification.calibration import logistic
from precordia.classification.platt import fit_platt

HERE = Path(__file__).parent
#: fewer recordings with a statement teach nothing that could be checked
LEAST_RECORDS = 8
#: fewer recordings with a statement give no threshold: the statement is then never found
LEAST_FOR_THRESHOLD = 20
TITLES = {
    "precordia_12lead": "superclasses and statements of PTB-XL from twelve leads of ten seconds",
    "precordia_any_lead": "superclasses and statements of PTB-XL from any of the twelve leads",
}


def write_model(job, path: Path, apart: dict, checked: dict, vectors: np.ndarray) -> None:
    """Write statistics and card of a graph.

    Parameters
    ----------
    job
        Data and plan.
    path
        The graph.
    apart
        By set of leads, logits of the teaching records by models that never saw them.
    checked
        By set of leads, logits and embeddings of fold 9 by the finished graph.
    vectors
        Embeddings of the teaching records.
    """
    taught, labels = job.labels[job.teach], job.labels[job.check]
    limit = write_familiar(path.with_suffix(".npz"), vectors, checked["12 leads"][1])
    pooled = np.concatenate(list(apart.values()))
    truth = np.tile(taught, (len(apart), 1))
    calibration, thresholds = calibrate(job.classes, pooled, truth, len(apart))
    any_lead = path.stem.endswith("any_lead")
    card = {
        "name": path.stem.replace("_", "-") + "-1",
        "task": TITLES[path.stem],
        "data": ["ptbxl"],
        "rebuild": "python benchmarks/classifier/run.py --data ../shared/data --work /tmp/work",
        "classes": list(job.classes),
    }
    if any_lead:
        card["least_leads"] = 1
    card |= {
        "licence": licence(),
        "scores": _scores(job, apart, checked, taught, labels, calibration),
        "input": _input("zero" if any_lead else "refuse"),
        "calibration": calibration,
        "thresholds": thresholds,
        "recordings_needed": {"to_learn": LEAST_RECORDS, "for_threshold": LEAST_FOR_THRESHOLD},
        "familiar": {"limit": limit, "of": "99th percentile of fold 9, which taught nothing"},
        "intended_use": _intended_use(),
        "failures": _failures(),
        "training": _training(job, job.plan.any_lead if any_lead else job.plan.twelve, any_lead),
    }
    write_card(path, card)


def calibrate(classes, logits, truth, n_sets) -> tuple[dict, dict]:
    """Return the tables [calibration] and [thresholds] of a card.

    Logits are those of records that were not learned from, ``n_sets`` times the same records.
    """
    calibration: dict = {"method": "Platt scaling on records apart from those learned from"}
    slope, intercept = np.ones(len(classes)), np.zeros(len(classes))
    for k, code in enumerate(classes):
        slope[k], intercept[k] = fit_platt(logits[:, k], truth[:, k])
        calibration[code] = {"slope": float(slope[k]), "intercept": float(intercept[k])}
    probabilities = logistic(logits * slope + intercept)
    chosen = best_thresholds(truth, probabilities)
    often = (truth > 0).sum(0) / n_sets >= LEAST_FOR_THRESHOLD
    found = {
        code: float(chosen[k])
        for k, code in enumerate(classes)
        if (often[k] or code in SUPERCLASSES) and np.isfinite(chosen[k])
    }
    return calibration, found


def _scores(job, apart, checked, taught, labels, calibration) -> dict:
    n = len(SUPERCLASSES)
    who = job.held.patients[job.teach]
    scores: dict = {
        "protocol": (
            "macro AUROC with 95 % intervals over patients; 'apart': folds 1-8 in four parts, each "
            "judged by models that learned from the others; 'fold 9': the finished model. "
            "Calibration errors (15 bins) of fold 9 are cross-fitted, those 'apart' are of the one "
            "calibration below, which was fitted to the same records"
        ),
        "records": {"taught": len(job.teach), "fold 9": len(job.check)},
    }
    slope, shift = (np.array([calibration[c][w] for c in SUPERCLASSES]) for w in _WAYS)
    for name, logits in apart.items():
        scores[f"superclass, {name}, apart"] = _row(taught, logits, who, list(range(n)))
        found = checked[name][0]
        who_9 = job.held.patients[job.check]
        scores[f"superclass, {name}, fold 9"] = _row(labels, found, who_9, list(range(n)))
        error = calibration_error(labels, found, who_9)
        scores[f"calibration error, {name}, fold 9"] = round(float(error.mean()), 4)
        error = _plain_error(taught[:, :n], logits[:, :n] * slope + shift)
        scores[f"calibration error, {name}, apart"] = error
    logits, found = apart["12 leads"], checked["12 leads"][0]
    for group, columns in job.groups.items():
        if group != "superclass":
            scores[f"{group}, {len(columns)} statements, apart"] = _row(
                taught, logits, who, columns
            )
    scores["each superclass, apart"] = _each(job, taught, logits)
    scores["each superclass, fold 9"] = _each(job, labels, found)
    scores["calibration error as shipped, fold 9"] = _plain_error(
        labels[:, :n], found[:, :n] * slope + shift
    )
    shipped = logistic(found[:, :n] * slope + shift)
    by_chance = ece_by_chance(labels[:, :n], shipped).mean()
    scores["calibration error that chance alone gives, fold 9"] = round(float(by_chance), 4)
    return scores | _without_chance(labels, found, job.held.patients[job.check])


def _without_chance(labels, logits, patients) -> dict:
    """Return calibration errors of fold 9 that chance adds less to, cross-fitted as the others."""
    truth, probabilities = cross_fitted_answers(labels, logits, patients)
    each = debiased_ece(truth, probabilities, binning="width").mean()
    rows = calibration_of_all(truth, probabilities, patients)
    name = "calibration error over all five together, equal mass"
    return {
        "calibration error, debiased, 12 leads, fold 9": round(float(each), 4),
        **{
            f"{name}{'' if way == 'as it is' else ', debiased'}, 12 leads, fold 9": row[:3]
            for way, row in rows.items()
        },
        **{
            f"{name}{'' if way == 'as it is' else ', debiased'}, that chance alone gives": row[3]
            for way, row in rows.items()
        },
    }


_WAYS = ("slope", "intercept")


def _plain_error(labels, logits) -> float:
    from precordia.benchmarking.reliability import ece

    return round(float(ece(labels, logistic(logits)).mean()), 4)


def _row(labels, logits, patients, columns) -> list[float]:
    return [round(float(v), 4) for v in macro_with_interval(labels, logits, patients, columns)]


def _each(job, labels, logits) -> dict:
    areas = auroc(labels[:, :5], logits[:, :5])
    return {code: round(float(a), 4) for code, a in zip(SUPERCLASSES, areas, strict=True)}


def _input(missing: str) -> dict:
    table = dict(tomllib.loads((HERE / "input.toml").read_text("utf-8"))["input"])
    return {**table, "missing_leads": missing}


def licence() -> dict:
    """Return the licence of weights and data."""
    return {
        "weights": "CC BY 4.0",
        "ptbxl": (
            "CC BY 4.0: Wagner P, Strodthoff N, Bousseljot R, Samek W, Schaeffter T. PTB-XL, a "
            "large publicly available electrocardiography dataset. PhysioNet 2022, "
            "doi:10.13026/kfzx-aw45; Sci Data 2020;7:154, doi:10.1038/s41597-020-0495-6"
        ),
    }


def _intended_use() -> dict:
    return {
        "for": "research: sorting recordings, finding likely labels, a baseline to compare with",
        "not_for": (
            "diagnosis or triage of patients; children; paced rhythms and second or third-degree "
            "AV block, of which it saw next to none"
        ),
        "people": "adults of one German centre, 1989 to 1996",
        "signal": (
            "at least ten seconds, 0.5 to 40 Hz. Each lead is normalised, so that voltage criteria "
            "are out of its reach: hypertrophy is seen by its other signs"
        ),
    }


def _failures() -> dict:
    return {
        "hypertrophy": "without strain or a left atrial sign it is missed: voltage is not seen",
        "conduction": "a slight delay (IVCD) alone is missed most often; readers call some normal",
        "repolarisation": "single slight changes (NST_, NDT) are missed; fast fibrillation is taken"
        " for hypertrophy or ST/T change",
        "infarction": "lateral and posterior infarcts, and those beside a conduction delay, are"
        " missed; bundle branch and fascicular blocks are taken for infarcts",
        "familiarity": "noise, paced rhythm and exchanged leads do not look unfamiliar to it: the"
        " distance finds inverted recordings (8 in 10) and little else; rely on the quality",
        "rare": "statements without a threshold were too rare to learn and are never found",
    }


def _training(job, recipe, any_lead: bool) -> dict:
    return {
        "architecture": "aligned-beats",
        "records": len(job.teach),
        "patients": len(set(job.held.patients[job.teach].tolist())),
        "folds": [1, 2, 3, 4, 5, 6, 7, 8],
        "networks": job.plan.n_members,
        "epochs": recipe.epochs,
        "method": (
            "AlignedBeatsNet; AdamW with one cycle, mixup, shifted, scaled and noisy beats, means "
            "over random halves of the beats, moving average of weights"
            + ("; random sets of leads" if any_lead else "; kernel ridge regression beside them")
        ),
    }
