# SPDX-License-Identifier: Apache-2.0
import pytest

from precordia.core.errors import FormatError, OptionError, UnknownNameError
from precordia.datasets.dataset import load_dataset
from precordia.datasets.describe import describe_dataset


def _own(folder, rows, head="path,patient_id,label"):
    (folder / "labels.csv").write_text("\n".join([head, *rows]) + "\n")


def _codes(dataset):
    return {remark.code: remark.text for remark in dataset.remarks}


@pytest.fixture
def three(tiny, tmp_path):
    for name in ("a", "b", "c"):
        tiny.write_wfdb(tmp_path / name)
    return tmp_path


def test_labels_without_a_recording_are_counted(three):
    _own(three, ["a.hea,1,x", "b.hea,2,x", "c.hea,3,x", "d.hea,4,x", "e.hea,5,x"])
    dataset = load_dataset("folder", three)
    assert len(dataset) == 3
    said = "2 rows of labels without a recording (d.hea, e.hea); left out."
    assert _codes(dataset)["labels-without-recording"] == said
    assert said in describe_dataset(dataset).remarks


def test_recordings_without_labels_are_counted(three):
    _own(three, ["a.hea,1,x"])
    dataset = load_dataset("folder", three)
    said = "2 recordings without a row of labels (b.hea, c.hea); left out."
    assert _codes(dataset)["recordings-without-label"] == said


def test_a_label_that_is_nan_is_no_class_and_its_row_is_counted(three):
    _own(three, ["a.hea,1,x", "b.hea,2,NaN", "c.hea,3,"])
    dataset = load_dataset("folder", three)
    assert dataset.classes == ("x",)
    assert [item.labels for item in dataset] == [("x",), ()]
    assert _codes(dataset)["label-unknown"].startswith("1 row whose label is nan (b.hea)")
    assert "recordings-without-label" not in _codes(dataset)


def test_a_name_that_comes_twice_is_kept_once_and_said_with_its_conflict(three):
    _own(three, ["a.hea,1,x", "a.hea,1,y", "b.hea,2,x", "b.hea,2,x"])
    dataset = load_dataset("folder", three)
    assert [item.labels for item in dataset] == [("x",), ("x",)]
    assert "2 record names more than once" in _codes(dataset)["duplicate-records"]
    assert "1 of them with other labels" in _codes(dataset)["duplicate-records"]


def test_one_recording_that_is_written_in_several_ways_is_one_record(three):
    _own(three, ["a.hea,1,x,train", "./a.hea,2,x,test", "a,3,x,test", "a.dat,4,x,test", "b,5,y,"],
         "path,patient_id,label,fold")  # fmt: skip
    dataset = load_dataset("folder", three)
    assert [item.name for item in dataset] == ["a.hea", "b.hea"]
    assert "1 record name more than once (a.hea)" in _codes(dataset)["duplicate-records"]
    assert dataset["b.hea"].read().n_leads > 0


def test_a_comma_in_a_cell_without_quotation_marks_is_refused_and_not_shifted(three):
    head = "path,label,patient_id,fold"
    _own(three, ["a.hea,x,1,train", "b.hea,AF, chronic,2,test"], head)
    with pytest.raises(FormatError, match=r"line 3 of .* has 5 cells and the first line 4"):
        load_dataset("folder", three)
    _own(three, ["a.hea,x,1,train", 'b.hea,"AF, chronic",2,test', "c.hea,x,3,,,"], head)
    assert load_dataset("folder", three)["b.hea"].labels == ("AF, chronic",)


def test_empty_lines_of_a_table_are_passed_over(three):
    _own(three, ["a.hea,1,x", "", ",,", " , ,", "b.hea,2,y"])
    assert len(load_dataset("folder", three)) == 2


def test_a_column_that_comes_twice_is_refused(three):
    _own(three, ["a.hea,1,x,56"], "path,patient_id,label,label")
    with pytest.raises(FormatError, match="has the column label more than once"):
        load_dataset("folder", three)


def test_ages_that_are_none_are_counted(three):
    _own(three, ["a.hea,1,x,old", "b.hea,2,x,-5", "c.hea,3,x,"], "path,patient_id,label,age")
    assert _codes(load_dataset("folder", three))["age-unknown"].startswith("2 ages that are no")


def test_a_patient_in_two_folds_is_counted_and_not_named(three):
    rows = ["a.hea,SECRET,x,train", "b.hea,SECRET,x,test", "c.hea,2,x,test"]
    _own(three, rows, "path,patient_id,label,fold")
    dataset = load_dataset("folder", three)
    said = _codes(dataset)["patient-in-two-folds"]
    assert said.startswith("1 patient with records in more than one published fold")
    assert "SECRET" not in str(describe_dataset(dataset))
    assert "SECRET" not in repr(dataset[0])


def test_a_class_with_one_record_is_named(three):
    _own(three, ["a.hea,1,x", "b.hea,2,x;rare", "c.hea,3,x"])
    said = _codes(load_dataset("folder", three))["class-with-one-record"]
    assert said.startswith("1 class with a single record (rare)")


def test_records_of_unknown_patients_are_counted(three):
    _own(three, ["a.hea,x", "b.hea,x"], "path,label")
    assert _codes(load_dataset("folder", three))["patients-unknown"].startswith("2 records")


def test_a_path_out_of_the_folder_is_refused(three):
    for path in ("../a.hea", "/etc/passwd", ""):
        _own(three, [f"{path},1,x"])
        with pytest.raises(FormatError, match="a path below the folder"):
            load_dataset("folder", three)


def test_a_folder_without_any_record_says_what_is_needed(tmp_path):
    _own(tmp_path, ["a.hea,1,x"])
    with pytest.raises(FormatError, match=r"no labelled record.*1 row of labels.*labels.csv"):
        load_dataset("folder", tmp_path)
    with pytest.raises(FormatError, match="no folder"):
        load_dataset("mitdb", tmp_path / "absent")
    with pytest.raises(FormatError, match="no table"):
        load_dataset("ludb", tmp_path)


def test_a_table_that_lacks_a_column_or_is_none_is_a_sentence(tmp_path):
    _own(tmp_path, ["a.hea,x"], "file,label")
    with pytest.raises(FormatError, match="lacks the column path"):
        load_dataset("folder", tmp_path)
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfe\x00\x81\x9d")
    with pytest.raises(FormatError, match="is no CSV table"):
        load_dataset("folder", tmp_path)


def test_unknown_names_of_databases_tasks_options_and_records_are_answered(three):
    _own(three, ["a.hea,1,x"])
    with pytest.raises(UnknownNameError, match="Did you mean 'ptbxl'"):
        load_dataset("ptbx", three)
    with pytest.raises(UnknownNameError, match="no task of folder 'label'"):
        load_dataset("folder", three, task="label")
    with pytest.raises(OptionError, match="was given rate"):
        load_dataset("folder", three, rate=3)
    with pytest.raises(UnknownNameError, match="no record 'zzz'"):
        load_dataset("folder", three)["zzz"]


def test_items_are_found_by_place_name_and_slice_and_read_lazily(three):
    _own(three, ["a.hea,1,x", "b.hea,2,x", "c.hea,3,y"])
    dataset = load_dataset("folder", three)
    assert dataset[0] is dataset["a.hea"]
    assert [item.name for item in dataset[1:]] == ["b.hea", "c.hea"]
    assert dataset.counts() == {"x": 2, "y": 1}
    assert dataset.targets().tolist() == [[True, False], [True, False], [False, True]]
    (three / "c.dat").unlink()
    with pytest.raises(FormatError):
        dataset["c.hea"].read()
    assert dataset["a.hea"].read().patient.patient_id == "1"
