# SPDX-License-Identifier: Apache-2.0
"""A small world with known answers: statements are written into the vectors."""

import csv
import gzip
import json

import numpy as np
import pytest

from precordia.benchmarking import few_shot
from precordia.benchmarking.few_shot import FewShotSettings, benchmark_few_shot
from precordia.benchmarking.few_shot_rows import (
    AtHand,
    published_rows,
    rows_from_statements,
    statements_at_hand,
)
from precordia.core.errors import FormatError, MissingFileError, OptionError

CODES = [f"C{k}" for k in range(12)]
N = 160


@pytest.fixture
def data(tmp_path):
    """Give tables of 160 patients with one recording each, and rows of ECG-QA about noise."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "ptbxl"
    folder.mkdir()
    with (folder / "scp_statements.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["", "description", "diagnostic", "form", "rhythm", "diagnostic_class"])
        for k, code in enumerate(CODES):
            kind = ["1.0" if k % 3 == place else "" for place in range(3)]
            above = ("MI", "STTC", "CD", "HYP")[k % 4] if k % 3 == 0 else ""
            table.writerow([code, f"sign {k}", *kind, above])
    said = rng.random((N, len(CODES))) < 0.4
    with (folder / "ptbxl_database.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["ecg_id", "patient_id", "scp_codes"])
        table.writeheader()
        for i in range(N):
            codes = {c: 100.0 for c, there in zip(CODES, said[i], strict=True) if there}
            table.writerow({"ecg_id": i + 1, "patient_id": f"{i}.0", "scp_codes": str(codes)})
    shards = tmp_path / "ecg-qa" / "ecgqa" / "ptbxl" / "template" / "train"
    shards.mkdir(parents=True)
    rows = [
        {
            "template_id": 27,
            "question_type": "single-verify",
            "attribute_type": "noise",
            "question": f"Does it show {CODES[k]}?",
            "answer": ["yes" if said[i, k] else "no"],
            "ecg_id": [i + 1],
        }
        for i in range(N)
        for k in range(4)
    ]
    rows.append({**rows[0], "ecg_id": [N + 7]})
    (shards / "0.json.gz").write_bytes(gzip.compress(json.dumps(rows).encode()))
    return tmp_path, said


def at_hand(vectors):
    return AtHand(
        numbers=tuple(range(1, N + 1)),
        patients=tuple(str(i) for i in range(N)),
        vectors=vectors,
    )


def test_rows_of_statements_are_those_of_the_table(data):
    folder, said = data
    statements = statements_at_hand(folder)
    assert statements[1] == tuple(c for c, there in zip(CODES, said[0], strict=True) if there)
    held = at_hand(np.zeros((N, 2)))
    rows = rows_from_statements(statements, folder / "ptbxl" / "scp_statements.csv", held)
    verify = {(r.recordings[0], r.asked): r.answer for r in rows if r.kind == "verify"}
    for i, codes in enumerate(said):
        if codes.any():
            for k, code in enumerate(CODES):
                assert verify[i, code] == ("yes" if codes[k] else "no")
    for row in rows:
        present = {f"sign {k}" for k in np.flatnonzero(said[row.recordings[0]])}
        if row.kind == "query":
            place = ("diagnostic", "form", "rhythm").index(row.asked)
            assert set(row.answer.split(", ")) == {s for s in present if int(s[5:]) % 3 == place}
        if row.kind == "choose":
            classes = {
                ("MI", "STTC", "CD", "HYP")[int(s[5:]) % 4] for s in present if int(s[5:]) % 3 == 0
            }
            n = len(classes & set(row.asked.split(", ")))
            assert (row.answer == "none", row.answer == "both") == (n == 0, n == 2)


def test_published_rows_without_a_recording_are_passed_over(data):
    rows = published_rows(data[0], at_hand(np.zeros((N, 2))))
    assert len(rows) == 4 * N
    assert {r.kind for r in rows} == {"verify"}


@pytest.fixture
def known(data, monkeypatch):
    """Put the statements into the vectors, in place of an encoder."""
    folder, said = data
    noise = np.random.default_rng(1).normal(size=(N, len(CODES)))
    vectors = 4.0 * said + 0.3 * noise
    monkeypatch.setattr(few_shot, "embed_at_hand", lambda *args, **options: at_hand(vectors))
    return folder


def lines(scores):
    return {(s.subject.rpartition(", ")[0], s.method, s.metric): s for s in scores.scores}


def test_heads_see_what_is_in_the_vectors_and_the_question_alone_does_not(known):
    settings = FewShotSettings(n_episodes=20, mapper=False, n_shots=5, n_queries=4)
    held = lines(benchmark_few_shot(known, settings=settings))
    contrast, mixed = (f"statements, verify, {d}" for d in ("contrast, 2 ways", "mixed, 5 ways"))
    assert held[contrast, "question only", "exact match"].value == 50.0
    ridge = held[contrast, "ridge", "exact match"]
    assert ridge.value > 70
    assert ridge.low < ridge.value < ridge.high
    apart = held[contrast, "ridge", "over question only"]
    assert apart.value == pytest.approx(ridge.value - 50.0)
    assert apart.low > 0
    assert held[mixed, "question only", "exact match"].value > 80
    assert ("ECG-QA, verify, contrast, 2 ways", "ridge", "exact match") in held


def test_what_cannot_be_drawn_is_a_note(known):
    settings = FewShotSettings(n_episodes=3, mapper=False)
    scores = benchmark_few_shot(known, settings=settings)
    assert any(note.startswith("ECG-QA, query: the rows hold 0 classes") for note in scores.notes)


def test_the_same_seed_gives_the_same_table(known):
    settings = FewShotSettings(n_episodes=5, mapper=False)
    first, again = (benchmark_few_shot(known, settings=settings).scores for _ in range(2))
    assert first == again


def test_the_mapper_is_learned_and_scored_with_its_controls(known, monkeypatch):
    from precordia.benchmarking import few_shot_mapper

    monkeypatch.setattr(few_shot_mapper, "_EPOCHS", 1)
    monkeypatch.setattr(few_shot_mapper, "_TEXTS", 32)
    settings = FewShotSettings(
        n_episodes=1, n_shots=1, n_queries=1, steps=1, inner_steps=1, test_steps=1, first_order=True
    )
    held = lines(benchmark_few_shot(known, settings=settings))
    subject = "statements, verify, contrast, 2 ways"
    for method in ("mapper", "mapper, zeros for recordings"):
        strict = held[subject, method, "exact match"]
        assert 0 <= strict.value <= held[subject, method, "tokens right"].value <= 100
    assert (subject, "mapper", "over question only") in held


def test_folders_and_settings_without_sense_are_refused(tmp_path, data):
    with pytest.raises(FormatError):
        benchmark_few_shot(tmp_path / "none")
    with pytest.raises(OptionError, match="n_shots"):
        FewShotSettings(n_shots=0)
    with pytest.raises(MissingFileError):
        statements_at_hand(tmp_path / "ecg-qa")
    (data[0] / "ptbxl" / "scp_statements.csv").write_text("a,b\n1,2\n")
    with pytest.raises(FormatError, match="table of PTB-XL"):
        rows_from_statements(
            {}, data[0] / "ptbxl" / "scp_statements.csv", at_hand(np.zeros((N, 2)))
        )
