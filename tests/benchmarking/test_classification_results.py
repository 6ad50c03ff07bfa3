# SPDX-License-Identifier: Apache-2.0
"""Rows are only appended to, tables and pictures come from rows, protocols leave no task out."""

import csv
import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from precordia.benchmarking.classification import benchmark_classification
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.predictions import read_predictions
from precordia.benchmarking.protocol_tasks import (
    DONE,
    NOT_HERE,
    benchmark_protocol,
    list_protocols,
    read_protocol,
)
from precordia.benchmarking.reliability import ece
from precordia.benchmarking.result_plots import plot_results
from precordia.benchmarking.result_rows import (
    ROWS_FILE,
    ResultRow,
    append_rows,
    read_rows,
    write_rows_csv,
)
from precordia.benchmarking.result_tables import render_table
from precordia.benchmarking.scoring import TestTruth, score_answers, score_challenge
from precordia.benchmarking.subgroups import score_groups
from precordia.benchmarking.summaries import DIFFERENCE, MEAN
from precordia.cli.main import main
from precordia.core.errors import FormatError, OptionError, OutputError, UnknownNameError


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Rows of the age and sex of made-up patients, with 10 and 100 % of labels."""
    rng = np.random.default_rng(0)
    n = 240
    age = rng.uniform(20, 95, n)
    targets = np.stack([age + rng.normal(0, 25, n) > 60, rng.random(n) < 0.4], axis=1)
    cohort = Cohort(
        database="ptbxl",
        task="rhythm",
        classes=("OLDER", "COIN"),
        names=tuple(map(str, range(n))),
        patients=tuple(map(str, range(n))),
        folds=tuple(str(1 + k % 5) for k in range(n)),
        targets=targets.astype(float),
        ages=age,
        sexes=tuple(rng.choice(["female", "male"], n)),
        devices=tuple("A" if k % 9 else "B" for k in range(n)),
        read=lambda k: None,
    )
    folder = tmp_path_factory.mktemp("rows")
    options = ClassificationOptions(
        baselines=("age-sex",),
        folds="train=1-3,valid=4,test=5",
        labels=("10%", "100%"),
        n_seeds=2,
        subgroups=True,
        draws=300,
    )
    return folder, benchmark_classification(cohort, folder, options)


def _area(truth, scores):
    """The chance that a positive scores higher than a negative."""
    yes, no = scores[truth == 1][:, None], scores[truth == 0]
    return np.mean((yes > no) + 0.5 * (yes == no))


def test_rows_come_back_as_they_were(tmp_path):
    row = ResultRow(run="a", metric="macro_auroc", value=math.nan, note="none; really")
    append_rows([row, replace(row, metric="macro_f1", value=0.5)], tmp_path)
    first, second = read_rows(tmp_path)
    assert math.isnan(first.value)
    assert (first.piece, second.piece, second.value) == ("1/2", "2/2", 0.5)
    assert first.note == row.note


def test_what_was_written_before_is_never_touched(tmp_path):
    append_rows([ResultRow(run="a", metric="m", value=1.0)], tmp_path)
    before = (tmp_path / ROWS_FILE).read_bytes()
    append_rows([ResultRow(run="b", metric="m", value=2.0)], tmp_path)
    assert (tmp_path / ROWS_FILE).read_bytes().startswith(before)
    assert [row.run for row in read_rows(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize("cut", [10, 100, 2000])
def test_a_torn_run_is_left_out_and_the_next_one_is_whole(tmp_path, cut):
    append_rows([ResultRow(run="a", metric="m", value=1.0)], tmp_path)
    n = (tmp_path / ROWS_FILE).stat().st_size
    append_rows([ResultRow(run="b", metric=f"m{k}", value=k) for k in range(5)], tmp_path)
    text = (tmp_path / ROWS_FILE).read_bytes()
    (tmp_path / ROWS_FILE).write_bytes(text[: n + cut])
    assert [row.run for row in read_rows(tmp_path)] == ["a"]
    append_rows([ResultRow(run="c", metric="m", value=3.0)], tmp_path)
    assert [row.run for row in read_rows(tmp_path)] == ["a", "c"]


def test_files_that_are_no_rows_are_refused(tmp_path):
    with pytest.raises(FormatError, match="--output"):
        read_rows(tmp_path / "none")
    (tmp_path / ROWS_FILE).write_text('{"other": 1}\n')
    with pytest.raises(FormatError, match="line 1"):
        read_rows(tmp_path)
    with pytest.raises(FormatError, match="cannot be read"):
        read_predictions(tmp_path, "none")


def test_rows_as_csv_have_every_column_and_are_not_overwritten(made, tmp_path):
    rows = made[1]
    path = write_rows_csv(rows, tmp_path / "rows.csv")
    table = list(csv.DictReader(io.StringIO(path.read_text())))
    assert len(table) == len(rows)
    assert set(table[0]) >= {"run", "value", "low", "high", "contaminated", "minutes"}
    with pytest.raises(OutputError):
        write_rows_csv(rows, path)


def test_the_mean_of_seeds_is_the_mean_and_its_spread_stands_apart(made):
    few = [r for r in made[1] if r.labels == "10%" and r.subject == "all"]
    runs = [r.value for r in few if r.metric == "macro_auroc" and r.kind == "measured"]
    mean = next(r for r in few if r.metric == "macro_auroc" and r.kind == MEAN)
    spread = next(r for r in few if r.metric == "macro_auroc_sd_of_seeds")
    assert len(runs) == 2
    assert mean.value == pytest.approx(np.mean(runs))
    assert spread.value == pytest.approx(np.std(runs, ddof=1))
    assert not [r for r in made[1] if r.kind == DIFFERENCE]


def test_intervals_are_those_of_drawn_patients(made):
    folder, rows = made
    row = next(
        r for r in rows if r.metric == "auroc" and r.subject == "OLDER" and r.labels == "100%"
    )
    answers = read_predictions(folder, row.run)
    rng = np.random.default_rng(9)
    n = len(answers.names)
    areas = []
    for _ in range(400):
        drawn = rng.integers(0, n, n)
        areas.append(_area(answers.targets[drawn, 0], answers.scores[drawn, 0]))
    low, high = np.percentile(areas, [2.5, 97.5])
    assert row.value == pytest.approx(_area(answers.targets[:, 0], answers.scores[:, 0]))
    assert row.low == pytest.approx(low, abs=0.04)
    assert row.high == pytest.approx(high, abs=0.04)


@pytest.mark.parametrize("format", ["text", "markdown", "html", "csv"])
def test_tables_are_made_of_rows(made, format):
    mean = next(r for r in made[1] if r.kind == MEAN and r.labels == "100%")
    text = render_table(made[1], format=format)
    assert "age-sex" in text
    assert (f"{mean.value:.3f}" if format != "csv" else "macro_auroc") in text
    assert ("published, not run" in text) == (format != "csv")
    assert "published" not in render_table(made[1], format="text", published=False)


def test_tables_of_what_is_not_there_are_refused(made):
    with pytest.raises(UnknownNameError, match="Did you mean 'html'"):
        render_table(made[1], format="htm")
    with pytest.raises(OptionError, match="no row has the metric 'f7'"):
        render_table(made[1], metric="f7")


def test_pictures_are_drawn_and_never_overwritten(made, tmp_path):
    paths = plot_results(made[0], tmp_path)
    names = {path.stem.rpartition("-")[2] for path in paths}
    assert names == {"scores", "labels", "calibration", "subgroups"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    with pytest.raises(OutputError):
        plot_results(made[0], tmp_path)


def test_a_benchmark_that_was_interrupted_says_so_and_draws_nothing(made, tmp_path):
    rows = [row for row in made[1] if row.kind == "measured"]
    for run in dict.fromkeys(row.run for row in rows):
        append_rows([row for row in rows if row.run == run], tmp_path)
    with pytest.raises(OptionError, match=r"did not come to its end: .* goes on from there"):
        render_table(rows)
    with pytest.raises(OptionError, match="did not come to its end"):
        plot_results(tmp_path, tmp_path / "pictures")
    assert not (tmp_path / "pictures").exists()
    assert "age-sex" in render_table(rows, metric="macro_auprc")


def test_small_groups_have_a_reason_instead_of_a_number(made):
    device = next(r for r in made[1] if r.subject == "device: B")
    assert math.isnan(device.value)
    assert device.note == "no class has 10 positive and negative records"
    assert device.n_records > 0


def test_groups_of_a_kind_are_compared_over_the_same_classes():
    rng = np.random.default_rng(1)
    n = 400
    sexes = np.repeat(["female", "male"], n // 2)
    targets = (rng.random((n, 2)) < 0.3).astype(float)
    targets[sexes == "male", 1] = 0
    cohort = Cohort(
        database="own", task="t", classes=("A", "B"), names=tuple(map(str, range(n))),
        patients=tuple(map(str, range(n))), targets=targets, read=lambda k: None,
        sexes=tuple(sexes),
    )  # fmt: skip
    scores = rng.normal(size=(n, 2)) + targets
    truth = TestTruth.of(cohort.classes, targets, cohort.patients, draws=200)
    groups = {m.subject: m for m in score_groups(truth, scores, cohort)}
    assert groups["sex: female"].note == "over A"
    women = sexes == "female"
    expected = _area(targets[women, 0], scores[women, 0])
    assert groups["sex: female"].value == pytest.approx(expected)


def test_a_perfect_method_scores_one_and_says_what_it_left_out():
    targets = np.zeros((60, 3))
    targets[:30, 0], targets[::2, 1], targets[0, 2] = 1, 1, 1
    truth = TestTruth.of(("A", "B", "C"), targets, [str(k) for k in range(60)], draws=200)
    found = {
        (m.metric, m.subject): m
        for m in score_answers(
            truth, targets, probabilities=targets, thresholds=np.array([0.5, 0.5, np.nan])
        )
    }
    for metric in ("macro_auroc", "macro_auroc_all", "macro_auprc", "macro_f1"):
        assert found[metric, "all"].value == 1.0
    assert found["macro_brier", "all"].value == 0
    parts = [found[f"macro_brier_{p}", "all"].value for p in ("resolution", "uncertainty")]
    assert parts[0] == pytest.approx(parts[1])
    assert found["macro_brier_reliability", "all"].value == 0
    for metric in ("macro_ece_width", "macro_ece_mass", "pooled_ece_mass"):
        assert found[metric, "all"].value == 0
    assert found["macro_auroc", "all"].note.endswith("test records): C")
    assert "of 200 draws" in found["macro_auroc_all", "all"].note
    assert found["auroc", "C"].note.startswith("rests on 1 records")


def test_calibration_is_told_of_classes_and_of_all_decisions_beside_what_chance_shows():
    rng = np.random.default_rng(5)
    probabilities = np.round(rng.uniform(0.1, 0.9, (300, 4)), 1)
    targets = (rng.random((300, 4)) < probabilities).astype(float)
    targets[::7, 2] = np.nan
    truth = TestTruth.of("ABCD", targets, [str(k) for k in range(300)], draws=200)
    found = {m.metric: m for m in score_answers(truth, probabilities, probabilities=probabilities)}
    each = ece(targets, probabilities, binning="mass")
    assert found["macro_ece_mass"].value == pytest.approx(each.mean())
    known = np.isfinite(targets)
    of_all = ece(targets[known][:, None], probabilities[known][:, None], binning="mass")
    assert found["pooled_ece_mass"].value == pytest.approx(of_all[0])
    assert found["pooled_ece_mass"].note == "all decisions as of one class"
    for kind in ("macro", "pooled"):
        plain, chance = found[f"{kind}_ece_mass"], found[f"{kind}_ece_mass_by_chance"]
        assert 0.5 * plain.value < chance.value < 2 * plain.value
        assert found[f"{kind}_ece_mass_debiased"].value < plain.value
    assert found["pooled_ece_mass"].value < found["macro_ece_mass"].value


def test_challenge_score_of_named_classes_is_that_of_their_concepts(shared_data):
    from precordia.benchmarking.challenge_metric import challenge_score, read_challenge_weights
    from precordia.datasets.challenge_records import scored_classes

    table = read_challenge_weights(shared_data / "cinc2021" / "eval2021" / "weights.csv")
    codes = scored_classes(2021)
    names = sorted(set(codes.values()))
    rng = np.random.default_rng(0)
    targets = (rng.random((60, len(names))) < 0.15).astype(float)
    scores = rng.random((60, len(names)))
    truth = TestTruth.of(names, targets, [str(k) for k in range(60)], draws=200)
    measured = score_challenge(truth, scores, np.full(len(names), 0.8), table)
    columns = [table.column_of(next(c for c, n in codes.items() if n == name)) for name in names]
    so, said = (np.zeros((60, len(table.classes)), bool) for _ in range(2))
    so[:, columns], said[:, columns] = targets == 1, scores >= 0.8
    assert measured.value == pytest.approx(challenge_score(so, said, table))
    assert measured.low < measured.value < measured.high
    other = replace(truth, classes=tuple(f"x{k}" for k in range(len(names))))
    assert "no class of this task" in score_challenge(other, scores, np.zeros(26), table).note


def test_protocols_name_databases_and_tasks_that_exist():
    from precordia.datasets.databases import DATABASES, dataset_card

    assert list_protocols() == ("benchecg", "merl", "ptbxl")
    for name in list_protocols():
        for task in read_protocol(name).tasks:
            if not task.cannot:
                assert task.database in DATABASES
                assert task.task in dataset_card(task.database).tasks
    assert len(read_protocol("ptbxl").tasks) == 6
    assert len(read_protocol("benchecg").tasks) == 10


def test_a_protocol_says_of_each_task_what_became_of_it(shared_data, tmp_path):
    options = ClassificationOptions(
        baselines=("age-sex",), folds="train=1-7,valid=8,test=9", draws=100
    )
    done = benchmark_protocol("merl", [f"ptbxl={shared_data / 'ptbxl'}"], tmp_path, options)
    states = {state.task: state for state in done.states}
    assert [s.state for s in done.states].count(DONE) == 4
    assert states["CPSC2018, divided by patients"].state == NOT_HERE
    assert "--data cpsc2018=FOLDER" in states["CPSC2018, divided by patients"].reason
    assert states["CSN, the released table as it is"].state == NOT_HERE
    assert {row.task for row in done.rows} == {"superdiagnostic", "subdiagnostic", "form", "rhythm"}
    with pytest.raises(UnknownNameError, match="Did you mean 'merl'"):
        benchmark_protocol("merk", [], tmp_path, options)
    with pytest.raises(OptionError, match="no task on ludb"):
        benchmark_protocol("merl", ["ludb=x"], tmp_path, options)


def _run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    out = capsys.readouterr()
    return left.value.code, out.out, out.err


def test_the_command_prints_one_object_and_tables_from_its_rows(shared_data, tmp_path, capsys):
    said = [
        "benchmark", "classification", "--data", f"ptbxl={shared_data / 'ptbxl'}",
        "--task", "superclass", "--folds", "train=1-7,valid=8,test=9",
        "--baseline", "age-sex", "--output", tmp_path / "r",
    ]  # fmt: skip
    code, out, err = _run(capsys, *said, "--json")
    assert (code, err) == (0, "")
    assert {row["database"] for row in json.loads(out)["rows"]} == {"ptbxl"}
    code, out, _ = _run(capsys, "benchmark", "table", tmp_path / "r", "--format", "markdown")
    assert (code, out.startswith("**ptbxl")) == (0, True)
    code, _, err = _run(capsys, *said, "--model", "resnet1")
    assert code == 2
    assert "Did you mean 'resnet1d'" in err
    code, _, err = _run(capsys, *said, "--set", "epocs=3")
    assert code == 2
    assert "Did you mean 'epochs'" in err


def test_answers_are_not_overwritten_by_another_benchmark(made, tmp_path):
    folder, rows = made
    keys = {row.run for row in rows if row.kind == "measured"}
    assert {path.stem for path in (folder / "answers").iterdir()} == keys
