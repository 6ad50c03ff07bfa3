# SPDX-License-Identifier: Apache-2.0
"""Pictures of many methods: none looks like another, nothing lies over something else."""

import itertools

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from precordia.benchmarking.predictions import Predictions, write_predictions
from precordia.benchmarking.result_plots import (
    plot_calibration,
    plot_label_efficiency,
    plot_stress,
    plot_subgroups,
)
from precordia.benchmarking.result_rows import ResultRow
from precordia.benchmarking.summaries import MEAN

N_METHODS, N = 9, 120
GROUPS = ("sex: female", "sex: male", "device: A")


def made(k, **changes):
    given = {"run": str(k), "metric": "macro_auroc", "value": 0.5 + k / 30, "labels": "100%"}
    given |= {"low": 0.4 + k / 30, "high": 0.6 + k / 30, "n_labelled": 100, "database": "d"}
    name = f"resnet1d of a long name {k}, random weights"
    return ResultRow(**(given | {"model": name, "mode": "linear", "task": "t"} | changes))


def looks(figure):
    _, names = figure.axes[0].get_legend_handles_labels()
    lines = [line for line in figure.axes[0].lines if line.get_label() in names]
    return [(to_hex(line.get_color()), line.get_marker()) for line in lines]


def test_nine_methods_have_nine_looks():
    share = {"100%": 100, "10%": 10}
    means = [
        made(k, kind=MEAN, labels=labels, n_labelled=n)
        for k in range(N_METHODS)
        for labels, n in share.items()
    ]
    leads = [
        made(k, subject=f"leads: {n}") for k in range(N_METHODS) for n in ("12 leads", "1 lead")
    ]
    groups = [made(k, subject=name) for k in range(N_METHODS) for name in GROUPS]
    for figure in (
        plot_label_efficiency(means),
        plot_stress(leads, "leads: "),
        plot_subgroups(groups),
    ):
        assert len(looks(figure)) == len(set(looks(figure))) == N_METHODS


def test_methods_stand_around_the_tick_that_they_belong_to():
    rows = [
        made(k, subject=f"leads: {n}") for k in range(N_METHODS) for n in ("12 leads", "1 lead")
    ]
    lines = plot_stress(rows, "leads: ").axes[0].lines[:N_METHODS]
    assert np.mean([line.get_xdata() for line in lines], axis=0) == pytest.approx([0, 1])


def test_in_a_group_methods_stand_from_the_top_as_in_the_legend():
    axes = plot_subgroups(
        [made(k, subject=name) for k in range(N_METHODS) for name in GROUPS]
    ).axes[0]
    first = {line.get_label(): line.get_ydata()[0] for line in axes.lines[:: len(GROUPS)]}
    _, names = axes.get_legend_handles_labels()
    heights = [axes.transData.transform((0, first[name]))[1] for name in names]
    assert heights == sorted(heights, reverse=True)


@pytest.fixture(params=[0, 4])
def calibrated(tmp_path, request):
    """Eight panels, whose names need two lines from the first, or from the fifth on."""
    rng = np.random.default_rng(0)
    targets = (rng.random((N, 3)) < [0.5, 0.3, 0.02]).astype(float)
    targets[:2, 2] = 1
    for k in range(N_METHODS - 1):
        answers = Predictions(
            names=tuple(map(str, range(N))),
            classes=("A", "B", "RARE"),
            scores=targets,
            probabilities=rng.random((N, 3)),
            targets=targets,
        )
        write_predictions(answers, tmp_path, str(k))
    short = [made(k, model=f"mine {k}") for k in range(request.param)]
    rows = [*short, *(made(k) for k in range(request.param, N_METHODS - 1))]
    return plot_calibration(rows, tmp_path)


def test_titles_of_panels_lie_over_nothing(calibrated):
    FigureCanvasAgg(calibrated).draw()
    boxes = []
    for axes in calibrated.axes:
        of_axis = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label]
        words = [axes._left_title, *of_axis, axes.yaxis.label]
        boxes.append([w.get_window_extent() for w in words if w.get_text()])
    boxes.append([calibrated._suptitle.get_window_extent()])
    for some, others in itertools.combinations(boxes, 2):
        assert not any(one.overlaps(other) for one in some for other in others)


def test_classes_without_a_curve_of_calibration_are_counted(calibrated):
    assert "2 of 3 classes; the others have fewer than 10 positive" in calibrated.get_suptitle()
    _, names = calibrated.axes[0].get_legend_handles_labels()
    assert names == ["A", "B"]


def test_without_any_class_that_is_large_enough_there_is_no_picture_of_calibration(tmp_path):
    answers = Predictions(
        names=("a", "b"),
        classes=("A",),
        scores=np.zeros((2, 1)),
        probabilities=np.full((2, 1), 0.5),
        targets=np.array([[1.0], [0.0]]),
    )
    write_predictions(answers, tmp_path, "0")
    assert plot_calibration([made(0)], tmp_path) is None
