# SPDX-License-Identifier: Apache-2.0
"""Our methods under the names that tables give them, and baselines that a method must beat."""

from __future__ import annotations

import numpy as np

from precordia.core.beats import JUDGED, Beats
from precordia.core.fiducials import Fiducials
from precordia.core.measurements import BeatKind
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.delineation.delineate import delineate

_LONGEST_STILL_S = 0.2
_CLASS_OF_KIND = {
    BeatKind.NORMAL: "N",
    BeatKind.SUPRAVENTRICULAR: "S",
    BeatKind.VENTRICULAR: "V",
    BeatKind.PACED: "Q",
    BeatKind.UNCLASSIFIED: "Q",
}


def delineate_by_network(record: Record) -> Fiducials:
    """Delineate with the network alone."""
    return delineate(record, method="network")


def delineate_by_rules(record: Record) -> Fiducials:
    """Delineate with the rules alone."""
    return delineate(record, method="rules")


def classify_beats_by_rules(record: Record) -> Beats:
    """Give the kinds of beats that `measure` counts as classes of AAMI."""
    from precordia.measurement.measure import measure

    table = measure(record, delineate(record)).beats
    label = tuple(_CLASS_OF_KIND[kind] for kind in table.kind)
    shares = np.array([[float(k == c) for c in JUDGED] for k in label]).reshape(-1, len(JUDGED))
    return Beats(
        fs=record.fs,
        n_samples=record.n_samples,
        sample=np.round(table.r_peak).astype(np.int64),
        label=label,
        probability=shares,
        source=Source(method="beats:rules"),
    )


def accept_all(record: Record) -> Quality:
    """Accept every record."""
    return Quality(acceptable=True, score=1.0, source=Source(method="accept-all"))


def judge_by_flat_lead(record: Record) -> Quality:
    """Refuse a record of which any lead keeps one value for 0.2 s or longer.

    The score falls with the longest such stretch, so that an area under the curve can be given.

    Examples
    --------
    >>> moving = np.random.default_rng(0).normal(size=(2, 500))
    >>> record = Record(signal=moving, fs=500, leads=("I", "II"))
    >>> judge_by_flat_lead(record).acceptable
    True
    """
    longest = max((_longest_still(lead) for lead in record.signal), default=0) / record.fs
    return Quality(
        acceptable=longest < _LONGEST_STILL_S,
        score=1 / (1 + longest / _LONGEST_STILL_S),
        source=Source(method="flat-lead-rule"),
    )


def _longest_still(lead: np.ndarray) -> int:
    """Longest run of samples that equal the one before; missing ones count as still."""
    step = np.diff(lead)
    moving = np.flatnonzero(np.isfinite(step) & (step != 0))
    ends = np.concatenate([[-1], moving, [lead.size - 1]])
    return int(np.diff(ends).max() - 1) if lead.size > 1 else 0
