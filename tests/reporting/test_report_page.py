# SPDX-License-Identifier: Apache-2.0
"""The report says what was measured, beside what the file says, and nothing of who it was."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from precordia.core.findings import SUPERCLASS, Abstention, Finding, Findings
from precordia.core.record import Carried, Patient, Record, Remark
from precordia.core.source import Source
from precordia.core.statements import Statement
from precordia.datasets.toy import toy_record
from precordia.io.read import read
from precordia.pipeline import examine
from precordia.reporting.report_page import report_page


@pytest.fixture(scope="module")
def study():
    record = dataclasses.replace(
        read(toy_record()),
        patient=Patient(patient_id="ID-4711", name="Doe^Jane", age_years=63, sex="female"),
        carried=Carried(
            measurements={"pr_ms": 170.0},
            statements=(Statement(code="<script>alert(1)</script>"),),
        ),
        remarks=(Remark(code="x", text="A <b>doubtful</b> unit."),),
    )
    return examine(record)


class _Words(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.words = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.words.append(data)


def _read(page):
    parser = _Words()
    parser.feed(page)
    return parser


def test_numbers_stand_beside_those_of_the_file(study):
    page = report_page(study, title="toy")
    row = re.search(r"<tr><td>PR interval</td>(.*?)</tr>", page).group(1)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row)
    ours = round(study.measurements.pr_ms)
    assert cells[0] == str(ours)
    assert cells[2] == "170"
    assert abs(float(cells[3].replace("−", "-")) - (study.measurements.pr_ms - 170)) <= 0.5


def test_every_finding_has_its_evidence(study):
    page = report_page(study, title="toy")
    for finding in study.findings:
        assert finding.name in page


def test_nothing_of_the_file_is_taken_for_markup(study):
    read_page = _read(report_page(study, title="<img src=x>"))
    assert "script" not in read_page.tags
    assert "img" not in read_page.tags
    assert "A <b>doubtful</b> unit." in read_page.words
    assert "<img src=x>" in "".join(read_page.words)


def test_identifiers_are_left_out(study):
    page = report_page(study, title="toy")
    assert "4711" not in page
    assert "Doe" not in page
    assert "63 years, female" in page


def test_what_is_absent_says_why():
    import numpy as np

    flat = Record(signal=np.zeros((12, 5000)), fs=500, leads=read(toy_record()).leads)
    page = report_page(examine(flat), title="flat")
    assert "no beats were found" in page
    assert "not acceptable" in page
    assert not re.search(r"\bnan\b", page, re.IGNORECASE)


def _with_findings(study, *findings, **details):
    return dataclasses.replace(study, findings=Findings(findings=findings, **details))


def _learned(code, name, probability, **details):
    told = {"method": "a-model", "threshold": 0.5, "says": {"rules": 0.0, "a-model": probability}}
    return Finding(code=code, name=name, probability=probability, **(told | details))


def test_who_says_what_and_every_disagreement_is_on_the_page(study):
    page = report_page(
        _with_findings(
            study,
            _learned("CLBBB", "left bundle branch block", 0.83, disagreement="no criterion is met"),
            _learned("NORM", "normal ECG", 0.61, present=False, disagreement="withdrawn: <other>"),
            source=Source(warnings=("the record is synthetic",)),
        ),
        title="toy",
    )
    words = " ".join(_read(page).words)
    assert "rules: not met · a-model: 0.83, found from 0.50 on" in words
    assert "Disagreement: no criterion is met." in words
    assert "Not made" in words
    assert "withdrawn: <other>" in words
    assert words.index("normal ECG") > words.index("Not made")
    assert "the record is synthetic" in words


def test_a_finding_without_a_threshold_is_told_as_such(study):
    finding = _learned("ALMI", "anterolateral infarction", 0.51, threshold=float("nan"))
    words = " ".join(_read(report_page(_with_findings(study, finding), title="toy")).words)
    assert "a-model: 0.51, without a threshold" in words
    assert "nan" not in words


def test_superclasses_stand_in_one_line_and_are_no_findings(study):
    classes = [
        _learned(code, name, p, scheme=SUPERCLASS, present=p > 0.5)
        for code, name, p in (("NORM", "normal ECG", 0.02), ("MI", "infarction", 0.91))
    ]
    page = report_page(_with_findings(study, *classes), title="toy")
    words = " ".join(_read(page).words)
    assert "normal ECG (NORM) 0.02" in words
    assert "infarction (MI) 0.91" in words
    assert "Nothing was found." in words


def test_what_was_not_judged_says_by_whom(study):
    abstained = (
        Abstention(code="LAD", name="left axis deviation", reason="lead I was not recorded"),
        Abstention(code="MI", name="infarction", reason="one lead", method="a-model"),
    )
    words = " ".join(
        _read(report_page(_with_findings(study, abstained=abstained), title="toy")).words
    )
    assert "Not judged by the rules (1)" in words
    assert "Not judged by a-model (1)" in words
