# SPDX-License-Identifier: Apache-2.0
"""Windows of recordings to pretrain on, with whose they are and what an objective needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from precordia.core.errors import OptionError
from precordia.core.input_spec import InputSpec
from precordia.core.record import Remark
from precordia.training.absent_leads import remark_absent_leads
from precordia.training.group_order import Choice
from precordia.training.kept_back import rows_for_pretraining
from precordia.training.named_twice import rows_once
from precordia.training.prepared_strips import STRETCH_S, PreparedStrips, prepare_strips
from precordia.training.record_source import (
    RecordSource,
    source_from_dataset,
    source_from_store,
)
from precordia.training.strip_rpeaks import rpeaks_of_strips
from precordia.training.unlabelled_batch import UnlabelledBatch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnlabelledSource:
    """Recordings of one or several stores, prepared for one model.

    Attributes
    ----------
    spec
        What the model takes.
    parts
        Prepared stretches of each source.
    part, first, count
        Part of each stretch, its first strip there, and how many strips it has.
    patients, records
        Number of the patient and of the recording of each stretch; a patient has the same number
        wherever he was recorded.
    ages, males
        Of each stretch; NaN where unknown.
    rpeaks
        R-peaks of each strip of each part; None unless they were asked for.
    together
        Windows that are cut from a stretch, one after the other.
    databases, content
        Where recordings come from, and digits that change with them.
    about
        Counts of recordings and patients of each source, for the model's card.
    remarks
        What was noticed.
    """

    spec: InputSpec
    parts: tuple[PreparedStrips, ...]
    part: Int[np.ndarray, " stretch"]
    first: Int[np.ndarray, " stretch"]
    count: Int[np.ndarray, " stretch"]
    patients: Int[np.ndarray, " stretch"]
    records: Int[np.ndarray, " stretch"]
    ages: Float[np.ndarray, " stretch"]
    males: Float[np.ndarray, " stretch"]
    rpeaks: tuple[Sequence[np.ndarray], ...] | None
    together: int
    databases: tuple[str, ...]
    content: str
    about: tuple[dict[str, Any], ...]
    remarks: tuple[Remark, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.part)

    @property
    def n_records(self) -> int:
        """Recordings that windows come from."""
        return len(np.unique(self.records))

    @property
    def n_patients(self) -> int:
        """Patients that windows come from."""
        return len(np.unique(self.patients))

    def batch(self, choice: Choice) -> UnlabelledBatch:
        """Cut the windows of a batch."""
        n, spec, wide = len(choice.stretches), self.spec, self.spec.n_samples
        windows = np.empty((n, self.together, spec.n_leads, wide), np.float32)
        starts = np.empty((n, self.together), np.int64)
        present = np.empty((n, self.together, spec.n_leads), bool)
        peaks: list[np.ndarray] = []
        for k, (stretch, place) in enumerate(zip(choice.stretches, choice.places, strict=True)):
            number = int(self.part[stretch])
            part = self.parts[number]
            for j, (strip, start) in enumerate(self._cuts(part, int(stretch), float(place))):
                part.cut(strip, start, wide, windows[k, j])
                starts[k, j] = part.start[strip] + start
                present[k, j] = part.present[strip]
                if self.rpeaks is not None:
                    beats = self.rpeaks[number][strip] - start
                    peaks.append(beats[(beats >= 0) & (beats < wide)])
        rows = np.repeat(choice.stretches, self.together)
        return UnlabelledBatch(
            windows=torch.from_numpy(windows.reshape(-1, spec.n_leads, wide)),
            present=torch.from_numpy(present.reshape(-1, spec.n_leads)),
            patients=torch.from_numpy(self.patients[rows]),
            records=torch.from_numpy(self.records[rows]),
            starts=torch.from_numpy(starts.reshape(-1)),
            fs=spec.fs,
            leads=spec.leads,
            ages=torch.from_numpy(self.ages[rows]),
            males=torch.from_numpy(self.males[rows]),
            rpeaks=None
            if self.rpeaks is None
            else tuple(torch.from_numpy(np.asarray(p, np.int64)) for p in peaks),
        )

    def _cuts(self, part: PreparedStrips, stretch: int, place: float) -> list[tuple[int, int]]:
        """Return strip and first sample of each window of a stretch."""
        wide, first, count = self.spec.n_samples, int(self.first[stretch]), int(self.count[stretch])
        if part.length[first] > wide or count == 1:
            free = int(part.length[first]) - wide * self.together
            start = int(place * (free + 1))
            return [(first, start + k * wide) for k in range(self.together)]
        ahead = 2 * (self.together - 1)  # strips lie half a window apart
        strip = first + int(place * (count - ahead))
        return [(strip + 2 * k, 0) for k in range(self.together)]

    def n_lone_patients(self) -> int:
        """Return how many patients have one stretch alone that holds one window alone."""
        _, whose, counts = np.unique(self.patients, return_inverse=True, return_counts=True)
        lengths = [self.parts[p].length[k] for p, k in zip(self.part, self.first, strict=True)]
        narrow = (np.array(lengths) <= self.spec.n_samples) & (self.count == 1)
        return int((narrow & (counts[whose] == 1)).sum())


def open_unlabelled(
    data: Sequence[str | Path | RecordSource],
    spec: InputSpec,
    cache: str | Path,
    *,
    folds: Sequence[str] = (),
    together: int = 1,
    rpeaks: bool = False,
    stretch_s: float = STRETCH_S,
    trust_scale: bool = False,
    n_jobs: int = 1,
    wait: bool = False,
    watch: Callable[[int, int, str], None] | None = None,
) -> UnlabelledSource:
    """Prepare recordings to pretrain on, or find that this was done before.

    Parameters
    ----------
    data
        Folders of stores, ``"database:folder"`` for the files of a database, or sources.
    spec
        What the model takes.
    cache
        Folder of folders for what was prepared.
    folds
        Folds to learn from; by default those published for training, see
        `precordia.training.kept_back.rows_for_pretraining`.
    together
        Windows that are cut from a stretch, one after the other.
    rpeaks
        Find R-peaks too.
    stretch_s, trust_scale, n_jobs, wait, watch
        As for `precordia.training.prepared_strips.prepare_strips`.

    Raises
    ------
    OptionError
        If nothing is left to learn from, or no recording is long enough.
    """
    if not data:
        raise OptionError("no recordings were named; name a store (data=, --data).")
    sources = [held if isinstance(held, RecordSource) else source_of_words(held) for held in data]
    rows, remarks = rows_for_pretraining(sources, folds)
    rows, doubled = rows_once(sources, rows)
    remarks += doubled
    used = [s.of(r) for s, r in zip(sources, rows, strict=True) if len(r)]
    parts = []
    for source in used:
        parts.append(
            prepare_strips(
                source,
                spec,
                cache,
                stretch_s=max(stretch_s, together * spec.seconds),
                trust_scale=trust_scale,
                n_jobs=n_jobs,
                wait=wait,
                watch=watch,
            )
        )
        remarks += _left_out(parts[-1])
    remarks += [remark for source in used for remark in source.remarks]
    before = np.cumsum([0, *map(len, used)])
    numbers = [part.record + n for part, n in zip(parts, before, strict=False)]
    present = np.concatenate([part.present for part in parts])
    remarks += remark_absent_leads(present, np.concatenate(numbers), spec.leads)
    joined = _joined(used, parts, spec, together)
    if rpeaks:
        found = [rpeaks_of_strips(part, spec, wait=wait, watch=watch) for part in parts]
        joined = replace(joined, rpeaks=tuple(found))
    return replace(joined, remarks=(*remarks, *joined.remarks))


def source_of_words(words: str | Path) -> RecordSource:
    """Take a store by its folder, or the files of a database as ``"database:folder"``.

    Raises
    ------
    MissingFileError
        If there is no such folder.
    UnknownNameError
        If there is no such database.
    """
    name, colon, folder = str(words).partition(":")
    if colon and not Path(words).exists():
        return source_from_dataset(name, folder)
    return source_from_store(words)


def _joined(
    sources: list[RecordSource], parts: list[PreparedStrips], spec: InputSpec, together: int
) -> UnlabelledSource:
    known: dict[str, int] = {}
    columns: dict[str, list[np.ndarray]] = {
        k: [] for k in ("part", "first", "count", "patients", "records", "ages", "males")
    }
    about, n_records, n_short = [], 0, 0
    for number, (source, part) in enumerate(zip(sources, parts, strict=True)):
        _, first, count = np.unique(part.stretch, return_index=True, return_counts=True)
        fits = _room(part, first, count, spec) >= together
        n_short += int((~fits).sum())
        first, count = first[fits], count[fits]
        rows = part.record[first]
        numbers = [known.setdefault(key, len(known)) for key in source.patient_keys]
        columns["part"].append(np.full(len(first), number))
        columns["first"].append(first)
        columns["count"].append(count)
        columns["patients"].append(np.array(numbers, np.int64)[rows])
        columns["records"].append(rows + n_records)
        columns["ages"].append(source.ages[rows].astype(np.float32))
        columns["males"].append(source.males[rows].astype(np.float32))
        n_records += len(source)
        taken = np.unique(rows)
        about.append(
            {
                "databases": list(source.databases),
                "n_records": len(taken),
                "n_patients": len({source.patients[k] for k in taken}),
                "folds": sorted({source.folds[k] for k in taken} - {""}),
            }
        )
    held = {name: np.concatenate(found) for name, found in columns.items()}
    if not len(held["part"]):
        raise OptionError(
            f"{together} windows of {spec.seconds:g} s are taken from each recording, one after "
            f"the other, and none is that long. Use shorter windows (seconds=, --set "
            f"input.seconds={spec.seconds / together:g}), or longer recordings."
        )
    remarks = []
    if n_short:
        text = f"{n_short} recordings are shorter than {together} windows; left out."
        remarks.append(Remark(code="recordings-too-short", text=text))
    return UnlabelledSource(
        spec=spec,
        parts=tuple(parts),
        rpeaks=None,
        together=together,
        databases=tuple(dict.fromkeys(d for source in sources for d in source.databases)),
        content=" ".join(source.fingerprint for source in sources),
        about=tuple(about),
        remarks=tuple(remarks),
        **held,
    )


def _room(
    part: PreparedStrips, first: np.ndarray, count: np.ndarray, spec: InputSpec
) -> Int[np.ndarray, " stretch"]:
    """Return how many windows, one after the other, each stretch holds."""
    whole = part.length[first] // spec.n_samples
    return np.where(count > 1, (count - 1) // 2 + 1, whole)


def _left_out(part: PreparedStrips) -> list[Remark]:
    if not part.left_out:
        return []
    name, reason = next(iter(part.left_out.items()))
    text = f"{len(part.left_out)} records were left out, such as '{name}': {reason}"
    return [Remark(code="records-left-out", text=text)]
