# SPDX-License-Identifier: Apache-2.0
"""What a training set refuses, and what it gives."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.errors import OptionError, SignalError
from precordia.training.training_set import TrainingSet, refuse_shared_patients

RNG = np.random.default_rng(0)
WINDOWS = RNG.normal(size=(6, 2, 10)).astype(np.float32)
LABELS = np.array([[0, 1], [1, 0], [1, np.nan], [0, 0], [1, 1], [0, 1]], float)


def held(**changes) -> TrainingSet:
    return TrainingSet(**{"windows": WINDOWS, "labels": LABELS, **changes})


def with_nan(row: int) -> np.ndarray:
    windows = WINDOWS.copy()
    windows[row, 1, 3] = np.nan
    return windows


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"windows": with_nan(4)}, SignalError, "window 4"),
        ({"windows": WINDOWS[:5]}, SignalError, "labels has 6 entries for 5 windows"),
        ({"windows": WINDOWS[:, 0]}, SignalError, "lead, sample"),
        ({"labels": LABELS[:, 0]}, SignalError, "axes"),
        ({"labels": LABELS * 2}, SignalError, "between 0 and 1"),
        ({"labels": np.where(LABELS == 1, np.inf, 0)}, SignalError, "infinite"),
        ({"labels": [["a", "b"]] * 6}, SignalError, "numbers are needed"),
        ({"labels": LABELS * [1, np.nan]}, OptionError, "unknown in every one"),
        ({"classes": ("a",)}, OptionError, "must agree"),
        ({"classes": ("a", "a")}, OptionError, "twice"),
        ({"patients": ["a"]}, SignalError, "patients has 1"),
        ({"names": list("aabcde"), "patients": list("xyzuvw")}, OptionError, "record 'a'"),
        ({"weights": [1, 1, 1, 1, 1, -1]}, OptionError, "negative"),
        ({"present": np.ones((6, 3), bool)}, SignalError, "present has shape"),
        ({"task": "multiclass", "labels": [0.5] * 6}, SignalError, "class numbers"),
        ({"task": "multi"}, OptionError, "one of"),
        ({"task": "sample-classes", "labels": np.zeros((6, 9))}, SignalError, "9 samples"),
    ],
)
def test_what_is_wrong_is_a_sentence(changes, kind, words):
    with pytest.raises(kind) as caught:
        held(**changes)
    assert words in str(caught.value)


def test_a_class_that_no_record_has_is_a_remark():
    made = held(labels=LABELS * [1, 0], classes=("a", "b"))
    assert [remark.code for remark in made.remarks] == ["class-without-records"]
    assert "b" in made.remarks[0].text
    assert not held().remarks


@pytest.mark.parametrize("name", ["patients", "names"])
def test_parts_that_share_a_patient_or_a_record_are_refused(name):
    one = held(**{name: list("abcdef")})
    other = held(**{name: list("ghijka")})
    with pytest.raises(OptionError, match="'a'"):
        refuse_shared_patients(one, other)
    refuse_shared_patients(one, held(**{name: list("ghijkl")}))


def test_whole_numbers_are_scaled_and_functions_are_asked():
    whole = (WINDOWS * 1000).round().astype(np.int16)
    rows = np.array([5, 0, 3])
    expected = whole[rows].astype(np.float32) * np.float32(1e-3)
    np.testing.assert_array_equal(held(windows=whole, scale=1e-3).gather(rows), expected)
    asked = held(windows=lambda k: WINDOWS[k], n=6)
    np.testing.assert_array_equal(asked.gather(rows), WINDOWS[rows])


def test_windows_on_the_disk_are_left_there(tmp_path):
    np.save(tmp_path / "windows.npy", WINDOWS)
    mapped = np.load(tmp_path / "windows.npy", mmap_mode="r")
    made = held(windows=mapped)
    assert made.windows is mapped
    np.testing.assert_array_equal(made.part(np.array([4, 1])).gather(np.array([1])), WINDOWS[[1]])


def test_a_part_of_a_part_is_a_part_of_the_whole():
    made = held(folds=list("112233"), patients=list("abcdef"), weights=np.arange(6))
    part = made.in_folds(2, "3").part(np.array([False, True, True, False]))
    np.testing.assert_array_equal(part.gather(np.arange(2)), WINDOWS[[3, 4]])
    np.testing.assert_array_equal(part.labels, LABELS[[3, 4]].astype(np.float32))
    assert part.patients == ("d", "e")
    assert part.weights.tolist() == [3, 4]
    with pytest.raises(OptionError, match="fold 9"):
        made.in_folds(9)


def test_the_fingerprint_changes_with_labels_names_and_windows():
    other = WINDOWS.copy()
    other[0, 0, 0] += 1
    prints = {
        held().fingerprint,
        held(labels=1 - LABELS).fingerprint,
        held(names=list("abcdef")).fingerprint,
        held(windows=other).fingerprint,
    }
    assert len(prints) == 4
    assert held().fingerprint == held().fingerprint


def test_a_few_rows_may_know_nothing_of_a_class_but_a_fold_may_not():
    made = held(folds=[1, 1, 2, 3, 3, 3])
    assert np.isnan(made.part(np.array([2])).labels[0, 1])
    with pytest.raises(OptionError, match="unknown in every one of 1 records"):
        made.in_folds(2)
