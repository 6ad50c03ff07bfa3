# SPDX-License-Identifier: Apache-2.0
"""What a network has to beat: age and sex, measured numbers, published criteria."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from precordia.benchmarking.choosing import finish, sigmoid
from precordia.benchmarking.withheld import Chosen, Part
from precordia.core.errors import PrecordiaError
from precordia.core.leads import STANDARD_12
from precordia.core.measurements import LeadMeasurements, Measurements
from precordia.core.record import Record

AGE_SEX, MEASUREMENTS, RULES = "age-sex", "measurements", "rules"
BASELINES = (AGE_SEX, MEASUREMENTS, RULES)
#: findings that show a class although the database's table of classes does not say so
_SHOWN_BY = {"STTC": frozenset({"STD_", "INVT"})}
#: numbers that say where a beat was, or how long the recording is, not what the heart does
_NOT_NUMBERS = ("duration_s", "n_beats", "n_nn")


def age_sex_features(part: Part) -> Float[np.ndarray, "batch dim"]:
    """Return age, its square, sex, and what is unknown."""
    age = np.asarray(part.cohort.ages, float)
    known = np.isfinite(age)
    years = np.where(known, age, 0.0) / 100
    female = np.array([sex == "female" for sex in part.cohort.sexes], float)
    unknown = np.array([not sex for sex in part.cohort.sexes], float)
    return np.stack([years, years**2, ~known, female, unknown], axis=1).astype(float)


def measured_features(part: Part) -> Float[np.ndarray, "batch dim"]:
    """Return measured intervals, axes and amplitudes of each record; NaN where absent."""
    return np.array(part.of_each("measured", _numbers))


def learn_baseline(
    name: str, train: Part, rows: np.ndarray, valid: Part, *, seed: int = 0, **_: Any
) -> Chosen:
    """Train a baseline.

    Parameters
    ----------
    name
        One of `BASELINES`.
    train, rows
        Training records, and those whose labels may be used.
    valid
        Records to choose on.
    seed
        Of nothing: baselines are exact.
    """
    if name == RULES:
        return finish(_rule_scores, valid, notes=("criteria met are 1, all else 0",))
    features: Callable[[Part], np.ndarray] = (
        age_sex_features if name == AGE_SEX else measured_features
    )
    from precordia.training.linear_probe import fit_linear_probe, probe_logits

    filled = _Filling(features(train)[rows])
    probe = fit_linear_probe(
        filled(features(train)[rows]),
        train.targets[rows],
        valid_embeddings=filled(features(valid)),
        valid_labels=valid.targets,
    )

    def answer(part: Part) -> np.ndarray:
        return probe_logits(probe, filled(features(part)))

    return finish(
        answer,
        valid,
        probabilities=sigmoid,
        selection="penalty of each class by validation log-loss",
        weights=(probe.weight, probe.bias),
        notes=tuple(remark.text for remark in probe.remarks),
    )


class _Filling:
    """Absent numbers become the training median, and a column says where they were absent."""

    def __init__(self, features: np.ndarray) -> None:
        known = np.isfinite(features)
        self._median = np.zeros(features.shape[1])
        for k in np.flatnonzero(known.any(axis=0)):
            self._median[k] = np.median(features[known[:, k], k])
        low, high = (np.zeros(features.shape[1]) for _ in range(2))
        for k in np.flatnonzero(known.any(axis=0)):
            low[k], high[k] = np.quantile(features[known[:, k], k], (0.01, 0.99))
        self._low, self._high = low, high
        share = known.mean(axis=0)
        self._flagged = (share < 0.99) & (share > 0.01)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        known = np.isfinite(features)
        held = np.clip(np.where(known, features, self._median), self._low, self._high)
        return np.concatenate([held, ~known[:, self._flagged]], axis=1)


_OF_LEAD = [f.name for f in dataclasses.fields(LeadMeasurements) if f.name != "absent"]
_OF_RECORD = [
    f.name
    for f in dataclasses.fields(Measurements)
    if f.type in ("float", "int", float, int) and f.name not in _NOT_NUMBERS
]


def _numbers(record: Record) -> Float[np.ndarray, " dim"]:
    """Numbers of one record; axes as sine and cosine, because 180 and -180 degrees are one."""
    from precordia.measurement.measure import measure

    try:
        found = measure(record)
    except PrecordiaError:
        found = Measurements()
    numbers = []
    for name in _OF_RECORD:
        value = float(getattr(found, name))
        if name.endswith("_deg"):
            numbers += [math.sin(math.radians(value)), math.cos(math.radians(value))]
        else:
            numbers.append(value)
    nothing = LeadMeasurements()
    for lead in STANDARD_12:
        held = found.leads.get(lead, nothing)
        numbers += [float(getattr(held, name)) for name in _OF_LEAD]
    return np.array(numbers)


def _rule_scores(part: Part) -> np.ndarray:
    columns = [_codes_of(name) for name in part.cohort.classes]
    found = part.of_each("rules", _codes_said)
    return np.array([[float(bool(said & shown)) for shown in columns] for said in found])


def _codes_said(record: Record) -> frozenset[str]:
    from precordia.classification.by_rules import judge_by_rules

    try:
        return frozenset(f.code for f in judge_by_rules(record).findings if f.present)
    except PrecordiaError:
        return frozenset()


def _codes_of(label: str) -> frozenset[str]:
    """Codes of SCP-ECG that a class stands for."""
    from precordia.knowledge.codes import find_code, list_codes
    from precordia.knowledge.statements import list_statements

    codes = set(_SHOWN_BY.get(label, ()))
    for known in list_codes("scp-ecg"):
        if label in (known.code, known.superclass, known.subclass):
            codes.add(known.code)
    abbreviations = set(label.split("|"))
    for statement in list_statements():
        if label in (statement.code, statement.superclass):
            codes.add(statement.code)
        concept = find_code(statement.snomed_ct, "snomed-ct") if statement.snomed_ct else None
        if concept and abbreviations & {concept.code, concept.abbreviation}:
            codes.add(statement.code)
    return frozenset(codes)
