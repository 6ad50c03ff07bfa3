# SPDX-License-Identifier: Apache-2.0
"""Nothing is chosen on test records, nothing is left out in silence, nothing is made twice."""

import dataclasses
import json
import math

import numpy as np
import pytest

from precordia.benchmarking import classification_run
from precordia.benchmarking.classification import benchmark_classification
from precordia.benchmarking.classification_jobs import list_methods
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.contamination import overlapping, seen_in_training
from precordia.benchmarking.result_rows import ROWS_FILE, read_rows
from precordia.benchmarking.result_tables import render_table
from precordia.benchmarking.summaries import DIFFERENCE, MEAN
from precordia.benchmarking.withheld import Chosen, Part, Withheld
from precordia.core.errors import FormatError, OptionError, UnknownNameError
from precordia.core.record import Record
from precordia.training.settings import TrainingSettings

torch = pytest.importorskip("torch")
FS = 50.0
FOLDS = "train=1-3,valid=4,test=5"
TINY = {"size": 18, "width": 4}
QUICK = TrainingSettings(epochs=1, batch_size=32, workers=0, threads=1)


def make_cohort(n=150, *, read=None, noise=1.0, seed=0):
    """Records whose first class is a faster wave and whose second is age."""
    rng = np.random.default_rng(seed)
    fast = rng.random(n) < 0.5
    old = rng.random(n) < 0.4
    t = np.arange(128) / FS

    def make(k):
        wave = np.sin(2 * np.pi * (4 if fast[k] else 1.5) * t + k)
        noisy = wave + noise * np.random.default_rng(k).normal(size=(2, t.size))
        return Record(signal=noisy, fs=FS, leads=("I", "II"))

    return Cohort(
        database="ptbxl",
        task="superdiagnostic",
        classes=("FAST", "OLD", "RARE"),
        names=tuple(f"r{k}" for k in range(n)),
        patients=tuple(f"p{k // 2}" for k in range(n)),
        folds=tuple(str(1 + (k // 2) % 5) for k in range(n)),
        targets=np.stack([fast, old, np.arange(n) % 75 == 8], axis=1).astype(float),
        ages=np.where(old, 80.0, 40.0),
        sexes=tuple("female" if k % 3 else "male" for k in range(n)),
        read=read or make,
    )


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def spec():
    from precordia.training.usual_input import usual_input

    return usual_input(("I", "II"), FS, 2.56)


def options(spec=None, **changes):
    given = {"folds": FOLDS, "draws": 200, "baselines": ("age-sex",), "settings": QUICK}
    if spec is not None:
        given |= {"models": ("resnet1d",), "model_options": TINY, "spec": spec}
    return ClassificationOptions(**(given | changes))


def test_a_network_its_controls_and_baselines_are_in_one_table(tmp_path, spec):
    rows = benchmark_classification(
        make_cohort(noise=0.3), tmp_path, options(spec, n_seeds=2, subgroups=True, min_records=5)
    )
    means = {(r.model, r.mode): r for r in rows if r.kind == MEAN and r.metric == "macro_auroc"}
    assert set(means) == {
        ("resnet1d, random weights", "linear"),
        ("resnet1d", "scratch"),
        ("age-sex", "baseline"),
    }
    age_sex = {r.subject: r for r in rows if r.model == "age-sex" and r.metric == "auroc"}
    assert age_sex["OLD"].value == 1.0
    assert age_sex["FAST"].low < 0.5 < age_sex["FAST"].high
    frozen = [r for r in rows if r.mode == "linear" and r.metric == "auroc"]
    assert {r.seed for r in frozen} == {"0", "1"}
    assert all(r.value > 0.8 for r in frozen if r.subject == "FAST")
    assert all(r.hardware and r.date and r.split_hash for r in rows)
    assert "RARE" in means["age-sex", "baseline"].note
    groups = {r.subject: r for r in rows if r.subject.startswith("age: ") and r.model == "age-sex"}
    assert math.isnan(groups["age: 80 and older"].value)
    assert groups["age: 80 and older"].note
    text = render_table(rows)
    assert "published, not run" in text
    assert "1 of 3 classes left out" in text


def test_fewer_leads_and_real_noise_make_it_harder(tmp_path, spec, monkeypatch):
    from precordia.benchmarking import stress

    rng = np.random.default_rng(0)
    for name in ("bw", "em"):
        hiss = Record(signal=rng.normal(size=(2, 2000)), fs=FS, leads=("I", "II"))
        from precordia.io.write import write

        (tmp_path / "noise").mkdir(exist_ok=True)
        write(hiss, tmp_path / "noise" / f"{name}.hea")
    monkeypatch.setattr(classification_run, "SNRS_DB", (24, 0))
    monkeypatch.setattr(
        classification_run, "LEAD_SUBSETS", {"12 leads": stress.STANDARD_12, "1 lead": ("I",)}
    )
    rows = benchmark_classification(
        make_cohort(noise=0.3),
        tmp_path / "rows",
        options(spec, lead_subsets=True, noise=tmp_path / "noise", controls=False, baselines=()),
    )
    of = {r.subject: r.value for r in rows if r.metric == "macro_auroc" and r.kind == "measured"}
    assert of["leads: 12 leads"] == of["all"]
    assert of["leads: 1 lead"] != of["all"]
    assert of["noise: 0 dB"] < of["all"]


def test_an_attention_head_learns_from_frozen_tokens(tmp_path, spec):
    rows = benchmark_classification(
        make_cohort(noise=0.3),
        tmp_path,
        options(spec, modes=("attention",), controls=False, baselines=()),
    )
    head = next(r for r in rows if r.mode == "attention")
    assert "heads, epoch" in head.note
    assert head.value > 0.5


def test_test_records_are_not_read_before_everything_is_chosen(tmp_path, spec, monkeypatch):
    events = []
    sealed = classification_run.learn_network

    def learn(*arguments, **named):
        events.append("begin")
        chosen = sealed(*arguments, **named)
        events.append("chosen")
        return chosen

    monkeypatch.setattr(classification_run, "learn_network", learn)
    plain = make_cohort()
    test_rows = {k for k, fold in enumerate(plain.folds) if fold == "5"}

    def read(k):
        if k in test_rows:
            assert events[-1] == "chosen", "a test record was read before the method had chosen"
            events.append("chosen")
        return plain.read(k)

    rows = benchmark_classification(
        make_cohort(read=read), tmp_path, options(spec, baselines=(), n_seeds=1)
    )
    assert len({r.run for r in rows if r.kind == "measured"}) == 2
    assert events.count("begin") == 2


def test_a_learner_that_reaches_for_test_records_fails():
    opened = []
    withheld = Withheld(lambda: opened.append(1) or Part(make_cohort()))
    with pytest.raises(OptionError, match="before training and choosing had ended"):
        withheld.reveal(None)
    assert not opened
    withheld.reveal(Chosen(answer=lambda part: None, thresholds=np.zeros(1)))
    assert opened


def test_labels_of_test_records_do_not_change_what_is_chosen(tmp_path, spec):
    cohort = make_cohort()
    other = np.array(cohort.targets)
    test = [k for k, fold in enumerate(cohort.folds) if fold == "5"]
    other[test] = 1 - other[test]
    hashes = []
    for k, held in enumerate((cohort, dataclasses.replace(cohort, targets=other))):
        rows = benchmark_classification(held, tmp_path / str(k), options(spec, controls=False))
        hashes.append({r.model: r.weights_hash for r in rows if r.kind == "measured"})
        thresholds = [r.note for r in rows if r.metric == "macro_auroc" and r.kind == "measured"]
        assert any("validation" in note for note in thresholds)
    assert hashes[0] == hashes[1]


def test_runs_that_are_there_are_not_made_again(tmp_path, monkeypatch):
    made = []
    learn = classification_run.learn_baseline
    monkeypatch.setattr(
        classification_run, "learn_baseline", lambda *a, **k: made.append(a[0]) or learn(*a, **k)
    )
    first = benchmark_classification(make_cohort(), tmp_path, options())
    size = (tmp_path / ROWS_FILE).stat().st_size
    assert made == ["age-sex"]
    again = benchmark_classification(make_cohort(), tmp_path, options())
    assert made == ["age-sex"]
    assert [row.to_json() for row in first] == [row.to_json() for row in again]
    assert (tmp_path / ROWS_FILE).stat().st_size == size
    benchmark_classification(make_cohort(seed=1), tmp_path, options())
    assert len(made) == 2


def test_a_run_that_was_killed_while_writing_is_made_again(tmp_path):
    rows = benchmark_classification(make_cohort(), tmp_path, options())
    path = tmp_path / ROWS_FILE
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:3]) + "\n" + lines[3][:40])
    assert read_rows(tmp_path) == []
    again = benchmark_classification(make_cohort(), tmp_path, options())
    assert [r.value for r in again if r.kind == "measured"] == pytest.approx(
        [r.value for r in rows if r.kind == "measured"], nan_ok=True
    )


def test_few_labels_use_few_patients_and_more_labels_help(tmp_path, spec):
    rows = benchmark_classification(
        make_cohort(400, noise=3.0),
        tmp_path,
        options(spec, controls=False, baselines=(), labels=("2%", "100%"), n_seeds=3),
    )
    means = {r.labels: r for r in rows if r.kind == MEAN and r.metric == "macro_auroc"}
    assert means["2%"].n_labelled < 12
    assert means["100%"].n_labelled == 240
    areas = {
        labels: np.mean(
            [
                r.value
                for r in rows
                if r.metric == "auroc" and r.subject == "FAST" and r.labels == labels
            ]
        )
        for labels in means
    }
    assert areas["2%"] < areas["100%"]


def test_differences_are_paired_and_narrower_than_the_scores_apart(tmp_path, spec):
    rows = benchmark_classification(make_cohort(), tmp_path, options(spec, noise=None))
    apart = [r for r in rows if r.kind == DIFFERENCE]
    pairs = {(r.model, r.mode, r.subject): r for r in apart}
    there = pairs["resnet1d, random weights", "linear", "minus age-sex (baseline)"]
    back = pairs["age-sex", "baseline", "minus resnet1d, random weights (linear)"]
    assert there.value == pytest.approx(-back.value)
    assert there.low == pytest.approx(-back.high)


def test_every_record_of_the_test_is_answered_although_one_cannot_be_prepared(tmp_path, spec):
    plain = make_cohort()
    broken = next(k for k, fold in enumerate(plain.folds) if fold == "5")

    def read(k):
        if k == broken:
            raise FormatError("the file is damaged; a whole one is needed. Copy it again.")
        return plain.read(k)

    rows = benchmark_classification(
        make_cohort(read=read), tmp_path, options(spec, controls=False, baselines=())
    )
    n_test = sum(fold == "5" for fold in plain.folds)
    assert next(r for r in rows if r.metric == "macro_auroc").n_records == n_test


def test_how_many_recordings_lack_leads_of_the_network_is_said(tmp_path, spec):
    plain = make_cohort()

    def read(k):
        record = plain.read(k)
        if k % 10:
            return record
        return dataclasses.replace(record, signal=record.signal[:1], leads=("I",))

    rows = benchmark_classification(make_cohort(read=read), tmp_path, options(spec))
    heads = {
        (r.model, r.mode): r.note
        for r in rows
        if r.subject == "all" and r.metric == "macro_auroc" and r.kind == "measured"
    }
    said = "15 of 150 recordings lack leads, and zeros stand for them: II (15)."
    assert {key: said in note for key, note in heads.items()} == {
        ("resnet1d, random weights", "linear"): True,
        ("resnet1d", "scratch"): True,
        ("age-sex", "baseline"): False,
    }


def test_labels_that_nobody_knows_count_for_nothing(tmp_path, spec):
    cohort = make_cohort(noise=0.3)
    targets = np.array(cohort.targets)
    test = np.array([k for k, fold in enumerate(cohort.folds) if fold == "5"])
    targets[test[:10], 0] = np.nan
    targets[np.arange(0, 150, 7), 1] = np.nan
    rows = benchmark_classification(
        dataclasses.replace(cohort, targets=targets),
        tmp_path,
        options(spec, controls=False, min_records=5),
    )
    fast = next(r for r in rows if r.metric == "auroc" and r.subject == "FAST")
    assert fast.n_records == len(test) - 10
    assert math.isfinite(fast.value)


def test_cross_validation_tests_every_patient_once(tmp_path):
    cohort = make_cohort()
    rows = benchmark_classification(
        cohort, tmp_path, options(folds=None, cross_validate=3, min_records=5)
    )
    heads = [r for r in rows if r.metric == "macro_auroc" and r.kind == "measured"]
    heads = [r for r in heads if r.subject == "all"]
    assert sum(r.n_patients for r in heads) == len(set(cohort.patients))
    mean = next(r for r in rows if r.kind == MEAN and r.metric == "macro_auroc")
    assert mean.value == pytest.approx(np.mean([r.value for r in heads]))
    assert mean.low < mean.value < mean.high
    assert mean.n_patients == len(set(cohort.patients))


def test_weights_that_saw_the_test_database_are_marked(tmp_path, spec):
    from precordia.models.load_model import load_model

    folder = tmp_path / "trained"
    model = load_model("resnet1d", n_outputs=2, leads=("I", "II"), fs=FS, seconds=2.56, **TINY)
    model.save_pretrained(folder, input_spec=spec, training_data=("CinC2021", "mimic_iv_ecg"))
    rows = benchmark_classification(
        make_cohort(),
        tmp_path / "rows",
        options(models=(str(folder),), modes=("linear", "finetune"), baselines=()),
    )
    marks = {(r.model, r.mode): r.contaminated for r in rows if r.kind == "measured"}
    assert set(marks) == {
        ("trained", "linear"),
        ("trained", "finetune"),
        ("resnet1d, random weights", "linear"),
        ("resnet1d", "scratch"),
    }
    assert marks["trained", "linear"] == marks["trained", "finetune"] == "CinC2021"
    assert marks["resnet1d", "scratch"] == ""
    assert marks["resnet1d, random weights", "linear"] == ""
    assert "‡" in render_table(rows)
    assert seen_in_training("georgia", ["cinc2020 without validation"])
    assert "ptbxl" in overlapping("cinc2021")


def test_two_trainings_are_two_models_and_no_two_seeds_of_one(tmp_path, spec):
    from precordia.models.load_model import load_model

    for seed, place in enumerate(("a/same/model", "b/same/model", "c/other/model")):
        model = load_model(
            "resnet1d", n_outputs=2, leads=("I", "II"), fs=FS, seconds=2.56, seed=seed, **TINY
        )
        model.save_pretrained(tmp_path / place, input_spec=spec, training_data=("georgia",))
    named = tuple(str(tmp_path / part) for part in ("a/same/model", "b/same", "c/other/model"))
    rows = benchmark_classification(
        make_cohort(), tmp_path / "rows", options(models=named, controls=False, baselines=())
    )
    means = [r for r in rows if r.kind == MEAN and r.metric == "macro_auroc"]
    assert sorted(r.model for r in means) == ["other", "same", "same"]
    assert len({r.value for r in means}) == 3
    hashes = sorted(r.weights_from[:6] for r in means if r.model == "same")
    table = render_table(read_rows(tmp_path / "rows"))
    assert [f"same {said}" in table for said in hashes] == [True, True]
    assert "2, SD" not in table


def test_frozen_weights_run_once_and_random_ones_for_every_seed(tmp_path, spec):
    methods = list_methods(options(spec, modes=("linear", "finetune")))
    assert [(m.name, m.mode) for m in methods] == [
        ("resnet1d, random weights", "linear"),
        ("resnet1d", "scratch"),
        ("age-sex", "baseline"),
    ]
    assert [m.chance for m in methods] == [True, True, False]


def test_a_network_with_scores_of_samples_is_tested_by_its_embedding_alone(spec):
    made = {"models": ("unet1d",), "model_options": {"width": 4}}
    methods = list_methods(options(spec, **made, modes=("linear",)))
    assert [m.mode for m in methods] == ["linear", "baseline"]
    with pytest.raises(OptionError, match="only its embedding"):
        list_methods(options(spec, **made, modes=("scratch",)))
    with pytest.raises(OptionError, match="only its embedding"):
        methods[0].network.load(3, seed=0)


def test_mistakes_are_sentences(tmp_path, spec):
    with pytest.raises(UnknownNameError, match="Did you mean 'linear'"):
        options(spec, modes=("linaer",))
    with pytest.raises(UnknownNameError, match="Did you mean 'resnet1d'"):
        list_methods(options(models=("resnet1",)))
    with pytest.raises(UnknownNameError, match="Did you mean 'age-sex'"):
        options(baselines=("age_sex",))
    with pytest.raises(OptionError, match="neither a model nor a baseline"):
        ClassificationOptions()
    with pytest.raises(OptionError, match="1%, 10% or 100%"):
        options(labels=("0%",))
    with pytest.raises(OptionError, match="comes twice"):
        dataclasses.replace(make_cohort(), names=("a",) * 150)
    with pytest.raises(FormatError, match="answers"):
        from precordia.benchmarking.predictions import read_predictions

        read_predictions(tmp_path, "none")


def test_rows_are_json_a_line_with_null_for_nan(tmp_path):
    benchmark_classification(make_cohort(), tmp_path, options())
    for line in (tmp_path / ROWS_FILE).read_text().splitlines():
        held = json.loads(line)
        assert set(held) >= {"task", "split_hash", "weights_hash", "seed", "commit", "input"}
    assert "NaN" not in (tmp_path / ROWS_FILE).read_text()
