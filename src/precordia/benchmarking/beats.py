# SPDX-License-Identifier: Apache-2.0
"""Classes of beats on the MIT-BIH arrhythmia database: the protocol."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.benchmarking.metrics import rate
from precordia.benchmarking.protocol import Run
from precordia.benchmarking.recordings import MITDB_TRAINING, BeatReference, list_mitdb
from precordia.core.beats import Beats
from precordia.core.scores import Score
from precordia.datasets.aami import AAMI_CLASSES, aami_beats
from precordia.delineation.matching import match
from precordia.io.read import read
from precordia.io.wfdb_annotation import read_annotations

WINDOW_MS = 150.0
#: row or column of what the other side does not have
_NOBODY = len(AAMI_CLASSES)
_SCORED = ("N", "S", "V", "F")
NOTES = (
    "Classes of beats after ANSI/AAMI EC57: whole records, all leads, paced records (102, 104, "
    "107, 217) and flutter waves left out; one found beat per marked beat within 150 ms.",
    "A beat that was not found is a miss of its class, a beat that is none a false alarm of the "
    "class it was given. 'V, F and Q aside' does not count fusion and unclassified beats that were "
    "called V, as EC57 has it.",
    "Published, on DS2 with marked R-peaks, trained on DS1: de Chazal 2004 "
    "(doi:10.1109/TBME.2004.827359) S se 75.9 ppv 38.5, V se 77.7 ppv 81.9 %.",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """What one record gave: counts of marked class against found class."""

    reference: BeatReference
    table: Int[np.ndarray, "_ _"]


def score_beats(run: Run) -> list[Score]:
    """Score a method that gives the classes of the beats of a record.

    Parameters
    ----------
    run
        Its function takes a record and gives `Beats`; where it also takes ``rpeaks``, it is scored
        with the marked ones as well.

    Returns
    -------
    Sensitivity, positive predictive value and F1 of N, S, V and F and the mean F1 of N, S and V, of
    all beats together, with the method's own R-peaks and with marked ones; and F1 of S and V in
    each record that has at least ten such beats. Recordings that the method was trained on and
    others are scored apart.

    Notes
    -----
    After ANSI/AAMI EC57:2012, with these departures: the first five minutes are scored too, and
    matching is optimal instead of greedy.
    """
    assert run.function is not None
    takes_peaks = "rpeaks" in inspect.signature(run.function).parameters
    ways = ("own R-peaks", "marked R-peaks") if takes_peaks else ("own R-peaks",)
    rows: dict[str, list[_Row]] = {way: [] for way in ways}
    for reference in run.watch(run.chosen(list_mitdb(run.data)), f"beats: {run.method}"):
        record = read(reference.header)
        places, classes = aami_beats(read_annotations(reference.header, "atr"))
        for way in ways:
            given = {} if way == "own R-peaks" else {"rpeaks": places}
            beats = run.function(record, **given)
            table = confusion(places, classes, beats, excluded=reference.excluded)
            rows[way].append(_Row(reference, table))
    scores = []
    for way, some in rows.items():
        for group, own in run.apart(some, lambda row: row.reference.name in MITDB_TRAINING):
            scores += _summary(own, group, way)
    return scores


def confusion(
    places: Int[np.ndarray, " beat"],
    classes: tuple[str, ...],
    beats: Beats,
    *,
    excluded: tuple[tuple[int, int], ...] = (),
) -> Int[np.ndarray, "_ _"]:
    """Count marked beats of each class against what they were found to be.

    Parameters
    ----------
    places, classes
        What is marked.
    beats
        What was found.
    excluded
        Stretches in which nothing is scored.

    Returns
    -------
    Rows N, S, V, F, Q and "not marked"; columns the same and "not found".

    Examples
    --------
    >>> found = Beats(fs=360, n_samples=999, sample=[100, 500], label=("V", "S"),
    ...               probability=[[0, 0, 1, 0], [0, 1, 0, 0]])
    >>> confusion(np.array([103, 800]), ("V", "N"), found)[[0, 2, 5]].tolist()
    [[0, 0, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0], [0, 1, 0, 0, 0, 0]]
    """
    table = np.zeros((_NOBODY + 1, _NOBODY + 1), np.int64)
    marked = np.array([AAMI_CLASSES.index(c) for c in classes], dtype=np.int64)
    found = np.array([AAMI_CLASSES.index(c) for c in beats.label], dtype=np.int64)
    i, j = match(places, beats.sample, WINDOW_MS * beats.fs / 1000.0)
    np.add.at(table, (marked[i], found[j]), 1)
    alone = np.setdiff1d(np.arange(marked.size), i)
    np.add.at(table, (marked[alone], np.full(alone.size, _NOBODY)), 1)
    extra = np.setdiff1d(np.arange(found.size), j)
    at = beats.sample[extra]
    inside = np.zeros(extra.size, dtype=bool)
    for low, high in excluded:
        inside |= (at >= low) & (at <= high)
    extra = extra[~inside]
    np.add.at(table, (np.full(extra.size, _NOBODY), found[extra]), 1)
    return table


def _counts(tables: np.ndarray, label: str, *, aside: bool = False) -> np.ndarray:
    """Hits, misses and false alarms of a class in each record."""
    k = AAMI_CLASSES.index(label)
    hits = tables[:, k, k]
    misses = tables[:, k].sum(axis=1) - hits
    false = tables[:, :, k].sum(axis=1) - hits
    if aside:
        false = false - tables[:, 3, k] - tables[:, 4, k]
    return np.stack([hits, misses, false], axis=1)


def _summary(rows: list[_Row], run: Run, way: str) -> list[Score]:
    weights = draw_patients([r.reference.patient for r in rows], draws=run.draws, seed=run.seed)
    patients = len({r.reference.patient for r in rows})
    tables = np.stack([r.table for r in rows])
    counts = {label: _counts(tables, label) for label in _SCORED}
    counts["V, F and Q aside"] = _counts(tables, "V", aside=True)
    scores = []
    for label, c in counts.items():
        for metric in ("se", "ppv", "f1"):
            ends = interval(lambda w, m=metric, c=c: rate(m, *(w @ c).T), weights)
            value = rate(metric, *c.sum(axis=0))
            scores.append(
                run.score(f"{way}, {label}", metric, value, ends, "%", n_records=len(rows),
                          n_patients=patients)
            )  # fmt: skip

    def mean_f1(w: np.ndarray) -> np.ndarray:
        each = [np.nan_to_num(rate("f1", *(w @ counts[k]).T)) for k in ("N", "S", "V")]
        return np.mean(each, axis=0)

    once = np.ones((1, len(rows)), np.int64)
    scores.append(
        run.score(f"{way}, mean of N, S, V", "f1", mean_f1(once)[0], interval(mean_f1, weights),
                  "%", n_records=len(rows), n_patients=patients)
    )  # fmt: skip
    for label in ("S", "V"):
        for row, c in zip(rows, counts[label], strict=True):
            if c[0] + c[1] >= 10:
                subject = f"{way}, {label}, record {row.reference.name}"
                scores.append(run.score(subject, "f1", rate("f1", *c), unit="%", n_records=1,
                                        n_patients=1))  # fmt: skip
    return scores
