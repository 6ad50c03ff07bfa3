# SPDX-License-Identifier: Apache-2.0
"""Records of PhysioNet's challenges keep their labels, in the header or in a table beside it."""

from __future__ import annotations

import csv
import re

import pytest

from precordia.io.read import read
from precordia.io.wfdb_reference import reference_statements


def test_every_label_of_the_2017_challenge_is_carried(shared_data):
    folder = shared_data / "cinc2017"
    labels = {}
    for table in ("REFERENCE-train.csv", "REFERENCE.csv"):
        labels |= dict(csv.reader((folder / table).open()))
    headers = sorted(folder.glob("A*.hea"))
    assert len(headers) == 216
    for header in headers:
        (statement,) = reference_statements(str(folder), header.name)
        assert (statement.code, statement.scheme) == (labels[header.stem], "cinc2017")
    for path in (headers[0], headers[0].with_suffix(".mat")):
        record = read(path)
        assert [s.code for s in record.carried.statements] == [labels[path.stem]]
        assert (record.fs, record.n_leads) == (300, 1)


@pytest.mark.parametrize("row", ["A00001,X", "A000011,N", "BA00001,N", "A00001 N", ""])
def test_other_rows_are_no_label(tmp_path, row):
    (tmp_path / "REFERENCE.csv").write_text(f"{row}\n")
    assert reference_statements(str(tmp_path), "A00001.hea") == ()


def test_records_of_other_names_look_at_no_table(tmp_path):
    (tmp_path / "REFERENCE.csv").write_text("A0001,N\n100,N\n")
    assert reference_statements(str(tmp_path), "A0001.hea") == ()
    assert reference_statements(str(tmp_path), "100.hea") == ()


def test_every_header_of_the_2021_challenge_says_what_its_text_says(shared_data):
    headers = sorted((shared_data / "cinc2021").rglob("*.hea"))
    assert len(headers) == 242
    for header in headers[::6]:
        text = header.read_text()
        said = {key: value.strip() for key, value in re.findall(r"^#\s*(\w+): *(.*)$", text, re.M)}
        record = read(header)
        codes = [code.strip() for code in said["Dx"].split(",")]
        assert [s.code for s in record.carried.statements] == codes
        for statement in record.carried.statements:
            assert statement.scheme == ("snomed-ct" if statement.code.isdigit() else "text")
        sex = said["Sex"].lower()
        assert record.patient.sex == {"m": "male", "f": "female"}.get(sex[:1])
        if said["Age"].isdigit():
            assert record.patient.age_years == int(said["Age"])
        for key, name in {"Rx": "medication", "Hx": "history"}.items():
            held = record.carried.header.get(name)
            assert held == (None if said[key].lower() == "unknown" else said[key])
        assert record.fs == float(text.split()[2])
        assert read(header.with_suffix(".mat")).n_samples == record.n_samples
