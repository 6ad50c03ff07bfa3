# SPDX-License-Identifier: Apache-2.0
import csv

import pytest

from precordia.core.errors import UnknownNameError
from precordia.knowledge.statements import find_statement, list_statements


def test_every_snomed_code_is_one_of_the_challenge_mapping(shared_data):
    known = {}
    for name in ("scored", "unscored"):
        path = shared_data / f"cinc2021/eval2021/dx_mapping_{name}.csv"
        with path.open(encoding="utf-8") as file:
            known |= {row["SNOMEDCTCode"]: row["Dx"] for row in csv.DictReader(file)}
    used = [s.snomed_ct for s in list_statements() if s.snomed_ct]
    assert len(used) > 40
    assert not set(used) - set(known)


def test_every_scp_code_is_one_of_ptbxl_with_its_superclass(shared_data):
    with (shared_data / "ptbxl/scp_statements.csv").open(encoding="utf-8") as file:
        known = {row[""]: row["diagnostic_class"] for row in csv.DictReader(file)}
    for s in list_statements():
        if s.scheme == "scp-ecg":
            assert s.code in known, s.code
            # precordia gives no superclass to statements about the ST segment and T waves alone
            assert s.superclass in ("", known[s.code]), s.code
        else:
            assert s.code not in known, s.code


def test_codes_and_names_are_unique():
    for field in ("code", "name"):
        values = [getattr(s, field) for s in list_statements()]
        assert len(values) == len(set(values))
    snomed = [s.snomed_ct for s in list_statements() if s.snomed_ct]
    assert len(snomed) == len(set(snomed))


def test_a_more_specific_statement_names_one_that_exists():
    for s in list_statements():
        if s.implies:
            assert find_statement(s.implies).code == s.implies


def test_an_unknown_code_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'CLBBB'"):
        find_statement("CLBB")
