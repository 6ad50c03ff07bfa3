# SPDX-License-Identifier: Apache-2.0
"""What every writer owes: half a step of the signal, and everything kept or named as lost."""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from datetime import date, datetime

import numpy as np
import pytest

from precordia.core.errors import OutputError
from precordia.core.leads import STANDARD_12
from precordia.core.record import Annotations, Carried, Companion, Patient, Record
from precordia.core.statements import Statement
from precordia.io.formats import FORMATS
from precordia.io.read import read
from precordia.io.reader_table import load_function
from precordia.io.write import write

WRITTEN = [row for row in FORMATS if row.writer is not None and row.reader is not None]
WHO = Patient(
    patient_id="4711-X", name="Quastenflosser Wilhelmina", birth_date=date(1961, 7, 9),
    age_years=63.0, sex="female",
)  # fmt: skip


def record(**changes) -> Record:
    rng = np.random.default_rng(5)
    limb = rng.normal(size=(2, 2500)).cumsum(axis=1) * 0.02
    limb -= limb.mean(axis=1, keepdims=True)
    rest = rng.normal(size=(6, 2500)).cumsum(axis=1) * 0.02
    one, two = limb
    derived = [two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    signal = np.stack([one, two, *derived, *(rest - rest.mean(axis=1, keepdims=True))])
    held = {"signal": signal, "fs": 500.0, "leads": STANDARD_12}
    return Record(**(held | changes))


@pytest.fixture(params=WRITTEN, ids=lambda row: row.name)
def row(request):
    return request.param


@pytest.fixture
def there_and_back(row, tmp_path):
    """Write and read again; give the record and what the warnings say."""

    def go(told: Record, **options):
        takes = inspect.signature(load_function(row.writer)).parameters
        options = {k: v for k, v in options.items() if k in takes}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            path = write(told, tmp_path / f"a{row.suffixes[0]}", format=row.name, **options)
        return read(path), " ".join(str(w.message) for w in caught).lower()

    return go


def test_signal_comes_back_within_half_a_step(there_and_back):
    told = record()
    back, _ = there_and_back(told)
    step = float(np.ptp(told.signal)) / 2**15
    np.testing.assert_allclose(back.signal, told.signal, atol=max(step, 0.00125) + 1e-6)


def test_fine_signals_are_not_written_coarsely(there_and_back):
    """A signal of 0.2 mV keeps steps of 2.5 µV or less."""
    told = record()
    told = dataclasses.replace(told, signal=told.signal * (0.1 / np.abs(told.signal).max()))
    back, _ = there_and_back(told)
    assert np.abs(back.signal - told.signal).max() <= 0.00125 + 1e-6


def test_start_time_is_kept_to_the_second_at_least(there_and_back):
    start = datetime(2024, 11, 5, 13, 37, 21, 250_000)
    back, said = there_and_back(record(start_time=start))
    assert back.start_time is not None
    apart = abs((back.start_time.replace(tzinfo=None) - start).total_seconds())
    assert apart < 0.001 or (apart < 1 and "second" in said)


def test_an_unknown_start_time_stays_unknown(there_and_back):
    back, _ = there_and_back(record())
    assert back.start_time is None


def test_age_and_sex_are_kept(there_and_back):
    back, _ = there_and_back(record(patient=Patient(age_years=63.0, sex="female")))
    assert (back.patient.age_years, back.patient.sex) == (63.0, "female")


def test_identifiers_are_written_only_when_told(there_and_back, row, tmp_path):
    back, _ = there_and_back(record(patient=WHO))
    assert back.patient.name is None
    assert back.patient.patient_id is None
    assert back.patient.birth_date is None
    for path in tmp_path.iterdir():
        content = path.read_bytes().lower()
        assert not any(w in content for w in (b"quasten", b"4711-x", b"1961-07", b"19610709"))


def test_identifiers_are_kept_when_told(there_and_back):
    back, said = there_and_back(record(patient=WHO), identifiers=True)
    assert back.patient.patient_id == WHO.patient_id or "identifier" in said
    words = set((back.patient.name or "").replace("^", " ").split())
    assert words == set(WHO.name.split()) or "name" in said
    assert back.patient.birth_date == WHO.birth_date or "birth" in said


def test_statements_are_kept_or_named_as_lost(there_and_back):
    said_there = ("sinus rhythm", "left axis deviation; ≥ 2 mm, ST & T <normal>")
    carried = Carried(statements=tuple(Statement(code=text) for text in said_there))
    back, said = there_and_back(record(carried=carried))
    texts = " ".join(s.code for s in back.carried.statements)
    assert all(text in texts for text in said_there) or "statement" in said


def test_coded_statements_keep_their_scheme_or_the_loss_is_named(there_and_back):
    coded = Statement(code="426783006", scheme="snomed-ct", name="sinus rhythm")
    back, said = there_and_back(record(carried=Carried(statements=(coded,))))
    kept = [(s.code, s.scheme) for s in back.carried.statements]
    assert ("426783006", "snomed-ct") in kept or "statement" in said


def test_measurements_of_the_device_are_kept_or_named_as_lost(there_and_back):
    numbers = {"heart_rate_bpm": 61.0, "pr_ms": 160.0, "qrs_ms": 92.0, "qrs_axis_deg": -31.0}
    back, said = there_and_back(record(carried=Carried(measurements=numbers)))
    held = back.carried.measurements
    assert all(held.get(k) == v for k, v in numbers.items()) or "measurement" in said


def test_annotations_are_kept_or_named_as_lost(there_and_back):
    marks = Annotations(sample=np.array([400, 900, 1400]), symbol=("N", "V", "N"))
    back, said = there_and_back(record(carried=Carried(annotations=marks)))
    held = back.carried.annotations
    kept = held is not None and held.symbol == marks.symbol
    kept = kept and np.abs(held.sample - marks.sample).max() <= 1
    assert kept or "annotation" in said


def test_companions_are_kept_or_named_as_lost(there_and_back):
    other = Companion(name="RESP", signal=np.sin(np.arange(625) / 20.0), fs=125.0, unit="mmHg")
    back, said = there_and_back(record(companions=(other,)))
    kept = [c for c in back.companions if c.name == "RESP" and c.fs == 125.0 and c.unit == "mmHg"]
    if kept:
        np.testing.assert_allclose(kept[0].signal, other.signal, atol=1e-3)
    assert kept or "companion" in said or "resp" in said


@pytest.mark.parametrize("origin", ["synthetic", "estimated"])
def test_what_was_not_measured_says_so_or_the_loss_is_named(there_and_back, origin):
    back, said = there_and_back(record(origin=origin))
    assert back.origin == origin or origin in said


def test_leads_of_any_name_and_number_come_back(there_and_back):
    rng = np.random.default_rng(2)
    signal = (rng.normal(size=(3, 2500)).cumsum(axis=1) * 0.01).astype(np.float32)
    told = record(signal=signal, leads=("V3R", "left arm", "II"))
    back, said = there_and_back(told)
    assert back.leads == told.leads or "left arm" in said


def test_values_beyond_the_format_are_refused_or_kept(there_and_back):
    told = record()
    signal = np.array(told.signal)
    signal[0, 100] = 400.0
    try:
        back, _ = there_and_back(dataclasses.replace(told, signal=signal))
    except OutputError:
        return
    assert back.signal[0, 100] == pytest.approx(400.0, rel=1e-3)


def test_an_existing_file_is_left_as_it_is(row, tmp_path):
    path = tmp_path / f"a{row.suffixes[0]}"
    path.write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        write(record(), path, format=row.name)
    assert path.read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
