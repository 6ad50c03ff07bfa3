# SPDX-License-Identifier: Apache-2.0
"""Recordings with marked R-peaks, cut into pieces of a model's length one behind the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.piece_cohorts import Pieces
from precordia.core.errors import FormatError, OptionError
from precordia.core.record import Remark
from precordia.datasets.aami import aami_beats
from precordia.datasets.dataset import Dataset

RPEAKS = "rpeaks"
#: columns of `Cohort.numbers`: which recording, where the piece begins, and what is marked in it
COLUMNS = ("recording", "start_s", "n_peaks", "sum_of_peaks_s")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkedPieces:
    """Pieces of recordings, and the R-peaks of the whole recordings.

    Attributes
    ----------
    cohort
        The pieces. ``numbers`` has the columns of `COLUMNS`.
    recordings
        Name of each recording.
    lengths_s
        Its length.
    peaks_s
        Its R-peaks, ascending.
    patients
        Whose it is.
    """

    cohort: Cohort
    recordings: tuple[str, ...]
    lengths_s: tuple[float, ...]
    peaks_s: tuple[Float[np.ndarray, " _"], ...]
    patients: tuple[str, ...]

    def near_peak(
        self, part: Cohort, n_samples: int, fs: float, reach_s: float
    ) -> Bool[np.ndarray, "piece sample"]:
        """Tell which samples of pieces are as near to an R-peak, and the nearest in any case.

        Examples
        --------
        >>> cohort = Cohort(database="", task="", classes=(), names=("a",), patients=("p",),
        ...     targets=np.zeros((1, 0)), read=lambda k: None, numbers=np.array([[0, 1.0, 1, 1.2]]))
        >>> marked = MarkedPieces(cohort=cohort, recordings=("a",), lengths_s=(2.0,),
        ...     peaks_s=(np.array([0.5, 1.2]),), patients=("p",))
        >>> np.flatnonzero(marked.near_peak(cohort, 10, 10.0, 0.0)[0])
        array([2])
        """
        found = np.zeros((len(part), n_samples), bool)
        for row, (recording, start, *_) in enumerate(part.numbers):
            places = (self.peaks_s[int(recording)] - start) * fs
            nearest = np.round(places).astype(int)
            reach = int(np.ceil(reach_s * fs))
            for step in range(-reach, reach + 1):
                at = nearest + step
                close = (np.abs(at - places) <= reach_s * fs + 1e-9) | (step == 0)
                inside = close & (at >= 0) & (at < n_samples)
                found[row, at[inside]] = True
        return found


def rpeak_pieces(dataset: Dataset, seconds: float) -> MarkedPieces:
    """Cut the recordings of a database, whose R-peaks are marked, into pieces.

    Parameters
    ----------
    dataset
        ``mitdb``, ``exercise_ecg``, or another with marked beats.
    seconds
        Length of a piece: that of the model's input.

    Returns
    -------
    Pieces from the first sample on, the last of which holds the last value beyond its recording's
    end; patients and folds are those of the recordings.

    Raises
    ------
    OptionError
        If the length is not positive.
    FormatError
        If no recording has a marked beat.

    Notes
    -----
    Marks of rhythm, noise and flutter waves are no beats, as in the division into AAMI classes.
    """
    if not 0 < seconds < np.inf:
        raise OptionError(f"pieces of {seconds} s were asked for; a positive length is needed.")
    items, peaks, lengths, owner, place, numbers = [], [], [], [], [], []
    for item in dataset.items:
        annotations = item.read_annotations()
        if annotations is None or not len(annotations):
            continue
        record = item.read()
        beats = np.sort(aami_beats(annotations)[0] / record.fs)
        length_s = record.n_samples / record.fs
        starts = np.arange(0, length_s, seconds)
        for start in starts:
            inside = beats[(beats >= start) & (beats < start + seconds)]
            numbers.append((len(items), start, len(inside), inside.sum()))
        owner += [len(items)] * len(starts)
        place += [round(start * record.fs) for start in starts]
        items.append(item)
        peaks.append(beats)
        lengths.append(length_s)
    if not items:
        raise FormatError(
            f"no recording of {dataset.card.name} has marked R-peaks; their annotation files are "
            f"needed beside the recordings in '{dataset.folder}'."
        )
    of = np.array(owner, int)
    pieces = Pieces(
        items=tuple(items), owner=of, place=np.array(place, int), seconds=seconds, before_s=0.0
    )
    text = f"{sum(map(len, peaks))} R-peaks in {len(of)} pieces of {len(items)} recordings"
    ages = np.array([item.patient.age_years for item in items], float)
    return MarkedPieces(
        cohort=Cohort(
            database=dataset.card.name,
            version=dataset.card.version,
            task=RPEAKS,
            classes=(),
            names=tuple(f"{items[k].name}@{n[1]:g}" for k, n in zip(of, numbers, strict=True)),
            patients=tuple(items[k].group for k in of),
            folds=tuple(items[k].fold for k in of),
            targets=np.zeros((len(of), 0)),
            numbers=np.array(numbers, float),
            ages=ages[of],
            sexes=tuple(items[k].patient.sex or "" for k in of),
            read=pieces.read,
            published=dict(dataset.card.folds),
            remarks=(*dataset.remarks, Remark(code="pieces", text=text)),
        ),
        recordings=tuple(item.name for item in items),
        lengths_s=tuple(lengths),
        peaks_s=tuple(peaks),
        patients=tuple(item.group for item in items),
    )
