# SPDX-License-Identifier: Apache-2.0
"""Beats and minutes of long recordings as the records of a cohort, cut out when asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from precordia.benchmarking.cohort import Cohort
from precordia.core.errors import FormatError, OptionError
from precordia.core.record import NOTHING_CARRIED, Annotations, Record, Remark
from precordia.datasets.aami import AAMI_CLASSES, aami_beats
from precordia.datasets.dataset import Dataset
from precordia.datasets.item import Item

MINUTE_S = 60.0
APNEA = "apnea"
#: what a lead without a name is given to a model as
_UNNAMED = {"ECG": "II"}
#: places within a recording, and the columns that are 1 for each
Marked = Callable[[Annotations], tuple[Int[np.ndarray, " _"], Int[np.ndarray, "_ statement"]]]


def beat_cohort(dataset: Dataset, seconds: float) -> Cohort:
    """Return each beat of the recordings of a database, in the middle of a piece.

    Parameters
    ----------
    dataset
        Recordings with marked beats, such as ``load_dataset("mitdb", FOLDER)``.
    seconds
        Length of a piece: that of the model's input.

    Returns
    -------
    One record a marked beat, with the five AAMI classes; patients and folds are those of the
    recordings, so that no patient is in two parts and intervals are over patients.

    Raises
    ------
    OptionError
        If the length is not positive.
    FormatError
        If no recording has a marked beat.

    Notes
    -----
    A piece that reaches over an end of its recording holds the first or last value there: every
    marked beat is scored, none moved from the middle.
    """
    if not 0 < seconds < np.inf:
        raise OptionError(f"pieces of {seconds} s were asked for; a positive length is needed.")

    def marked(annotations: Annotations):
        places, classes = aami_beats(annotations)
        columns = np.array([AAMI_CLASSES.index(name) for name in classes], int)
        return places, np.eye(len(AAMI_CLASSES), dtype=int)[columns]

    return _cut(dataset, marked, AAMI_CLASSES, seconds=seconds, before_s=seconds / 2, task="beats")


def minute_cohort(dataset: Dataset) -> Cohort:
    """Return each labelled minute of the nights of Apnea-ECG.

    Parameters
    ----------
    dataset
        ``load_dataset("apnea_ecg", FOLDER)``.

    Returns
    -------
    One record a minute, with the class apnea; patients and folds are those of the nights.

    Raises
    ------
    FormatError
        If no night has a labelled minute.

    Notes
    -----
    A mark stands at the beginning of its minute. The database does not name its lead; models of
    named leads get it as lead II.
    """

    def marked(annotations: Annotations):
        kept = np.array([symbol in "AN" for symbol in annotations.symbol], bool)
        apnea = np.array([[symbol == "A"] for symbol in annotations.symbol], int).reshape(-1, 1)
        return annotations.sample[kept], apnea[kept]

    return _cut(dataset, marked, (APNEA,), seconds=MINUTE_S, before_s=0.0, task="minutes")


@dataclass(slots=True, kw_only=True, eq=False)
class Pieces:
    """Pieces of recordings; the last recording stays in memory while its pieces are cut."""

    items: tuple[Item, ...]
    owner: Int[np.ndarray, " _"]
    place: Int[np.ndarray, " _"]
    seconds: float
    before_s: float
    opened: int = -1
    recording: Record | None = None

    def read(self, k: int) -> Record:
        """Cut a piece out."""
        at = int(self.owner[k])
        if self.recording is None or self.opened != at:
            self.recording, self.opened = self.items[at].read(), at
        whole = self.recording
        n_samples, n_before = (round(s * whole.fs) for s in (self.seconds, self.before_s))
        rows = int(self.place[k]) - n_before + np.arange(n_samples)
        inside = np.clip(rows, 0, whole.signal.shape[1] - 1)
        return dataclasses.replace(
            whole,
            signal=whole.signal[:, inside],
            leads=tuple(_UNNAMED.get(lead, lead) for lead in whole.leads),
            carried=NOTHING_CARRIED,
            companions=(),
            start_time=None,
        )


def _cut(
    dataset: Dataset,
    marked: Marked,
    classes: tuple[str, ...],
    *,
    seconds: float,
    before_s: float,
    task: str,
) -> Cohort:
    owner, place, targets, names, items = [], [], [], [], []
    for item in dataset.items:
        annotations = item.read_annotations()
        if annotations is None:
            continue
        places, labels = marked(annotations)
        owner.append(np.full(len(places), len(items)))
        place.append(places)
        targets.append(labels)
        names += [f"{item.name}#{k}" for k in range(len(places))]
        items.append(item)
    if not names:
        raise FormatError(
            f"no recording of {dataset.card.name} has marked {task}; their annotation files are "
            f"needed beside the recordings in '{dataset.folder}'."
        )
    of = np.concatenate(owner).astype(int)
    pieces = Pieces(
        items=tuple(items),
        owner=of,
        place=np.concatenate(place).astype(int),
        seconds=seconds,
        before_s=before_s,
    )
    ages = np.array([item.patient.age_years for item in items], float)
    return Cohort(
        database=dataset.card.name,
        version=dataset.card.version,
        task=task,
        classes=classes,
        names=tuple(names),
        patients=tuple(items[k].group for k in of),
        folds=tuple(items[k].fold for k in of),
        targets=np.concatenate(targets).astype(float),
        ages=ages[of],
        sexes=tuple(items[k].patient.sex or "" for k in of),
        read=pieces.read,
        published=dict(dataset.card.folds),
        remarks=(
            *dataset.remarks,
            Remark(code="pieces", text=f"{len(names)} {task} of {len(items)} recordings"),
        ),
    )
