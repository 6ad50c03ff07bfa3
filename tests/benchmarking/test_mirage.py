# SPDX-License-Identifier: Apache-2.0
"""The battery catches who answers without the recording, and passes who answers from it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from precordia.benchmarking.mirage import Checked, benchmark_mirage, check_answers
from precordia.benchmarking.mirage_questions import BatteryQuestion, questions_for
from precordia.benchmarking.mirage_recordings import BatteryRecord, battery_records
from precordia.benchmarking.mirage_responders import examined, make_responder
from precordia.benchmarking.mirage_scores import mirage_scores
from precordia.cli.main import main
from precordia.core.errors import OptionError, UnknownNameError
from precordia.core.record import Record
from precordia.generation.strangers import list_strangers
from precordia.language.backend import Reply
from precordia.language.backend_responder import BackendResponder
from precordia.language.failures import BackendDownError
from precordia.language.phrase import phrase_answer
from precordia.questions.counterfeits import NULLS
from precordia.questions.mirage_trial import MirageCheck, Trial
from precordia.questions.parse import parse_question
from precordia.questions.query import Query
from precordia.questions.response import Response
from precordia.questions.templates import template_of

_FEW = {1, 2, 10, 17, 19, 22, 28, 36, 41, 42}


def few(question: BatteryQuestion) -> bool:
    """Choose a few templates and two free questions."""
    name = question.name.removeprefix("template ")
    return name in {str(n) for n in _FEW} | {"free: rate", "free: st", "found"}


@pytest.fixture(scope="module")
def records() -> tuple[BatteryRecord, ...]:
    chosen = [(1, list_strangers()[1]), (4, list_strangers()[3])]
    return tuple(
        BatteryRecord(name=f"simulated {k}", database="simulated", patient=str(k), record=r)
        for k, r in chosen
    )


def test_the_engine_makes_no_answer_without_support(records):
    scores = benchmark_mirage(make_responder("engine"), records, name="engine", only=few)
    assert scores.find("asked", subject="all").value >= 2 * len(_FEW)
    assert scores.find("answered", subject="all").value > 70
    assert scores.find("unsupported", subject="all").value == 0
    assert scores.find("mirage", subject="all").value == 0
    assert scores.find("claims true", subject="all").value == 100
    for name in NULLS:
        assert scores.find("told", subject=name).value > 10
        assert scores.find("unsupported", subject=name).value == 0


@pytest.mark.parametrize("control", ["text prior", "always normal"])
def test_who_answers_without_the_recording_is_caught(control, records):
    scores = benchmark_mirage(make_responder(control), records[:1], name=control, only=few)
    assert scores.find("mirage", subject="all").value > 95
    assert scores.find("silent on nothing", subject="all").value == 0
    assert (
        scores.find("unsupported", subject="flat line").value
        == scores.find("asked", subject="all").value
    )
    assert any("flat line" in note or "no recording" in note for note in scores.notes)


def test_an_honest_answer_by_other_means_passes(records):
    def rate(record: Record, question: str, previous: Record | None = None) -> Response:
        """Say whether the heart is fast, by counting upstrokes in lead II."""
        if "II" not in record.leads or ("beat" not in question and "rate" not in question):
            return Response()
        row = np.nan_to_num(record.signal[record.leads.index("II")].astype(float))
        spread = row.std()
        if not spread or np.mean(((row - row.mean()) / spread) ** 4) < 6:
            return Response()
        high = row - np.median(row) > 0.6 * np.ptp(row)
        return Response(answers=(f"about {int((np.diff(high.astype(int)) > 0).sum()) * 6}",))

    scores = benchmark_mirage(rate, records, name="honest", only=lambda q: q.name == "free: rate")
    assert scores.find("answered", subject="all").value > 0
    assert scores.find("mirage", subject="all").value == 0
    assert scores.find("unsupported", subject="all").value == 0


class Deaf:
    """A language model that says the same whatever it is told."""

    name, model = "deaf", "deaf-1"

    def __init__(self, text: str) -> None:
        self.text = text
        self.prompts: list[str] = []

    def generate(self, messages, *, schema=None, max_tokens=0, temperature=0.0, seed=0):
        self.prompts.append(messages[-1].text)
        return Reply(text=self.text, model=self.model)


def test_a_language_model_that_ignores_the_facts_is_flagged(records):
    deaf = Deaf('{"answers": ["Yes."]}')
    done = check_answers(
        make_responder("backend", backend=deaf), records[:1], only=lambda q: q.name == "template 1"
    )
    assert done[0].check.response.answers == ("yes",)
    assert set(NULLS) <= set(done[0].check.flagged)
    assert "heart rate" in deaf.prompts[0].lower()  # it was given facts, and did not heed them


def test_its_sentences_are_taken_out_of_answers_for_use(records):
    deaf = Deaf('{"sentences": [{"text": "There is complete left bundle branch block.", '
                '"facts": ["F1"]}]}')  # fmt: skip
    study = examined(records[0].record)
    phrased = phrase_answer(deaf, study, "Is there left bundle branch block?")
    assert phrased.answer.answers == ("no",)
    assert not phrased.sentences
    assert len(phrased.removed) == 1


def test_a_model_that_is_down_is_an_error_and_no_mirage(records):
    class Down(Deaf):
        def generate(self, *asked, **more):
            raise BackendDownError("nobody answers.")

    scores = benchmark_mirage(
        BackendResponder(Down(""), examined), records[:1], only=lambda q: q.name == "template 2"
    )
    assert scores.find("failed calls", subject="all").value == 1
    assert scores.find("unsupported", subject="all").value == 0
    assert math.isnan(scores.find("mirage", subject="all").value)


def test_there_are_all_templates_in_three_wordings_that_are_understood_as_such():
    asked = questions_for(0)
    templates = [q for q in asked if q.name.startswith("template")]
    assert [q.name for q in templates] == [f"template {k}" for k in range(1, 71)]
    right = []
    for turn in (0, 3):
        for question in questions_for(turn):
            assert len(set(question.wordings)) == 3
            assert not any("{" in w for w in question.wordings)
            if question.name.startswith("template"):
                queries = [parse_question(w) for w in question.wordings]
                number = int(question.name.split()[1])
                right += [isinstance(q, Query) and template_of(q) == number for q in queries]
    assert np.mean(right) > 0.9


def test_what_is_asked_for_by_name_changes_from_recording_to_recording():
    names = {questions_for(turn)[0].wordings[0] for turn in range(10)}
    assert len(names) == 10


def test_recordings_are_there_without_data_and_with(shared_data, monkeypatch):
    monkeypatch.delenv("PRECORDIA_DATA", raising=False)
    assert {r.database for r in battery_records(limit=2)} == {"simulated"}
    real = battery_records(shared_data, limit=2)
    assert {r.database for r in real} == {"simulated", "LUDB", "PTB-XL"}
    assert len(real) == 6
    assert all(r.record.n_leads == 12 for r in real)


def test_numbers_are_those_of_the_rows():
    def row(patient: str, verdict: str, unsupported: bool, agreement: float) -> Checked:
        trial = Trial(
            counterfeit="flat line", verdict=verdict, why="", unsupported=unsupported,
            response=Response(answers=("yes",)) if unsupported else Response(),
        )  # fmt: skip
        check = MirageCheck(
            question="?", response=Response(answers=("yes",)), trials=(trial,), n_claims=4, n_true=3
        )
        record = BatteryRecord(
            name=patient, database="made up", patient=patient, record=list_strangers()[0]
        )
        question = BatteryQuestion(name="template 1", kind="statements", wordings=("?",))
        return Checked(record=record, question=question, check=check, agreement=agreement)

    rows = [
        row("a", "flagged", True, 1.0),
        row("a", "passed", False, 0.0),
        row("b", "passed", True, 1.0),
        row("b", "passed", False, float("nan")),
    ]
    found = {s.metric: s for s in mirage_scores(rows, method="x") if s.subject == "all"}
    assert found["asked"].value == 4
    assert found["mirage"].value == 25.0
    assert found["unsupported"].value == 2
    assert found["claims true"].value == 75.0
    assert found["silent on nothing"].value == 50.0
    assert found["wordings agree"].value == pytest.approx(200 / 3)
    # patients are drawn: the share is 1 of 2 of the one, 0 of 2 of the other, or between
    assert (found["mirage"].low, found["mirage"].high) == (0.0, 50.0)


def test_mistakes_are_sentences(records, capsys):
    with pytest.raises(UnknownNameError, match="engine"):
        make_responder("engin")
    with pytest.raises(OptionError, match="belong together"):
        make_responder("backend")
    with pytest.raises(OptionError, match="belong together"):
        make_responder("engine", backend=Deaf(""))
    with pytest.raises(OptionError, match="no recording"):
        benchmark_mirage(make_responder("text prior"), [])
    with pytest.raises(SystemExit) as left:
        main(["benchmark", "mirage", "--responder", "engne"])
    assert left.value.code == 2
    assert "engine" in capsys.readouterr().err


def test_the_command_prints_one_json_object(capsys, monkeypatch):
    monkeypatch.delenv("PRECORDIA_DATA", raising=False)
    import precordia.benchmarking.mirage as battery

    monkeypatch.setattr(battery, "questions_for", lambda *a: questions_for(0)[:2])
    with pytest.raises(SystemExit) as left:
        main(["benchmark", "mirage", "--limit", "1", "--responder", "text prior", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert left.value.code == 0
    assert told["task"] == "mirage"
    assert {s["subject"] for s in told["scores"]} >= {"all", "flat line"}


def test_ask_tells_whether_the_answer_rests_on_the_recording(capsys):
    from precordia.datasets.toy import toy_record

    with pytest.raises(SystemExit) as left:
        main(["ask", str(toy_record()), "Is there atrial fibrillation?", "--check"])
    out = capsys.readouterr().out
    assert left.value.code == 0
    assert out.startswith("no")
    assert "passed: flat line" in out
    with pytest.raises(SystemExit):
        main(["ask", str(toy_record()), "What is the heart rate?", "--check", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["answer"]["answers"][0].endswith("bpm")
    assert {t["counterfeit"] for t in told["check"]["trials"]} >= set(NULLS)
