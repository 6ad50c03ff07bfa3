# SPDX-License-Identifier: Apache-2.0
"""Comments of WFDB headers: the forms of the public databases."""

from __future__ import annotations

import math

import pytest

from precordia.io.wfdb_comments import parse_comments


@pytest.mark.parametrize(
    ("lines", "age", "sex"),
    [
        (["Age: 63", "Sex: F"], 63, "female"),
        (["<age>: 28  <sex>: M  <Height>: 170"], 28, "male"),
        (["Age: 64 Sex: F"], 64, "female"),
        (["69 M 1085 1629 x1", "Aldomet, Inderal"], 69, "male"),
        (["age: 81", "sex: female"], 81, "female"),
        (["Age: NaN", "Sex: Unknown"], math.nan, None),
        (["<age>: ?? <sex>: ?"], math.nan, None),
        (["Age: 300"], math.nan, None),
        (["-1 M 1085 1629"], math.nan, "male"),
        ([], math.nan, None),
    ],
)
def test_age_and_sex_are_understood_in_every_form(lines, age, sex):
    patient = parse_comments(lines).patient
    assert patient.age_years == pytest.approx(age, nan_ok=True)
    assert patient.sex == sex


def test_dx_codes_become_statements():
    said = parse_comments(["Dx: 426783006, 164889003", "Rx: Unknown"])
    assert [s.code for s in said.statements] == ["426783006", "164889003"]
    assert {s.scheme for s in said.statements} == {"snomed-ct"}
    assert said.header["Rx"] == "Unknown"


def test_lines_below_a_diagnoses_heading_become_text_statements():
    said = parse_comments(["<age>: 51", "<diagnoses>:", "Rhythm: Sinus rhythm.", "LVH."])
    assert [(s.code, s.scheme) for s in said.statements] == [
        ("Rhythm: Sinus rhythm.", "text"),
        ("LVH.", "text"),
    ]


def test_identifiers_stay_out_of_the_header_and_of_the_printed_form():
    said = parse_comments(["Patient ID: 4711", "Name: Jane Doe", "Age: 40"])
    assert (said.patient.patient_id, said.patient.name) == ("4711", "Jane Doe")
    assert "4711" not in str(said.header) + repr(said.patient)
    assert "Jane" not in str(said.header) + repr(said.patient)


@pytest.mark.parametrize(
    ("line", "code", "scheme"),
    [
        ("Diagnosis: NORM [scp-ecg]", "NORM", "scp-ecg"),
        ("Diagnosis: normal ECG [scp-ecg NORM]", "NORM", "scp-ecg"),
        ("Statement: NORM [scp-ecg]", "NORM", "scp-ecg"),
        ("Statement [SCP ECG codes]: NORM", "NORM", "SCP ECG codes"),
        ("Dx: LAO/LAE [scp-ecg]", "LAO/LAE", "scp-ecg"),
        ("Diagnosis: NORM [note]", "NORM [note]", "text"),
        ("Diagnosis: sinus rhythm [scp-ecg]", "sinus rhythm [scp-ecg]", "text"),
    ],
)
def test_a_statement_that_was_printed_with_its_scheme_comes_back_as_code_and_scheme(
    line, code, scheme
):
    (said,) = parse_comments([line]).statements
    assert (said.code, said.scheme) == (code, scheme)
