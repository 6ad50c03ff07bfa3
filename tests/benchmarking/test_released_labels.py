# SPDX-License-Identifier: Apache-2.0
import csv
import gzip

import numpy as np
import pytest

from precordia.benchmarking.cohort import Cohort
from precordia.benchmarking.released_labels import (
    MEANINGS,
    read_released,
    with_released_labels,
)
from precordia.core.errors import FormatError, OptionError, UnknownNameError
from precordia.knowledge.lexicon import find_entry

HEAD = ["ecg_path", "age", "diagnose", "AF", "AVB", "1AVB", "AFIB"]
ROWS = {
    "train": [["/x/JS1.mat", 60, "AFIB", 1, 0, 0, 1], ["/x/JS2.mat", 50, "1AVB,SR", 0, 1, 1, 0]],
    "val": [["/x/JS3.mat", 60, "AF", 1, 0, 0, 0]],
    "test": [["/x/JS4.mat", 60, "AVB, AF", 1, 1, 0, 0]],
}


@pytest.fixture
def folder(tmp_path):
    for part, rows in ROWS.items():
        packed = part == "train"
        path = tmp_path / "deep" / f"chapman_{part}.csv{'.gz' if packed else ''}"
        path.parent.mkdir(exist_ok=True)
        with gzip.open(path, "wt", newline="") if packed else path.open("w", newline="") as file:
            csv.writer(file).writerows([HEAD, *rows])
    return tmp_path


def cohort(names):
    return Cohort(
        database="chapman_ningbo",
        task="all",
        classes=("X",),
        names=tuple(names),
        patients=tuple(names),
        targets=np.zeros((len(names), 1)),
        read=lambda k: k,
    )


def test_an_abbreviation_within_another_is_no_label_once_put_right(folder):
    held = read_released(folder, "csn")
    assert held.published.tolist() == [[1, 0, 0, 1], [0, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0]]
    assert held.corrected.tolist() == [[0, 0, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0]]
    assert held.n_wrong == 2
    assert held.folds == ("train", "train", "valid", "test")


def test_records_that_are_here_get_the_labels_of_their_own_row(folder):
    held = read_released(folder, "csn")
    made = with_released_labels(cohort(["JS4", "JS9", "JS1"]), held, corrected=True)
    assert made.names == ("JS4", "JS1")
    assert made.folds == ("test", "train")
    assert made.classes == ("AFLT", "233917008", "1AVB", "AFIB")
    assert made.targets.tolist() == [[1, 1, 0, 0], [0, 0, 0, 1]]
    wrong = with_released_labels(cohort(["JS1"]), held, corrected=False)
    assert wrong.targets.tolist() == [[1, 0, 0, 1]]
    assert "2 cells" in made.remarks[-1].text


def test_abbreviations_mean_codes_of_the_lexicon_or_words():
    without = {text for text in MEANINGS.values() if " " in text}
    assert without == {"U wave", "ST segment tilted up"}
    assert find_entry(MEANINGS["AF"]).name == "suspected atrial flutter"
    for text in set(MEANINGS.values()) - without:
        assert find_entry(text).name


def test_the_released_table_has_as_many_wrong_cells_as_were_counted(shared_data):
    held = read_released(shared_data / "text" / "merl", "csn")
    assert held.n_wrong == 5125  # counted by hand of the released files, column by column
    wrong = dict(zip(held.classes, (held.published != held.corrected).sum(0), strict=True))
    assert {c: n for c, n in wrong.items() if n} == {
        "AF": 1413, "ST": 1184, "VB": 913, "AVB": 737, "SA": 721, "CR": 141, "2AVB": 16,
    }  # fmt: skip
    assert [held.folds.count(f) for f in ("train", "valid", "test")] == [16546, 1860, 4620]


def test_what_is_not_there_is_said(folder, tmp_path):
    with pytest.raises(FormatError, match="icbeb_train"):
        read_released(folder, "cpsc2018")
    with pytest.raises(UnknownNameError, match="csn"):
        read_released(folder, "csm")
    with pytest.raises(OptionError, match="none of 1 records"):
        with_released_labels(cohort(["A1"]), read_released(folder, "csn"), corrected=True)
