# SPDX-License-Identifier: Apache-2.0
"""Numbers that define statements, and what they deny."""

from __future__ import annotations

import dataclasses
import math

import pytest

from precordia.core.measurements import Measurements
from precordia.knowledge.criteria import list_criteria
from precordia.knowledge.definitions import denied_by, list_definitions
from precordia.knowledge.statements import find_statement

BY_CODE = {d.statement: d for d in list_definitions()}
NUMBERS = {f.name for f in dataclasses.fields(Measurements)}


def known(**numbers):
    return lambda measure, lead: (
        (numbers[measure], "") if measure in numbers else (math.nan, "not measured")
    )


def denied(code, *, sex=None, margin=True, **numbers):
    return denied_by(BY_CODE[code], known(**numbers), sex=sex, age_years=60.0, margin=margin)


def test_every_definition_names_a_known_statement_known_measures_and_its_limit_in_words():
    assert len(BY_CODE) == len(list_definitions())
    for d in list_definitions():
        assert find_statement(d.statement)
        assert all(find_statement(code) for code in d.not_with)
        assert {*d.measures, *([d.provided] if d.provided else [])} <= NUMBERS
        assert all(f"{limit.value:.0f}" in d.words for limit in d.limits)
        assert "doi:" in d.reference


def test_a_criterion_of_a_statement_asks_for_no_more_than_its_definition():
    for criterion in list_criteria():
        if criterion.statement in BY_CODE and len(criterion.conditions[0].terms) == 1:
            of = BY_CODE[criterion.statement]
            condition = criterion.conditions[0]
            if condition.terms[0] in of.measures:
                assert condition.relation == of.relation
                assert [x.value for x in condition.limits] == [x.value for x in of.limits]


@pytest.mark.parametrize(
    ("code", "numbers", "expected"),
    [
        ("STACH", {"heart_rate_bpm": 82.0}, ["heart_rate_bpm"]),
        ("STACH", {"heart_rate_bpm": 99.5}, []),
        ("STACH", {"heart_rate_bpm": 130.0}, []),
        ("STACH", {}, []),
        ("SBRAD", {"heart_rate_bpm": 61.5}, ["heart_rate_bpm"]),
        ("SBRAD", {"heart_rate_bpm": 60.5}, []),
        ("1AVB", {"pr_ms": 160.0, "p_wave_percent": 100.0}, ["pr_ms"]),
        ("1AVB", {"pr_ms": 160.0, "p_wave_percent": 50.0}, []),
        ("1AVB", {"pr_ms": 160.0}, []),
        ("1AVB", {"pr_ms": 195.0, "p_wave_percent": 100.0}, []),
        ("LAFB", {"qrs_axis_deg": 20.0}, ["qrs_axis_deg"]),
        ("LAFB", {"qrs_axis_deg": -50.0}, []),
        ("LAFB", {"qrs_axis_deg": -150.0}, []),
        ("IVCD", {"qrs_ms": 92.0}, ["qrs_ms"]),
        ("IVCD", {"qrs_ms": 104.0}, []),
    ],
)
def test_what_lies_plainly_on_the_other_side_denies_and_nothing_else(code, numbers, expected):
    assert [c.measure for c in denied(code, **numbers)] == expected


def test_of_two_corrections_of_qt_both_must_deny():
    assert denied("LNGQT", sex="male", qtc_fridericia_ms=420.0, qtc_bazett_ms=470.0) == ()
    both = denied("LNGQT", sex="male", qtc_fridericia_ms=420.0, qtc_bazett_ms=430.0)
    assert [c.limit for c in both] == [450.0, 450.0]
    assert denied("LNGQT", sex="male", qtc_fridericia_ms=420.0) == ()


def test_where_sex_is_unknown_the_widest_limit_holds():
    numbers = {"qtc_fridericia_ms": 444.0, "qtc_bazett_ms": 444.0}
    assert denied("LNGQT", sex="female", **numbers)
    assert denied("LNGQT", sex="male", **numbers) == ()
    assert denied("LNGQT", sex=None, **numbers) == ()


def test_without_the_margin_the_limit_itself_decides():
    assert denied("STACH", heart_rate_bpm=100.0, margin=False)
    assert denied("STACH", heart_rate_bpm=100.01, margin=False) == ()
    assert denied("LNGQT", sex="male", qtc_fridericia_ms=449.0, qtc_bazett_ms=449.0, margin=False)
    assert not denied(
        "LNGQT", sex="male", qtc_fridericia_ms=450.0, qtc_bazett_ms=449.0, margin=False
    )


def test_a_claim_that_denies_holds_of_the_number_that_it_names():
    (claim,) = denied("STACH", heart_rate_bpm=82.0)
    assert (claim.value, claim.relation, claim.limit) == (82.0, "<=", 100.0)
