# SPDX-License-Identifier: Apache-2.0
import csv
import re
import tomllib
from importlib.resources import files

import pytest

from precordia.core.errors import UnknownNameError
from precordia.core.leads import FURTHER, STANDARD_12
from precordia.knowledge.codes import find_code, list_codes
from precordia.knowledge.criteria import list_criteria
from precordia.knowledge.lexicon import find_entry, list_entries
from precordia.knowledge.normal_form import key_of, words_of
from precordia.knowledge.statements import list_statements

ENTRIES = list_entries()
TABLE = tomllib.loads(files("precordia.knowledge").joinpath("lexicon.toml").read_text("utf-8"))


def key(text):
    return key_of(tuple(w.form for w in words_of(text)))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.code)
def test_every_entry_is_whole(entry):
    for field in ("name", "name_de", "plain", "plain_de", "seen"):
        assert getattr(entry, field).strip() == getattr(entry, field) != "", field
    assert len(entry.synonyms) >= 3
    assert len(entry.synonyms_de) >= 2
    assert entry.references
    assert all("doi:" in reference for reference in entry.references)
    assert set(entry.leads) <= {*STANDARD_12, *FURTHER}
    assert len(entry.leads) == len(set(entry.leads))
    assert len(entry.synonyms) == len({s.lower() for s in entry.synonyms})


def test_every_row_of_the_table_is_used_once():
    rows = [(row.get("scheme", ""), row["code"]) for row in TABLE["entry"]]
    assert len(rows) == len(set(rows)) == len(ENTRIES)
    own = {("", e.code) for e in ENTRIES if e.scheme in ("scp-ecg", "precordia")}
    others = {(e.scheme, e.code) for e in ENTRIES if e.scheme not in ("scp-ecg", "precordia")}
    assert set(rows) == own | others


def test_every_key_of_the_table_is_one_that_is_read():
    known = {"code", "scheme", "name", "name_de", "plain", "plain_de", "synonyms", "synonyms_de"}
    known |= {"abbreviations", "seen", "leads", "references", "unsourced", "covers", "implies"}
    assert {key for row in TABLE["entry"] for key in row} <= known


def test_what_no_source_says_is_a_number_of_the_signs():
    told = [(entry, words) for entry in ENTRIES for words in entry.unsourced]
    assert len(told) > 15
    for entry, words in told:
        assert words in entry.seen, entry.code
        assert re.search(r"\d|quarter|two", words), entry.code


def test_signs_tell_the_limits_that_rules_judge():
    """Limits of adults in criteria.toml stand in the signs of lexicon.toml, unless words do."""
    in_words = {"cornell", "long QTc, wide QRS", "P terminal force"}
    in_words |= {c.name for c in list_criteria() if c.statement in ("RVH", "PRWP")}
    seen = {c.statement: find_entry(c.statement).seen for c in list_criteria()}
    for c in (c for c in list_criteria() if c.name not in in_words):
        told = numbers(seen[c.statement])
        for condition in c.conditions:
            adult = [x.value for x in condition.limits if x.below_age > 40]
            if condition.terms[0] not in ("p_wave_percent", "qrs_ms") and adult != [180.0]:
                assert set(adult) <= told, c.name


def numbers(text):
    return {float(n) for n in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", text)}


def test_names_and_phrases_tell_entries_apart():
    for field in ("name_de", "plain", "plain_de"):
        values = [getattr(e, field) for e in ENTRIES if e.scheme != "ptb-xl-superclass"]
        assert len(values) == len(set(values)), field


def test_every_code_of_ptbxl_and_of_the_challenge_has_an_entry():
    for scheme in ("scp-ecg", "snomed-ct"):
        for known in list_codes(scheme):
            assert find_entry(known.code).references
    assert {s.code for s in list_statements()} <= {e.code for e in ENTRIES}


def test_codes_of_other_schemes_agree_with_the_table_of_codes():
    for entry in ENTRIES:
        if entry.scheme == "scp-ecg":
            assert entry.codes.get("aha", "") == find_code(entry.code, "scp-ecg").aha
        if concept := entry.codes.get("snomed-ct"):
            assert find_code(concept, "snomed-ct") is not None
            assert find_entry(concept) == entry


def test_statements_agree_with_the_published_description(shared_data):
    with (shared_data / "ptbxl/scp_statements.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 71
    for row in rows:
        entry = find_entry(row[""])
        names = {n.lower() for n in (entry.name, *entry.synonyms)}
        assert row["description"].lower() in names, row[""]
        aha = row["AHA code"]
        assert entry.codes.get("aha", "") == (str(int(float(aha))) if aha else "")


def test_covered_and_implied_statements_exist_and_are_not_the_entry_itself():
    codes = {s.code for s in list_statements()}
    for entry in ENTRIES:
        assert set(entry.covers) <= codes
        assert set(entry.implies) <= codes
        assert entry.code not in (*entry.covers, *entry.implies)
        if entry.scheme in ("ptb-xl-superclass", "group"):
            assert entry.covers


def test_a_statement_is_its_own_and_a_class_stands_for_its_cases():
    assert find_entry("AFIB").statements == ("AFIB",)
    assert set(find_entry("6374002").statements) == {"CLBBB", "CRBBB", "ILBBB", "IRBBB"}
    assert set(find_entry("MI").covers) >= {"AMI", "IMI", "PMI"}
    assert "LVH" not in find_entry("MI").covers
    assert find_entry("84114007").statements == ()


def test_criteria_of_a_statement_are_those_that_rules_judge():
    voltage = {c.words for c in list_criteria() if c.statement == "VCLVH"}
    assert len(voltage) == 2
    assert set(find_entry("VCLVH").criteria) == voltage


def test_leads_of_a_region_are_the_same_wherever_it_is_named():
    for region, codes in {
        "inferior": ("IMI", "ISCIN", "INJIN"),
        "lateral": ("LMI", "ISCLA", "INJLA"),
        "anterolateral": ("ALMI", "ISCAL", "INJAL"),
        "anteroseptal": ("ASMI", "ISCAS", "INJAS"),
        "inferolateral": ("ILMI", "ISCIL", "INJIL"),
    }.items():
        leads = [set(find_entry(code).leads) for code in codes]
        assert leads[0] == leads[1] == leads[2], region


def test_an_unknown_code_is_refused():
    with pytest.raises(UnknownNameError, match="AFIB"):
        find_entry("AFIBB")


def test_no_two_names_of_one_language_hide_each_other_but_for_known_pairs():
    by_key = {}
    for entry in ENTRIES:
        for name in (entry.name, entry.name_de):
            by_key.setdefault(key(name), set()).add((entry.scheme, entry.code))
    shared = {tuple(sorted(codes)) for codes in by_key.values() if len(codes) > 1}
    # The challenge has a class of PTB-XL's superclass of infarction.
    assert shared == {(("ptb-xl-superclass", "MI"), ("snomed-ct", "164865005"))}
