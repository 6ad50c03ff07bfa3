# SPDX-License-Identifier: Apache-2.0
"""EDF: edfio as an independent reader and writer, and one real file with a wrong scale."""

from __future__ import annotations

import dataclasses
import datetime
import warnings
from pathlib import Path

import edfio
import numpy as np
import pytest

from precordia.core.errors import (
    FormatError,
    LeadError,
    OptionError,
    OutputError,
    SamplingRateError,
    UnitError,
)
from precordia.core.record import Annotations, Carried, Companion, Patient, Record
from precordia.io.read import read
from precordia.io.write import write


def edf(path: Path, *signals: edfio.EdfSignal, **more) -> Path:
    duration = more.pop("data_record_duration", None)
    edfio.Edf(list(signals), data_record_duration=duration, **more).write(path)
    return path


def channel(values, fs=500, label="ECG II", unit="mV", **more) -> edfio.EdfSignal:
    return edfio.EdfSignal(
        np.asarray(values, float), fs, label=label, physical_dimension=unit, **more
    )


def noise(n=1000, leads=1, seed=0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(leads, n)).cumsum(axis=1) * 0.02
    return x - x.mean(axis=1, keepdims=True)


def patch(path: Path, at: int, text: str) -> Path:
    content = bytearray(path.read_bytes())
    content[at : at + len(text)] = text.encode()
    path.write_bytes(content)
    return path


def test_a_file_by_edfio_reads_as_edfio_reads_it(tmp_path):
    x = noise()[0]
    path = edf(tmp_path / "a.edf", channel(x))
    record = read(path)
    truth = edfio.read_edf(path).signals[0].data
    np.testing.assert_allclose(record.signal[0], truth, atol=1e-6)
    assert (record.leads, record.fs) == (("II",), 500.0)


@pytest.mark.parametrize(("unit", "factor"), [("uV", 1e-3), ("mV", 1), ("V", 1e3), ("nV", 1e-6)])
def test_units_become_millivolts(tmp_path, unit, factor):
    x = noise()[0] / factor
    record = read(edf(tmp_path / "a.edf", channel(x, unit=unit)))
    np.testing.assert_allclose(record.signal[0], x * factor, atol=1e-4)


def test_other_channels_are_companions_at_their_own_rate(tmp_path):
    resp, eeg = noise(50)[0], noise(256)[0]
    path = edf(
        tmp_path / "a.edf",
        channel(eeg, 128, "EEG Fpz-Cz", "uV"),
        channel(noise()[0]),
        channel(resp, 25, "Resp oro-nasal", ""),
    )
    record = read(path)
    assert record.leads == ("II",)
    assert [(c.name, c.fs) for c in record.companions] == [
        ("EEG Fpz-Cz", 128),
        ("Resp oro-nasal", 25),
    ]
    np.testing.assert_allclose(record.companions[1].signal, resp, atol=1e-3)


def test_leads_at_two_rates_are_never_resampled(tmp_path):
    path = edf(tmp_path / "a.edf", channel(noise()[0], label="ECG I"), channel(noise()[0]),
               channel(noise(500)[0], 250, "ECG V1"))  # fmt: skip
    record = read(path)
    assert record.leads == ("I", "II")
    assert record.companions[0].fs == 250
    assert "lead-rates-differ" in [r.code for r in record.remarks]


def test_edf_plus_says_who_when_and_what(tmp_path):
    patient = edfio.Patient(code="X1", sex="F", birthdate=datetime.date(1951, 5, 2), name="H_H")
    notes = [edfio.EdfAnnotation(0.5, None, "Lights off"), edfio.EdfAnnotation(1.0, 0.1, "V")]
    recording = edfio.Recording(startdate=datetime.date(2002, 3, 2))
    path = edf(tmp_path / "a.edf", channel(noise()[0]), patient=patient, recording=recording,
               starttime=datetime.time(10, 11, 12, 500000), annotations=notes)  # fmt: skip
    record = read(path)
    assert record.patient.sex == "female"
    assert record.patient.birth_date == datetime.date(1951, 5, 2)
    assert record.start_time == datetime.datetime(2002, 3, 2, 10, 11, 12, 500000)
    held = record.carried.annotations
    assert held.sample.tolist() == [250, 500]
    assert held.symbol == ('"', "V")
    assert held.aux[0] == "Lights off"


def test_a_discontinuous_recording_has_gaps(tmp_path):
    x = noise(1500)[0]
    path = edf(tmp_path / "a.edf", channel(x), annotations=[edfio.EdfAnnotation(0, None, "start")],
               data_record_duration=1)  # fmt: skip
    patch(path, 192, "EDF+D")
    content = path.read_bytes()
    moved = content.replace(b"+2\x14\x14", b"+5\x14\x14")
    assert moved != content
    path.write_bytes(moved)
    record = read(path)
    assert record.n_samples == 6 * 500
    assert np.isnan(record.signal[0, 1000:2500]).all()
    np.testing.assert_allclose(record.signal[0, 2500:], x[1000:], atol=1e-3)
    assert "gaps" in [r.code for r in record.remarks]
    path.write_bytes(moved.replace(b"+5\x14\x14", b"+0\x14\x14"))
    with pytest.raises(FormatError, match="overlap"):
        read(path)


def test_bdf_has_24_bits(tmp_path):
    x = noise()[0]
    signal = edfio.BdfSignal(x, 500, label="ECG II", physical_dimension="mV")
    edfio.Bdf([signal]).write(tmp_path / "a.bdf")
    record = read(tmp_path / "a.bdf")
    np.testing.assert_allclose(record.signal[0], x, atol=1e-6)


def test_a_wrong_scale_is_reported_and_never_repaired(shared_data):
    record = read(shared_data / "formats/contec-scp/tools/0000050.ECG.edf")
    assert record.fs == pytest.approx(800)
    assert record.n_samples == 37855
    assert record.leads[:6] == ("I", "II", "III", "aVR", "aVL", "aVF")
    assert record.signal[0].max() == pytest.approx(7.2, abs=0.05)
    (remark,) = [r for r in record.remarks if r.code == "amplitude-implausible"]
    assert "6×" in remark.text
    assert record.start_time == datetime.datetime(2020, 11, 16, 21, 44, 39)


def test_annotations_without_signals_are_no_recording(shared_data):
    with pytest.raises(LeadError, match="annotations"):
        read(shared_data / "formats/wfdb-multimodal/sample-data/test_edfann.edf")


def test_a_missing_unit_is_asked_for_and_taken(tmp_path):
    x = noise()[0]
    path = edf(tmp_path / "a.edf", channel(x, unit=""))
    with pytest.raises(UnitError, match="unit='uV' or unit='mV'"):
        read(path)
    np.testing.assert_allclose(read(path, unit="uV").signal[0], x * 1e-3, atol=1e-6)


def test_channels_without_a_telling_label_can_be_named(tmp_path):
    path = edf(
        tmp_path / "a.edf", channel(noise()[0], label="EEG A1"), channel(noise()[0], label="F7")
    )
    with pytest.raises(LeadError, match="channels="):
        read(path)
    assert read(path, channels=["F7"]).leads == ("F7",)
    with pytest.raises(OptionError, match="no channel 'X'"):
        read(path, channels=["X"])


def test_a_cut_file_is_read_as_far_as_it_goes(tmp_path):
    x = noise(5000)[0]
    path = edf(tmp_path / "a.edf", channel(x), data_record_duration=1)
    content = path.read_bytes()
    path.write_bytes(content[:-1500])
    record = read(path)
    assert record.n_samples == 4000
    assert record.remarks[0].code == "truncated"
    path.write_bytes(content[:400])
    with pytest.raises(FormatError):
        read(path)


@pytest.mark.parametrize(
    ("at", "text", "error"),
    [
        (236, "-5      ", FormatError), (236, "many    ", FormatError),
        (244, "0       ", SamplingRateError), (244, "nan     ", FormatError),
        (252, "0   ", FormatError), (252, "9999", FormatError),
        (256 + 16 + 80 + 8, "5       5       ", FormatError),
    ],
)  # fmt: skip
def test_damaged_headers_are_refused(tmp_path, at, text, error):
    path = patch(edf(tmp_path / "a.edf", channel(noise()[0])), at, text)
    with pytest.raises(error):
        read(path)


@pytest.mark.parametrize(
    ("fs", "n"),
    [(500.0, 5000), (500.0, 5003), (62.4725, 1000), (128.5, 1285), (1000 / 3, 997), (250.0, 1),
     (1.0, 10), (360.0, 108_000), (0.5, 7)],
)  # fmt: skip
def test_what_is_written_comes_back_within_half_a_step(tmp_path, fs, n):
    x = noise(n, 3)
    x[1, : n // 3] = np.nan
    record = Record(signal=x, fs=fs, leads=("I", "II", "V6"))
    back = read(write(record, tmp_path / "a.edf"))
    assert (back.leads, back.fs, back.n_samples) == (record.leads, record.fs, n)
    assert np.array_equal(np.isnan(back.signal), np.isnan(record.signal))
    step = (np.nanmax(x, axis=1) - np.nanmin(x, axis=1)) / 65534
    error = np.nanmax(np.abs(back.signal - record.signal), axis=1)
    assert (error <= 0.51 * np.maximum(step, 1e-6)).all()


def test_edfio_reads_what_is_written(tmp_path):
    x = noise(1000, 2)
    notes = Annotations(sample=np.array([100]), symbol=("V",), aux=("",))
    record = Record(
        signal=x, fs=250.0, leads=("I", "II"), start_time=datetime.datetime(2020, 1, 2, 3, 4, 5),
        patient=Patient(sex="male", age_years=60.0, name="Some One", patient_id="7"),
        carried=Carried(annotations=notes),
    )  # fmt: skip
    path = write(record, tmp_path / "a.edf")
    other = edfio.read_edf(path)
    np.testing.assert_allclose(other.signals[1].data, x[1] * 1000, atol=0.05)
    assert [s.label for s in other.signals] == ["ECG I", "ECG II"]
    assert other.patient.sex == "M"
    assert other.startdate == datetime.date(2020, 1, 2)
    assert [(a.onset, a.text) for a in other.annotations] == [(0.4, "V")]
    assert b"Some" not in path.read_bytes()
    back = read(path)
    assert back.carried.annotations.symbol == ("V",)
    assert back.patient.age_years == 60
    named = read(write(record, path, identifiers=True, overwrite=True))
    assert (named.patient.name, named.patient.patient_id) == ("Some One", "7")


def test_whole_steps_of_a_converter_come_back_exactly(shared_data, tmp_path):
    record = read(shared_data / "mitdb" / "101.hea")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = write(record, tmp_path / "a.edf")
    assert np.array_equal(read(path).signal, record.signal)


def test_losses_are_named_and_companions_kept(tmp_path):
    kept = Companion(
        name="ABP", signal=np.linspace(60, 120, 500, dtype=np.float32), fs=250.0, unit="mmHg"
    )
    odd = Companion(name="Resp", signal=np.zeros(10, np.float32), fs=3.7, unit="")
    record = Record(signal=noise(1000), fs=500.0, leads=("II",), companions=(kept, odd),
                    carried=Carried(measurements={"pr_ms": 160.0}))  # fmt: skip
    with pytest.warns(UserWarning, match=r"Resp.*measurements"):
        path = write(record, tmp_path / "a.edf")
    (back,) = read(path).companions
    assert (back.name, back.fs, back.unit) == ("ABP", 250, "mmHg")
    np.testing.assert_allclose(back.signal, kept.signal, atol=1e-3)


def test_flat_and_missing_leads_can_be_written(tmp_path):
    x = np.zeros((2, 500))
    x[1] = np.nan
    back = read(write(Record(signal=x, fs=500.0, leads=("I", "II")), tmp_path / "a.edf"))
    assert np.abs(back.signal[0]).max() == 0
    assert np.isnan(back.signal[1]).all()
    constant = dataclasses.replace(back, signal=np.full((2, 500), 0.3))
    back = read(write(constant, tmp_path / "b.edf"))
    np.testing.assert_allclose(back.signal, 0.3, atol=1e-4)


@pytest.mark.parametrize("size_mv", [1e-6, 1e-3, 1.0, 1e3, 1e5])
def test_any_amplitude_comes_back_within_half_a_step(tmp_path, size_mv):
    x = noise(1000, 2) * size_mv
    back = read(write(Record(signal=x, fs=500.0, leads=("I", "II")), tmp_path / "a.edf"))
    step = (x.max(axis=1) - x.min(axis=1)) / 65534
    error = np.abs(back.signal - x).max(axis=1)
    assert (error <= 0.51 * step + 1e-7 * np.abs(x).max() + 1e-9).all()


def test_a_range_that_edf_cannot_state_is_refused(tmp_path):
    huge = Record(signal=noise(100) * 1e9, fs=500.0, leads=("I",))
    with pytest.raises(OutputError, match="more digits"):
        write(huge, tmp_path / "a.edf")
