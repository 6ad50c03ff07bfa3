# SPDX-License-Identifier: Apache-2.0
import csv
import gzip
import math

import pytest

from precordia.core.errors import FormatError, OptionError
from precordia.datasets.dataset import load_dataset
from precordia.datasets.ptbxl import ptbxl_classes
from precordia.datasets.splits import split_dataset

#: labels of the small database by hand, from the published table of statements
BY_HAND = {
    "all": {
        "1": "LVOLT NORM SR", "2": "NORM SBRAD", "3": "ASMI IMI SR", "4": "AFIB NDT",
        "5": "1AVB CLBBB SR", "6": "LVH SR VCLVH", "7": "SR",
    },
    "diagnostic": {
        "1": "NORM", "2": "NORM", "3": "ASMI IMI", "4": "NDT", "5": "1AVB CLBBB", "6": "LVH",
    },
    "subdiagnostic": {
        "1": "NORM", "2": "NORM", "3": "AMI IMI", "4": "STTC", "5": "CLBBB _AVB", "6": "LVH",
    },
    "superdiagnostic": {
        "1": "NORM", "2": "NORM", "3": "MI", "4": "STTC", "5": "CD", "6": "HYP",
    },
    "form": {"1": "LVOLT", "4": "NDT", "6": "VCLVH"},
    "rhythm": {
        "1": "SR", "2": "SBRAD", "3": "SR", "4": "AFIB", "5": "SR", "6": "SR", "7": "SR",
    },
}  # fmt: skip


@pytest.mark.parametrize("task", BY_HAND)
def test_labels_are_those_of_the_published_protocol(task, small):
    dataset = load_dataset("ptbxl", small("ptbxl"), task=task)
    assert {item.name: " ".join(item.labels) for item in dataset} == BY_HAND[task]


def test_a_likelihood_of_zero_counts_and_is_kept(small):
    item = load_dataset("ptbxl", small("ptbxl"))["6"]
    assert item.labels == ("HYP",)
    assert [s.likelihood for s in item.statements if s.code == "LVH"] == [0.0]


def test_patients_ages_and_folds_are_read_as_published(small):
    dataset = load_dataset("ptbxl", small("ptbxl"))
    who = {item.name: item.patient for item in dataset}
    assert who["3"].patient_id == who["4"].patient_id == "20372"
    assert math.isnan(who["4"].age_years)
    assert dataset["4"].facts["age"] == "above 89"
    assert (who["1"].sex, who["2"].sex) == ("female", "male")
    split = split_dataset(dataset)
    assert [[i.name for i in part] for part in split.parts().values()] == [
        ["1", "2", "3", "4"], ["5"], ["6"],
    ]  # fmt: skip


def test_withdrawn_records_are_left_out_with_a_word(small):
    dataset = load_dataset("ptbxl", small("ptbxl"), task="all")
    assert "137" not in {item.name for item in dataset}
    assert "withdrawn-records" in {r.code for r in dataset.remarks}


def test_either_rate_is_read_and_no_other(small):
    folder = small("ptbxl")
    assert load_dataset("ptbxl", folder)[0].read().fs == 100
    assert load_dataset("ptbxl", folder, fs=500)[0].read().fs == 500
    with pytest.raises(OptionError, match="100 and of 500 Hz"):
        load_dataset("ptbxl", folder, fs=250)


def test_rare_classes_are_dropped_when_asked(small):
    dataset = load_dataset("ptbxl", small("ptbxl"), task="rhythm", min_records=1)
    assert dataset.classes == ("SR",)
    assert "2" not in {item.name for item in dataset}
    assert any(r.code == "rare-classes" for r in dataset.remarks)


@pytest.mark.parametrize(
    ("task", "n"),
    [("all", 71), ("diagnostic", 44), ("subdiagnostic", 23), ("superdiagnostic", 5), ("form", 19),
     ("rhythm", 12)],
)  # fmt: skip
def test_tasks_have_the_published_number_of_classes(task, n):
    assert len(ptbxl_classes(task)) == n


@pytest.mark.parametrize("damage", ["{'NORM': ", "__import__('os')", "[1, 2]", "{'NORM': 'x'}"])
def test_a_damaged_cell_of_statements_is_a_sentence(damage, small):
    folder = small("ptbxl")
    table = folder / "ptbxl_database.csv"
    table.write_text(table.read_text().replace("{'SR': 0.0}", damage, 1))
    with pytest.raises(FormatError, match="scp_codes of a record"):
        load_dataset("ptbxl", folder)


@pytest.fixture(scope="module")
def whole_table(shared_data, tmp_path_factory):
    """Write the table of all 21 799 records from another project's label files."""
    folder = tmp_path_factory.mktemp("whole")
    rows = {}
    labels = shared_data / "ptbxl_norm/labels_hubert"
    for part in ("train", "val", "test"):
        with gzip.open(labels / f"ptbxl_all_{part}.csv.gz", "rt") as file:
            for row in csv.DictReader(file):
                number = int(row["filename"][2:7])
                codes = {k: 0.0 for k, v in row.items() if v == "1" and k not in _OTHER}
                rows[number] = (row["strat_fold"], codes)
    patients = {}
    with gzip.open(shared_data / "ptbxl_norm/ptbxl_labels_all_from_merl.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            patients[int(float(row["ecg_id"]))] = row["patient_id"]
    with (folder / "ptbxl_database.csv").open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(
            ["ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold", "filename_lr"]
        )
        for number, (fold, codes) in rows.items():
            write.writerow([number, patients[number], "", "", codes, fold, f"r/{number}"])
    return folder


_OTHER = ("sex", "strat_fold", "age", "filename")


@pytest.mark.parametrize(
    ("task", "sizes", "n_classes"),
    [
        ("superdiagnostic", (17084, 2146, 2158), 5),
        ("form", (7197, 901, 880), 19),
        ("rhythm", (16832, 2100, 2098), 12),
    ],
)
def test_the_whole_database_divides_as_others_published(task, sizes, n_classes, whole_table):
    """Sizes of train, validation and test that another group released for the same folds."""
    dataset = load_dataset("ptbxl", whole_table, task=task, check_files=False)
    split = split_dataset(dataset)
    assert tuple(map(len, split.parts().values())) == sizes
    assert len(dataset.classes) == n_classes
    assert not split.remarks
    assert "patient-in-two-folds" not in {r.code for r in dataset.remarks}


def test_the_whole_database_is_of_the_published_number_of_patients(whole_table):
    dataset = load_dataset("ptbxl", whole_table, task="all", check_files=False)
    assert (len(dataset), len({item.group for item in dataset})) == (21799, 18869)
    assert len(dataset.classes) == 71


def test_the_real_records_agree_with_another_table_of_labels(shared_data):
    other = {}
    labels = shared_data / "ptbxl_norm/labels_hubert"
    for part in ("train", "val", "test"):
        with gzip.open(labels / f"ptbxl_all_{part}.csv.gz", "rt") as file:
            for row in csv.DictReader(file):
                codes = {k for k, v in row.items() if v == "1" and k not in _OTHER}
                other[str(int(row["filename"][2:7]))] = (row["strat_fold"], codes)
    dataset = load_dataset("ptbxl", shared_data / "ptbxl", task="all")
    assert len(dataset) > 400
    for item in dataset:
        assert (item.fold, set(item.labels)) == other[item.name]
