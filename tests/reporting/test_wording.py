# SPDX-License-Identifier: Apache-2.0
"""The table of phrases is whole: every language, every slot, every name that may come."""

import re
from pathlib import Path

import pytest

import precordia.classification.rules as rules
from precordia.core.measurements import Absence
from precordia.core.quality import QualityReason
from precordia.knowledge.criteria import list_criteria
from precordia.knowledge.lexicon import find_entry
from precordia.knowledge.statements import list_statements
from precordia.reporting.previous_sentences import COMPARED
from precordia.reporting.wording import Wording, phrase_table

SOURCES = [p.read_text("utf-8") for p in Path(rules.__file__).parent.glob("*.py")]
GERMAN = Wording("de", "structured")


@pytest.mark.parametrize("key", phrase_table()["phrase"])
def test_a_phrase_has_the_same_slots_in_every_language(key):
    table = phrase_table()["phrase"]
    slots = {lang: set(re.findall(r"{(\w+)}", text)) for lang, text in table[key].items()}
    assert set(slots) == {"en", "de"}
    assert slots["en"] == slots["de"]
    if key.endswith("_paragraph"):
        plain = table[key.removesuffix("_paragraph")]
        assert set(re.findall(r"{(\w+)}", plain["en"])) == slots["en"]


@pytest.mark.parametrize("part", ["heading", "word", "measure", "reason", "quality"])
def test_every_name_is_there_in_every_language(part):
    for key, words in phrase_table()[part].items():
        assert set(words) == {"en", "de"}, key
        assert all(words.values()), key


def test_every_reason_has_words():
    for absence in Absence:
        assert GERMAN.reason(absence)
    for reason in QualityReason:
        assert GERMAN.quality(reason)


def test_every_number_of_a_rule_has_words():
    used = {m for text in SOURCES for m in re.findall(r'claim\(\s*"([^"]+)"', text)}
    for criterion in list_criteria():
        for condition in criterion.conditions:
            used |= {re.sub(r"^(max|min) ", "", t).split()[0] for t in condition.terms}
    assert len(used) > 30
    assert [m for m in sorted({*used, *COMPARED}) if not GERMAN.measure(m)] == []


def test_every_careful_name_of_a_rule_has_german_words():
    names = {
        n for text in SOURCES for n in re.findall(r'name="([^"]+)"|else "(run of[^"]+)"', text)
    }
    flat = {name for pair in names for name in pair if name}
    walls = ("inferior", "lateral", "anterior", "septal")
    flat |= {f"{wall} infarction suspected from ST elevation" for wall in walls}
    assert len(flat) >= 7
    assert flat == set(phrase_table()["named"])


def test_every_statement_has_a_german_name():
    missing = [s.code for s in list_statements() if not find_entry(s.code).name_de]
    assert missing == []


def test_numbers_are_written_in_the_way_of_the_language():
    english = Wording("en", "short")
    assert english.number(-0.214, "mV") == "−0.21 mV"
    assert GERMAN.number(-0.214, "mV") == "−0,21 mV"
    assert english.number(119.6, "ms", 120.0) == "119.6 ms"
    assert english.number(-42.0, "°") == "−42°"
    assert GERMAN.change(-0.2, "ms") == "±0 ms"
    assert english.change(0.153, "mV") == "+0.15 mV"
    assert english.number(-3.67, "°") == "−4°"
    assert english.number(2.27, "%") == "2 %"
    assert english.number(-0.0004, "mV") == "0 mV"
    assert english.number(0.3, "%") == "0.3 %"
    assert english.number(1.84, "mV ms") == "1.84 mV ms"
    assert english.probability(1.0) == "more than 0.99"
    assert GERMAN.probability(0.004) == "weniger als 0,01"


def test_sums_are_told_term_by_term():
    assert GERMAN.measure("s_depth_mv V1 + r_height_mv V5") == "S-Tiefe V1 + R-Höhe V5"
    assert GERMAN.measure("s_depth_mv V1 + mood V5") == ""
