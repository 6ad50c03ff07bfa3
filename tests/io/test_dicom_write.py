# SPDX-License-Identifier: Apache-2.0
"""What the DICOM writer writes is read alike by others, and passes an independent validator."""

from __future__ import annotations

import math
import shutil
import subprocess
import warnings
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pydicom
import pytest

from precordia.core.errors import OptionError, OutputError
from precordia.core.fiducials import Fiducials, empty_waves
from precordia.core.leads import STANDARD_12
from precordia.core.measurements import MedianBeat
from precordia.core.record import Annotations, Carried, Companion, Patient, Record
from precordia.core.statements import Statement
from precordia.io.dicom import read_dicom
from precordia.io.dicom_write import write_dicom
from precordia.io.read import read

PRIVATE = (b"P-77", b"Doe", b"19600203", b"Elsewhere", b"Ward", b"Ratched", b"Dr. ", b"Chest")
START = datetime(2024, 5, 6, 7, 8, 9)


def some(leads=STANDARD_12, n=1000, fs=500.0, **more) -> Record:
    x = np.random.default_rng(2).normal(size=(len(leads), n)).cumsum(axis=1) * 0.03
    return Record(signal=x, fs=fs, leads=tuple(leads), **({"start_time": START} | more))


def put(record, folder, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return write_dicom(record, folder / "a.dcm", overwrite=True, **options)


def fiducials(fs=500.0, n_samples=1000) -> Fiducials:
    waves = empty_waves(2)
    columns = {name: np.array(getattr(waves, name)) for name in waves.__dataclass_fields__}
    columns["p_onset"][:] = [100, 600.5]
    columns["qrs_onset"][:] = [180, 680]
    columns["r_peak"][:] = [200, 700]
    columns["qrs_offset"][:] = [230, np.nan]
    columns["t_peak"][:] = [330, 830]
    columns["t_offset"][:] = [380.25, 880]
    return Fiducials(fs=fs, n_samples=n_samples, **columns)


def rich() -> Record:
    beat = np.sin(np.linspace(0, 3, 300)) * np.linspace(0.2, 2, 12)[:, None]
    return some(
        patient=Patient(
            patient_id="P-77", name="Doe Jane", birth_date=date(1960, 2, 3), age_years=64,
            sex="female",
        ),
        carried=Carried(
            measurements={
                "heart_rate_bpm": 61.0, "rr_ms": 984.0, "p_ms": 110.0, "pr_ms": 160.0,
                "qrs_ms": 98.0, "qt_ms": 402.0, "qtc_ms": 405.0, "qtc_bazett_ms": 406.5,
                "qtc_fridericia_ms": 404.0, "qtc_framingham_ms": 403.0, "qtc_hodges_ms": 404.5,
                "p_axis_deg": 0.0, "qrs_axis_deg": -31.0, "t_axis_deg": 45.0,
            },
            statements=(
                Statement(code="Normaler Sinusrhythmus, größer"),
                Statement(code="426783006", scheme="snomed-ct", name="sinus rhythm"),
                Statement(code="NORM", scheme="scp-ecg", name="normal ECG"),
                Statement(code="SR-1", scheme="minnesota", name="a house code"),
            ),
            fiducials=fiducials(),
            median=MedianBeat(
                signal=beat, fs=500.0, leads=STANDARD_12, p_onset=40, qrs_onset=110, r_peak=130,
                qrs_offset=160, t_peak=240, t_offset=280,
            ),
            header={
                "manufacturer": "Maker", "device_model": "M1", "software_version": "2.0",
                "filter_highpass_hz": "0.05", "filter_lowpass_hz": "150 Hz",
                "filter_notch_hz": "50", "institution": "St. Elsewhere",
                "department": "Ward 9", "operator": "Nurse Ratched", "physician": "Dr. Who",
                "referring_physician": "Dr. Watson", "confirmed_by": "Dr. Strange",
                "order_number": "A-1", "history": "Chest pain\\since noon", "comment": "None.",
                "study_description": "ECG", "device_serial": "SN9",
            },
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("record", "uid"),
    [
        (some(), "9.1.1"),
        (some(("II",), 400, 250.0), "9.1.1"),
        (some((*STANDARD_12, "X"), 400), "9.1.1"),
        (some((*STANDARD_12, "X", "Y", "Z"), 400), "9.1.2"),
        (some(tuple(f"E{k}" for k in range(60)), 300), "9.1.2"),
        (some(n=16385), "9.1.2"),
        (some(("I",), 400_000), "9.1.3"),
        (some(fs=100.0), "9.1.3"),
        (some(("II",), 4000, fs=2000.0), "9.1.4"),
        (some(fs=25.0), "9.1.4"),
    ],
)
def test_the_class_is_one_that_holds_the_record(tmp_path, record, uid):
    file = put(record, tmp_path)
    assert str(pydicom.dcmread(file).SOPClassUID) == f"1.2.840.10008.5.1.4.1.1.{uid}"
    back = read_dicom(file)
    assert back.leads == record.leads
    assert back.fs == record.fs
    assert np.abs(back.signal - record.signal).max() < np.abs(record.signal).max() / 32766


def test_another_library_reads_the_values_within_half_a_step(tmp_path):
    signal = np.array(some().signal)
    signal[3] += 40  # a lead far from zero has a baseline
    record = some()
    record = Record(signal=signal, fs=500.0, leads=STANDARD_12, start_time=START)
    dataset = pydicom.dcmread(put(record, tmp_path))
    found = dataset.waveform_array(0).T / 1000
    channels = dataset.WaveformSequence[0].ChannelDefinitionSequence
    for lead, channel, theirs, ours in zip(STANDARD_12, channels, found, signal, strict=True):
        half = float(channel.ChannelSensitivity) / 2000
        assert np.abs(theirs - ours).max() <= half * 1.001 + 1e-6
        assert half < 1e-4
        assert channel.ChannelLabel == lead
        assert channel.ChannelSourceSequence[0].CodingSchemeDesignator == "MDC"
    assert float(channels[3].ChannelBaseline) != 0
    assert dataset.WaveformSequence[0].SamplingFrequency == 500
    assert dataset.AcquisitionDateTime == "20240506070809"


def test_another_library_reads_32_bits_too(tmp_path):
    record = some(("I", "II"), 4000, fs=2000.0)
    found = pydicom.dcmread(put(record, tmp_path)).waveform_array(0).T / 1000
    np.testing.assert_allclose(found, record.signal, atol=1e-5)


@pytest.mark.parametrize("step_uv", [1.0, 5.0, 2.5, 4.88, 1.25])
def test_steps_of_converters_come_back_as_they_were(tmp_path, step_uv):
    counts = np.random.default_rng(0).integers(-900, 900, (2, 500))
    record = Record(signal=counts * step_uv / 1000, fs=500.0, leads=("I", "II"))
    assert np.array_equal(read_dicom(put(record, tmp_path)).signal, record.signal)


@pytest.mark.parametrize("fs", [500.0, 2000.0])
def test_missing_samples_are_the_padding_value(tmp_path, fs):
    signal = np.array(some(n=400).signal)
    signal[2, 100:140] = np.nan
    signal[7] = np.nan
    file = put(Record(signal=signal, fs=fs, leads=STANDARD_12), tmp_path)
    assert np.array_equal(np.isnan(read_dicom(file).signal), np.isnan(signal))
    group = pydicom.dcmread(file).WaveformSequence[0]
    kind = np.int16 if fs == 500 else np.int32
    raw = np.frombuffer(group.WaveformData, kind).reshape(400, 12)
    padding = np.frombuffer(group.WaveformPaddingValue, kind)[0]
    assert np.array_equal((raw == padding).T, np.isnan(signal))


def test_what_a_record_carries_comes_back(tmp_path):
    record = rich()
    back = read_dicom(put(record, tmp_path, identifiers=True))
    assert back.carried.measurements == record.carried.measurements
    assert [(s.code, s.scheme) for s in back.carried.statements] == [
        (s.code, s.scheme) for s in record.carried.statements
    ]
    assert [s.name for s in back.carried.statements[1:]] == [
        s.name for s in record.carried.statements[1:]
    ]
    for name in ("p_onset", "qrs_onset", "r_peak", "qrs_offset", "t_peak", "t_offset"):
        ours, theirs = (getattr(r.carried.fiducials, name) for r in (record, back))
        np.testing.assert_allclose(theirs, ours, atol=1e-6)
    median = back.carried.median
    assert median.leads == STANDARD_12
    assert np.abs(median.signal - record.carried.median.signal).max() < 1e-4
    for name in ("p_onset", "qrs_onset", "r_peak", "qrs_offset", "t_peak", "t_offset"):
        assert getattr(median, name) == getattr(record.carried.median, name)
    assert back.patient == record.patient
    assert back.start_time == START
    for key, text in record.carried.header.items():
        if key.startswith("filter"):
            assert float(back.carried.header[key]) == float(text.split()[0])
        else:
            assert back.carried.header[key] == text.replace("\\", " ")
    channel = pydicom.dcmread(tmp_path / "a.dcm").WaveformSequence[0].ChannelDefinitionSequence[0]
    assert (channel.FilterLowFrequency, channel.FilterHighFrequency) == (0.05, 150)
    assert channel.NotchFilterFrequency == 50


def test_identifiers_are_written_only_when_asked(tmp_path):
    record = rich()
    content = put(record, tmp_path).read_bytes()
    for private in PRIVATE:
        assert private not in content
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    for required in ("PatientName", "PatientID", "PatientBirthDate", "ReferringPhysicianName"):
        assert required in dataset
        assert not getattr(dataset, required)
    assert (dataset.PatientSex, dataset.PatientAge) == ("F", "064Y")
    content = put(record, tmp_path, identifiers=True).read_bytes()
    for private in PRIVATE:
        assert private in content


@pytest.mark.parametrize("age", [0.01, 0.5, 1.0, 2.75, 42.5, 64.0, 99.0])
def test_the_age_comes_back(tmp_path, age):
    back = read_dicom(put(some(patient=Patient(age_years=age)), tmp_path))
    assert back.patient.age_years == pytest.approx(age, abs=0.04 if age > 2.7 else 0.002)


@pytest.mark.parametrize("origin", ["estimated", "synthetic"])
def test_a_record_that_was_not_measured_says_so(tmp_path, origin):
    file = put(some(origin=origin), tmp_path)
    assert read_dicom(file).origin == origin
    group = pydicom.dcmread(file).WaveformSequence[0]
    assert group.WaveformOriginality == "DERIVED"
    assert origin.upper() in group.MultiplexGroupLabel


def test_the_time_keeps_its_fraction_and_zone(tmp_path):
    zone = timezone(timedelta(hours=-3, minutes=-30))
    moment = datetime(2021, 12, 31, 23, 59, 58, 250_000, zone)
    back = read_dicom(put(some(start_time=moment), tmp_path))
    assert back.start_time == moment
    assert back.start_time.utcoffset() == moment.utcoffset()


def test_a_time_that_is_unknown_stays_unknown(tmp_path):
    with pytest.warns(UserWarning, match="unknown start time"):
        write_dicom(some(start_time=None), tmp_path / "a.dcm")
    assert read_dicom(tmp_path / "a.dcm").start_time is None


def test_names_that_no_code_covers_come_back(tmp_path):
    leads = ("I", "ECG 1", "a lead with a name of more than sixteen letters", "Brust (links)")
    assert read_dicom(put(some(leads), tmp_path)).leads == leads


def test_each_loss_is_named_once(tmp_path):
    record = some(
        carried=Carried(
            measurements={"st_v5_mv": 0.1, "qrs_ms": math.nan},
            statements=(Statement(code="NORM", scheme="scp-ecg", likelihood=80.0),),
            annotations=Annotations(sample=np.array([5]), symbol=("N",)),
            fiducials=Fiducials(
                fs=500.0, n_samples=1000,
                **{n: np.array([3.0]) for n in empty_waves().__dataclass_fields__},
            ),
            median=MedianBeat(signal=np.zeros((12, 100)), fs=2000.0, leads=STANDARD_12),
        ),
        companions=(Companion(name="PLETH", signal=np.zeros(100), fs=50.0),),
    )  # fmt: skip
    with pytest.warns(UserWarning, match="DICOM has no place for") as caught:
        write_dicom(record, tmp_path / "a.dcm")
    assert len(caught) == 1
    text = str(caught[0].message)
    for loss in ("st_v5_mv", "qrs_ms", "likelihoods", "annotations", "q_peak, s_peak",
                 "confidences", "the median beat", "companion 'PLETH'"):  # fmt: skip
        assert loss in text


def test_unique_identifiers_are_new_or_those_given(tmp_path):
    first = pydicom.dcmread(put(some(), tmp_path))
    second = pydicom.dcmread(put(some(), tmp_path))
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.StudyInstanceUID.startswith("2.25.")
    given = pydicom.dcmread(put(some(), tmp_path, study_uid="1.2.3", instance_uid="1.2.4"))
    assert (given.StudyInstanceUID, given.SOPInstanceUID) == ("1.2.3", "1.2.4")
    assert given.file_meta.MediaStorageSOPInstanceUID == "1.2.4"
    with pytest.raises(OptionError, match="numbers between dots"):
        write_dicom(some(), tmp_path / "b.dcm", series_uid="1.02.x")


def test_a_class_can_be_asked_for_and_is_refused_where_it_does_not_fit(tmp_path):
    assert pydicom.dcmread(put(some(), tmp_path, storage_class="general")).SOPClassUID.endswith(
        ".2"
    )
    with pytest.raises(OutputError, match="200 to 1000 Hz"):
        write_dicom(some(fs=100.0), tmp_path / "b.dcm", storage_class="12-lead")
    with pytest.raises(OptionError, match="12-lead, general"):
        write_dicom(some(), tmp_path / "b.dcm", storage_class="thirteen")


def test_what_no_class_holds_is_refused(tmp_path):
    with pytest.raises(OutputError, match="at most 96"):
        write_dicom(some(tuple(f"E{k}" for k in range(97)), 10), tmp_path / "b.dcm")
    with pytest.raises(OutputError, match="no electrode"):
        write_dicom(
            Record(signal=np.array([[1e10, 3.0]]), fs=500, leads=("I",)), tmp_path / "b.dcm"
        )
    with pytest.raises(OutputError, match="no samples"):
        write_dicom(Record(signal=np.zeros((0, 0)), fs=500, leads=()), tmp_path / "b.dcm")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    shutil.which("dciodvfy") is None,
    reason="NO VALIDATOR: install dicom3tools for dciodvfy",
)
@pytest.mark.parametrize(
    "record",
    [
        some(),
        rich(),
        some((*STANDARD_12, "X", "Y", "Z", "ECG left arm"), 400),
        some(("I", "II"), 400_000),
        some(fs=100.0, start_time=None, origin="synthetic"),
        Record(signal=np.full((1, 300), np.nan), fs=250.0, leads=("V1",), start_time=START),
    ],
    ids=["12-lead", "rich", "general", "ambulatory", "synthetic", "missing"],
)
@pytest.mark.parametrize("identifiers", [False, True])
def test_an_independent_validator_finds_no_error(tmp_path, record, identifiers):
    file = put(record, tmp_path, identifiers=identifiers)
    said = subprocess.run(
        ["dciodvfy", "-new", str(file)], capture_output=True, text=True, check=False
    )
    lines = (said.stdout + said.stderr).splitlines()
    assert [line for line in lines if line.startswith("Error")] == []
    assert any(line.endswith("ECG") for line in lines)


@pytest.mark.parametrize(
    "file",
    ["formats/dicom-ecg-web-viewer/example/test_ecg.dcm", "ptbxl/records500/00000/00001_hr.hea"],
)
def test_real_records_come_back(shared_data, tmp_path, file):
    record = read(shared_data / file)
    back = read(put(record, tmp_path))
    assert back.leads == record.leads
    assert np.nanmax(np.abs(back.signal - record.signal)) < 5e-5
    assert back.carried.measurements == record.carried.measurements
    assert back.patient.age_years == record.patient.age_years or math.isnan(
        record.patient.age_years
    )
