# SPDX-License-Identifier: Apache-2.0
"""Four parts under one name, valid against the published schema, and of nobody."""

import json
import re
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest

from precordia.core.claims import Claim
from precordia.core.errors import OutputError
from precordia.core.record import Carried
from precordia.core.statements import Statement
from precordia.core.verify import verify
from precordia.io.read import read
from precordia.reporting.multimodal import (
    entry_id,
    multimodal_entry,
    multimodal_schema,
    write_multimodal,
)


def valid(entry):
    jsonschema = pytest.importorskip("jsonschema", reason="NO jsonschema: entries not validated")
    schema = multimodal_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(entry)


@pytest.mark.parametrize("language", ["en", "de"])
def test_entries_follow_the_schema(studies, unreadable, language):
    for study in (*studies.values(), unreadable):
        entry = multimodal_entry(study, entry_id(study), language=language)
        valid(json.loads(json.dumps(entry, allow_nan=False)))


def test_an_entry_that_lost_a_part_is_not_valid(sinus):
    jsonschema = pytest.importorskip("jsonschema", reason="NO jsonschema: entries not validated")
    entry = multimodal_entry(sinus, "a")
    for part in ("features", "interpretation", "signal"):
        short = {key: value for key, value in entry.items() if key != part}
        with pytest.raises(jsonschema.ValidationError, match=part):
            valid(short)


def test_the_claims_of_an_entry_can_be_checked_again(fibrillation):
    entry = json.loads(json.dumps(multimodal_entry(fibrillation, "a")))
    claims = [c for s in entry["interpretation"]["sentences"] for c in s["claims"]]
    assert len(claims) > 10
    assert all(verify(Claim.from_dict(c), fibrillation).holds for c in claims)
    assert entry["interpretation"]["grounding"]["precision"] == 1.0


def test_every_list_has_one_entry_a_beat_and_times_rise(sinus):
    features = multimodal_entry(sinus, "a")["features"]
    times = features["beats"]["r_peak_s"]
    assert len(times) == sinus.measurements.n_beats > 8
    assert all(a < b for a, b in pairwise(times))
    for lead in sinus.record.leads:
        assert {len(values) for values in features["leads"][lead].values()} == {len(times)}


def test_the_parts_are_written_and_the_signal_comes_back(sinus, tmp_path):
    entry = write_multimodal(sinus, tmp_path / "x", "x")
    held = {path.name for path in (tmp_path / "x").iterdir()}
    assert held == {"signal.hea", "signal.dat", "ecg.png", "entry.json"}
    again = read(tmp_path / "x" / entry["signal"]["file"])
    assert again.leads == sinus.record.leads
    np.testing.assert_allclose(again.signal, sinus.record.signal, atol=0.005)
    assert json.loads((tmp_path / "x" / "entry.json").read_text("utf-8")) == entry
    with pytest.raises(OutputError, match="x"):
        write_multimodal(sinus, tmp_path / "x", "x")


def test_nothing_that_is_written_says_whose_it_is(sinus, tmp_path, of_patient):
    known = of_patient(sinus, patient_id="P-4711", name="Ada Lovelace", age_years=97, sex="female")
    said = (
        Statement(code="seen by Dr. Babbage"),
        Statement(code="SR", scheme="scp-ecg", name="sinus rhythm"),
    )
    record = replace(
        known.record,
        start_time=datetime(1843, 9, 5, 10),
        carried=Carried(statements=said, header={"ward": "Lovelace ward"}),
    )
    known = replace(known, record=record)
    write_multimodal(known, tmp_path / "a", entry_id(known))
    text = "".join(
        (tmp_path / "a" / name).read_text("utf-8") for name in ("entry.json", "signal.hea")
    )
    assert not re.search(r"4711|Ada|Lovelace|Babbage|1843", text)
    assert json.loads((tmp_path / "a" / "entry.json").read_text("utf-8"))["patient"] == {
        "patient_id": None, "age_years": None, "sex": "female",
    }  # fmt: skip
    assert "97" not in (tmp_path / "a" / "signal.hea").read_text("utf-8").split("#", 1)[1]
    assert "sinus rhythm" in text
    write_multimodal(known, tmp_path / "b", "b", identifiers=True)
    asked = (tmp_path / "b" / "entry.json").read_text("utf-8")
    assert "P-4711" in asked
    assert "Babbage" in asked


def test_a_name_depends_on_the_signal_alone(sinus, fibrillation, of_patient):
    assert entry_id(sinus) == entry_id(of_patient(sinus, patient_id="other"))
    assert entry_id(sinus) != entry_id(fibrillation)
    assert re.fullmatch("[0-9a-f]{12}", entry_id(sinus))


def test_beat_times_alone_are_refused_with_a_sentence(sinus, tmp_path):
    record = replace(sinus.record, signal=np.zeros((0, 5000)), leads=())
    with pytest.raises(OutputError, match="beat times and no signal"):
        write_multimodal(replace(sinus, record=record), tmp_path / "x", "x")
