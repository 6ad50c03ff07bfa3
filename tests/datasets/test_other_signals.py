# SPDX-License-Identifier: Apache-2.0
"""Databases with forms of their own: pieces under exercise, pulse waves, blood tests."""

import gzip

import numpy as np
import pytest

from precordia.core.errors import FormatError
from precordia.datasets.dataset import load_dataset
from precordia.datasets.npz_rows import NpzRows
from precordia.datasets.splits import split_dataset


def test_pieces_under_exercise_are_in_millivolts_with_their_peaks(small):
    folder = small("exercise_ecg")
    dataset = load_dataset("exercise_ecg", folder)
    assert len(dataset) == 8  # those before enhancement are left out
    item = dataset["ecg_enh_sub14_seg2"]
    record, marks = item.read(), item.read_annotations()
    first = (folder / "ecg_segments/ecg_enh_sub14_seg2.csv").read_text().split(",")[0]
    assert record.signal[0, 0] == pytest.approx(float(first) / 1000, abs=1e-6)
    assert (record.fs, record.leads, record.n_samples) == (250, ("ECG",), 5000)
    assert (record.signal[0, marks.sample] > 0.8).all()
    assert (item.fold, item.patient.patient_id, item.facts) == ("test", "sub14", {"phase": "2"})
    split = split_dataset(dataset)
    sizes = (len(split.train), len(split.validation), len(split.test))
    assert sizes == (2, 2, 4)


def test_a_piece_without_marks_is_counted_and_one_of_words_refused(small):
    folder = small("exercise_ecg")
    (folder / "manual_annotations/ecg_enh_sub1_seg1_labels.csv").unlink()
    place = folder / "ecg_segments/ecg_enh_sub1_seg2.csv"
    place.write_text("1.0\nword\n")
    dataset = load_dataset("exercise_ecg", folder)
    assert any("1 recording without a row of labels" in r.text for r in dataset.remarks)
    with pytest.raises(FormatError, match=r"sub1_seg2.csv' is no table of numbers"):
        dataset["ecg_enh_sub1_seg2"].read()
    place.write_text("")
    with pytest.raises(FormatError, match="holds no number"):
        dataset["ecg_enh_sub1_seg2"].read()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_rows_of_an_array_are_read_in_any_order(save, tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 7, 2)).astype(np.float32)
    save(tmp_path / "a.npz", other=np.arange(3), signal=values)
    rows = NpzRows(tmp_path / "a.npz", "signal")
    for k in (3, 4, 49, 0, 20):
        assert np.array_equal(rows.row(k), values[k])
    assert len(rows) == 50


def test_arrays_that_cannot_be_read_are_refused_and_objects_never_unpickled(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, words=np.array([{}], object), signal=np.zeros((4, 2)))
    with pytest.raises(FormatError, match="it holds objects"):
        NpzRows(path, "words")
    with pytest.raises(FormatError, match="has no array 'absent'"):
        NpzRows(path, "absent")
    with pytest.raises(FormatError, match="it ends before row 4 of 4"):
        NpzRows(path, "signal").row(4)
    path.write_bytes(b"no archive")
    with pytest.raises(FormatError, match="has no array 'signal'"):
        NpzRows(path, "signal")


def test_pulse_waves_are_read_one_by_one_with_rhythm_quality_and_subject(small):
    folder = small("deepbeat")
    dataset = load_dataset("deepbeat", folder)
    assert dataset.counts() == {"AF": 42}
    with np.load(folder / "validate.npz", allow_pickle=False) as held:
        signal, quality = held["signal"], held["qa_label"]
    item = dataset["validate-7"]
    record = item.read()
    assert (record.fs, record.leads) == (32, ("PPG",))
    assert np.allclose(record.signal[0], signal[7, :, 0], atol=1e-4)
    assert item.facts["quality"] == ("poor", "good", "excellent")[int(quality[7].argmax())]
    assert (item.fold, item.labels) == ("validation", ("AF",))
    assert dataset["validate-7"].group == dataset["validate-4"].group != dataset["validate-3"].group


def test_pulse_waves_without_subjects_are_records_of_nobody_and_wrong_tables_refused(small):
    folder = small("deepbeat")
    np.save(folder / "test_subjects.npy", np.arange(3))
    with pytest.raises(FormatError, match="a subject for each of 24 pieces"):
        load_dataset("deepbeat", folder)
    (folder / "test_subjects.npy").unlink()
    (folder / "train.npz").unlink()
    dataset = load_dataset("deepbeat", folder)
    said = " ".join(remark.text for remark in dataset.remarks)
    assert "24 records of which the database does not say whose they are" in said
    assert "train.npz is not there" in said
    np.savez(folder / "test.npz", signal=np.zeros((2, 800, 1)), rhythm=np.zeros((3, 2)))
    with pytest.raises(FormatError, match=r"'rhythm' of 'test\.npz' has the shape"):
        load_dataset("deepbeat", folder)


_LISTED = "subject_id,study_id,file_name,ecg_time,path\n"
_ITEMS = "itemid,label,fluid,category\n1,Hemoglobin,Blood,\n2,Hemoglobin,Blood,\n" \
    "3,Hemoglobin,Urine,\n4,\"Bilirubin, Total\",Blood,\n5,Lipase,Blood,\n"  # fmt: skip
_EVENTS = "labevent_id,subject_id,itemid,charttime,valuenum,ref_range_lower,ref_range_upper\n"


@pytest.fixture
def laboratory(tiny, tmp_path):
    """Two ECGs of one patient, one of another; rows of blood tests are given."""
    listed = _LISTED
    for subject, study, moment in ((7, 71, "08:00:00"), (7, 72, "09:30:00"), (8, 81, "08:00:00")):
        path = f"files/p{subject}/s{study}/{study}"
        tiny.write_wfdb(tmp_path / path, n=1000)
        listed += f"{subject},{study},{study},2180-07-23 {moment},{path}\n"
    (tmp_path / "record_list.csv").write_text(listed)

    def build(*rows, packed=True):
        text = _EVENTS + "".join(f"{k},{row}\n" for k, row in enumerate(rows))
        folder = tmp_path / "hosp"
        folder.mkdir(exist_ok=True)
        if packed:
            (folder / "labevents.csv.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (tmp_path / "labevents.csv").write_text(text)
        (folder / "d_labitems.csv").write_text(_ITEMS)
        return load_dataset("mimic_iv_ecg", tmp_path, task="laboratory")

    return build


@pytest.mark.parametrize("packed", [True, False])
def test_a_blood_test_belongs_to_the_nearest_ecg_within_an_hour(laboratory, packed):
    dataset = laboratory(
        "7,1,2180-07-23 08:40:00,9,12,16",  # 40 min after the first, 50 before the second
        "7,1,2180-07-23 08:20:00,17,12,16",  # nearer: this one counts
        "7,1,2180-07-23 10:31:00,1,12,16",  # 61 min after the second
        "8,1,2180-07-23 07:59:00,12,12,16",
        packed=packed,
    )
    assert {item.name: item.facts for item in dataset} == {
        "71": {"Hemoglobin": "high"}, "81": {"Hemoglobin": "normal"},
    }  # fmt: skip
    assert any("1 record without a blood test" in r.text for r in dataset.remarks)


def test_items_fluids_limits_and_levels_that_do_not_count_are_left_out(laboratory):
    dataset = laboratory(
        "7,3,2180-07-23 08:00:00,9,12,16",  # urine
        "7,5,2180-07-23 08:00:00,9,12,16",  # no test of the task
        "7,4,2180-07-23 08:00:00,0.1,0.2,1",  # low is no class of bilirubin
        "8,4,2180-07-23 08:00:00,3,0.2,1",
        "8,1,2180-07-23 08:00:00,9,,16",  # no limit
        "8,2,2180-07-23 08:00:00,9,12,16",
        "7,1,2180-07-23 08:00:00,9,12,16",  # of two items of a name, the one with more values
        "7,1,2180-07-23 09:30:00,,12,16",
        "9,1,2180-07-23 08:00:00,9,12,16",
    )
    assert {item.name: item.facts for item in dataset} == {
        "71": {"Hemoglobin": "low"}, "81": {"Bilirubin, Total": "high"},
    }  # fmt: skip


def test_folds_and_ages_come_from_the_table_of_diagnoses(laboratory, tmp_path):
    (tmp_path / "records_w_diag_icd10.csv").write_text(
        "file_name,study_id,fold,age\nx,71,19,61.5\ny,81,3,\n"
    )
    row = "2180-07-23 08:00:00,9,12,16"
    dataset = laboratory(f"7,1,{row}", f"8,1,{row}")
    assert (dataset[0].fold, dataset[0].patient.age_years) == ("19", 61.5)
    assert len(split_dataset(dataset).test) == 1
    assert load_dataset("mimic_iv_ecg", tmp_path)["81"].fold == "3"


def test_missing_and_damaged_laboratory_tables_are_sentences(laboratory, tmp_path):
    laboratory("7,1,2180-07-23 08:00:00,9,12,16")
    packed = tmp_path / "hosp/labevents.csv.gz"
    packed.write_bytes(packed.read_bytes()[:-12])
    with pytest.raises(FormatError, match="is no CSV table"):
        load_dataset("mimic_iv_ecg", tmp_path, task="laboratory")
    packed.unlink()
    with pytest.raises(FormatError, match=r"no 'labevents.csv.gz'.*not of MIMIC-IV-ECG"):
        load_dataset("mimic_iv_ecg", tmp_path, task="laboratory")
    (tmp_path / "hosp/d_labitems.csv").write_text("itemid,label,fluid\n5,Lipase,Blood\n")
    with pytest.raises(FormatError, match="names none of the blood tests"):
        load_dataset("mimic_iv_ecg", tmp_path, task="laboratory")
