# SPDX-License-Identifier: Apache-2.0
"""Onsets, peaks and offsets on the Lobachevsky University database: the protocol."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.benchmarking.metrics import RATES, count_hits, rate
from precordia.benchmarking.protocol import Run
from precordia.benchmarking.recordings import is_ludb_training, list_ludb
from precordia.core.fiducials import Waves, empty_waves
from precordia.core.scores import Score
from precordia.delineation.reference_waves import fiducials_of, join_leads

WINDOW_MS = 150.0
EDGE_S = 2.0
#: where each marked fiducial stands in `Waves`; the marked peak of a QRS is its main deflection
FIELDS = {
    "p_onset": "p_onset", "p_peak": "p_peak", "p_offset": "p_offset",
    "qrs_onset": "qrs_onset", "qrs_peak": "r_peak", "qrs_offset": "qrs_offset",
    "t_onset": "t_onset", "t_peak": "t_peak", "t_offset": "t_offset",
}  # fmt: skip
#: twice the standard deviation among expert readers of the CSE study, ms
CSE_LIMITS_MS = {
    "p_onset": 10.2, "p_offset": 12.7, "qrs_onset": 6.5, "qrs_offset": 11.6, "t_offset": 30.6,
}  # fmt: skip
NOTES = (
    "Delineation: each lead against its own marks, one to one within 150 ms; the first and last "
    "2 s do not count, as they are not marked. Mean and SD of found minus marked.",
    "'all leads' compares the joint bounds with the second earliest onset and second latest "
    "offset among at least six leads.",
    "limit: tolerance of the CSE Working Party (2 SD of readers; Eur Heart J 1985;6:815). "
    "95 % intervals: 2000 draws of patients.",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """What one record gave: a row of `_tally` for each fiducial."""

    patient: str
    by_lead: np.ndarray
    jointly: np.ndarray


def score_delineation(run: Run) -> list[Score]:
    """Score a method that delineates a record.

    Parameters
    ----------
    run
        Its function takes a record of twelve leads and gives `Fiducials`.

    Returns
    -------
    Sensitivity, positive predictive value, F1, mean and standard deviation of the error of every
    fiducial, lead by lead in one pot and for the record as a whole. Recordings that the method was
    trained on, as far as its note says so, and others are scored apart.
    """
    references = run.chosen(list_ludb(run.data))
    nothing = empty_waves()  # of a lead that the method leaves out
    rows: list[_Row] = []
    for reference in run.watch(references, f"delineation: {run.method}"):
        record = reference.read()
        found = run.function(record)
        edges = _edges(record.n_samples, record.fs)
        leads = [
            _tally(fiducials_of(waves), found.leads.get(lead, nothing), record.fs, edges)
            for lead, waves in reference.leads.items()
        ]
        marked = fiducials_of(join_leads(list(reference.leads.values()), record.fs))
        jointly = _tally(marked, found, record.fs, edges)
        rows.append(_Row(reference.name, np.sum(leads, axis=0), jointly))
    scores: list[Score] = []
    for group, some in run.apart(rows, lambda row: is_ludb_training(row.patient)):
        patients = [row.patient for row in some]
        scores += _summary(np.array([row.by_lead for row in some]), patients, group, "")
        scores += _summary(np.array([row.jointly for row in some]), patients, group, ", all leads")
    return scores


def _edges(n_samples: int, fs: float) -> list[tuple[float, float]]:
    """Stretches at both ends that are not scored; their inner ends are."""
    first, last = EDGE_S * fs, n_samples - EDGE_S * fs
    return [(-math.inf, np.nextafter(first, -math.inf)), (np.nextafter(last, math.inf), math.inf)]


def _tally(marked: dict[str, np.ndarray], found: Waves, fs: float, edges) -> np.ndarray:
    """Return tp, fn, fp, and sum and sum of squares of the errors, of every fiducial."""
    tally = np.zeros((len(FIELDS), 5))
    for k, (name, where) in enumerate(FIELDS.items()):
        hits = count_hits(
            marked[name], getattr(found, where), fs, window_ms=WINDOW_MS, excluded=edges
        )
        error = hits.offsets_ms
        tally[k] = hits.tp, hits.fn, hits.fp, error.sum(), (error**2).sum()
    return tally


def _rate_of(metric: str):
    return lambda sums: rate(metric, *np.moveaxis(sums[..., :3], -1, 0))


def _mean(sums):
    with np.errstate(divide="ignore", invalid="ignore"):
        return sums[..., 3] / sums[..., 0]


def _sd(sums):
    n, total, squares = sums[..., 0], sums[..., 3], sums[..., 4]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(n > 1, np.sqrt(np.maximum(squares - total**2 / n, 0.0) / (n - 1)), np.nan)


def _summary(tallies: np.ndarray, patients: list[str], run: Run, suffix: str) -> list[Score]:
    weights = draw_patients(patients, draws=run.draws, seed=run.seed)
    n = {"n_records": len(patients), "n_patients": len(patients)}
    statistics = {metric: (_rate_of(metric), "%") for metric in RATES}
    statistics |= {"mean": (_mean, "ms"), "SD": (_sd, "ms")}
    scores: list[Score] = []
    for k, name in enumerate(FIELDS):
        rows, subject = tallies[:, k], name + suffix
        for metric, (statistic, unit) in statistics.items():
            ends = interval(lambda w, f=statistic, r=rows: f(w @ r), weights)
            scores.append(run.score(subject, metric, statistic(rows.sum(0)), ends, unit, **n))
        if name in CSE_LIMITS_MS:
            scores.append(run.score(subject, "limit", CSE_LIMITS_MS[name], unit="ms", **n))
    return scores
