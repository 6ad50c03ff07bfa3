# SPDX-License-Identifier: Apache-2.0
"""R-peaks on the MIT-BIH arrhythmia database: the protocol."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.benchmarking.metrics import (
    RATES,
    Hits,
    count_hits,
    jf,
    joined,
    median_deviation,
    rate,
)
from precordia.benchmarking.protocol import Run
from precordia.benchmarking.recordings import MITDB_TRAINING, BeatReference, list_mitdb
from precordia.core.scores import Score

WINDOWS_MS = (150.0, 50.0, 20.0)
NOTES = (
    "R-peaks: first channel, whole records, paced records (102, 104, 107, 217) left out, "
    "flutter waves not scored.",
    "One found beat per marked beat within the window, as many pairs as possible, nearest first. "
    "95 % intervals: 2000 draws of patients (201 and 202 are one).",
    "JF = F1 / (1 + MAD / 10 ms), MAD of the offsets about their median; of all beats together it "
    "pays for delays that differ between records, too.",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """What one record gave."""

    reference: BeatReference
    hits: dict[float, Hits]
    jf: dict[float, float]


def score_rpeaks(run: Run) -> list[Score]:
    """Score a method that gives the R-peaks of a record.

    Parameters
    ----------
    run
        Its function takes a record of one lead and gives sample positions.

    Returns
    -------
    Sensitivity, positive predictive value, F1 and JF at 150, 50 and 20 ms, of all beats together
    and as mean over records; the offset. Recordings that the method was trained on, as far as its
    note says so, and others are scored apart.

    Notes
    -----
    After ANSI/AAMI EC57, with these departures: the first five minutes are scored too, matching is
    optimal, and windows of 50 and 20 ms stand beside 150 ms.
    """
    rows = []
    for reference in run.watch(run.chosen(list_mitdb(run.data)), f"rpeaks: {run.method}"):
        record = reference.read()
        found = np.asarray(run.function(record), float)
        rows.append(
            _Row(
                reference,
                {
                    w: count_hits(
                        reference.beats, found, record.fs, window_ms=w, excluded=reference.excluded
                    )
                    for w in WINDOWS_MS
                },
                {w: jf(reference.beats, found, record.fs, window_ms=w) for w in WINDOWS_MS},
            )
        )
    groups = run.apart(rows, lambda row: row.reference.name in MITDB_TRAINING)
    return [score for group, some in groups for score in _summary(some, group)]


def _summary(rows: list[_Row], run: Run) -> list[Score]:
    weights = draw_patients([r.reference.patient for r in rows], draws=run.draws, seed=run.seed)
    n_patients = len({r.reference.patient for r in rows})

    def made(subject, metric, value, ends=(math.nan, math.nan), unit="%"):
        return run.score(
            subject, metric, value, ends, unit, n_records=len(rows), n_patients=n_patients
        )

    scores: list[Score] = []
    for window in WINDOWS_MS:
        counts = np.array([[r.hits[window].tp, r.hits[window].fn, r.hits[window].fp] for r in rows])
        offsets = np.concatenate([r.hits[window].offsets_ms for r in rows])
        pooled, subject = counts.sum(axis=0), f"{window:g} ms"
        for name in RATES:
            ends = interval(lambda w, name=name, c=counts: rate(name, *(w @ c).T), weights)
            scores.append(made(subject, name, rate(name, *pooled), ends))
        deviation = median_deviation(offsets)
        middle = float(np.median(offsets)) if offsets.size else math.nan
        scores.append(made(subject, "JF", joined(float(rate("f1", *pooled)), deviation), unit=""))
        scores.append(made(subject, "median offset", middle, unit="ms"))
        scores.append(made(subject, "MAD", deviation, unit="ms"))
        subject = f"{window:g} ms, mean of records"
        each = {name: np.nan_to_num(rate(name, *counts.T)) for name in RATES}
        each["JF"] = np.array([r.jf[window] for r in rows])
        for name, values in each.items():
            ends = interval(lambda w, v=values: w @ v / w.sum(axis=1), weights)
            scores.append(made(subject, name, values.mean(), ends, "" if name == "JF" else "%"))
        worst = int(np.argmin(each["f1"]))
        subject = f"{window:g} ms, worst ({rows[worst].reference.name})"
        scores += [made(subject, name, each[name][worst]) for name in RATES]
    return scores
