# SPDX-License-Identifier: Apache-2.0
"""What each format that is written brings back: found out by writing and reading again."""

from __future__ import annotations

import dataclasses
import inspect
import tempfile
import warnings
from datetime import date, datetime
from pathlib import Path

import numpy as np

from precordia.core.record import Annotations, Carried, Companion, Patient, Record
from precordia.core.statements import Statement
from precordia.delineation.delineate import delineate
from precordia.generation.simulate import simulate
from precordia.io.formats import FORMATS, Format
from precordia.io.read import read
from precordia.io.reader_table import load_function
from precordia.io.write import write
from precordia.measurement.measure import measure

ASPECTS = (
    *("start time", "age, sex", "identifiers", "statements", "codes", "measurements"),
    *("annotations", "waves", "median beat", "other signals", "gaps", "synthetic"),
)


def rich_record() -> Record:
    """Return a record that tells everything a record can tell."""
    made = simulate(seed=1)
    signal = np.array(made.signal)
    signal[:, 2000:2100] = np.nan
    plain = dataclasses.replace(made, carried=Carried())
    waves = delineate(plain)
    return dataclasses.replace(
        plain,
        signal=signal,
        start_time=datetime(2024, 5, 6, 7, 8, 9),
        patient=Patient(
            patient_id="4711", name="Doe Jane", birth_date=date(1960, 1, 2), age_years=64.0,
            sex="female",
        ),
        companions=(
            Companion(name="RESP", signal=np.sin(np.arange(1250) / 9), fs=125.0, unit="mmHg"),
        ),
        carried=Carried(
            measurements={"pr_ms": 160.0, "qrs_ms": 90.0},
            statements=(
                Statement(code="sinus rhythm"),
                Statement(code="426783006", scheme="snomed-ct", name="sinus rhythm"),
            ),
            annotations=Annotations(sample=np.array([500, 900]), symbol=("N", "V")),
            fiducials=waves,
            median=measure(plain, waves).median,
        ),
    )  # fmt: skip


def kept(row: Format) -> dict[str, bool]:
    """Tell what came back after writing and reading."""
    told = rich_record()
    takes = inspect.signature(load_function(row.writer or "")).parameters
    options = {"identifiers": True} if "identifiers" in takes else {}
    back = _round(told, row, options)
    if back is None:  # some formats refuse gaps
        whole = dataclasses.replace(told, signal=np.nan_to_num(told.signal))
        back = _round(whole, row, options) or whole
    held, said = back.carried, told.carried
    texts = {s.code for s in held.statements}
    nan = np.isnan(told.signal)
    return {
        "start time": back.start_time is not None,
        "age, sex": (back.patient.age_years, back.patient.sex) == (64.0, "female"),
        "identifiers": back.patient.patient_id == "4711" and bool(back.patient.name),
        "statements": any("sinus rhythm" in text for text in texts),
        "codes": any((s.code, s.scheme) == ("426783006", "snomed-ct") for s in held.statements),
        "measurements": all(held.measurements.get(k) == v for k, v in said.measurements.items()),
        "annotations": held.annotations is not None and "V" in held.annotations.symbol,
        "waves": held.fiducials is not None,
        "median beat": held.median is not None,
        "other signals": any(c.name == "RESP" and c.unit == "mmHg" for c in back.companions),
        "gaps": back.signal.shape == nan.shape and np.array_equal(np.isnan(back.signal), nan),
        "synthetic": back.origin == "synthetic",
    }


def _round(told: Record, row: Format, options: dict) -> Record | None:
    from precordia.core.errors import PrecordiaError

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return read(
                write(told, Path(folder, f"a{row.suffixes[0]}"), format=row.name, **options)
            )
        except PrecordiaError:
            return None


def rows() -> list[tuple[str, ...]]:
    """Return one row a format: a dot where the aspect comes back."""
    written = [row for row in FORMATS if row.writer and row.reader]
    return [
        (row.title, *("●" if held[aspect] else "–" for aspect in ASPECTS))
        for row in written
        for held in [kept(row)]
    ]
