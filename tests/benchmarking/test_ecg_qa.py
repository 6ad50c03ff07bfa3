# SPDX-License-Identifier: Apache-2.0
"""Published questions: answered from labels as published, and scored as strictly as said."""

from __future__ import annotations

import json

import pytest

from precordia.benchmarking.ecg_qa import benchmark_ecg_qa
from precordia.benchmarking.ecg_qa_labels import noise_leads
from precordia.benchmarking.ecg_qa_scorers import FAULTY, exact_match
from precordia.core.errors import FormatError, MissingFileError
from precordia.datasets.ecg_qa_rows import read_question_rows


def test_labels_give_every_published_answer_that_follows_from_columns(shared_data):
    scores = benchmark_ecg_qa(shared_data, recordings=False)
    right = scores.find("exact match", subject="all", method="oracle labels")
    blind = scores.find("question only", subject="all", method="oracle labels")
    assert right.value >= 99.0
    assert right.n_records > 800
    assert blind.value < 80.0


def test_recordings_are_examined_and_measured(shared_data):
    scores = benchmark_ecg_qa(shared_data, limit=4)
    assert {"box, usual limits", "rules, usual limits"} <= {s.method for s in scores.scores}
    for score in scores.scores:
        if score.metric == "exact match":
            assert 0 <= score.value <= 100


def test_published_wordings_that_were_kept_back_are_understood(shared_data):
    from precordia.questions.parse import parse_question
    from precordia.questions.query import Query
    from precordia.questions.templates import template_of

    rows = read_question_rows(shared_data / "ecg-qa", wording="paraphrased")
    kept = {r.question: r.template for r in rows if r.split == "valid"}
    right = [
        isinstance(query := parse_question(q), Query) and template_of(query) == template
        for q, template in kept.items()
    ]
    assert len(right) >= 20
    assert sum(right) >= 0.98 * len(right)


@pytest.mark.parametrize(
    ("told", "leads"),
    [
        (" , I-AVF,  ", ("I", "II", "III", "aVR", "aVL", "aVF")),
        ("V1V3", ("V1", "V2", "V3")),
        ("v4,6", ("V4", "V6")),
        (" , mittel,  ", ()),
        ("", ()),
    ],
)
def test_columns_of_noise_are_read(told, leads):
    assert noise_leads(told) == leads


def test_faulty_scorers_are_kinder_than_sets():
    assert not exact_match(["lead II"], ["lead I"])
    assert FAULTY["characters"](["lead II"], ["lead I"])
    assert FAULTY["substring"](["lead II"], ["lead I"])
    assert not FAULTY["joined"](["b", "a"], ["a", "b"])
    assert exact_match(["b", "a"], ["a", "b"])


def test_a_folder_without_questions_and_a_broken_file_get_sentences(tmp_path):
    with pytest.raises(MissingFileError, match="no rows of ECG-QA"):
        read_question_rows(tmp_path)
    shard = tmp_path / "template" / "train" / "0.json"
    shard.parent.mkdir(parents=True)
    shard.write_text("{")
    with pytest.raises(FormatError, match="is no file of ECG-QA"):
        read_question_rows(tmp_path)
    shard.write_text(json.dumps([{"template_id": 1}]))
    with pytest.raises(FormatError, match="without"):
        read_question_rows(tmp_path)
