# SPDX-License-Identifier: Apache-2.0
"""What is peculiar to one database each."""

import numpy as np
import pytest

from precordia.core.errors import FormatError
from precordia.datasets.aami import aami_beats
from precordia.datasets.dataset import load_dataset
from precordia.datasets.mitdb import DS1, DS2, PACED

#: beats of the database's own directory, for records of DS1: normal and bundle branch block or
#: escape; supraventricular; ventricular; fusion; paced or unclassified
PUBLISHED = {
    "101": (1860, 3, 0, 0, 2),
    "106": (1507, 0, 520, 0, 0),
    "119": (1543, 0, 444, 0, 0),
    "208": (1586, 2, 992, 373, 2),
    "223": (2045, 73, 473, 14, 0),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_beats_of_mitdb_are_as_many_as_published(name, shared_data):
    dataset = load_dataset("mitdb", shared_data / "mitdb")
    _, kinds = aami_beats(dataset[name].read_annotations())
    assert tuple(kinds.count(c) for c in "NSVFQ") == PUBLISHED[name]


def test_the_halves_of_mitdb_are_of_22_records_and_share_none():
    assert len(DS1) == len(DS2) == 22
    assert len(DS1 | DS2 | PACED) == 48


def test_ratios_of_nstdb_are_read_from_names(small):
    facts = {item.name: item.facts.get("snr_db") for item in load_dataset("nstdb", small("nstdb"))}
    assert facts == {"bw": None, "em": None, "ma": None, "118e06": "6", "118e_6": "-6",
                     "119e24": "24"}  # fmt: skip


def test_cells_of_ludb_with_two_lines_are_two_labels(small):
    dataset = load_dataset("ludb", small("ludb"))
    assert dataset["3"].labels == ("Sinus rhythm", "Atrial fibrillation")
    assert load_dataset("ludb", dataset.folder, task="axis")[0].labels
    assert (dataset["1"].patient.sex, dataset["1"].patient.age_years) == ("female", 51)


def test_the_marks_of_ludb_are_beside_the_records(shared_data):
    from precordia.io.wfdb_annotation import read_annotations

    item = load_dataset("ludb", shared_data / "ludb")[0]
    assert set(read_annotations(item.path, "v1").symbol) == {"(", "p", "N", "t", ")"}


def test_lists_of_cinc2011_that_contradict_each_other_are_refused(small):
    folder = small("cinc2011")
    with (folder / "RECORDS-unacceptable").open("a") as file:
        file.write("1002603\n")
    with pytest.raises(FormatError, match="acceptable and of unacceptable"):
        load_dataset("cinc2011", folder)


def test_cinc2011_counts_are_those_of_its_table(shared_data):
    counts = load_dataset("cinc2011", shared_data / "cinc2011").counts()
    assert counts == {"acceptable": 539, "unacceptable": 159}


def test_the_validation_set_of_cinc2017_is_not_counted_twice(small):
    dataset = load_dataset("cinc2017", small("cinc2017"))
    assert len(dataset) == 5
    assert any("2 record names more than once" in r.text for r in dataset.remarks)


def test_the_newest_table_of_cinc2017_is_used(small):
    folder = small("cinc2017")
    (folder / "REFERENCE.csv").write_text("A00001,O\n")
    assert load_dataset("cinc2017", folder)["A00001"].labels == ("N",)
    (folder / "REFERENCE-v3.csv").write_text("A00001,X\n")
    with pytest.raises(FormatError, match="N, A, O and ~"):
        load_dataset("cinc2017", folder)


def test_excerpts_of_one_holter_are_of_one_patient(small):
    dataset = load_dataset("cpsc2021", small("cpsc2021"))
    assert len({item.group for item in dataset}) == 3
    assert dataset["data_8_2"].labels == ("persistent atrial fibrillation",)


def test_statements_of_sph_keep_modifiers_apart_from_primary_codes(small):
    folder = small("sph")
    primary = load_dataset("sph", folder)
    assert primary["A00003"].labels == ("60", "50")
    assert primary["A00001"].statements[0].name == "Sinus bradycardia"
    assert load_dataset("sph", folder, task="all")["A00003"].labels == ("60+310", "50")
    assert primary["A00002"].read().n_samples == 6000
    assert primary["A00002"].group == primary["A00003"].group


def test_each_exam_of_code15_is_its_own_tracing_without_the_zeros(small):
    import h5py

    folder = small("code15")
    dataset = load_dataset("code15", folder)
    item = dataset["1169160"]
    record = item.read()
    with h5py.File(folder / "exams_part0.hdf5") as file:
        place = file["exam_id"][...].tolist().index(1169160)
        stored = file["tracings"][place].T
    assert record.n_samples == 2800
    np.testing.assert_array_equal(record.signal, stored[:, 648:3448])
    assert any(r.code == "padding-removed" for r in record.remarks)
    assert (item.labels, dataset["2873686"].labels) == (("RBBB",), ())
    assert dataset["168405"].group == dataset["271011"].group
    assert any("1 row of labels without a tracing" in r.text for r in dataset.remarks)


def test_a_file_of_tracings_that_is_none_is_a_sentence(small):
    folder = small("sami_trop")
    (folder / "exams.hdf5").write_bytes(b"no hdf5")
    with pytest.raises(FormatError, match="no file of tracings"):
        load_dataset("sami_trop", folder)


def test_deaths_of_sami_trop_go_by_exam_not_by_row(small):
    folder = small("sami_trop")
    dataset = load_dataset("sami_trop", folder)
    assert {item.name: item.labels for item in dataset} == {
        "294669": ("death",), "291209": (), "287355": (),
    }  # fmt: skip
    assert load_dataset("sami_trop", folder, task="normal")["291209"].labels == ("normal",)


def test_sources_of_the_challenge_of_2025_are_kept_apart(shared_data):
    folder = shared_data / "code15"
    code = load_dataset("code15", folder, task="chagas")
    trop = load_dataset("sami_trop", folder, task="chagas")
    assert (len(code), len(trop)) == (184, 16)
    assert code.counts()["chagas"] + trop.counts()["chagas"] == 100


def test_leads_of_mimic_are_found_by_name_in_the_files_own_order(small):
    dataset = load_dataset("mimic_iv_ecg", small("mimic_iv_ecg"))
    item = dataset["40689238"]
    assert item.read().leads[3:6] == ("aVR", "aVF", "aVL")
    assert item.report == "Sinus rhythm Normal ECG"
    assert item.facts["rr_interval"] == "659"
    assert "p_onset" not in item.facts
    assert dataset[0].group == dataset[1].group != dataset[2].group


def test_severity_of_apnea_goes_by_minutes(small):
    dataset = load_dataset("apnea_ecg", small("apnea_ecg"))
    assert {item.name: item.labels[0] for item in dataset} == {
        "a01": "apnea", "a05": "apnea", "b01": "borderline", "c01": "control", "x01": "apnea",
    }  # fmt: skip
    assert set(dataset["a01"].read_annotations().symbol) == {"A", "N"}
