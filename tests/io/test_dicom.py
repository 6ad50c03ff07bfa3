# SPDX-License-Identifier: Apache-2.0
"""DICOM waveforms: published values of two real files, pydicom as an independent reader."""

from __future__ import annotations

import datetime
import warnings
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from precordia.core.errors import FormatError, LeadError, SamplingRateError, UnitError
from precordia.core.leads import STANDARD_12
from precordia.io.read import read

ELI = "formats/dicom-pydicom/src/pydicom/data/test_files/waveform_ecg.dcm"
MACLAB = "formats/dicom-ecg-web-viewer/example/test_ecg.dcm"


@pytest.fixture(scope="module")
def eli(shared_data):
    return read(shared_data / ELI)


def code(value: str, scheme: str, meaning: str = "") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def group(raw: np.ndarray, *, fs=500, leads=("I", "II"), unit="uV", step=5.0, **more) -> Dataset:
    item = Dataset()
    item.WaveformOriginality = more.pop("originality", "ORIGINAL")
    item.NumberOfWaveformChannels = raw.shape[1]
    item.NumberOfWaveformSamples = raw.shape[0]
    item.SamplingFrequency = str(fs)
    channels = []
    for k, lead in enumerate(leads):
        channel = Dataset()
        channel.ChannelSourceSequence = Sequence([code(f"x{k}", "99LOCAL", f"Lead {lead}")])
        if step is not None:
            channel.ChannelSensitivity = str(step)
            if unit:
                channel.ChannelSensitivityUnitsSequence = Sequence([code(unit, "UCUM")])
        channel.WaveformBitsStored = raw.dtype.itemsize * 8
        for name, value in more.get("channels", {}).get(lead, {}).items():
            setattr(channel, name, value)
        channels.append(channel)
    item.ChannelDefinitionSequence = Sequence(channels)
    item.WaveformBitsAllocated = raw.dtype.itemsize * 8
    kinds = {"i1": "SB", "u1": "UB", "i2": "SS", "u2": "US", "i4": "SL", "u4": "UL"}
    item.WaveformSampleInterpretation = kinds[raw.dtype.str[1:]]
    for name, value in more.get("group", {}).items():
        setattr(item, name, value)
    item.WaveformData = raw.tobytes()
    return item


def save(path: Path, groups: list[Dataset], *, syntax=ExplicitVRLittleEndian, **more) -> Path:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.9.1.2"
    dataset.SOPInstanceUID = "1.2.3"
    for name, value in more.items():
        setattr(dataset, name, value)
    if groups:
        dataset.WaveformSequence = Sequence(groups)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


def counts(n=200, leads=2, dtype="<i2") -> np.ndarray:
    raw = np.random.default_rng(1).integers(-100, 100, (n, leads))
    return (raw + (128 if dtype[1] == "u" else 0)).astype(dtype)


def test_microvolt_file_has_the_published_values(eli):
    assert eli.leads == STANDARD_12
    assert eli.fs == 1000
    assert eli.signal.shape == (12, 10000)
    assert eli.signal[0, :3].tolist() == pytest.approx([0.1, 0.08125, 0.0625])
    assert eli.signal[0].astype(float).sum() == pytest.approx(926.61375, abs=1e-4)
    peaks = dict(zip(eli.leads, eli.signal.max(axis=1), strict=True))
    assert peaks["I"] == pytest.approx(0.725)
    assert peaks["II"] == pytest.approx(1.1375)
    assert peaks["V5"] == pytest.approx(1.9625)
    assert eli.signal[6].min() == pytest.approx(-1.125)
    assert np.abs(eli.signal[1] - eli.signal[0] - eli.signal[2]).max() < 1e-6


def test_millivolt_file_of_another_storage_class_has_the_published_values(shared_data):
    record = read(shared_data / MACLAB)
    assert record.leads == STANDARD_12
    assert record.fs == 240
    raw = [186, 48, -138, -117, 162, -45, -82, -176, 98, 196, 286, 194]
    assert record.signal[:, 0].tolist() == pytest.approx([v * 0.00122 for v in raw], rel=1e-6)
    assert record.signal[0].max() == pytest.approx(1.542, abs=2e-3)
    assert record.signal[0].astype(float).sum() == pytest.approx(129.076, abs=1e-3)
    assert record.carried.measurements == {"heart_rate_bpm": 69.0}
    assert record.patient.age_years == 55
    assert record.patient.sex == "male"


@pytest.mark.parametrize("name", [ELI, MACLAB])
def test_signal_equals_that_of_pydicom(shared_data, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        truth = pydicom.dcmread(shared_data / name).waveform_array(0).T
    scale = 1e-3 if name == ELI else 1.0
    np.testing.assert_allclose(read(shared_data / name).signal, truth * scale, rtol=3e-7)


def test_the_files_own_measurements_are_carried_and_zero_is_missing(eli):
    assert eli.carried.measurements == {
        "rr_ms": 982, "pr_ms": 161, "qrs_ms": 75, "qt_ms": 368, "qtc_ms": 370,
        "p_axis_deg": 74, "qrs_axis_deg": 52, "t_axis_deg": 57,
    }  # fmt: skip


def test_statements_patient_and_time_are_carried(eli):
    assert [s.code for s in eli.carried.statements] == ["RITMO SINUSALE", "ECG NORMALE"]
    assert eli.patient.age_years == 42
    assert eli.patient.sex == "female"
    assert eli.start_time == datetime.datetime(2013, 1, 25, 10, 59, 19)
    assert "642341" not in repr(eli)


def test_fiducials_count_from_zero_and_those_of_the_median_stand_apart(eli):
    held = eli.carried.fiducials
    stored = [527, 1526, 2507, 3489, 4485, 5468, 6442, 7444, 8417, 9370]
    assert held.r_peak.tolist() == [at - 1 for at in stored]
    assert np.diff(held.r_peak).mean() == pytest.approx(982.6, abs=0.1)
    assert held.p_onset[0] == 324
    assert held.t_offset[-1] == 9696
    median = eli.carried.median
    assert median.signal.shape == (12, 1200)
    places = (median.p_onset, median.p_offset, median.qrs_onset, median.qrs_offset)
    assert places == (298, 412, 459, 534)
    assert median.t_offset == 827
    # The median beat and the rhythm are the same heart: R of lead II agrees within noise.
    peaks = [eli.signal[1, int(r) - 30 : int(r) + 30].max() for r in held.r_peak]
    assert median.signal[1].max() == pytest.approx(np.median(peaks), abs=0.1)


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ],
)
def test_every_transfer_syntax_gives_the_same_signal(tmp_path, syntax):
    raw = counts(dtype=">i2" if syntax == ExplicitVRBigEndian else "<i2")
    record = read(save(tmp_path / "a.dcm", [group(raw)], syntax=syntax))
    np.testing.assert_allclose(record.signal, raw.T * 0.005, rtol=1e-6)
    assert record.leads == ("I", "II")


@pytest.mark.parametrize("dtype", ["<i1", "<u1", "<i2", "<u2", "<i4", "<u4"])
def test_every_sample_type_is_decoded(tmp_path, dtype):
    raw = counts(dtype=dtype)
    record = read(save(tmp_path / "a.dcm", [group(raw)]))
    np.testing.assert_allclose(record.signal, raw.T.astype(float) * 0.005, rtol=1e-6)


@pytest.mark.parametrize(
    ("unit", "factor"), [("uV", 1e-3), ("mV", 1.0), ("V", 1e3), ("nV", 1e-6), ("µV", 1e-3)]
)
def test_the_unit_of_the_sensitivity_is_honoured(tmp_path, unit, factor):
    raw = counts()
    path = save(
        tmp_path / "a.dcm",
        [group(raw, unit=unit, step=2)],
        SpecificCharacterSet="ISO_IR 192",
    )
    np.testing.assert_allclose(read(path).signal, raw.T * 2 * factor, rtol=1e-6)


def test_correction_and_baseline_follow_the_standard(tmp_path):
    raw = counts()
    extra = {"II": {"ChannelSensitivityCorrectionFactor": "1.5", "ChannelBaseline": "40"}}
    record = read(save(tmp_path / "a.dcm", [group(raw, channels=extra)]))
    np.testing.assert_allclose(record.signal[1], (raw[:, 1] * 5 * 1.5 + 40) / 1000, rtol=1e-6)


def test_padding_is_missing(tmp_path):
    raw = counts()
    raw[50:60, 1] = -32768
    padded = group(raw, group={"WaveformPaddingValue": b"\x00\x80"})
    record = read(save(tmp_path / "a.dcm", [padded]))
    assert np.isnan(record.signal[1, 50:60]).all()
    assert np.isfinite(record.signal[0]).all()


def test_columns_of_a_printout_share_one_clock(tmp_path):
    first, second = counts(250), counts(250)
    late = group(second, leads=("V1", "V2"), group={"MultiplexGroupTimeOffset": "500"})
    record = read(save(tmp_path / "a.dcm", [group(first), late]))
    assert record.leads == ("I", "II", "V1", "V2")
    assert record.n_samples == 500
    assert np.isnan(record.signal[0, 250:]).all()
    np.testing.assert_allclose(record.signal[2, 250:], second[:, 0] * 0.005, rtol=1e-6)


def test_a_late_channel_is_put_in_its_place(tmp_path):
    raw = counts()
    skewed = group(raw, channels={"II": {"ChannelTimeSkew": "0.01"}})
    record = read(save(tmp_path / "a.dcm", [skewed]))
    assert np.isnan(record.signal[1, :5]).all()
    np.testing.assert_allclose(record.signal[1, 5:], raw[:-5, 1] * 0.005, rtol=1e-6)
    assert record.remarks[0].code == "channel-skew"


def test_a_pressure_is_a_companion(tmp_path):
    raw = counts()
    pressure = counts(400, 1)
    both = [group(raw), group(pressure, leads=("ABP",), unit="mm[Hg]", step=0.5, fs=1000.0)]
    record = read(save(tmp_path / "a.dcm", both))
    (held,) = record.companions
    assert (held.unit, held.fs) == ("mm[Hg]", 1000)
    np.testing.assert_allclose(held.signal, pressure[:, 0] * 0.5)


def test_a_missing_unit_is_asked_for_and_taken(tmp_path):
    raw = counts()
    path = save(tmp_path / "a.dcm", [group(raw, unit="")])
    with pytest.raises(UnitError, match="unit='uV' or unit='mV'"):
        read(path)
    np.testing.assert_allclose(read(path, unit="uV").signal, raw.T * 0.005, rtol=1e-6)
    bare = save(tmp_path / "b.dcm", [group(raw, step=None)])
    with pytest.raises(UnitError, match="sensitivity"):
        read(bare)
    np.testing.assert_allclose(read(bare, unit="4.88 uV").signal, raw.T * 0.00488, rtol=1e-6)


def test_mdc_codes_name_leads(tmp_path):
    held = group(counts())
    held.ChannelDefinitionSequence[0].ChannelSourceSequence = Sequence([code("2:62", "MDC")])
    held.ChannelDefinitionSequence[1].ChannelSourceSequence = Sequence([code("131329", "MDC")])
    assert read(save(tmp_path / "a.dcm", [held])).leads == ("aVR", "I")


def test_what_is_no_ecg_is_refused_by_name(tmp_path):
    with pytest.raises(FormatError, match="image, not a recording"):
        read(save(tmp_path / "a.dcm", [], Modality="CT", Rows=4))
    with pytest.raises(FormatError, match="without a waveform"):
        read(save(tmp_path / "b.dcm", [], Modality="SR"))
    with pytest.raises(FormatError, match="document wrapped in DICOM"):
        read(save(tmp_path / "c.dcm", [], EncapsulatedDocument=b"%PDF"))
    with pytest.raises(LeadError, match="no channel in volts"):
        read(save(tmp_path / "d.dcm", [group(counts(), unit="mm[Hg]")]))
    with pytest.raises(SamplingRateError):
        read(save(tmp_path / "e.dcm", [group(counts(), fs=0.0)]))


def test_fewer_samples_than_declared_are_read_with_a_remark(tmp_path):
    held = group(counts(200))
    held.NumberOfWaveformSamples = 300
    record = read(save(tmp_path / "a.dcm", [held]))
    assert record.n_samples == 200
    assert record.remarks[0].code == "truncated"


def test_a_cut_file_says_so(shared_data, tmp_path):
    whole = (shared_data / ELI).read_bytes()
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(whole[:200_000])
    with pytest.raises(FormatError, match="complete copy"):
        read(cut)


def test_a_deflated_file_that_grows_without_end_is_refused(tmp_path):
    empty = save(tmp_path / "a.dcm", [], syntax=DeflatedExplicitVRLittleEndian)
    head = empty.read_bytes()
    meta = head[: 132 + 12 + int.from_bytes(head[140:144], "little")]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(bytes(200 << 20)) + packer.flush()
    empty.write_bytes(meta + bomb)
    with pytest.raises(FormatError, match="grows beyond"):
        read(empty)


def test_a_bare_data_set_is_read(shared_data, tmp_path):
    whole = (shared_data / MACLAB).read_bytes()
    bare = tmp_path / "bare.dcm"
    bare.write_bytes(whole[132:])
    assert read(bare).n_leads == 12
