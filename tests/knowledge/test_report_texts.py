# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.core.errors import UnknownNameError
from precordia.knowledge.lexicon import find_entry
from precordia.knowledge.report_texts import wordings_of, write_report_text
from precordia.knowledge.statements import SUPERCLASSES, list_statements


def many(codes, n=200, **options):
    return [write_report_text(codes, np.random.default_rng(k), **options) for k in range(n)]


def test_a_report_says_what_it_claims_to_say_and_nothing_else():
    for text, said in many(["AFIB", "IMI", "CLBBB"]):
        for code in ("AFIB", "IMI", "CLBBB"):
            every = [w for kind in wordings_of(code).values() for w in kind]
            assert (code in said) == any(w in text for w in every), (code, text)


def test_wordings_change_and_whole_reports_say_everything():
    made = many(["AFIB", "IMI"], whole=1.0)
    assert all(set(said) == {"AFIB", "IMI"} for _, said in made)
    assert len({text for text, _ in made}) > 50
    assert {len(said) for _, said in many(["AFIB", "IMI"])} == {1, 2}


def test_the_same_seed_writes_the_same_report():
    assert many(["AFIB", "IMI"], n=20) == many(["AFIB", "IMI"], n=20)


def test_what_must_not_be_said_is_not():
    for text, said in many(["AFIB", "IMI"], without=["IMI"]):
        assert said == ("AFIB",)
        assert "inferior" not in text.lower()
    assert many(["IMI"], n=3, without=["IMI"]) == [("", ())] * 3


def test_german_reports_are_german():
    words = {text for text, _ in many(["AFIB"], language="de")}
    assert "Vorhofflimmern" in words
    assert "atrial fibrillation" not in words
    with pytest.raises(UnknownNameError, match="language"):
        write_report_text(["AFIB"], np.random.default_rng(0), language="fr")


def test_every_statement_can_be_written_in_both_languages():
    for statement in list_statements():
        for language in ("en", "de"):
            text, said = write_report_text(
                [statement.code], np.random.default_rng(1), language=language
            )
            assert text
            assert said == (statement.code,)


def test_names_of_superclasses_are_in_no_wording_but_of_the_normal_ecg():
    names = {find_entry(code).name for code in SUPERCLASSES if code != "NORM"}
    for statement in list_statements():
        for language in ("en", "de"):
            texts = [w for kind in wordings_of(statement.code, language).values() for w in kind]
            assert not names & set(texts)
