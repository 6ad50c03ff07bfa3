# SPDX-License-Identifier: Apache-2.0
"""From a configuration to an adapter that answers about a file; and real questions on the way."""

from __future__ import annotations

import json
import tomllib
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from precordia.cli.main import main  # noqa: E402
from precordia.core.errors import (  # noqa: E402
    MissingFileError,
    OptionError,
    OutputError,
    PrecordiaError,
    UnknownNameError,
)
from precordia.core.leads import STANDARD_12  # noqa: E402
from precordia.core.record import Record  # noqa: E402
from precordia.generation.simulate import simulate  # noqa: E402
from precordia.io.write import write  # noqa: E402
from precordia.language.adapt import adapt  # noqa: E402
from precordia.language.adapt_configuration import EXAMPLE, read_adapt_configuration  # noqa: E402
from precordia.language.adapted import answer_with_adapter  # noqa: E402
from precordia.language.adapted_model import AdaptedModel  # noqa: E402
from precordia.language.fit_adapter import fit_adapter  # noqa: E402
from precordia.language.low_rank import LowRank  # noqa: E402
from precordia.language.make_adapter import make_adapter  # noqa: E402
from precordia.language.question_batch import Question  # noqa: E402
from precordia.language.question_rows import (  # noqa: E402
    Asked,
    divide_by_patient,
    ecg_qa_questions,
    label_questions,
    texts_to_read,
    with_options,
)
from precordia.language.recording_input import RecordingInput  # noqa: E402
from precordia.language.tiny_model import make_tiny_model  # noqa: E402
from precordia.training.record_source import RecordSource, simulated_source  # noqa: E402
from precordia.training.settings import TrainingSettings  # noqa: E402

SCENARIOS = ["sinus", "left-bundle-block"]


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The example, with fewer recordings and a short signal of three leads."""
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("adapt") / "adapted"
    tables = tomllib.loads(EXAMPLE)
    tables["data"]["simulated"] = 80
    tables["data"]["shares"] = [0.6, 0.2, 0.2]
    tables["base"]["tiny"] = {"dim": 32, "layers": 2, "heads": 2, "epochs": 60}
    tables["input"] = {"leads": ["I", "V1", "V6"], "fs": 50, "seconds": 4}
    tables["training"] |= {"epochs": 12, "lr": 0.01}
    return adapt(tables, folder=place), tables


def test_the_example_learns_what_the_question_alone_cannot_tell(trained):
    done, _ = trained
    scores = done.metrics["scores"]
    assert scores["exact_match"]["value"] >= 0.9
    assert scores["question_only"]["value"] <= 0.6
    assert scores["above_question_only"]["interval"][0] > 0
    assert scores["above_other_recording"]["value"] > 0.2
    assert "above question only" in str(done)
    kept = json.loads((done.folder / "metrics.json").read_text())
    assert kept["scores"]["exact_match"] == scores["exact_match"]
    assert kept["scored_on"] == "test"
    assert not [a for a in kept["scores"]["answers"] if "simulated" in json.dumps(a)]


def test_an_adapter_answers_about_a_file(trained, tmp_path, capsys):
    folder = str(trained[0].folder)
    file = tmp_path / "ecg.edf"
    with warnings.catch_warnings(action="ignore"):  # EDF does not hold what was simulated
        write(simulate("left-bundle-block", seed=77), file)
    question = "Does this ECG show left bundle block?"
    with pytest.raises(SystemExit) as left:
        main(["adapt", "--answer", folder, str(file), question, "--json"])
    assert left.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["answer"] == "yes"
    assert set(told["options"]) == {"yes", "no"}
    assert sum(told["options"].values()) == pytest.approx(1)
    assert "not verified" in told["note"]
    other = answer_with_adapter(folder, simulate("sinus", seed=78), question)
    assert other.answer == "no"
    assert "not verified" in str(other)
    with pytest.raises(OptionError, match="no question"):
        answer_with_adapter(folder, simulate("sinus", seed=78), " ")


def test_a_folder_is_never_overwritten_unasked(trained):
    done, tables = trained
    with pytest.raises(OutputError, match="not empty"):
        adapt(tables, folder=done.folder)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        (["training.epoch=3"], UnknownNameError, "epochs"),
        (["adaptr.name=x"], UnknownNameError, "adapter"),
        (["adapter.name=soft-promt"], UnknownNameError, "soft-prompt"),
        (["data.simulatd=3"], UnknownNameError, "simulated"),
        (["low_rank.preset=attenton"], UnknownNameError, "attention"),
        (["data.ptbxl=here"], OptionError, "one of store, ptbxl and simulated"),
        (["data.questions=here"], OptionError, "name those"),
        (["base.model=here"], OptionError, "leave one out"),
        (["data.simulated=many"], OptionError, "whole number"),
        (["data.test=[9]"], OptionError, "data.test"),
        (["base.tiny.dims=3"], UnknownNameError, "dim"),
        (["training.mixup=0.5"], OptionError, "training.mixup"),
        (["input.seconds=3", "adapter.name=prefix-mapper"], UnknownNameError, "encoder"),
    ],
)
def test_a_wrong_configuration_is_refused_with_the_nearest_name(tmp_path, changes, error, words):
    with pytest.raises(error, match=words):
        adapt(tomllib.loads(EXAMPLE), folder=tmp_path / "a", changes=changes)


def test_a_configuration_may_come_from_a_file_and_lacks_nothing(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["adapt", "--example"])
    assert left.value.code == 0
    path = tmp_path / "a.toml"
    path.write_text(capsys.readouterr().out)
    assert read_adapt_configuration(path).data.scenarios == SCENARIOS
    with pytest.raises(MissingFileError, match="precordia adapt --example"):
        read_adapt_configuration(tmp_path / "b.toml")
    with pytest.raises(OptionError, match=r"no table \[base\]"):
        read_adapt_configuration({"data": {}, "adapter": {}})
    for wrong in (["adapt"], ["adapt", "--answer", "x"], ["adapt", str(path), "a question"]):
        with pytest.raises(SystemExit) as left:
            main(wrong)
        assert left.value.code == 2


# ---- questions ----


def source_of(names, patients, folds, targets=None, classes=("MI", "NORM")):
    n = len(names)
    held = np.zeros((n, len(classes))) if targets is None else np.asarray(targets)
    return RecordSource(
        title="some recordings",
        names=tuple(names),
        patients=tuple(patients),
        folds=tuple(folds),
        parts=("",) * n,
        classes=tuple(classes),
        targets=held.astype(np.float32),
        read=lambda k: Record(signal=np.ones((12, 1000)), fs=100, leads=STANDARD_12),
        content="",
        ages=np.full(n, np.nan),
        males=np.full(n, np.nan),
        members=("x",) * n,
    )


def write_rows(folder):
    """Three questions as ECG-QA publishes them: two about one recording, one about two."""
    place = folder / "ecgqa" / "ptbxl" / "template" / "train"
    place.mkdir(parents=True)

    def row(template, question, answer, ids):
        return {
            "template_id": template, "question_type": "x", "attribute_type": "noise",
            "question": question, "answer": answer, "ecg_id": ids,
        }  # fmt: skip

    rows = [
        row(26, "Static noise in lead I?", ["no"], [17]),
        row(26, "Static noise in lead V1?", ["yes"], [18]),
        row(68, "Which are abnormal?", ["rr interval", "p duration"], [17, 18]),
        row(26, "Of a recording that is not here?", ["yes"], [99]),
    ]
    (place / "1.json").write_text(json.dumps(rows))
    table = "template_id,classes\n26,\"['no', 'yes']\"\n68,\"['p duration', 'rr interval']\"\n"
    (folder / "ecgqa" / "ptbxl" / "answers_for_each_template.csv").write_text(table)


def test_rows_meet_their_recordings_and_options(tmp_path):
    write_rows(tmp_path)
    source = source_of(["ptbxl/00018", "17"], ["b", "a"], ["9", "1"])
    asked = ecg_qa_questions(tmp_path, source)
    assert [(a.text[:6], a.recordings, a.answer) for a in asked] == [
        ("Static", (1,), "no"),
        ("Static", (0,), "yes"),
        ("Which ", (1, 0), "p duration, rr interval"),
    ]
    assert asked[0].options == ("no", "yes")
    assert asked[2].patients == ("a", "b")
    made = with_options(asked, asked)
    assert made[2].options == ("p duration", "rr interval", "p duration, rr interval")
    # an answer that the training part does not have is not offered for being right
    assert with_options(asked[2:], asked[:1])[0].options == ("p duration", "rr interval")
    assert len(ecg_qa_questions(tmp_path, source, templates=[68])) == 1
    with pytest.raises(OptionError, match="none of the questions"):
        ecg_qa_questions(tmp_path, source_of(["5"], ["c"], ["1"]))


def test_a_question_about_two_parts_is_in_neither_and_no_patient_is_in_two():
    def asked(rows, patients):
        return Asked(text="q", answer="a", recordings=rows, patients=patients, folds=("",))

    parts = {0: "train", 1: "test", 2: "train"}
    divided = divide_by_patient(
        [asked((0,), ("a",)), asked((1,), ("b",)), asked((0, 1), ("a", "b"))], parts
    )
    assert [len(divided[p]) for p in ("train", "validation", "test")] == [1, 0, 1]
    with pytest.raises(OptionError, match="patient a"):
        divide_by_patient([asked((0,), ("a",)), asked((1,), ("a",))], parts)


def test_labels_are_asked_about_as_often_rightly_as_wrongly():
    targets = np.array([[1, 0], [0, 1], [0, 1], [0, 1], [np.nan, 0]])
    asked = label_questions(source_of("abcde", "abcde", [""] * 5, targets))
    told = [(a.text, a.answer) for a in asked]
    for name, n in (("myocardial infarction", 1), ("normal ecg", 2)):
        for answer in ("yes", "no"):
            assert told.count((f"Does this ECG show {name}?", answer)) == n
    assert asked[0].note in ("myocardial infarction", "normal ecg")
    assert len(texts_to_read(asked)) == 2 * len(asked)


def test_the_loss_on_real_rows_of_ecg_qa_falls_within_a_few_steps(shared_data):
    with np.load(shared_data / "ptbxl_norm" / "ptbxl_norm_100hz_int16.npz") as held:
        ids, signals = held["ecg_id"], held["x"][:400]
    source = source_of([str(i) for i in ids[:400]], [str(i) for i in ids[:400]], ["1"] * 400)
    asked = ecg_qa_questions(shared_data / "ecg-qa", source, templates=[26, 27, 28])
    assert len(asked) >= 40
    few = asked[:32]
    base = make_tiny_model(texts_to_read(few), dim=32, heads=2, epochs=20)
    shown = RecordingInput.from_table("soft-prompt", {"leads": ["II", "V2"], "seconds": 5})
    options = {"patch": 25, "dim": 16, "depth": 1, "heads": 2, "per_lead": False}
    adapter = make_adapter("soft-prompt", base.network, shown.shape, options=options)
    questions = []
    for row in few:
        signal = signals[row.recordings[0]].T.astype(np.float32) / 1000
        record = Record(signal=signal, fs=100, leads=STANDARD_12)
        questions.append(Question(row.text, (shown.take(record),), row.answer))
    settings = TrainingSettings(epochs=4, batch_size=8, lr=0.01)
    model = AdaptedModel(base, adapter, LowRank(rank=4, dropout=0.0))
    fitted = fit_adapter(model, questions, settings=settings)
    losses = [epoch["loss"] for epoch in fitted.epochs]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize(
    ("adapter", "table", "shape"),
    [
        ("soft-prompt", {"leads": ["II"], "fs": 50, "seconds": 4}, (1, 200)),
        ("prefix-mapper", {}, (96,)),
        ("vocabulary-extension", {"tokenizer": "beats", "leads": ["II"]}, None),
    ],
)
def test_what_an_adapter_takes_survives_its_card(adapter, table, shape):
    shown = RecordingInput.from_table(adapter, table)
    again = RecordingInput.from_table(adapter, json.loads(json.dumps(shown.to_table())))
    record = simulate("sinus", seed=1)
    one, two = shown.take(record), again.take(record)
    assert np.array_equal(one, two)
    if shape is not None:
        assert one.shape == shape
        assert one.dtype == np.float32
    else:
        assert 0 <= one.min() <= one.max() < shown.shape["n_symbols"]
        assert (
            one.size < RecordingInput.from_table(adapter, {"tokenizer": "beats"}).take(record).size
        )
    with pytest.raises(PrecordiaError, match="led"):
        RecordingInput.from_table(adapter, {"led": ["II"]})


def test_simulated_recordings_may_be_asked_about():
    asked = label_questions(simulated_source(8, SCENARIOS))
    assert {a.text for a in asked} == {
        "Does this ECG show sinus?",
        "Does this ECG show left bundle block?",
    }
    assert sum(a.answer == "yes" for a in asked) == len(asked) / 2 == 8
