# SPDX-License-Identifier: Apache-2.0
"""The table holds a method against its own control: its architecture, its mode, its width."""

import numpy as np
import pytest

from precordia.benchmarking.predictions import Predictions
from precordia.benchmarking.result_rows import ResultRow
from precordia.benchmarking.result_tables import render_table
from precordia.benchmarking.scoring import TestTruth, score_answers
from precordia.benchmarking.summaries import DIFFERENCE, summarise_runs

N = 60
#: model, mode, architecture, settings
METHODS = (
    ("mine", "linear", "vit1d", "width=8"),
    ("mine", "attention", "vit1d", "width=8"),
    ("mine", "finetune", "vit1d", "width=8, epochs=2"),
    ("broad", "linear", "vit1d", "width=32"),
    ("other", "linear", "net1d", ""),
    ("vit1d", "scratch", "vit1d", "width=8, epochs=2"),
    ("net1d", "scratch", "net1d", "epochs=2"),
    ("vit1d, random weights", "attention", "vit1d", "width=8"),
    ("vit1d, random weights", "linear", "vit1d", "width=8"),
    ("vit1d, random weights", "linear", "vit1d", "width=32"),
    ("net1d, random weights", "linear", "net1d", ""),
    ("age-sex", "baseline", "", ""),
    ("measurements", "baseline", "", ""),
)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    targets = (np.arange(N)[:, None] % [2, 3] == 0).astype(float)
    names = tuple(map(str, range(N)))
    truth = TestTruth.of(("A", "B"), targets, names, draws=100)
    runs, answers = [], {}
    for k, (model, mode, architecture, settings) in enumerate(METHODS):
        scores = targets + rng.normal(size=targets.shape) * (0.5 + 0.2 * k)
        one = score_answers(truth, scores)[0]
        runs.append(
            ResultRow(
                run=str(k),
                metric="macro_auroc",
                value=one.value,
                low=one.low,
                high=one.high,
                model=model,
                mode=mode,
                architecture=architecture,
                settings=settings,
                labels="100%",
                n_records=N,
                split_hash="s",
            )
        )
        answers[str(k)] = Predictions(
            names=names, classes=("A", "B"), scores=scores, probabilities=None, targets=targets
        )
    made = summarise_runs(runs, {row.run: truth for row in runs}, answers)
    return [*runs, *(row for group in made for row in group)]


@pytest.mark.parametrize(
    ("model", "how", "control"),
    [
        ("mine", "linear", "vit1d, random weights (linear, width=8)"),
        ("mine", "attention", "vit1d, random weights (attention)"),
        ("mine", "finetune", "vit1d (scratch)"),
        ("broad", "linear", "vit1d, random weights (linear, width=32)"),
        ("other", "linear", "net1d, random weights (linear)"),
        ("vit1d", "scratch", "vit1d, random weights (linear, width=8)"),
        ("net1d", "scratch", "net1d, random weights (linear)"),
        ("vit1d, random weights", "attention", "age-sex (baseline)"),
        ("net1d, random weights", "linear", "age-sex (baseline)"),
        ("measurements", "baseline", "net1d, random weights (linear)"),
    ],
)
def test_a_method_is_held_against_its_own_control(rows, model, how, control):
    lines = [
        line.strip("| ").split(" | ") for line in render_table(rows, format="markdown").split("\n")
    ]
    line = next(cells for cells in lines if cells[:2] == [model, how])
    assert line[4].endswith(f" minus {control}")


def test_controls_that_differ_in_settings_alone_are_both_there_with_their_own_difference(rows):
    value = {(r.model, r.mode, r.settings): r.value for r in rows if r.kind == "measured"}
    for width in (8, 32):
        subject = f"minus vit1d, random weights (linear, width={width})"
        apart = [r for r in rows if r.kind == DIFFERENCE and r.subject == subject]
        found = next(r.value for r in apart if (r.model, r.mode) == ("mine", "linear"))
        control = value["vit1d, random weights", "linear", f"width={width}"]
        assert found == pytest.approx(value["mine", "linear", "width=8"] - control)
