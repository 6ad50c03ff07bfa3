# SPDX-License-Identifier: Apache-2.0
import pytest

from precordia.core.errors import UnknownNameError
from precordia.knowledge.co_occurrence import count_recordings, found_together
from precordia.knowledge.exclusions import contradictions, excluded_by, list_exclusions
from precordia.knowledge.statements import find_statement, list_statements


def test_every_pair_is_of_two_known_statements_in_order_with_a_source():
    pairs = [e.codes for e in list_exclusions()]
    assert len(pairs) == len(set(pairs)) > 80
    for e in list_exclusions():
        a, b = e.codes
        assert a < b
        assert find_statement(a)
        assert find_statement(b)
        assert e.why
        assert "doi:" in e.reference


def test_exclusion_is_mutual():
    for s in list_statements():
        for other in excluded_by(s.code):
            assert s.code in excluded_by(other)


def test_no_statement_excludes_what_it_makes_more_specific():
    for s in list_statements():
        assert s.implies not in excluded_by(s.code)
        if s.implies:
            # what rules out the wider statement rules out the narrower one
            assert "3AVB" not in excluded_by(s.implies) or "3AVB" in excluded_by(s.code)


def test_what_rules_out_a_statement_rules_out_each_case_of_it():
    for s in list_statements():
        wider = s.implies
        while wider:
            assert set(excluded_by(wider)) <= set(excluded_by(s.code)) | {s.code}, s.code
            wider = find_statement(wider).implies


@pytest.mark.parametrize(
    ("one", "other", "exclusive"),
    [
        ("CLBBB", "LAFB", True),
        ("CRBBB", "LAFB", False),  # two of three fascicles: a common pair
        ("CRBBB", "LPFB", False),
        ("LAFB", "LAD", False),
        ("LAFB", "RAD", True),
        ("1AVB", "LPR", False),
        ("MOBITZ1", "2AVB", False),
        ("MOBITZ1", "3AVB", True),
        ("3AVB", "SR", False),  # the atria may be in sinus rhythm
        ("AFIB", "JUNC", False),  # with complete block the ventricles follow the AV junction
        ("AFIB", "CRBBB", False),
        ("AFLT", "1AVB", True),
        ("LVOLT", "VCLVH", False),  # low in the limb leads, high in the chest leads
        ("WPW", "1AVB", True),
        ("PACE", "CRBBB", False),
        ("NORM", "SARRH", False),
        ("NORM", "1AVB", False),
        ("NORM", "CLBBB", True),
        ("NORM", "LVH", True),
        ("NORM", "AFIB", True),
        ("NORM", "XAD", True),
        ("LNGQT", "SHTQT", True),
    ],
)
def test_pairs_are_as_a_cardiologist_would_have_them(one, other, exclusive):
    assert (other in excluded_by(one)) is exclusive
    assert (one in excluded_by(other)) is exclusive


def test_cardiologists_hardly_ever_wrote_two_that_exclude_each_other():
    both = either = 0
    for e in list_exclusions():
        a, b = e.codes
        if {find_statement(a).scheme, find_statement(b).scheme} != {"scp-ecg"}:
            continue
        n = {t.code: t.n for t in found_together(a)}.get(b, 0)
        rarer = min(count_recordings(a), count_recordings(b))
        assert n <= max(0.09 * rarer, 1), e.codes
        both, either = both + n, either + rarer
    assert either > 10_000
    assert both < 0.01 * either


def test_contradictions_are_found_among_what_is_said():
    said = ["SR", "AFIB", "LAD", "RAD", "LVH"]
    assert {e.codes for e in contradictions(said)} == {("AFIB", "SR"), ("LAD", "RAD")}
    assert contradictions(["SR", "SBRAD", "LVH", "VCLVH"]) == ()
    assert contradictions(["NORM", "SR", "SARRH"]) == ()
    assert contradictions(["NORM", "IMI"])[0].codes == ("IMI", "NORM")


def test_an_unknown_statement_is_refused():
    with pytest.raises(UnknownNameError, match="AFIB"):
        contradictions(["AFIBB"])
    with pytest.raises(UnknownNameError, match="no statement 'nothing'"):
        excluded_by("nothing")
