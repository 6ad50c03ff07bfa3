# SPDX-License-Identifier: Apache-2.0
import math
import re
from dataclasses import fields

import pytest

from precordia.core.errors import UnknownNameError
from precordia.core.lead_numbers import DERIVED
from precordia.core.leads import STANDARD_12
from precordia.core.measurements import LeadMeasurements, Measurements
from precordia.knowledge.criteria import (
    Condition,
    Criterion,
    Limit,
    choose_limit,
    find_criterion,
    judge,
    list_criteria,
)
from precordia.knowledge.statements import find_statement

NUMBERS = {f.name for f in fields(Measurements)} | {"qtc_wide_ms"}
LEAD_NUMBERS = {f.name for f in fields(LeadMeasurements)} | set(DERIVED)


def test_every_criterion_names_known_statements_measures_leads_and_a_doi():
    for c in list_criteria():
        assert find_statement(c.statement)
        assert all(find_statement(code) for code in c.not_with)
        assert "doi:" in c.reference
        assert c.words
        for condition in c.conditions:
            for term in condition.terms:
                words = [w for w in term.split() if w not in ("max", "min")]
                leads = words[1:] or list(condition.leads)
                assert set(leads) <= set(STANDARD_12), term
                assert words[0] in (LEAD_NUMBERS if leads else NUMBERS), term


def test_names_of_criteria_are_unique():
    names = [c.name for c in list_criteria()]
    assert len(names) == len(set(names))


def test_words_of_a_criterion_tell_its_limits_and_leads():
    for c in list_criteria():
        told = {float(n) for n in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", c.words)}
        told |= {1.0} if "exceeds" in c.words else set()
        for condition in c.conditions:
            if condition.terms[0] == "p_wave_percent":  # "every P wave conducted"
                continue
            assert {x.value for x in condition.limits} <= told | {-180.0}, c.name
            ages = {a for x in condition.limits for a in (x.from_age, x.below_age)}
            assert ages - {0.0, math.inf} <= told, c.name
            for sex in {x.sex for x in condition.limits if x.sex}:
                assert {"male": "(men)", "female": "(women)"}[sex] in c.words, c.name
            for lead in {w for term in condition.terms for w in term.split()} & set(STANDARD_12):
                assert lead in c.words.replace(",", " ").split(), c.name


def test_the_axis_has_one_name_at_most():
    axis = [c for c in list_criteria() if c.statement in ("LAD", "RAD", "XAD")]
    names = {}
    for degrees in range(-179, 181):
        met = [
            c.statement
            for c in axis
            if judge(c, lambda m, lead, d=degrees: (float(d), ""), sex=None, age_years=50).outcome
            == "met"
        ]
        assert len(met) <= 1, degrees
        names[degrees] = met
    assert names[-30] == names[0] == names[90] == []  # normal in adults, both ends included
    assert (names[-31], names[-90], names[-91]) == (["LAD"], ["LAD"], ["XAD"])
    assert (names[91], names[180], names[-179]) == (["RAD"], ["RAD"], ["XAD"])


def two(relation=">=", at_least=2, leads=("V1", "V2", "V3")):
    return Criterion(
        name="x",
        statement="STE_",
        words="",
        conditions=(
            Condition(
                terms=("st_j_mv",),
                relation=relation,
                limits=(Limit(value=0.1),),
                leads=leads,
                at_least=at_least,
            ),
        ),
    )


def lookup(**values):
    def number(measure, lead):
        value = values[lead]
        return (math.nan, "not recorded") if math.isnan(value) else (value, "")

    return number


@pytest.mark.parametrize(
    ("v1", "v2", "v3", "outcome"),
    [
        (0.1, 0.1, 0.0, "met"),
        (0.1, 0.099, 0.0, "not met"),
        (0.1, math.nan, 0.0, "unknown"),
        (0.1, math.nan, 0.2, "met"),
        (0.0, math.nan, 0.0, "not met"),
    ],
)
def test_absent_numbers_count_only_where_they_decide(v1, v2, v3, outcome):
    verdict = judge(two(), lookup(V1=v1, V2=v2, V3=v3), sex=None, age_years=math.nan)
    assert verdict.outcome == outcome
    assert (verdict.reason == "not recorded") == (outcome == "unknown")


def test_a_claim_holds_number_limit_unit_and_lead():
    verdict = judge(
        find_criterion("cornell"),
        lookup(aVL=0.9, V3=1.5),
        sex="female",
        age_years=50.0,
    )
    (claim,) = verdict.claims
    assert (claim.value, claim.relation, claim.limit, claim.unit) == (2.4, ">", 2.0, "mV")
    assert verdict.leads == ("aVL", "V3")
    assert claim.measure == "r_height_mv aVL + s_depth_mv V3"
    assert judge(
        find_criterion("cornell"), lookup(aVL=0.9, V3=1.5), sex="male", age_years=50.0
    ).outcome == ("not met")


AGED = (
    Limit(value=0.25, sex="male", below_age=40.0),
    Limit(value=0.20, sex="male", from_age=40.0),
    Limit(value=0.15, sex="female"),
)


@pytest.mark.parametrize(
    ("sex", "age", "limit", "note"),
    [
        ("male", 39.9, 0.25, ""),
        ("male", 40.0, 0.20, ""),
        ("female", 20.0, 0.15, ""),
        ("female", math.nan, 0.15, ""),
        ("male", math.nan, 0.25, "age unknown: the strictest limit"),
        (None, 70.0, 0.20, "sex unknown: the strictest limit"),
        (None, math.nan, 0.25, "sex and age unknown: the strictest limit"),
    ],
)
def test_limits_follow_sex_and_age_and_are_strictest_where_unknown(sex, age, limit, note):
    assert choose_limit(AGED, ">=", sex=sex, age_years=age) == (limit, note)


def test_the_strictest_upper_limit_is_the_smallest():
    limits = (Limit(value=350.0, sex="male"), Limit(value=360.0, sex="female"))
    assert choose_limit(limits, "<=", sex=None, age_years=50.0)[0] == 350.0


def test_an_unknown_criterion_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="sokolow-lyon"):
        find_criterion("sokolow")
