# SPDX-License-Identifier: Apache-2.0
"""What must hold of the findings of every recording, on real ones."""

from __future__ import annotations

import json

import pytest

from precordia.core.findings import FOUND, RULES, SUPERCLASS, Findings
from precordia.core.verify import verify
from precordia.io.read import read
from precordia.knowledge.exclusions import contradictions
from precordia.knowledge.statements import list_statements
from precordia.pipeline import examine

#: recordings in which rule and model disagree, or a normal ECG is withdrawn
CHOSEN = (
    *("ludb/data/10", "ludb/data/44", "ludb/data/112", "ludb/data/125"),
    *("ptbxl/records100/00000/00017_lr", "ptbxl/records100/00000/00256_lr"),
    *("ptbxl/records100/00000/00144_lr", "ptbxl/records100/00000/00190_lr"),
    *("ptbxl/records100/00000/00390_lr", "ptbxl/records100/00000/00418_lr"),
    *("cinc2021/c/cinc2021/JS20016", "cinc2021/c/cinc2021/JS20003"),
    *("cinc2021/a/G12EC/E00005", "cinc2021/e/Q0013"),
)


@pytest.fixture(scope="module")
def studies(shared_data):
    paths = [shared_data / f"{name}.hea" for name in CHOSEN]
    there = [path for path in paths if path.exists()]
    assert len(there) >= len(CHOSEN) // 2
    return {path.stem: examine(read(path)) for path in there}


def test_every_number_that_is_shown_as_evidence_holds(studies):
    for name, study in studies.items():
        for finding in study.findings:
            for claim in finding.claims:
                verdict = verify(claim, study)
                assert verdict.holds, f"{name}: {finding.code}: {claim}: {verdict}"


def test_findings_that_exclude_each_other_say_so(studies):
    n_pairs = 0
    for name, study in studies.items():
        present = {f.code: f for f in study.findings.present}
        for pair in contradictions(present):
            n_pairs += 1
            one, other = (present[code].disagreement for code in pair.codes)
            assert f"({pair.codes[1]})" in one or f"({pair.codes[0]})" in other, name
    assert n_pairs > 5


def test_each_statement_is_found_or_not_and_once(studies):
    implied = {s.code: s.implies for s in list_statements()}
    for name, study in studies.items():
        findings = study.findings
        codes = [(f.scheme, f.code) for f in findings]
        assert len(codes) == len(set(codes)), name
        present = {f.code for f in findings.present}
        found = {code for code, said in findings.decisions.items() if said == FOUND}
        assert present <= found <= present | {implied[code] for code in present}, name
        by_rule = {f.code for f in findings.present if RULES in f.method}
        assert not by_rule & {a.code for a in findings.abstained if a.method == RULES}, name
        assert all(a.reason for a in findings.abstained), name


def test_normal_is_one_thing_and_stands_alone(studies):
    for name, study in studies.items():
        findings = study.findings
        above = {code for code, f in findings.superclasses.items() if f.present}
        stands = "NORM" in {f.code for f in findings.present}
        assert ("NORM" in findings) == stands, name
        assert above == {"NORM"} or "NORM" not in above, name
        assert stands or "NORM" not in above, name


def test_what_is_not_made_has_a_sentence_and_all_survives_json(studies):
    for name, study in studies.items():
        findings = study.findings
        for finding in findings:
            assert 0 <= finding.probability <= 1, name
            assert finding.present or finding.scheme == SUPERCLASS or finding.disagreement, name
        again = Findings.from_dict(json.loads(findings.to_json()))
        assert again.to_dict() == findings.to_dict(), name
