# SPDX-License-Identifier: Apache-2.0
"""Windows of recordings with a class for each sample: background, P, QRS, T."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError, PrecordiaError, SignalError
from precordia.core.input_spec import ANY_LEAD, InputSpec
from precordia.core.prepared import Prepared
from precordia.core.record import Record, Remark
from precordia.delineation.reference_waves import Wave, join_leads
from precordia.delineation.sample_waves import SAMPLE_CLASSES, classes_of_samples
from precordia.embedding.prepare import prepare
from precordia.training.record_source import RecordSource
from precordia.training.training_set import TrainingSet
from precordia.training.wave_marks import WaveMarks
from precordia.workers import LOST, over_all

#: recordings that travel to a process together
_TOGETHER = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WaveWindows:
    """What one recording gave.

    Attributes
    ----------
    windows, labels
        The windows, and the class of each of their samples; NaN is unknown.
    leads
        What was in each window: a lead, or "all".
    present
        Which leads were recorded.
    """

    windows: Float[np.ndarray, "window lead sample"]
    labels: Float[np.ndarray, "window sample"]
    leads: tuple[str, ...]
    present: tuple[bool, ...]


def wave_windows(
    record: Record, waves: dict[str, tuple[Wave, ...]], spec: InputSpec
) -> WaveWindows:
    """Cut a recording into windows with a class for each sample.

    Parameters
    ----------
    record
        The recording.
    waves
        Marked waves of each lead.
    spec
        What the model takes. One lead of any name: each marked lead gives windows of its own. One
        named lead: its marks. Several: windows of all, with the marks of all joined, waves being
        those that half of the leads show.

    Raises
    ------
    SignalError, LeadError
        If the recording does not have what the spec needs.

    Examples
    --------
    >>> from precordia.generation.simulate import simulate
    >>> from precordia.training.usual_input import usual_input
    >>> record = simulate("sinus", fs=250, seed=1)
    >>> held = wave_windows(record, WaveMarks().of("one", record), usual_input(("any",), 250, 4))
    >>> held.windows.shape, held.labels.shape, held.leads[:2]
    ((12, 1, 1000), (12, 1000), ('I', 'II'))
    """
    if spec.leads == (ANY_LEAD,):
        made = [(lead, prepare(record, spec, lead=lead), waves[lead]) for lead in waves]
    else:
        there = [waves[lead] for lead in spec.leads if lead in waves]
        if not there:
            raise SignalError(
                f"none of {', '.join(spec.leads)} has marks; there are marks of {', '.join(waves)}."
            )
        least = (len(there) + 1) // 2
        joint = there[0] if len(there) == 1 else join_leads(there, record.fs, least=least)
        made = [("all", prepare(record, spec), joint)]
    labels = [_labels(held, marks, record.fs) for _, held, marks in made]
    return WaveWindows(
        windows=np.concatenate([held.windows for _, held, _ in made]),
        labels=np.concatenate(labels).astype(np.float32),
        leads=tuple(lead for lead, held, _ in made for _ in range(held.n_windows)),
        present=tuple(lead not in made[0][1].absent for lead in made[0][1].leads),
    )


def wave_sets(
    source: RecordSource,
    marks: WaveMarks,
    spec: InputSpec,
    parts: Sequence[str],
    *,
    classes: Sequence[str] = SAMPLE_CLASSES,
    n_jobs: int = 1,
    watch: Callable[[int, int, str], None] | None = None,
) -> tuple[tuple[TrainingSet, TrainingSet], list[Remark]]:
    """Return training and validation set of samples with classes.

    Parameters
    ----------
    source, marks
        Recordings and their marks.
    spec
        What the model takes.
    parts
        Part of each record.
    classes
        Background and the waves to learn; samples of other waves are background.
    n_jobs
        Processes.
    watch
        Is told how many are done, of how many, and a few words.

    Raises
    ------
    SignalError
        If no record gives a window; the first reason is told.
    OptionError
        If a part is empty.

    Notes
    -----
    Windows are held in memory, and prepared anew by each training.
    """
    held: list[WaveWindows | None] = []
    left_out: dict[str, str] = {}
    work = partial(_of_record, source, marks, spec)
    for number, result in over_all(work, range(len(source)), n_jobs=n_jobs, batch=_TOGETHER):
        made, reason = result or (None, LOST)
        held.append(made)
        if made is None:
            left_out[source.names[number]] = reason
        if watch is not None:
            watch(number + 1, len(source), "preparing windows")
    if left_out and len(left_out) == len(source):
        name, reason = next(iter(left_out.items()))
        raise SignalError(
            f"none of {len(source)} records has marked waves. The first, '{name}': {reason}"
        )
    sets = tuple(
        _set(source, [k for k, p in enumerate(parts) if p == part and held[k]], held, classes, part)
        for part in ("train", "validation")
    )
    remarks = []
    if left_out:
        name, reason = next(iter(left_out.items()))
        text = f"{len(left_out)} records were left out, such as '{name}': {reason}"
        remarks.append(Remark(code="records-left-out", text=text))
    return (sets[0], sets[1]), remarks


def _of_record(
    source: RecordSource, marks: WaveMarks, spec: InputSpec, number: int
) -> tuple[WaveWindows | None, str]:
    try:
        record = source.read(number)
        made = wave_windows(record, marks.of(source.names[number], record), spec)
    except PrecordiaError as error:
        return None, str(error)
    known = ~np.isnan(made.labels).all(axis=1)
    if not known.any():
        return None, "its windows lie where nothing is marked"
    leads = tuple(lead for lead, keep in zip(made.leads, known, strict=True) if keep)
    kept = WaveWindows(
        windows=made.windows[known], labels=made.labels[known], leads=leads, present=made.present
    )
    return kept, ""


def _labels(held: Prepared, marks: Sequence[Wave], fs: float) -> Float[np.ndarray, "window sample"]:
    """Return the class of each sample; NaN where a recording was lengthened."""
    labels = np.full((held.n_windows, held.windows.shape[-1]), np.nan)
    for row, (first, _), (start, stop) in zip(labels, held.covers, held.recorded, strict=True):
        instants = first + np.arange(stop - start) * (fs / held.fs)
        row[start:stop] = classes_of_samples(marks, instants)
    return labels


def _set(
    source: RecordSource,
    records: list[int],
    held: list[WaveWindows | None],
    classes: Sequence[str],
    part: str,
) -> TrainingSet:
    if not records:
        raise OptionError(
            f"no record of {source.title} with marked waves is in the part for {part}; choose "
            "other folds, shares, or more records."
        )
    few = [made for k in records if (made := held[k]) is not None]
    number = np.array([classes.index(c) if c in classes else 0 for c in SAMPLE_CLASSES], np.float32)
    labels = np.concatenate([w.labels for w in few])
    known = ~np.isnan(labels)
    labels[known] = number[labels[known].astype(int)]
    owner = [k for k, w in zip(records, few, strict=True) for _ in w.leads]
    window = [n for w in few for n in range(len(w.leads))]
    leads = [lead for w in few for lead in w.leads]
    present = np.concatenate([np.tile(w.present, (len(w.leads), 1)) for w in few])
    return TrainingSet(
        windows=np.concatenate([w.windows for w in few]),
        labels=labels,
        task="sample-classes",
        classes=tuple(classes),
        patients=[source.patients[k] for k in owner],
        folds=[source.folds[k] for k in owner],
        names=[
            f"{source.names[k]}: {lead}, window {n + 1}"
            for k, lead, n in zip(owner, leads, window, strict=True)
        ],
        present=None if present.all() else present,
    )
