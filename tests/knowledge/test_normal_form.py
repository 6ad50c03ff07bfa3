# SPDX-License-Identifier: Apache-2.0
import pytest

from precordia.knowledge.normal_form import key_of, words_of


def forms(text):
    return tuple(w.form for w in words_of(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ischaemia", "ISCHEMIA"),
        ("Überleitung", "ueberleitung"),
        ("repolarisation", "repolarization"),
        ("PVCs", "pvc"),
        ("premature complexes", "premature contraction"),
        ("extra-beats", "premature beats"),
        ("AV block II", "atrioventricular block second"),
        ("third-degree block", "3rd degree block"),
        ("MI", "myocardial infarct"),
        ("inferiorer Infarkt", "inferior infarkt"),
        ("antero-lateral", "anterolateral"),
    ],
)
def test_spellings_of_one_thing_are_one(one, other):
    assert forms(one) == forms(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lead II", "lead second"),
        ("left", "right"),
        ("elevation", "depression"),
        ("hyperkalaemia", "hypokalaemia"),
        ("complete", "incomplete"),
        ("supraventricular", "ventricular"),
    ],
)
def test_different_things_stay_different(one, other):
    assert forms(one) != forms(other)


def test_places_are_those_of_the_text():
    text = "old MI, 2nd-degree"
    assert [text[w.start : w.end] for w in words_of(text)] == ["old", "MI", "MI", "2nd", "degree"]


def test_a_text_of_stop_words_keeps_them():
    assert key_of(("the", "of")) == ("the", "of")
    assert key_of(("block", "of", "the", "branch")) == ("block", "branch")
