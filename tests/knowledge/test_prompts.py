# SPDX-License-Identifier: Apache-2.0
import pytest

from precordia.core.errors import UnknownNameError
from precordia.knowledge.lexicon import list_entries
from precordia.knowledge.prompts import STYLES, prompts_for
from precordia.knowledge.statements import list_statements


@pytest.mark.parametrize("style", STYLES)
def test_every_statement_has_texts_that_tell_it_from_the_others(style):
    texts = [prompts_for(s.code, style) for s in list_statements()]
    assert all(text and all(text) for text in texts)
    assert len(set(texts)) == len(texts)


def test_texts_with_signs_hold_name_sign_and_leads():
    for e in list_entries():
        (text,) = prompts_for(e.code)
        assert text.startswith(e.name)
        assert e.seen in text
    assert "II, III, aVF" in prompts_for("IMI")[0]


def test_synonyms_are_apart_and_names_alone():
    assert prompts_for("AFIB", "name") == ("atrial fibrillation",)
    assert len(prompts_for("AFIB", "synonyms")) >= 4


def test_an_unknown_style_is_refused():
    with pytest.raises(UnknownNameError, match="synonyms"):
        prompts_for("AFIB", "synonym")
