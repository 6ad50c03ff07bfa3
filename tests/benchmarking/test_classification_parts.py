# SPDX-License-Identifier: Apache-2.0
"""Who trains and who is tested: no patient on two sides, few labels that hold every class."""

from dataclasses import replace

import numpy as np
import pytest

from precordia.benchmarking.cohort import Cohort, load_cohort
from precordia.benchmarking.low_labels import choose_labelled, read_share
from precordia.benchmarking.partition import cross_divide, divide, divide_records, read_folds
from precordia.core.errors import FormatError, OptionError, SignalError, UnknownNameError


def make_cohort(n=200, folds=True):
    return Cohort(
        database="ptbxl" if folds else "own",
        task="t",
        classes=("A", "B"),
        names=tuple(f"r{k}" for k in range(n)),
        patients=tuple(f"p{k // 2}" for k in range(n)),
        folds=tuple(str(1 + (k // 2) % 10) for k in range(n)) if folds else (),
        targets=(np.arange(n)[:, None] % [2, 7] == 0).astype(float),
        read=lambda k: None,
        published={"train": tuple("12345678"), "validation": ("9",), "test": ("10",)}
        if folds
        else {},
    )


def _patients(cohort, rows):
    return {cohort.patients[k] for k in rows}


@pytest.mark.parametrize(
    ("folds", "by_hash"), [(None, False), ("train=1-7,valid=8,test=9", False), (None, True)]
)
def test_parts_share_no_patient_and_no_record(folds, by_hash):
    cohort = make_cohort()
    parts = divide(cohort, folds, by_hash=by_hash)
    held = [parts.train, parts.validation, parts.test]
    for k in range(3):
        for other in range(k):
            assert not _patients(cohort, held[k]) & _patients(cohort, held[other])
    assert all(len(rows) for rows in held)


def test_a_patient_in_two_folds_stays_in_the_test_and_that_is_said():
    cohort = make_cohort()
    folds = list(cohort.folds)
    folds[0] = "10"
    parts = divide(replace(cohort, folds=tuple(folds)))
    assert 0 in parts.test
    assert 1 not in np.concatenate([parts.train, parts.validation, parts.test])
    assert "two parts (p0)" in parts.remarks[0].text


def test_validation_is_carved_out_of_training_patients_alone():
    cohort = make_cohort(1000)
    parts = divide(cohort, "train=1-8,valid=carve,test=9")
    assert {cohort.folds[k] for k in parts.validation} <= set("12345678")
    assert not _patients(cohort, parts.train) & _patients(cohort, parts.validation)
    share = len(parts.validation) / (len(parts.train) + len(parts.validation))
    assert 0.06 < share < 0.2
    again = divide(cohort, "train=1-8,valid=carve,test=9", seed=1)
    assert set(again.validation) != set(parts.validation)


def test_the_hash_divides_like_split_dataset(tmp_path):
    from precordia.datasets.dataset import load_dataset
    from precordia.datasets.splits import split_dataset

    rows = [f"{n}.csv,{n // 2},a" for n in range(200)]
    (tmp_path / "labels.csv").write_text("path,patient_id,label\n" + "\n".join(rows))
    dataset = load_dataset("folder", tmp_path, check_files=False)
    split = split_dataset(dataset, seed=3)
    from precordia.benchmarking.cohort import cohort_of_dataset

    cohort = cohort_of_dataset(dataset)
    parts = divide(cohort, seed=3)
    for part in ("train", "validation", "test"):
        mine = {cohort.names[k] for k in getattr(parts, part)}
        assert mine == {item.name for item in getattr(split, part)}


def test_division_by_record_is_scikit_learns():
    from sklearn.model_selection import train_test_split

    rest, test = train_test_split(np.arange(6877), test_size=0.2, random_state=42)
    train, valid = train_test_split(rest, test_size=0.1, random_state=42)
    assert (len(train), len(valid), len(test)) == (4950, 551, 1376)
    parts = divide_records(make_cohort(6877, folds=False))
    assert parts.train.tolist() == sorted(train)
    assert parts.validation.tolist() == sorted(valid)
    assert parts.test.tolist() == sorted(test)
    assert "may be in train and in test" in parts.remarks[0].text


def test_cross_validation_covers_each_patient_once():
    cohort = make_cohort(folds=False)
    parts = cross_divide(cohort, 5)
    tested = np.concatenate([p.test for p in parts])
    assert sorted(tested) == list(range(200))
    for p in parts:
        assert not _patients(cohort, p.test) & _patients(cohort, [*p.train, *p.validation])
    with pytest.raises(OptionError, match="at least 3"):
        cross_divide(cohort, 2)


def test_the_hash_of_a_division_changes_with_its_records_only():
    cohort = make_cohort()
    first = divide(cohort).fingerprint(cohort)
    backwards = cohort.part(range(199, -1, -1))
    assert divide(backwards).fingerprint(backwards) == first
    assert divide(cohort, "train=1-7,valid=8,test=9").fingerprint(cohort) != first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train=1-8", "nothing of validation"),
        ("train=1-8,valid=8,test=9", "fold 8 is in train and in validation"),
        ("train=1,valid=2,tset=3", "are needed"),
        ("train=1,train=2,valid=3,test=4", "twice"),
        ("train=8-1,valid=9,test=10", "backwards"),
        ("train=1,valid=2,test=carve", "only validation can be carved"),
    ],
)
def test_folds_that_make_no_sense_are_refused(text, said):
    with pytest.raises(OptionError, match=said):
        read_folds(text)


def test_a_part_without_records_names_the_folds_that_are_here():
    with pytest.raises(OptionError, match=r"in test by published folds.*Here are folds 1, 2"):
        divide(make_cohort(18))
    with pytest.raises(OptionError, match="has no folds"):
        divide(make_cohort(folds=False), "train=1,valid=2,test=3")


@pytest.mark.parametrize("seed", range(5))
def test_few_labels_hold_each_class_and_like_shares(seed):
    rng = np.random.default_rng(seed)
    patients = [str(k // 3) for k in range(3000)]
    targets = (rng.random((3000, 4)) < [0.5, 0.2, 0.05, 0.002]).astype(float)
    rows, remarks = choose_labelled(targets, patients, 0.02, seed=seed)
    assert len({patients[k] for k in rows}) == 20
    assert not remarks
    taken = {patients[k] for k in rows}
    assert set(rows) == {k for k in range(3000) if patients[k] in taken}
    assert (targets[rows].sum(axis=0) >= 1).all()
    assert abs(targets[rows, 0].mean() - 0.5) < 0.15


def test_few_labels_differ_by_seed_and_not_otherwise():
    targets = np.tile(np.eye(2), (50, 1))
    patients = [str(k) for k in range(100)]
    first, again, other = (choose_labelled(targets, patients, 0.1, seed=s)[0] for s in (0, 0, 1))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()
    assert choose_labelled(targets, patients, 1.0)[0].tolist() == list(range(100))


def test_classes_that_few_patients_cannot_hold_are_named():
    rows, remarks = choose_labelled(np.eye(10), [str(k) for k in range(10)], 0.3)
    assert len(rows) == 3
    assert "no positive record of 7 classes" in remarks[0].text


@pytest.mark.parametrize("text", ["0%", "101%", "some", "-1", "nan"])
def test_shares_that_make_no_sense_are_refused(text):
    with pytest.raises(OptionError, match="a share such as"):
        read_share(text)


def test_a_cohort_checks_itself():
    with pytest.raises(SignalError, match="targets have shape"):
        replace(make_cohort(), targets=np.zeros((200, 3)))
    with pytest.raises(SignalError, match="other than 0, 1 and NaN"):
        replace(make_cohort(), targets=np.full((200, 2), 0.5))
    with pytest.raises(SignalError, match="3 entries for 200"):
        replace(make_cohort(), ages=np.zeros(3))
    with pytest.raises(OptionError, match="Ask for fewer"):
        make_cohort().frequent(500)
    assert make_cohort().frequent(50).classes == ("A",)


def test_ptbxl_is_loaded_with_folds_devices_and_short_names_of_tasks(shared_data):
    cohort = load_cohort(f"ptbxl={shared_data / 'ptbxl'}", task="superclass")
    assert cohort.task == "superdiagnostic"
    assert cohort.classes == ("CD", "HYP", "MI", "NORM", "STTC")
    assert set(cohort.folds) == set("123456789")
    assert cohort.record(0).n_leads == 12
    assert any(cohort.devices)
    with pytest.raises(OptionError, match="folds='train=1-7,valid=8,test=9'"):
        divide(cohort)


def test_a_store_is_the_database_that_it_was_built_from(shared_data, tmp_path):
    pytest.importorskip("pyarrow")
    from precordia.datasets.dataset import load_dataset
    from precordia.datasets.store_build import build_store

    dataset = load_dataset("ptbxl", shared_data / "ptbxl")[:30]
    build_store(dataset, tmp_path / "store")
    stored = load_cohort(str(tmp_path / "store"), task="superclass")
    plain = load_cohort(f"ptbxl={shared_data / 'ptbxl'}", task="superclass").part(range(30))
    assert stored.names == plain.names
    assert stored.folds == plain.folds
    assert stored.patients == plain.patients
    np.testing.assert_array_equal(
        stored.targets, plain.targets[:, [plain.classes.index(c) for c in stored.classes]]
    )
    np.testing.assert_allclose(stored.ages, plain.ages)
    np.testing.assert_allclose(
        stored.record(3).signal, plain.record(3).signal, atol=0.001, equal_nan=True
    )
    with pytest.raises(OptionError, match="has the labels of"):
        load_cohort(str(tmp_path / "store"), task="rhythm")


def test_data_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(OptionError, match="NAME=FOLDER"):
        load_cohort("nothing")
    with pytest.raises(FormatError, match="there is no folder"):
        load_cohort(f"ptbxl={tmp_path / 'none'}")
    with pytest.raises(UnknownNameError, match="Did you mean 'ptbxl'"):
        load_cohort(f"ptbx={tmp_path}")
