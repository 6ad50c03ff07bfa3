# SPDX-License-Identifier: Apache-2.0
"""Scores of beat classes, on a recording and marks that are made here."""

import numpy as np
import pytest

from precordia.benchmarking.beats import confusion
from precordia.benchmarking.benchmark import benchmark
from precordia.core.beats import Beats
from precordia.core.record import Annotations
from precordia.generation.simulate import simulate
from precordia.io.wfdb_annotation import read_annotations, write_annotations
from precordia.io.write import write

pytestmark = pytest.mark.filterwarnings("ignore:.*has no place for")
FS = 360.0


def beats_of(places, labels):
    rows = np.full((len(labels), 4), 0.25)
    at = np.asarray(places)
    return Beats(fs=FS, n_samples=10**6, sample=at, label=tuple(labels), probability=rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One record under two names; every fourth beat is marked V and every tenth S."""
    root = tmp_path_factory.mktemp("recordings")
    (root / "mitdb").mkdir()
    for name in ("101", "103"):
        record = simulate("sinus", fs=FS, seconds=40, seed=1)
        peaks = np.rint(record.carried.fiducials.r_peak).astype(int)
        symbols = ["V" if k % 4 == 0 else "A" if k % 10 == 1 else "N" for k in range(len(peaks))]
        write(record, root / "mitdb" / f"{name}.hea")
        marks = Annotations(sample=peaks, symbol=tuple(symbols))
        write_annotations(marks, root / "mitdb" / name, "atr", overwrite=True)
    return root


def test_a_method_that_knows_the_truth_is_perfect(folder):
    def all_knowing(record, *, rpeaks=None):
        marks = read_annotations(folder / "mitdb" / "101", "atr")
        classes = {"V": "V", "A": "S", "N": "N"}
        labels = [classes[s] for s in marks.symbol]
        return beats_of(marks.sample if rpeaks is None else rpeaks, labels)

    scores = benchmark("beats", data=folder, method=all_knowing, draws=50)
    for way in ("own R-peaks", "marked R-peaks"):
        for label in "NSV":
            assert scores.find("f1", subject=f"{way}, {label}").value == 100.0
        assert scores.find("f1", subject=f"{way}, mean of N, S, V").value == 100.0


def test_a_method_that_calls_all_normal_has_no_ectopic_beats(folder):
    def all_normal(record):
        places = read_annotations(folder / "mitdb" / "101", "atr").sample
        return beats_of(places, ["N"] * len(places))

    scores = benchmark("beats", data=folder, method=all_normal, draws=50)
    assert scores.find("se", subject="own R-peaks, V").value == 0.0
    assert scores.find("se", subject="own R-peaks, N").value == 100.0
    share = scores.find("ppv", subject="own R-peaks, N").value
    assert 60 < share < 72  # 13 of 20 beats are N
    assert not any("marked R-peaks" in s.subject for s in scores)


def test_missed_and_invented_beats_count_against_their_class():
    found = beats_of([100, 900, 5000], "VSV")
    table = confusion(np.array([90, 400, 910]), ("V", "V", "N"), found)
    assert table[2].tolist() == [0, 0, 1, 0, 0, 1]  # one V found, one not
    assert table[0, 1] == 1  # N called S
    assert table[5, 2] == 1  # V where there is none
    spared = confusion(np.array([90]), ("V",), found, excluded=((4000, 6000),))
    assert spared[5].tolist() == [0, 1, 0, 0, 0, 0]


def test_fusion_called_ventricular_is_no_false_alarm_where_ec57_says_so(folder):
    def marks_v(record, *, rpeaks=None):
        places = read_annotations(folder / "mitdb" / "101", "atr").sample
        return beats_of(places, ["V"] * len(places))

    scores = benchmark("beats", data=folder, method=marks_v, draws=50)
    strict = scores.find("ppv", subject="own R-peaks, V").value
    assert scores.find("ppv", subject="own R-peaks, V, F and Q aside").value == strict  # no F here
    assert scores.find("se", subject="own R-peaks, V").value == 100.0
