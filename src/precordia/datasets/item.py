# SPDX-License-Identifier: Apache-2.0
"""One recording of a database, with everything the database says of it, read when asked for."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from precordia.core.record import NOBODY, Annotations, Patient, Record
from precordia.core.statements import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One recording of a database. Its signal is read by `read`, each time anew.

    Attributes
    ----------
    name
        Name of the record in its database.
    path
        File that `read` opens.
    patient
        Who was recorded, as the database says; ``patient.patient_id`` is None where it does not.
    known_as
        Key of the patient in every database that has recordings of the same person, such as
        ``"ptbxl-15709"``; empty where no other has.
    labels
        Targets of the chosen task.
    statements
        Everything that the database states, with its scheme.
    fold
        Published fold; empty where there is none.
    report
        Free text of the reader.
    facts
        Other entries of the database's table, as text.
    annotation
        Ending of the annotation file beside the record; empty where there is none.
    reading
        Options for `precordia.read`.
    finish
        What is done to the record after reading; None for nothing.
    open_signal
        Reads the signal in place of `precordia.read`, where a database has a form of its own.
    open_marks
        Reads marks of beats in place of an annotation file.
    """

    name: str
    path: Path
    patient: Patient = NOBODY
    known_as: str = ""
    labels: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    fold: str = ""
    report: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    annotation: str = ""
    reading: dict[str, Any] = field(default_factory=dict)
    finish: Callable[[Record], Record] | None = None
    open_signal: Callable[[], Record] | None = None
    open_marks: Callable[[], Annotations] | None = None

    @property
    def group(self) -> str:
        """Key of the patient for splits; the record itself where the patient is not known."""
        known = self.known_as or self.patient.patient_id
        return f"patient:{known}" if known else f"record:{self.name}"

    def read(self) -> Record:
        """Read the record; what the file lacks of the patient is taken from the table."""
        from precordia.io.read import read

        opening = self.open_signal
        record = read(self.path, **self.reading) if opening is None else opening()
        if self.finish is not None:
            record = self.finish(record)
        held = record.patient
        who = dataclasses.replace(
            held,
            patient_id=held.patient_id or self.patient.patient_id,
            age_years=self.patient.age_years if math.isnan(held.age_years) else held.age_years,
            sex=held.sex or self.patient.sex,
        )
        return record if who == held else dataclasses.replace(record, patient=who)

    def read_annotations(self) -> Annotations | None:
        """Read the annotations beside the record; None where there are none."""
        from precordia.io.wfdb_annotation import read_annotations

        if self.open_marks is not None:
            return self.open_marks()
        if not self.annotation:
            return None
        return read_annotations(self.path, self.annotation)

    def __repr__(self) -> str:
        said = ", ".join(self.labels) or "no label"
        return f"Item({self.name}, {said})"
