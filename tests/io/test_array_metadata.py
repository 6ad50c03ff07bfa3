# SPDX-License-Identifier: Apache-2.0
"""Everything of a record but its samples survives as a text."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import numpy as np
import pytest

from precordia.core.errors import FormatError
from precordia.core.record import Annotations, Carried, Companion, Patient, Record, Remark
from precordia.core.statements import Statement
from precordia.io.array_metadata import metadata_of, parse_metadata


def rich() -> Record:
    return Record(
        signal=np.zeros((2, 50)), fs=257.3, leads=("I", "Brust (links)"),
        patient=Patient(patient_id="P7", name="Doe", birth_date=date(1950, 1, 2), age_years=70.5,
                        sex="male"),
        start_time=datetime(2020, 1, 2, 3, 4, 5, 678, UTC), origin="synthetic",
        carried=Carried(
            measurements={"pr_ms": 160.0}, statements=(Statement(code="NORM", scheme="scp-ecg"),),
            annotations=Annotations(sample=np.array([3, 9]), symbol=("N", "V")),
            header={"manufacturer": "M", "physician": "Dr. Who"},
        ),
        companions=(Companion(name="PLETH", signal=np.ones(5), fs=25.0, unit="NU"),),
        remarks=(Remark(code="leads-derived", text="Derived."),
                 Remark(code="amplitude-implausible", text="Too large.")),
    )  # fmt: skip


def there_and_back(record, **options):
    text = metadata_of(record, companion_arrays=["c1"], lost=[], **options)
    return parse_metadata(text, name="a.npz")


def test_all_comes_back_with_identifiers():
    found = there_and_back(rich(), identifiers=True)
    ours, theirs = rich().to_dict(), found.hollow.to_dict()
    for key in ("fs", "leads", "patient", "start_time", "origin", "carried"):
        assert theirs[key] == ours[key], key
    companion = found.companion(0, np.ones(5))
    assert (companion.name, companion.fs, companion.unit) == ("PLETH", 25.0, "NU")


def test_identifiers_are_left_out_and_named():
    lost = []
    text = metadata_of(rich(), identifiers=False, companion_arrays=["c1"], lost=lost)
    for private in ("P7", "Doe", "1950", "Dr. Who"):
        assert private not in text
    assert "physician" in lost[0]
    found = parse_metadata(text, name="a").hollow
    assert found.carried.header == {"manufacturer": "M"}
    assert (found.patient.age_years, found.patient.sex) == (70.5, "male")


def test_remarks_that_reading_finds_again_are_not_kept():
    assert [r.code for r in there_and_back(rich(), identifiers=True).hollow.remarks] == [
        "leads-derived"
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "precordia record, version 9"},
        {"fs": -1}, {"fs": 1e400}, {"fs": None}, {"fs": 10**400}, {"leads": 5},
        {"leads": ["I", "I"]},
        {"companions": 3}, {"companions": [{"name": "x"}]}, {"patient": []}, {"origin": "dreamt"},
        {"carried": {"annotations": {"sample": [1], "symbol": []}}}, {"start_time": "yesterday"},
        {"companions": [{"name": "x", "fs": -3, "unit": "", "array": "c"}]},
    ],
)  # fmt: skip
def test_a_damaged_text_is_refused(change):
    text = metadata_of(rich(), identifiers=True, companion_arrays=["c1"], lost=[])
    with pytest.raises(FormatError):
        parse_metadata(json.dumps(json.loads(text) | change), name="a")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "[" * 100_000, '{"kind": {}}'])
def test_what_is_no_such_text_is_refused(text):
    with pytest.raises(FormatError):
        parse_metadata(text, name="a")
