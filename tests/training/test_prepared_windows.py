# SPDX-License-Identifier: Apache-2.0
"""Windows are prepared once, as for inference, and patients stay in one part."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import FormatError, OptionError, SignalError
from precordia.core.record import Record
from precordia.datasets.item import Item
from precordia.datasets.splits import split_dataset
from precordia.datasets.toy import toy_record
from precordia.embedding.prepare import prepare
from precordia.training import prepared_windows
from precordia.training.data_parts import part_of_each, training_sets
from precordia.training.prepared_windows import prepare_windows
from precordia.training.record_source import (
    RecordSource,
    simulated_source,
    source_from_dataset,
    source_from_store,
)
from precordia.training.usual_input import usual_input

SPEC = usual_input(("I", "II", "V7"), 100, 2)


def read_made(number: int) -> Record:
    """Every fifth recording is empty."""
    n = 0 if number % 5 == 4 else 3000
    signal = np.sin(np.arange(n) / (20 + number))[None].repeat(2, axis=0)
    return Record(signal=signal, fs=500, leads=("I", "II"))


def made(n: int = 10, **changes) -> RecordSource:
    names = tuple(f"r{k}" for k in range(n))
    held = {
        "title": "made",
        "names": names,
        "patients": names,
        "folds": ("",) * n,
        "parts": ("",) * n,
        "classes": ("a",),
        "targets": np.arange(n)[:, None] % 2.0,
        "read": read_made,
        "content": "made",
        "ages": np.full(n, np.nan),
        "males": np.full(n, np.nan),
        "members": ("made",) * n,
    }
    return RecordSource(**{**held, **changes})


class Killed(BaseException):
    """The end of a process, as far as files are concerned."""


@pytest.mark.parametrize("killed_at", [1, 3, 6])
@pytest.mark.parametrize("torn", [False, True])
def test_windows_prepared_after_an_end_are_those_of_one_go(tmp_path, monkeypatch, killed_at, torn):
    whole = prepare_windows(made(), SPEC, tmp_path / "whole")
    calls = []

    def dying(*args):
        calls.append(args)
        if len(calls) == killed_at:
            raise Killed
        return prepare(*args)

    with monkeypatch.context() as patched:
        patched.setattr(prepared_windows, "prepare", dying)
        with pytest.raises(Killed):
            prepare_windows(made(), SPEC, tmp_path / "again")
    (folder,) = (tmp_path / "again").iterdir()
    if torn:  # the last line and the last window were half written
        with (folder / "windows.f32").open("ab") as file:
            file.write(b"123")
        with (folder / "records.jsonl").open("ab") as file:
            file.write(b'{"windows": 1, "pre')
    again = prepare_windows(made(), SPEC, tmp_path / "again")
    np.testing.assert_array_equal(again.windows, whole.windows)
    np.testing.assert_array_equal(again.record, whole.record)
    np.testing.assert_array_equal(again.present, whole.present)
    assert again.left_out == whole.left_out


def test_windows_are_those_of_prepare_and_the_rest_has_its_reason(tmp_path):
    held = prepare_windows(made(), SPEC, tmp_path)
    assert sorted(held.left_out) == ["r4", "r9"]
    assert all("no sample" in reason for reason in held.left_out.values())
    assert held.record.tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
    for window, number in zip(held.windows, held.record, strict=True):
        np.testing.assert_array_equal(window, prepare(read_made(number), SPEC).windows[0])
    assert held.present.tolist() == [[True, True, False]] * 8


def test_other_recordings_or_another_input_are_other_folders(tmp_path):
    prepare_windows(made(), SPEC, tmp_path)
    prepare_windows(made(content="other"), SPEC, tmp_path)
    prepare_windows(made(), usual_input(("I",), 100, 2), tmp_path)
    prepare_windows(made(), SPEC, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_damaged_folder_is_a_sentence(tmp_path):
    held = prepare_windows(made(), SPEC, tmp_path)
    with (held.folder / "windows.f32").open("ab") as file:
        file.write(b"1")
    with pytest.raises(FormatError, match="Remove the folder"):
        prepare_windows(made(), SPEC, tmp_path)


def test_recordings_none_of_which_will_do_are_a_sentence(tmp_path):
    strict = dataclasses.replace(SPEC, missing_leads="refuse")
    with pytest.raises(SignalError, match="none of 10 records.*V7"):  # noqa: RUF043
        prepare_windows(made(), strict, tmp_path)


def test_several_processes_prepare_the_same(tmp_path):
    source = simulated_source(20, ["sinus"])
    spec = usual_input(("II",), 100, 2)
    one = prepare_windows(source, spec, tmp_path / "one")
    two = prepare_windows(source, spec, tmp_path / "two", n_jobs=2)
    np.testing.assert_array_equal(one.windows, two.windows)


def test_a_patient_in_two_folds_stays_in_the_later_part():
    source = made(4, folds=tuple("1122"), patients=("x", "y", "y", "z"))
    parts, remarks = part_of_each(source, train=["1"], validation=["2"])
    assert parts == ["train", "", "validation", "validation"]
    assert [r.code for r in remarks] == ["patient-in-two-parts"]


@pytest.mark.parametrize(
    ("folds", "words"),
    [
        ({"train": ["1"], "validation": ["3"]}, "fold '3'"),
        ({"train": ["1"], "validation": ["1"]}, "in train and in validation"),
        ({"train": ["1"]}, "neither"),
    ],
)
def test_folds_that_make_no_parts_are_refused(folds, words):
    with pytest.raises(OptionError, match=words):
        part_of_each(made(4, folds=tuple("1122")), **folds)


def test_classes_that_should_exclude_each_other_and_do_not_are_refused(tmp_path):
    source = made(classes=("a", "b"), targets=np.ones((10, 2)))
    held = prepare_windows(source, SPEC, tmp_path)
    with pytest.raises(OptionError, match="more than one class"):
        training_sets(source, held, ["train"] * 10, task="multiclass")


def test_parts_of_ptbxl_are_those_of_the_published_split(shared_data: Path):
    from precordia.datasets.dataset import load_dataset

    source = source_from_dataset("ptbxl", shared_data / "ptbxl", task="superdiagnostic")
    parts, _ = part_of_each(source)
    split = split_dataset(
        load_dataset("ptbxl", shared_data / "ptbxl", task="superdiagnostic"), method="published"
    )
    for part, dataset in (("train", split.train), ("validation", split.validation)):
        names = {n for n, p in zip(source.names, parts, strict=True) if p == part}
        assert names == {item.name for item in dataset}


def test_a_store_gives_the_recordings_it_was_built_from(tmp_path):
    pytest.importorskip("pyarrow")
    from precordia.datasets.store_build import build_store
    from precordia.io.read import read

    items = [Item(name=f"t{k}", path=toy_record(), labels=("normal",)) for k in range(2)]
    build_store(items, tmp_path / "store")
    source = source_from_store(tmp_path / "store")
    assert len(source) == 2
    assert source.classes == ("normal",)
    np.testing.assert_allclose(source.read(1).signal, read(toy_record()).signal, atol=2e-3)
    json.dumps(source.content)
