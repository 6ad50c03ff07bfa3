# SPDX-License-Identifier: Apache-2.0
"""The report says what was measured, beside what the file says, and nothing of who it was."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from precordia.core.record import Carried, Patient, Record, Remark
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
