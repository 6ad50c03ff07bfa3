# SPDX-License-Identifier: Apache-2.0
"""EDF: an encoder from the specification, pyedflib as another reader and writer, a real file."""

from __future__ import annotations

import dataclasses
import datetime
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import edfio
import numpy as np
import pyedflib
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


class Channel(NamedTuple):
    """A signal as the encoder below writes it."""

    values: np.ndarray
    fs: float
    label: str
    unit: str
    low: str
    high: str


def channel(values, fs=500.0, label="ECG II", unit="mV") -> Channel:
    """Return a signal whose range eight characters state exactly."""
    x = np.asarray(values, float)
    top = f"{max(float(np.abs(x).max()) * 1.01, 1e-6):.7f}"[:7]
    return Channel(x, fs, label, unit, "-" + top, top)


def encode(
    *channels: Channel,
    record_s: float = 1.0,
    bdf: bool = False,
    kind: str | None = None,
    patient: str = "X X X X",
    recording: str = "Startdate X X X X",
    start: str = "02.03.02",
    clock: str = "10.11.12",
    onsets: list[float] | None = None,
    texts: list[tuple[int, bytes]] | tuple[()] = (),
) -> bytes:
    """Return an EDF, EDF+ or BDF file; with ``kind`` it has annotations, as raw bytes a record."""
    bits, size = (23, 3) if bdf else (15, 2)
    n_records = round(channels[0].values.size / channels[0].fs / record_s)
    first, last = -(1 << bits), (1 << bits) - 1
    rows = []
    for c in channels:
        low, high = float(c.low), float(c.high)
        digital = np.rint((c.values - low) / (high - low) * (last - first)) + first
        raw = digital.astype("<i4")[:, None].view(np.uint8)[:, :size]
        rows.append((c.label, c.unit, c.low, c.high, raw.reshape(n_records, -1)))
    if kind:
        lists = [b"+%g\x14\x14\0" % at for at in onsets or np.arange(n_records) * record_s]
        for r, text in texts:
            lists[r] += text
        width = -(-max(map(len, lists)) // size) * size
        raw = np.frombuffer(b"".join(x.ljust(width, b"\0") for x in lists), np.uint8)
        label = f"{'BDF' if bdf else 'EDF'} Annotations"
        rows.append((label, "", "-1", "1", raw.reshape(n_records, -1)))
    head = [
        ("\xffBIOSEMI" if bdf else "0", 8),
        (patient, 80),
        (recording, 80),
    ]
    head += [(start, 8), (clock, 8), (256 * (len(rows) + 1), 8), (kind or "", 44)]
    head += [(n_records, 8), (f"{record_s:g}", 8), (len(rows), 4)]
    for column, width in ((0, 16), (None, 80), (1, 8), (2, 8), (3, 8)):
        head += [("" if column is None else row[column], width) for row in rows]
    head += [(first, 8)] * len(rows) + [(last, 8)] * len(rows) + [("", 80)] * len(rows)
    head += [(row[4].shape[1] // size, 8) for row in rows] + [("", 32)] * len(rows)
    fields = b"".join(str(text).encode("latin-1").ljust(width) for text, width in head)
    return fields + np.concatenate([row[4] for row in rows], axis=1).tobytes()


def edf(path: Path, *channels: Channel, **more) -> Path:
    path.write_bytes(encode(*channels, **more))
    return path


def by_edflib(path: Path) -> list[np.ndarray]:
    """Return the physical signals as pyedflib, another implementation, reads them."""
    with pyedflib.EdfReader(str(path)) as file:
        return [file.readSignal(k) for k in range(file.signals_in_file)]


def noise(n=1000, leads=1, seed=0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(leads, n)).cumsum(axis=1) * 0.02
    return x - x.mean(axis=1, keepdims=True)


def patch(path: Path, at: int, text: str) -> Path:
    content = bytearray(path.read_bytes())
    content[at : at + len(text)] = text.encode()
    path.write_bytes(content)
    return path


def test_a_file_by_edflib_reads_as_edflib_reads_it(tmp_path):
    x = noise(1000, 3)
    headers = [
        pyedflib.highlevel.make_signal_header(
            f"ECG {lead}", "mV", 500, physical_min=-3, physical_max=3
        )
        for lead in ("I", "II", "V1")
    ]
    pyedflib.highlevel.write_edf(str(tmp_path / "a.edf"), x, headers)
    record = read(tmp_path / "a.edf")
    assert (record.leads, record.fs) == (("I", "II", "V1"), 500.0)
    np.testing.assert_allclose(record.signal, by_edflib(tmp_path / "a.edf"), atol=1e-6)
    np.testing.assert_allclose(record.signal, x, atol=6 / 65535)


def test_a_real_file_reads_as_edflib_reads_it(shared_data):
    path = shared_data / "formats/contec-scp/tools/0000050.ECG.edf"
    truth = by_edflib(path)
    record = read(path)
    for lead, other in zip(record.signal, truth, strict=False):
        np.testing.assert_allclose(lead, other, atol=1e-5)


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
    path = edf(tmp_path / "a.edf", channel(noise()[0]), kind="EDF+C",
               patient="X1 F 02-MAY-1951 H_H", recording="Startdate 02-MAR-2002 X X X",
               onsets=[0.5, 1.5],
               texts=[(0, b"+1\x14Lights off\x14\0"), (1, b"+1.5\x150.1\x14V\x14\0")])  # fmt: skip
    record = read(path)
    assert (record.patient.patient_id, record.patient.name) == ("X1", "H H")
    assert record.patient.sex == "female"
    assert record.patient.birth_date == datetime.date(1951, 5, 2)
    assert record.start_time == datetime.datetime(2002, 3, 2, 10, 11, 12, 500000)
    held = record.carried.annotations
    assert held.sample.tolist() == [250, 500]
    assert held.symbol == ('"', "V")
    assert held.aux[0] == "Lights off"


@pytest.mark.parametrize(
    ("short", "recording", "start"),
    [
        ("02.03.02", "free text", datetime.datetime(2002, 3, 2, 10, 11, 12)),
        ("02.03.92", "", datetime.datetime(1992, 3, 2, 10, 11, 12)),
        ("01.01.85", "", None),
        ("99.99.99", "", None),
        ("02.03.02", "Startdate X X X X", None),
        ("02.03.02", "Startdate 30-FEB-2002 X X X", datetime.datetime(2002, 3, 2, 10, 11, 12)),
        ("yy.yy.yy", "Startdate 04-MAR-1975 X X X", None),
        ("01.01.85", "Startdate 04-MAR-1975 X X X", datetime.datetime(1975, 3, 4, 10, 11, 12)),
        ("01.01.85", "Startdate 04-MAR-2180 X X X", datetime.datetime(2180, 3, 4, 10, 11, 12)),
    ],
)
def test_the_full_date_goes_before_the_short_one(tmp_path, short, recording, start):
    path = edf(tmp_path / "a.edf", channel(noise()[0]), start=short, recording=recording)
    if short != "yy.yy.yy":
        assert read(path).start_time == start
    timed = edf(tmp_path / "b.edf", channel(noise()[0]), start=short, recording=recording,
                clock="23.59.59", kind="EDF+C", onsets=[2.0, 3.0])  # fmt: skip
    if start is not None:
        midnight = datetime.datetime.combine(start.date(), datetime.time())
        assert read(timed).start_time == midnight + datetime.timedelta(days=1, seconds=1)
    elif short != "yy.yy.yy":
        assert read(timed).start_time is None


def test_a_discontinuous_recording_has_gaps(tmp_path):
    x = noise(1500)[0]
    path = edf(tmp_path / "a.edf", channel(x), kind="EDF+D", onsets=[0, 1, 5])
    record = read(path)
    assert record.n_samples == 6 * 500
    assert np.isnan(record.signal[0, 1000:2500]).all()
    np.testing.assert_allclose(record.signal[0, 2500:], x[1000:], atol=1e-3)
    assert "gaps" in [r.code for r in record.remarks]
    path.write_bytes(path.read_bytes().replace(b"+5\x14\x14", b"+0\x14\x14"))
    with pytest.raises(FormatError, match="overlap"):
        read(path)


@pytest.mark.parametrize("kind", ["EDF+C", "EDF+D"])
def test_long_files_are_read_in_pieces_to_the_same_end(tmp_path, monkeypatch, kind):
    x, resp = noise(5000, 2), noise(250)[0]
    onsets = [0.25, 1.25, 2.25, *([5.25, 6.25, 7.25] if kind == "EDF+D" else [3.25, 4.25, 5.25])]
    onsets += [onsets[-1] + k for k in range(1, 5)]
    path = edf(tmp_path / "a.edf", channel(x[0], label="ECG I"), channel(x[1]),
               channel(resp, 25.0, "Resp", ""), kind=kind, onsets=onsets,
               texts=[(0, b"+0.5\x14one\x14\0"), (7, b"+%g\x14N\x14\0" % onsets[7])])  # fmt: skip
    whole = read(path)
    assert whole.carried.annotations.aux == ("one", "")
    monkeypatch.setattr("precordia.io.edf_pieces.PIECE_BYTES", 5000)
    monkeypatch.setattr("precordia.io.edf.PIECE_BYTES", 5000)
    back = read(path)
    np.testing.assert_array_equal(back.signal, whole.signal)
    np.testing.assert_array_equal(back.companions[0].signal, whole.companions[0].signal)
    assert back.carried.annotations.aux == whole.carried.annotations.aux
    assert (back.start_time, back.remarks) == (whole.start_time, whole.remarks)
    np.testing.assert_allclose(whole.signal[:, :1500], x[:, :1500], atol=1e-3)


def test_annotations_of_a_long_recording_of_short_records_are_found(tmp_path):
    # 24576 records of 0.1 s: in floats there is one more.
    n = 24576
    path = edf(tmp_path / "a.edf", channel(np.tile(noise(10)[0], n), 100.0), record_s=0.1,
               kind="EDF+C", texts=[(n - 1, b"+2457.5\x14end\x14\0")])  # fmt: skip
    record = read(path)
    assert record.carried.annotations.sample.tolist() == [245750]
    assert record.carried.annotations.aux == ("end",)


def test_damaged_annotations_cost_no_more_than_themselves(tmp_path):
    kept = [(0, b"+0.5\x14first\x14\0"), (2, b"+2.5\x14last\x14\0")]
    x = channel(noise(1500)[0])
    for harm, n_left in (
        (b"+1.5\x14Gr\xfc\xdfe\x14\0", 3), (b"+1.5\x14no end", 2), (b"junk\0", 2),
        (b"+1.5\x14a\nb\x14\0", 3), (b"+" + b"1" * 40 + b"\x14a\x14\0", 2),
    ):  # fmt: skip
        path = edf(tmp_path / "a.edf", x, kind="EDF+C", texts=[*kept, (1, harm)])
        record = read(path)
        assert "annotations-damaged" in [remark.code for remark in record.remarks]
        held = record.carried.annotations
        assert len(held) == n_left
        assert (held.aux[0], held.aux[-1]) == ("first", "last")


def test_annotations_without_the_times_of_records_are_set_aside(tmp_path):
    content = encode(channel(noise()[0]), kind="EDF+C", texts=[(0, b"+0.5\x14a\x14\0")])
    for wrong in (b"\0\0\0\0", b"zzzz"):
        path = tmp_path / "a.edf"
        path.write_bytes(content.replace(b"+0\x14\x14", wrong))
        record = read(path)
        assert record.n_samples == 1000
        assert record.start_time is None or record.start_time.second == 12


@pytest.mark.parametrize(
    "hostile",
    [b"+" + b"1" * 50_000, b"+1\x14" * 16_000, b"+1\x14" * 16_000 + b"\n\x14\0",
     b"+1\x14" * 16_000 + b"X\0+2\x14a\x14\0", b"+" * 50_000 + b"\x14\0", b"\0" * 50_000],
)  # fmt: skip
def test_hostile_annotations_take_no_time(tmp_path, hostile):
    path = edf(tmp_path / "a.edf", channel(noise(500)[0]), kind="EDF+C", texts=[(0, hostile)])
    began = time.process_time()
    assert read(path).n_samples == 500
    assert time.process_time() - began < 1.0


def test_bdf_has_24_bits(tmp_path):
    x = noise()[0]
    path = edf(tmp_path / "a.bdf", channel(x), bdf=True, kind="BDF+C",
               texts=[(1, b"+1\x14note\x14\0")])  # fmt: skip
    record = read(path)
    np.testing.assert_allclose(record.signal[0], x, atol=1e-6)
    np.testing.assert_allclose(record.signal[0], by_edflib(path)[0], atol=1e-6)
    assert record.carried.annotations.aux == ("note",)
    path.write_bytes(path.read_bytes().replace(b"BDF Annotations", b"EDF Annotations"))
    assert read(path).carried.annotations.aux == ("note",)


def test_what_edfio_takes_by_the_letter_is_mended_before(tmp_path):
    x = noise()[0]
    path = edf(tmp_path / "a.edf", channel(x), kind="EDF+C", patient="J\xf6rg F 02-MAY-1951 X")
    truth = read(path)
    assert truth.patient.patient_id == "J\xf6rg"
    content = path.read_bytes()
    head = content[:768]
    changes = {
        "length of the header": head[:184] + b"99999   " + head[192:],
        "zero bytes": head[:8] + head[8:].replace(b"   ", b"\0\0\0"),
        "a fraction": head.replace(b"-32768  ", b"-32768.0").replace(b"500     ", b"500.0   "),
        "a decimal comma": head[:400] + head[400:].replace(b".", b","),
        "no number that is needed": head.replace(b"-1      ", b"what?   "),
    }
    for what, changed in changes.items():
        assert changed != head, what
        path.write_bytes(changed + content[768:])
        record = read(path)
        np.testing.assert_array_equal(record.signal, truth.signal, err_msg=what)
        assert (record.fs, record.leads) == (truth.fs, truth.leads), what


@pytest.mark.parametrize("error", [ValueError, UnboundLocalError, MemoryError])
def test_what_edfio_refuses_is_a_sentence_that_quotes_nothing(tmp_path, monkeypatch, error):
    path = edf(tmp_path / "a.edf", channel(noise()[0]), kind="EDF+C")

    def refuse(*_, **__):
        raise error("Some One")

    monkeypatch.setattr(edfio, "read_edf", refuse)
    with pytest.raises(FormatError, match="refused by the EDF library") as caught:
        read(path)
    assert "Some One" not in str(caught.value)


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
    path = edf(tmp_path / "a.edf", channel(x))
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


def test_edflib_reads_what_is_written(tmp_path):
    x = noise(1000, 2)
    notes = Annotations(sample=np.array([100]), symbol=("V",), aux=("",))
    record = Record(
        signal=x, fs=250.0, leads=("I", "II"), start_time=datetime.datetime(2020, 1, 2, 3, 4, 5),
        patient=Patient(sex="male", age_years=60.0, name="Some One", patient_id="7"),
        carried=Carried(annotations=notes),
    )  # fmt: skip
    path = write(record, tmp_path / "a.edf")
    np.testing.assert_allclose(by_edflib(path), x * 1000, atol=0.05)
    with pyedflib.EdfReader(str(path)) as other:
        assert other.getSignalLabels() == ["ECG I", "ECG II"]
        assert other.getSampleFrequencies().tolist() == [250, 250]
        assert other.getSex() == "Male"
        assert other.getStartdatetime() == datetime.datetime(2020, 1, 2, 3, 4, 5)
        onsets, _, texts = other.readAnnotations()
    assert (onsets.tolist(), texts.tolist()) == ([0.4], ["V"])
    assert b"Some" not in path.read_bytes()
    back = read(path)
    assert back.carried.annotations.symbol == ("V",)
    assert back.patient.age_years == 60
    named = read(write(record, path, identifiers=True, overwrite=True))
    assert (named.patient.name, named.patient.patient_id) == ("Some One", "7")


@pytest.mark.parametrize(("fs", "n"), [(62.4725, 300_000), (1000 / 3, 2_000_000), (0.1, 70_000)])
def test_hours_at_odd_rates_can_be_written(tmp_path, fs, n):
    x = np.zeros((1, n), np.float32)
    x[0, ::1000] = 1
    back = read(write(Record(signal=x, fs=fs, leads=("II",)), tmp_path / "a.edf"))
    assert (back.fs, back.n_samples) == (fs, n)
    np.testing.assert_allclose(back.signal, x, atol=1e-4)


@pytest.mark.parametrize("year", [1952, 1985, 2020, 2084, 2085, 2180])
def test_any_start_comes_back(tmp_path, year):
    start = datetime.datetime(year, 2, 3, 4, 5, 6, 789000)
    record = Record(signal=noise(), fs=500.0, leads=("II",), start_time=start)
    assert read(write(record, tmp_path / "a.edf")).start_time == start


def test_names_that_no_field_holds_are_cut(tmp_path):
    who = Patient(
        patient_id="ü 1" * 30, name="Some\nOne " * 20, birth_date=datetime.date(1950, 1, 2)
    )
    record = Record(signal=noise(), fs=500.0, leads=("EDF Annotations",), patient=who)
    with pytest.warns(UserWarning, match="end of the name"):
        back = read(write(record, tmp_path / "a.edf", identifiers=True))
    assert back.leads == ("EDF Annotati",)
    assert back.patient.birth_date == who.birth_date
    assert back.patient.name.startswith("Some")
    assert back.patient.patient_id.startswith("? 1?")


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
    with pytest.warns(UserWarning, match="Resp") as caught:
        path = write(record, tmp_path / "a.edf")
    assert "measurement" not in str(caught[0].message)
    assert read(path).carried.measurements == {"pr_ms": 160.0}
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
