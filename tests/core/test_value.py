# SPDX-License-Identifier: Apache-2.0
"""Every value goes to JSON and back without loss, and refuses what is not its own."""

import dataclasses
import json
import math
from datetime import date, datetime

import numpy as np
import pytest

from precordia.core.claims import Claim
from precordia.core.errors import FormatError, PrecordiaError
from precordia.core.fiducials import CONFIDENCES, POSITIONS, Fiducials, empty_waves
from precordia.core.findings import Abstention, Finding, Findings
from precordia.core.leads import STANDARD_12
from precordia.core.measurements import (
    Absence,
    BeatKind,
    LeadMeasurements,
    Measurements,
    MedianBeat,
    empty_beats,
)
from precordia.core.quality import LeadQuality, Quality, QualityReason
from precordia.core.record import (
    Annotations,
    Carried,
    Companion,
    Patient,
    Record,
    Remark,
)
from precordia.core.source import Source
from precordia.core.statements import Statement
from precordia.core.study import Study


def _fiducials() -> Fiducials:
    rows = {name: np.array([1.5, np.nan, 4000.0]) for name in (*POSITIONS, *CONFIDENCES)}
    return Fiducials(fs=500, n_samples=5000, leads={"I": empty_waves(3)}, **rows)


def _record() -> Record:
    rng = np.random.default_rng(1)
    signal = rng.normal(size=(12, 5000)).astype(np.float32)
    signal[3, 10:20] = np.nan
    carried = Carried(
        measurements={"pr_ms": 160.0, "qrs_ms": math.nan},
        statements=(Statement(code="SR", scheme="scp-ecg", name="sinus rhythm"),),
        annotations=Annotations(sample=np.array([5, 9]), symbol=("N", "V"), aux=("", "(AFIB")),
        fiducials=_fiducials(),
        median=MedianBeat(signal=signal[:, :300], fs=500.0, leads=STANDARD_12, n_beats=9),
        header={"Age": "63"},
    )
    return Record(
        signal=signal,
        fs=500,
        leads=STANDARD_12,
        patient=Patient(
            patient_id="ID-4711", age_years=63, sex="female", birth_date=date(1960, 2, 29)
        ),
        start_time=datetime(2020, 1, 2, 3, 4, 5, 678900),
        carried=carried,
        companions=(Companion(name="PLETH", signal=np.arange(4.0), fs=125.0, unit="NU"),),
        remarks=(Remark(code="x", text="A remark.", leads=("V1",)),),
        source=Source(method="read:test", version="1", parameters={"unit": "mV", "n": 3}),
    )


def _measurements() -> Measurements:
    return Measurements(
        heart_rate_bpm=61.25,
        absent={"pr_ms": Absence.NO_P_WAVE},
        leads={"I": LeadMeasurements(r_mv=0.1 + 0.2, absent={"q_mv": Absence.NO_WAVE})},
        beats=dataclasses.replace(
            empty_beats(),
            kind=(BeatKind.NORMAL, BeatKind.VENTRICULAR),
            **{
                f.name: np.array([1.0, np.nan])
                for f in dataclasses.fields(empty_beats())
                if f.name != "kind"
            },
        ),
    )


def _quality() -> Quality:
    lead = LeadQuality(usable=False, score=0.1, reasons=(QualityReason.MUSCLE,), indices={"a": 1.0})
    return Quality(acceptable=True, score=0.9, reasons=(QualityReason.MAINS,), leads={"V1": lead})


def _findings() -> Findings:
    claim = Claim(measure="pr_ms", value=212.0, relation=">", limit=200, unit="ms", lead="II")
    finding = Finding(
        code="1AVB",
        name="first-degree AV block",
        probability=1.0,
        method="rules",
        claims=(claim,),
        leads=("II",),
        beats=(0, 1),
        codes={"snomed-ct": "270492004"},
    )
    return Findings(
        findings=(finding,), abstained=(Abstention(code="LVH", name="LVH", reason="no mV"),)
    )


VALUES = {
    "record": _record(),
    "fiducials": _fiducials(),
    "measurements": _measurements(),
    "quality": _quality(),
    "findings": _findings(),
    "study": Study(
        record=_record(),
        quality=_quality(),
        fiducials=_fiducials(),
        measurements=_measurements(),
        findings=_findings(),
    ),
}


def _same(a: object, b: object) -> bool:
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(
            _same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a)
        )
    if isinstance(a, np.ndarray):
        return (
            isinstance(b, np.ndarray)
            and a.dtype == b.dtype
            and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        )
    if isinstance(a, int | float) and not isinstance(a, bool):
        return isinstance(b, int | float) and (a == b or (math.isnan(a) and math.isnan(b)))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_from_json_as_it_was(name):
    value = VALUES[name]
    text = value.to_json()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert _same(value, type(value).from_json(text))


@pytest.mark.parametrize("name", VALUES)
def test_a_value_equals_what_comes_back_and_nothing_else(name):
    value = VALUES[name]
    back = type(value).from_json(value.to_json())
    assert value == back
    assert value != value.to_dict()
    assert all(value != other for key, other in VALUES.items() if key != name)


def test_one_sample_makes_another_record():
    record = VALUES["record"]
    other = record.signal.copy()
    other[0, 3] += 1
    assert record != dataclasses.replace(record, signal=other)
    assert record != dataclasses.replace(record, signal=record.signal[:, :-1])


def test_absent_numbers_are_equal_and_hash_alike():
    one, other = (
        Claim(measure="qrs_ms", value=math.nan),
        Claim(measure="qrs_ms", value=float("nan")),
    )
    assert one == other
    assert len({one, other}) == 1
    assert one != Claim(measure="qrs_ms", value=0.0)


@pytest.mark.parametrize("name", VALUES)
def test_a_value_at_a_prompt_is_one_line(name):
    shown = repr(VALUES[name])
    assert shown.startswith(type(VALUES[name]).__name__ + "(")
    assert "\n" not in shown
    assert len(shown) < 700


@pytest.mark.parametrize("name", VALUES)
def test_a_value_prints_something_short(name):
    assert 10 < len(str(VALUES[name])) < 4000


def test_identifiers_stay_out_of_the_printed_form():
    record = VALUES["record"]
    assert record.patient.patient_id == "ID-4711"
    shown = repr(record.patient) + repr(record) + str(VALUES["study"])
    assert "4711" not in shown
    assert "1960" not in shown


_BAD_ARRAYS = (
    '{"shape": [1, 9], "dtype": "<f4", "base64": "AAAA"}',
    '{"shape": [1], "dtype": "O", "base64": "AAAA"}',
    '{"shape": [1, 1], "dtype": "<f4", "base64": "!"}',
    "3",
)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "3", "{}", "{" * 100_000),
        *(f'{{"signal": {array}, "fs": 500, "leads": ["I"]}}' for array in _BAD_ARRAYS),
    ],
)
def test_json_of_something_else_is_refused_with_a_sentence(text):
    with pytest.raises(PrecordiaError, match=r"\w+ \w+"):
        Record.from_json(text)


def test_a_damaged_number_is_refused():
    data = json.loads(VALUES["quality"].to_json())
    data["score"] = "high"
    with pytest.raises(FormatError):
        Quality.from_dict(data)
