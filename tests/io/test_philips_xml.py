# SPDX-License-Identifier: Apache-2.0
"""Philips XML: real files with stated values, and files compressed here by another way round."""

from __future__ import annotations

import base64
import struct
from datetime import date, datetime

import numpy as np
import pytest

from precordia.core.errors import (
    FormatError,
    LeadError,
    SamplingRateError,
    UnitError,
)
from precordia.core.leads import STANDARD_12
from precordia.io.philips_xml_xli import decode_xli
from precordia.io.read import read

FIXTURES = "formats/philips-sierra/pysierraecg/tests/fixtures"
DYPRG = f"{FIXTURES}/1_03/129DYPRG.XML"
REPBEATS = f"{FIXTURES}/1_03/repbeats_example.xml"
DEMO = f"{FIXTURES}/1_04/3191723_ZZDEMOPTONLY_1-04_orig.xml"
LEAD_OFF = f"{FIXTURES}/1_04/ad4d3d80-d165_1-04_orig.xml"
BIG_ENDIAN = "formats/philips-tbj128/ecg-example.xml"
LATEST = f"{FIXTURES}/1_04_01/2020-5-18_15-48-11.xml"
MIDPOINTS = {
    DYPRG: [-9, -17, -7, 13, -1, -12, 0, -1, -3, -4, -7, -6],
    DEMO: [-11, -54, -43, 33, 16, -50, 7, -4, -14, -41, -35, -33],
    LEAD_OFF: [32, 46, 14, -39, 9, 30, -74, 320, -1633, 197, 26, 55],
    BIG_ENDIAN: [32, 46, 14, -39, 9, 30, -74, 320, -1633, 197, 26, 55],
    LATEST: [-12, 78, 90, -33, -51, 84, 14, 3, -24, -20, -13, -21],
}
SUMS = {DYPRG: 20815, DEMO: 11652, LEAD_OFF: 53492, BIG_ENDIAN: 53492, LATEST: -20764}


def bits(codes, width=10):
    text = "".join(f"{code:0{width}b}" for code in codes)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[k : k + 8], 2) for k in range(0, len(text), 8))


def lzw(content: bytes) -> list[int]:
    """Welch's algorithm with a table that fills at 1023 entries."""
    table = {bytes((k,)): k for k in range(256)}
    codes, word = [], b""
    for value in content:
        longer = word + bytes((value,))
        if longer in table:
            word = longer
            continue
        codes.append(table[word])
        if len(table) < 1023:
            table[longer] = len(table)
        word = bytes((value,))
    return [*codes, table[word], 1023]


def compress(samples) -> bytes:
    """Second differences, sign turned and biased, upper bytes first, then codes of ten bits."""
    x = [int(v) for v in samples]
    second = [2 * x[k - 1] - x[k - 2] - x[k] for k in range(2, len(x))]
    first = (second[0] + 32768 & 0xFFFF) - 32768 if second else 0
    stored = [*x[:2], *(v + 64 for v in second[1:]), 64][: len(x)]
    words = [v & 0xFFFF for v in stored]
    content = bytes(w >> 8 for w in words) + bytes(w & 255 for w in words)
    block = bits(lzw(content))
    return struct.pack("<iHh", len(block), 1, first) + block


def residuals(signal):
    """The first six of twelve leads as residuals of I and II, as devices store them."""
    one, two, three, avr, avl, avf = (row.astype(int) for row in signal[:6])
    return [
        one,
        two,
        two - one - three,
        -((one + two) // 2) - avr,
        (one - three) // 2 - avl,
        (two + three) // 2 - avf,
        *signal[6:],
    ]


def counts(n=600, n_leads=12, seed=0):
    steps = np.random.default_rng(seed).integers(-30, 31, (n_leads, n))
    return np.clip(steps.cumsum(axis=1), -2000, 2000)


def build(
    signal, *, labels=None, method="XLI", encoding="Base64", fs=500, resolution="5",
    kind="PhilipsECG", version="1.04", duration=None, more="", head="", utf="utf-8", extra="",
) -> bytes:  # fmt: skip
    labels = " ".join(STANDARD_12[: len(signal)]) if labels is None else labels
    n = len(signal[0]) if len(signal) else 0
    if method == "XLI":
        rows = residuals(signal) if len(signal) >= 6 else signal
        text = base64.encodebytes(b"".join(compress(row) for row in rows)).decode()
    elif encoding == "Base64":
        text = base64.b64encode(np.asarray(signal, "<i2").tobytes()).decode()
    else:
        text = " ".join(str(v) for v in np.asarray(signal).ravel())
    compression = f'compression="{method}"' if method else ""
    duration = n * 1000 / fs if duration is None else duration
    return f"""<?xml version="1.0" encoding="{utf}"?>
<restingecgdata xmlns="http://www3.medical.philips.com" status="New">
 <documentinfo><documenttype>{kind}</documenttype><documentversion>{version}</documentversion>
 </documentinfo>{head}
 <waveforms><parsedwaveforms dataencoding="{encoding}" {compression} leadlabels="{labels}"
  numberofleads="{len(signal)}" samplespersecond="{fs}" resolution="{resolution}" {extra}
  durationperchannel="{duration:g}" bitspersample="16" signalsigned="True">{text}</parsedwaveforms>
 {more}</waveforms></restingecgdata>""".encode(utf)


def put(tmp_path, *args, **options):
    path = tmp_path / "ecg.xml"
    path.write_bytes(build(*args, **options))
    return path


def test_encoder_of_these_tests_turns_samples_into_what_the_description_says():
    # Samples 0 2: upper bytes 0 0, lower bytes 0 2; nothing repeats but the first pair.
    assert lzw(b"\0\0\0\2") == [0, 256, 2, 1023]
    assert compress([0, 2])[:8] == b"\5\0\0\0\1\0\0\0"


@pytest.mark.parametrize("file", MIDPOINTS)
def test_samples_of_real_files_are_the_stated_ones(shared_data, file):
    record = read(shared_data / file)
    assert record.leads == STANDARD_12
    assert (record.fs, record.n_samples) == (500, 5000)
    np.testing.assert_array_equal(
        record.signal[:, 2750], (np.array(MIDPOINTS[file]) * 0.005).astype(np.float32)
    )


@pytest.mark.parametrize("file", SUMS)
def test_sum_over_the_full_length_is_the_stated_one(shared_data, file):
    whole = read(shared_data / file, keep_calibration=True)
    raw = np.rint(whole.signal.astype(float) / 0.005)
    assert whole.n_samples == 5500
    assert raw[0].sum() == SUMS[file]
    # The mark: 1 mV, which is 200 steps, for 200 ms in all leads, and zeros to the end.
    assert (raw[:, 5350:5450] == 200).all()
    assert not raw[:, 5450:].any()
    assert not raw[:, 5300:5350].any()
    short = read(shared_data / file)
    np.testing.assert_array_equal(short.signal, whole.signal[:, :5000])
    assert "calibration-left-out" in {r.code for r in short.remarks}
    assert "calibration-left-out" not in {r.code for r in whole.remarks}


def test_limb_leads_of_a_real_file_obey_einthoven_within_a_step(shared_data):
    one, two, three, avr, avl, avf = read(shared_data / LATEST).signal[:6].astype(float)
    for residual in (two - one - three, avr + (one + two) / 2, avl - (one - three) / 2):
        assert np.abs(residual).max() < 0.011
    assert np.abs(avf - (two + three) / 2).max() < 0.011


def test_representative_beat_of_a_real_file_is_the_stated_one(shared_data):
    median = read(shared_data / REPBEATS).carried.median
    assert (median.signal.shape, median.fs) == ((12, 1200), 1000)
    expected = [-11, -36, -32, 25, 5, -29, 12, 1, -20, -51, -58, -52]
    np.testing.assert_array_equal(
        median.signal[:, 600], (np.array(expected) * 0.001).astype(np.float32)
    )
    assert (median.qrs_onset, median.qrs_offset, median.t_offset) == (505, 607, 904)
    steepest = int(np.abs(np.diff(median.signal, axis=1)).sum(axis=0).argmax())
    assert median.qrs_onset < steepest < median.qrs_offset
    assert (median.p_onset, median.p_offset, median.t_onset) == (341, 445, 712)


def test_room_that_a_representative_beat_does_not_fill_is_left_out(shared_data):
    median = read(shared_data / DEMO).carried.median
    assert (median.signal.shape, median.fs) == ((12, 600), 500)
    assert np.abs(median.signal).max() < 5
    # A P wave that would end after the beginning of the QRS complex has no end.
    assert np.isnan(median.p_offset)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (DYPRG, {"heart_rate_bpm": 41, "qrs_axis_deg": -21, "qtc_ms": 393}),
        (DEMO, {"heart_rate_bpm": 84, "rr_ms": 714, "qtc_bazett_ms": 417, "p_axis_deg": 81,
                "qrs_axis_deg": 78, "t_axis_deg": 67}),
        (BIG_ENDIAN, {"heart_rate_bpm": 41, "rr_ms": 1463, "qt_ms": 564, "qtc_bazett_ms": 466,
                      "qtc_fridericia_ms": 497, "p_axis_deg": 19, "qrs_axis_deg": 85,
                      "t_axis_deg": 53}),
        (LATEST, {"heart_rate_bpm": 64, "rr_ms": 938, "qtc_bazett_ms": 412,
                  "qtc_fridericia_ms": 408, "p_axis_deg": 27, "qrs_axis_deg": 22,
                  "t_axis_deg": 80}),
    ],
)  # fmt: skip
def test_measurements_of_real_files_are_the_stated_ones(shared_data, file, expected):
    held = read(shared_data / file).carried.measurements
    assert {name: held[name] for name in expected} == expected


def test_statements_of_real_files_are_plain_text(shared_data):
    told = [str(s) for s in read(shared_data / DYPRG).carried.statements]
    assert "Inferior infarct, acute (LCx): ST>0.10mV, II III aVF, STd V1-V3" in told
    assert ">>> Acute MI <<<" in told
    assert told[-1] == "ABNORMAL ECG"
    first = read(shared_data / LATEST).carried.statements[0]
    assert (first.code, first.scheme) == ("SR", "philips")
    assert first.name == "Sinus rhythm: normal P axis, V-rate 50-99"


def test_head_of_a_real_file_is_read(shared_data):
    record = read(shared_data / LEAD_OFF)
    assert record.start_time == datetime(2008, 12, 23, 19, 44, 46)
    assert (record.patient.age_years, record.patient.sex) == (32, "female")
    assert record.patient.birth_date == date(1976, 1, 1)
    assert record.patient.name is None
    header = record.carried.header
    assert header["device_model"] == "PageWriter Touch"
    assert header["history"] == "ELECTROLYTE IMBALANCE"
    assert (header["filter_highpass_hz"], header["filter_lowpass_hz"]) == ("0.05", "150")
    assert "filter_notch_hz" not in header
    assert "referring_physician" not in header


def test_offset_of_a_lead_that_is_off_is_kept_as_stored(shared_data):
    record = read(shared_data / LEAD_OFF)
    assert record.signal[8].min() == np.float32(-3445 * 0.005)


@pytest.mark.parametrize(
    ("file", "words"),
    [("invalid-doc-type.xml", "MortaraECG"), ("invalid-doc-version.xml", r"1\.05")],
)
def test_other_types_and_versions_are_refused_by_name(shared_data, file, words):
    with pytest.raises(FormatError, match=words):
        read(shared_data / FIXTURES / file)


def test_samples_that_are_spelled_out_need_no_word_about_it(tmp_path):
    signal = counts()
    path = put(tmp_path, signal, method="", encoding="Plain")
    path.write_bytes(path.read_bytes().replace(b'dataencoding="Plain"', b""))
    np.testing.assert_array_equal(read(path).signal, (signal * 0.005).astype(np.float32))


@pytest.mark.parametrize("version", ["1.03", "1.04", "1.04.01", "1.04.02"])
def test_every_version_that_devices_write_is_read(tmp_path, version):
    signal = counts()
    record = read(put(tmp_path, signal, version=version))
    np.testing.assert_array_equal(record.signal, (signal * 0.005).astype(np.float32))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 600, 5000])
def test_compressed_samples_come_back_exactly(n):
    rows = [np.asarray(row) for row in counts(n, 3, seed=n)]
    rows.append(np.zeros(n, int))
    rows.append(np.random.default_rng(n).integers(-32768, 32768, n))  # differences turn over
    content = b"".join(compress(row) for row in rows)
    back = decode_xli(content, n_leads=len(rows), n_samples=n, name="a.xml")
    for row, held in zip(rows, back, strict=True):
        np.testing.assert_array_equal(held, row)


@pytest.mark.parametrize("utf", ["utf-8", "utf-16"])
@pytest.mark.parametrize(("method", "encoding"), [("XLI", "Base64"), ("", "Base64"), ("", "Plain")])
def test_all_ways_of_storing_give_the_same_leads(tmp_path, utf, method, encoding):
    signal = counts()
    record = read(put(tmp_path, signal, method=method, encoding=encoding, utf=utf))
    np.testing.assert_array_equal(record.signal, (signal * 0.005).astype(np.float32))


def test_steps_and_rates_of_the_file_are_honoured(tmp_path):
    signal = counts(n_leads=2)
    record = read(put(tmp_path, signal, labels="V1 V2", fs=1000, resolution="2.5"))
    assert (record.fs, record.leads) == (1000, ("V1", "V2"))
    np.testing.assert_array_equal(record.signal, (signal * 0.0025).astype(np.float32))
    path = put(tmp_path, signal, resolution="")
    with pytest.raises(UnitError, match="unit='5 uV'"):
        read(path)
    np.testing.assert_array_equal(
        read(path, unit="5 uV").signal, (signal * 0.005).astype(np.float32)
    )


def test_recording_without_a_mark_keeps_its_full_length(tmp_path):
    assert read(put(tmp_path, counts(5500))).n_samples == 5500


def test_mark_is_found_at_another_rate_and_step(tmp_path):
    signal = counts(2750, 3)
    signal[:, 2600:] = 0
    signal[:, 2675:2725] = 400
    record = read(put(tmp_path, signal, labels="V1 V2 V3", fs=250, resolution="2.5"))
    assert record.n_samples == 2500


def test_cut_samples_give_nan_and_a_remark(tmp_path):
    signal = counts()
    blocks = [compress(row) for row in residuals(signal)]
    text = base64.b64encode(b"".join(blocks[:8]) + blocks[8][:50]).decode()
    whole = build(signal)
    begin = whole.index(b'True">') + 6
    path = tmp_path / "cut.xml"
    path.write_bytes(whole[:begin] + text.encode() + whole[whole.index(b"</parsed") :])
    record = read(path)
    np.testing.assert_array_equal(record.signal[:8], (signal[:8] * 0.005).astype(np.float32))
    assert np.isnan(record.signal[8:]).all()
    (remark,) = [r for r in record.remarks if r.code == "truncated"]
    assert remark.leads == ("V3", "V4", "V5", "V6")


def test_uncompressed_samples_that_end_early_give_nan(tmp_path):
    signal = counts(100, 2)
    record = read(put(tmp_path, signal, labels="V1 V2", method="", duration=240))
    assert record.n_samples == 120
    flat = signal.ravel() * 0.005
    np.testing.assert_array_equal(record.signal[0], flat[:120].astype(np.float32))
    np.testing.assert_array_equal(record.signal[1, :80], flat[120:].astype(np.float32))
    assert np.isnan(record.signal[1, 80:]).all()


def test_words_and_zeros_are_no_measurements(tmp_path):
    head = """<interpretations><interpretation date="2020-01-01" time="10:00:00">
      <globalmeasurements><heartrate>Failed</heartrate><print>0</print><qtcb>Indeterminate</qtcb>
      <qrsdur>92</qrsdur><pfrontaxis>0</pfrontaxis><qtco methodname="Hodges">401</qtco>
      </globalmeasurements><statement><statementcode>SR</statementcode>
      <leftstatement>A &amp;gt; B</leftstatement></statement></interpretation></interpretations>"""
    carried = read(put(tmp_path, counts(), head=head)).carried
    assert carried.measurements == {"qrs_ms": 92, "p_axis_deg": 0, "qtc_hodges_ms": 401}
    assert carried.statements[0].name == "A > B"


def test_last_interpretation_is_the_one_that_counts(tmp_path):
    def block(time, text):
        return (
            f'<interpretation date="2020-01-01" time="{time}"><statement><leftstatement>{text}'
            "</leftstatement></statement></interpretation>"
        )

    both = block("11:00:00", "Late") + block("10:00:00", "Early")
    head = f"<interpretations>{both}</interpretations>"
    assert [s.code for s in read(put(tmp_path, counts(), head=head)).carried.statements] == ["Late"]


def test_patient_is_read_and_never_told(tmp_path):
    head = """<dataacquisition date="2020-02-03" time="04:05:06"/><patient><generalpatientdata>
      <patientid>SECRET1</patientid><name><lastname>SECRET2</lastname><firstname>Jo</firstname>
      </name><age defaultage="50"><months>18</months></age><sex>Male</sex></generalpatientdata>
      </patient>"""
    record = read(put(tmp_path, counts(), head=head))
    assert record.patient.patient_id == "SECRET1"
    assert record.patient.name == "Jo SECRET2"
    assert (record.patient.age_years, record.patient.sex) == (1.5, "male")
    assert "SECRET" not in repr(record) + repr(record.patient) + repr(record.remarks)


def test_damaged_representative_beat_is_left_out_with_a_remark(tmp_path):
    beat = '<repbeat leadname="V1"><waveform duration="4">AQACAA==</waveform></repbeat>'
    more = f'<repbeats dataencoding="Base64" samplespersec="x" resolution="5">{beat}</repbeats>'
    record = read(put(tmp_path, counts(), more=more))
    assert record.carried.median is None
    assert "median-left-out" in {r.code for r in record.remarks}


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"kind": "HolterECG"}, FormatError, "HolterECG"),
        ({"version": "2.0"}, FormatError, r"2\.0"),
        ({"fs": 0, "duration": 1}, SamplingRateError, "sampling rate"),
        ({"labels": "I II"}, LeadError, "names 2 leads"),
        ({"method": "ZIP"}, FormatError, "ZIP"),
        ({"method": "", "encoding": "Hex"}, FormatError, "hex"),
        ({"duration": 1180}, FormatError, "declares 590 samples"),
        ({"duration": 1e15}, FormatError, "cannot fill"),
        ({"duration": float("nan")}, FormatError, "declares nan"),
    ],
)
def test_damaged_files_are_refused_with_a_sentence(tmp_path, options, error, words):
    with pytest.raises(error, match=words):
        read(put(tmp_path, counts(), **options))


def test_blocks_that_cannot_be_decoded_are_refused():
    def block(codes):
        content = bits(codes)
        return struct.pack("<iHh", len(content), 1, 0) + content

    for codes in ([1023], [300, 1023], [0, 258, 1023]):
        with pytest.raises(FormatError, match="cannot be decoded"):
            decode_xli(block(codes), n_leads=1, n_samples=1, name="a.xml")


def test_small_text_cannot_become_a_large_signal(tmp_path):
    # Each code stands for one byte more than the one before, then for the longest string.
    content = bits([0, *range(256, 1023), *[1022] * 200_000])
    block = struct.pack("<iHh", len(content), 1, 0) + content
    with pytest.raises(FormatError, match="another number"):
        decode_xli(block, n_leads=1, n_samples=5500, name="a.xml")


def test_random_damage_raises_only_sentences(read_damaged_xml):
    assert read_damaged_xml([build(counts(150))], seed=6, word=b"A")
