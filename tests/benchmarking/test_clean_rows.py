# SPDX-License-Identifier: Apache-2.0
"""Rows that the question alone answers go; what that does to the rest is told."""

from __future__ import annotations

import pytest

from precordia.benchmarking.clean_rows import QuestionOnly, clean_rows
from precordia.core.errors import UnknownNameError
from precordia.datasets.ecg_qa_rows import QuestionRow, read_question_rows


def row(question: str, answer: str, ecg: int) -> QuestionRow:
    return QuestionRow(1, "single-verify", "scp_code", question, (answer,), (ecg,), "train")


def test_a_question_with_one_answer_is_answered_by_its_words():
    rows = [row("Sinus rhythm?", "yes", k) for k in range(50)]
    assert not clean_rows(rows).kept
    assert not clean_rows(rows, how="balanced").kept
    assert clean_rows(rows).share_dropped == 1.0


def test_the_commoner_answer_goes_and_the_rest_is_told_by_its_words():
    rows = [row("AF?", "yes" if k % 4 else "no", k) for k in range(400)]
    clean = clean_rows(rows)
    assert {r.answers for r in clean.kept} == {("no",)}
    assert clean.share_dropped == pytest.approx(0.75)
    assert clean.answered[0] == pytest.approx(0.75)
    assert clean.answered_after == 1.0  # what is left is no clean benchmark, and says so


def test_balanced_rows_tell_nothing_by_their_words():
    rows = [row("AF?", "yes" if k % 4 else "no", k) for k in range(400)]
    clean = clean_rows(rows, how="balanced", seed=1)
    kept = [r.answers for r in clean.kept]
    assert kept.count(("yes",)) == kept.count(("no",)) == 100
    assert clean.answered_after < 0.65
    assert clean_rows(rows, how="balanced", seed=1).kept == clean.kept
    assert clean_rows(rows, how="balanced", seed=2).kept != clean.kept


def test_a_recording_never_answers_for_itself():
    # every recording has another answer: nothing that was learned on others can give it back
    rows = [row("Which?", f"name {k}", k) for k in range(100) for _ in range(3)]
    assert clean_rows(rows).share_dropped == 0.0


def test_words_never_seen_are_answered_as_their_template():
    model = QuestionOnly([row("AF?", "no", 1), row("MI?", "no", 2), row("LVH?", "yes", 3)])
    assert model.answers(row("WPW?", "no", 4)) == ("no",)
    assert QuestionOnly([]).answers(row("AF?", "no", 1)) == ()


def test_published_rows_are_cleaned_and_the_share_is_told(shared_data):
    rows = read_question_rows(shared_data / "ecg-qa")
    clean = clean_rows(rows)
    assert len(clean.kept) + len(clean.dropped) == len(rows)
    assert 0.5 < clean.answered[26] < 0.9  # a question of yes or no is mostly no
    assert clean.answered[70] < 0.1  # one of many sets is seldom guessed
    assert "template 26" in str(clean)


def test_another_way_is_refused():
    with pytest.raises(UnknownNameError, match="balanced"):
        clean_rows([], how="balance")
    assert clean_rows([]).kept == ()
