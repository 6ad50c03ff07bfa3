# SPDX-License-Identifier: Apache-2.0
"""FHIR Observations that are written: accepted by the published models, and read again."""

from __future__ import annotations

import importlib
import json
import warnings
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest

from precordia.core.errors import OptionError, OutputError
from precordia.core.leads import STANDARD_12
from precordia.core.measurements import MedianBeat
from precordia.core.record import Annotations, Carried, Companion, Patient, Record
from precordia.core.statements import Statement
from precordia.io.read import read
from precordia.io.write import write

LEADS = (*STANDARD_12, "V3R", "left arm", "-aVR")


def full(**changes) -> Record:
    rng = np.random.default_rng(3)
    signal = (rng.normal(size=(15, 700)).cumsum(axis=1) * 0.02).astype(np.float32)
    signal[0, 30:50] = np.nan
    signal[4] = np.nan
    held = {
        "signal": signal,
        "fs": 257.0,
        "leads": LEADS,
        "origin": "synthetic",
        "start_time": datetime(2024, 1, 2, 3, 4, 5, 6),
        "patient": Patient(
            patient_id="77", name="A B", birth_date=date(1950, 1, 2), age_years=61.5, sex="male"
        ),
        "companions": (
            Companion(name="RESP", signal=np.sin(np.arange(99.0)), fs=125.0, unit="mmHg"),
            Companion(name="II", signal=np.ones(40), fs=257.0, unit="mV"),
            Companion(name="trigger", signal=np.array([0, np.nan, 1.0]), fs=333.3),
        ),
        "carried": Carried(
            measurements={"pr_ms": 160.5, "qtc_ms": 400.0, "pnn50_percent": 4.0, "lf_hf": 1.2},
            statements=(
                Statement(code="sinus rhythm"),
                Statement(code="426783006", scheme="snomed-ct", name="sinus rhythm"),
                Statement(code="SR", scheme="scp-ecg"),
            ),
            header={
                "device_model": "X1", "manufacturer": "M", "software_version": "1.0",
                "filter_highpass_hz": "0.05", "technician": "Zwiebelfisch",
            },
        ),
    }  # fmt: skip
    return Record(**(held | changes))


@pytest.fixture(params=["r4", "r5"])
def version(request):
    return request.param


@pytest.mark.filterwarnings("ignore")
def test_the_published_models_accept_what_is_written(tmp_path, version):
    pytest.importorskip("fhir.resources")
    module = {"r4": "fhir.resources.R4B.observation", "r5": "fhir.resources.observation"}[version]
    path = write(full(), tmp_path / "a.json", fhir_version=version, identifiers=True)
    model = importlib.import_module(module).Observation
    told = model.model_validate(json.loads(path.read_text(encoding="utf-8")))
    assert told.status == "final"
    assert {resource.id for resource in told.contained} == {"patient", "device"}
    data = told.component[0].valueSampledData
    expected = full().signal[0].astype(float) * 1000
    held = [np.nan if t == "E" else float(t) * float(data.factor) for t in data.data.split()]
    np.testing.assert_allclose(held, expected, atol=float(data.factor) / 2 + 1e-3)
    assert data.origin.code == "uV"
    interval = float(data.interval if version == "r5" else data.period)
    assert interval == pytest.approx(1000 / 257)


def test_everything_comes_back(tmp_path, version):
    record = full()
    path = write(record, tmp_path / "a.json", fhir_version=version, identifiers=True)
    back = read(path)
    assert (back.leads, back.fs, back.origin) == (LEADS, 257.0, "synthetic")
    np.testing.assert_allclose(back.signal, record.signal, atol=2e-5)
    assert back.start_time == record.start_time
    assert back.patient == record.patient
    assert back.carried.measurements == record.carried.measurements
    assert [(s.scheme, s.code, s.name) for s in back.carried.statements] == [
        (s.scheme, s.code, s.name) for s in record.carried.statements
    ]
    for key in ("device_model", "manufacturer", "software_version", "filter_highpass_hz"):
        assert back.carried.header[key] == record.carried.header[key]
    for one, other in zip(back.companions, record.companions, strict=True):
        assert (one.name, one.fs, one.unit) == (other.name, other.fs, other.unit)
        np.testing.assert_allclose(one.signal, other.signal, atol=1e-5)
    assert {remark.code for remark in back.remarks} <= {"leads-inconsistent", "lead-missing"}


def test_nobody_is_named_without_being_asked(tmp_path):
    text = write(full(), tmp_path / "a.json").read_text(encoding="utf-8")
    told = json.loads(text)
    person = next(r for r in told["contained"] if r["resourceType"] == "Patient")
    assert person == {"resourceType": "Patient", "id": "patient", "gender": "male"}
    assert "Zwiebelfisch" not in text
    assert "1950-01" not in text


def test_a_start_with_a_time_zone_is_one_moment(tmp_path):
    start = datetime(2024, 1, 2, 3, 4, 5, 250_000, tzinfo=timezone(timedelta(hours=-3)))
    path = write(full(start_time=start), tmp_path / "a.json")
    assert json.loads(path.read_text())["effectiveDateTime"] == "2024-01-02T03:04:05.250000-03:00"
    assert read(path).start_time == start


def test_a_start_without_a_time_zone_gets_none(tmp_path):
    path = write(full(), tmp_path / "a.json")
    told = json.loads(path.read_text())
    assert told["effectiveDateTime"] == "2024-01-02"
    times = [c["valueTime"] for c in told["component"] if "valueTime" in c]
    assert times == ["03:04:05.000006"]
    assert read(path).start_time == datetime(2024, 1, 2, 3, 4, 5, 6)


def test_steps_of_a_usual_converter_are_kept(tmp_path):
    signal = np.arange(-5, 5)[np.newaxis] * 0.0025
    told = json.loads(write(Record(signal=signal, fs=500, leads=("II",)), tmp_path / "a.json")
                      .read_text())["component"][0]["valueSampledData"]  # fmt: skip
    assert told["factor"] == 2.5
    assert told["data"] == "-5 -4 -3 -2 -1 0 1 2 3 4"
    assert (told["interval"], told["intervalUnit"]) == (2, "ms")


@pytest.mark.parametrize("fs", [100, 128, 257, 333.3, 360, 499.9999, 512, 1000 / 3, 8000, 0.1])
def test_any_rate_comes_back_exactly(tmp_path, version, fs):
    record = Record(signal=np.zeros((1, 5)), fs=fs, leads=("II",))
    assert read(write(record, tmp_path / "a.json", fhir_version=version)).fs == record.fs


def test_what_is_lost_is_named(tmp_path):
    carried = Carried(
        annotations=Annotations(sample=np.array([5]), symbol=("N",)),
        median=MedianBeat(signal=np.zeros((1, 9)), fs=500.0, leads=("II",)),
        statements=(Statement(code="SR", scheme="scp-ecg", likelihood=80.0),),
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write(full(carried=carried), tmp_path / "a.json")
    said = str(caught[0].message)
    assert all(word in said for word in ("annotations", "median", "likelihoods"))


def test_nothing_is_said_where_nothing_is_lost(tmp_path):
    write(full(), tmp_path / "a.json")


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(OptionError, match="r4"):
        write(full(), tmp_path / "a.json", fhir_version="r3")
    with pytest.raises(OutputError, match="JSON"):
        write(full(), tmp_path / "a.xml", format="fhir")
    with pytest.raises(OutputError, match="no samples"):
        write(Record(signal=np.zeros((1, 0)), fs=500, leads=("II",)), tmp_path / "a.json")
