# SPDX-License-Identifier: Apache-2.0
"""Written HL7 aECG: it comes back, is built like the examples of the standard, names its losses."""

from __future__ import annotations

import dataclasses
import warnings
from datetime import date, datetime, timedelta, timezone
from xml.etree import ElementTree

import numpy as np
import pytest

from precordia.core.errors import OutputError
from precordia.core.fiducials import POSITIONS, Fiducials, Waves, empty_waves
from precordia.core.measurements import MedianBeat
from precordia.core.record import Annotations, Carried, Companion, Patient, Record
from precordia.core.statements import Statement
from precordia.io.read import read
from precordia.io.whole_steps import whole_steps
from precordia.io.write import write

EXAMPLES = (
    "formats/aecg-fda/src/aecg/data/hl7/2003-12 Schema/example/Example aECG.xml",
    "formats/aecg-cvrgrid/src/test/resources/hl7aecg-Example2.xml",
    "formats/aecg-liryc/exemple/hl7aecg_example.xml",
)
SPACE = "{urn:hl7-org:v3}"


def noise(n_leads=2, n=1000, seed=1):
    return np.random.default_rng(seed).normal(size=(n_leads, n)).cumsum(axis=1) * 0.02


def back_and_said(record, tmp_path, **options):
    path = tmp_path / "a.xml"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write(record, path, overwrite=True, **options)
    return read(path), " ".join(str(w.message) for w in caught)


def rows(n, **columns):
    waves = empty_waves(n)
    for name, values in columns.items():
        getattr(waves, name)[:] = values
    return waves


def full():
    """A record that tells everything an aECG has a place for."""
    waves = rows(
        2, p_onset=[50.0, 450.5], p_peak=[60, 460], p_offset=[70, 470], qrs_onset=[130, 530],
        q_peak=[133, np.nan], r_peak=[140.25, 540], s_peak=[150, 550], qrs_offset=[170, 570],
        t_onset=[200, np.nan], t_peak=[260, 660], t_offset=[300, 700],
    )  # fmt: skip
    own = rows(2, r_peak=[141, np.nan], t_offset=[301, 702])
    return Record(
        signal=noise(), fs=500, leads=("II", "V1"),
        start_time=datetime(2024, 2, 29, 23, 59, 59, 123456, timezone(timedelta(hours=-3))),
        patient=Patient(
            patient_id='a&b<"7"', name="Ærø & <Søn>", birth_date=date(1950, 1, 2),
            age_years=74.0, sex="female",
        ),
        carried=Carried(
            measurements={"heart_rate_bpm": 62.0, "pr_ms": 160.0, "qtc_ms": 421.0,
                          "qtc_bazett_ms": 420.0, "qtc_fridericia_ms": 415.0,
                          "qtc_hodges_ms": 413.0, "qrs_axis_deg": -30.0, "rr_ms": 968.5},
            statements=(
                Statement(code="MDC_ECG_RHY_SINUS_RHY", scheme="mdc", name="Sinus rhythm"),
                Statement(code="ST < 1 mm & \"T\" flach"),
                Statement(code="426783006", scheme="snomed-ct", name="sinus rhythm"),
                Statement(code="NORM", scheme="scp-ecg"),
            ),
            annotations=Annotations(sample=np.array([140, 540, 900]), symbol=("N", "V", "A")),
            fiducials=Fiducials(
                fs=500, n_samples=1000, leads={"II": own},
                **{f.name: getattr(waves, f.name) for f in dataclasses.fields(Waves)},
            ),
            median=MedianBeat(
                signal=noise(n=300, seed=2), fs=250, leads=("II", "V1"), p_onset=20.0,
                p_offset=40.0, qrs_onset=60.0, r_peak=70.0, qrs_offset=80.0, t_peak=120.0,
                t_offset=150.0,
            ),
            header={"manufacturer": "A & B", "device_model": "X1", "software_version": "1.2",
                    "filter_lowpass_hz": "150", "filter_notch_hz": "off"},
        ),
    )  # fmt: skip


def test_everything_told_comes_back(tmp_path):
    record = full()
    back, said = back_and_said(record, tmp_path, identifiers=True)
    assert said == ""
    assert back.leads == record.leads
    assert back.start_time == record.start_time
    assert back.patient == record.patient
    assert back.carried.measurements == record.carried.measurements
    assert set(back.carried.statements) == {
        Statement(code=s.code, scheme=s.scheme, name=s.name) for s in record.carried.statements
    } or [str(s) for s in back.carried.statements] == [str(s) for s in record.carried.statements]
    for key in ("manufacturer", "device_model", "software_version", "filter_lowpass_hz"):
        assert back.carried.header[key] == record.carried.header[key]
    assert "filter_notch_hz" not in back.carried.header


def test_waves_and_beats_come_back(tmp_path):
    record = full()
    back, _ = back_and_said(record, tmp_path)
    mine, theirs = record.carried.fiducials, back.carried.fiducials
    for name in POSITIONS:
        assert np.array_equal(getattr(mine, name), getattr(theirs, name), equal_nan=True), name
        ours, read_again = (getattr(w.leads["II"], name) for w in (mine, theirs))
        assert np.array_equal(ours, read_again, equal_nan=True), name
    assert list(theirs.leads) == ["II"]
    assert back.carried.annotations.sample.tolist() == [140, 540, 900]
    assert back.carried.annotations.symbol == ("N", "V", "A")


def test_the_median_beat_comes_back_with_its_marks(tmp_path):
    record = full()
    back, _ = back_and_said(record, tmp_path)
    mine, theirs = record.carried.median, back.carried.median
    assert theirs.fs == 250
    assert theirs.leads == mine.leads
    np.testing.assert_allclose(theirs.signal, mine.signal, atol=1e-6)
    for name in ("p_onset", "p_offset", "qrs_onset", "r_peak", "qrs_offset", "t_peak", "t_offset"):
        assert getattr(theirs, name) == getattr(mine, name), name
    assert np.isnan(theirs.t_onset)


def test_identifiers_are_written_only_when_asked(tmp_path):
    back, _ = back_and_said(full(), tmp_path)
    assert back.patient == Patient(age_years=74.0, sex="female")
    text = (tmp_path / "a.xml").read_text(encoding="utf-8")
    assert "Ærø" not in text
    assert "1950" not in text
    assert "a&amp;b" not in text


@pytest.mark.parametrize("scale", [1e-6, 0.02, 5.0, 1e6])
def test_every_sample_is_within_half_a_step(tmp_path, scale):
    record = Record(signal=noise(seed=3) * scale, fs=500, leads=("I", "II"))
    back, _ = back_and_said(record, tmp_path)
    for mine, theirs in zip(record.signal, back.signal, strict=True):
        step = whole_steps(mine).step_uv * 1e-3
        assert step <= np.abs(mine).max() / (1 << 18)
        error = np.abs(mine.astype(np.float64) - theirs)
        assert error.max() <= step / 2 + 6e-8 * np.abs(mine).max()


@pytest.mark.parametrize("step_uv", [5.0, 2.5, 1.25, 1.0, 4.88, 0.5])
def test_whole_steps_of_a_converter_come_back_exactly(tmp_path, step_uv):
    counts = np.random.default_rng(4).integers(-3000, 3000, (2, 500))
    record = Record(signal=(counts * step_uv * 1e-3), fs=500, leads=("I", "II"))
    back, _ = back_and_said(record, tmp_path)
    assert np.array_equal(back.signal, record.signal)


def test_real_recordings_come_back_exactly(tmp_path, shared_data):
    for file in EXAMPLES:
        record = read(shared_data / file)
        back, _ = back_and_said(record, tmp_path, identifiers=True)
        assert np.array_equal(back.signal, record.signal)
        assert back.leads == record.leads
        assert back.start_time == record.start_time
        assert back.patient == record.patient
        assert back.carried.statements == record.carried.statements
        assert np.array_equal(back.carried.median.signal, record.carried.median.signal)


def test_gaps_come_back_at_their_places(tmp_path):
    signal = noise(3, 2000)
    signal[0, 100:140] = np.nan
    signal[1, 120:500] = np.nan
    signal[:, 700:710] = np.nan
    signal[2] = np.nan
    for start in (None, datetime(2020, 1, 1, 0, 0, 0, 1)):
        record = Record(signal=signal, fs=257, leads=("V3", "I", "II"), start_time=start)
        back, said = back_and_said(record, tmp_path)
        assert said == ""
        assert back.leads == record.leads
        assert np.array_equal(np.isnan(back.signal), np.isnan(record.signal))
        np.testing.assert_allclose(back.signal, record.signal, atol=1e-6)
        assert back.start_time == start


def test_what_is_missing_in_all_leads_at_the_ends_is_named(tmp_path):
    signal = noise(2, 100)
    signal[:, :10] = np.nan
    signal[:, 95:] = np.nan
    waves = rows(1, r_peak=[40.0], qrs_onset=[5.0])
    fiducials = Fiducials(
        fs=500, n_samples=100, **{f.name: getattr(waves, f.name) for f in dataclasses.fields(Waves)}
    )
    start = datetime(2020, 1, 1)
    record = Record(
        signal=signal, fs=500, leads=("I", "II"), start_time=start,
        carried=Carried(fiducials=fiducials),
    )  # fmt: skip
    back, said = back_and_said(record, tmp_path)
    assert "10 at the beginning, 5 at the end" in said
    assert back.n_samples == 85
    assert back.start_time == start + timedelta(milliseconds=20)
    assert back.carried.fiducials.r_peak.tolist() == [30]


def test_a_record_of_countless_gaps_is_refused(tmp_path):
    signal = noise(1, 4000)
    signal[0, ::2] = np.nan
    with pytest.raises(OutputError, match="EDF, WFDB or CSV"):
        write(Record(signal=signal, fs=500, leads=("I",)), tmp_path / "a.xml")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("signal", [np.zeros((0, 0)), np.zeros((1, 0)), np.full((1, 9), np.nan)])
def test_a_record_without_samples_is_refused(tmp_path, signal):
    leads = ("I",)[: len(signal)]
    with pytest.raises(OutputError, match="no samples"):
        write(Record(signal=signal, fs=500, leads=leads), tmp_path / "a.xml")


def test_losses_are_named_once(tmp_path):
    waves = rows(1, r_peak=[40.0], qrs_confidence=[0.5])
    record = Record(
        signal=noise(), fs=500, leads=("I", "II"), origin="synthetic",
        companions=(Companion(name="RESP", signal=np.zeros(10), fs=25.0, unit="Ohm"),),
        carried=Carried(
            measurements={"p_terminal_mv_ms": 1.0},
            statements=(Statement(code="AF", likelihood=80.0),),
            annotations=Annotations(sample=np.array([3]), symbol=("+",)),
            fiducials=Fiducials(
                fs=500, n_samples=1000,
                **{f.name: getattr(waves, f.name) for f in dataclasses.fields(Waves)},
            ),
        ),
    )  # fmt: skip
    _, said = back_and_said(record, tmp_path)
    for word in ("RESP", "p_terminal_mv_ms", "likelihoods", "1 annotations", "confidences",
                 "synthetic"):  # fmt: skip
        assert word in said, word


def test_texts_that_xml_cannot_hold_are_cleaned(tmp_path):
    carried = Carried(statements=(Statement(code="a\x00b\x1f c\ud800"),))
    back, _ = back_and_said(
        Record(signal=noise(), fs=1, leads=("I", "II"), carried=carried), tmp_path
    )
    assert [s.code for s in back.carried.statements] == ["ab c"]


def _orders(root, found):
    """Collect, for every element, which children follow which."""
    for parent in root.iter():
        tags = [child.tag for child in parent]
        for k, first in enumerate(tags):
            found.setdefault((parent.tag, first), set()).update(tags[k:])
    return found


def test_elements_are_nested_and_ordered_as_in_the_examples(tmp_path, shared_data):
    known: dict[tuple[str, str], set[str]] = {}
    for file in EXAMPLES:
        _orders(ElementTree.parse(shared_data / file).getroot(), known)
    record = full()
    signal = np.array(record.signal)
    signal[0, 400:420] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = write(
            dataclasses.replace(record, signal=signal), tmp_path / "a.xml", identifiers=True
        )
    root = ElementTree.parse(path).getroot()
    assert root.tag == SPACE + "AnnotatedECG"
    for (parent, first), after in _orders(root, {}).items():
        assert (parent, first) in known, f"{parent} holds {first}"
        assert after <= known[parent, first] | {first}, f"{after} after {first} in {parent}"


def test_sequences_have_the_types_of_the_examples(tmp_path, shared_data):
    kind = "{http://www.w3.org/2001/XMLSchema-instance}type"
    known = set()
    for file in EXAMPLES:
        root = ElementTree.parse(shared_data / file).getroot()
        known |= {(v.get(kind), tuple(c.tag for c in v)) for v in root.iter(SPACE + "value")}
    path = write(full(), tmp_path / "a.xml")
    for value in ElementTree.parse(path).getroot().iter(SPACE + "value"):
        assert (value.get(kind), tuple(c.tag for c in value)) in known


def test_the_same_record_gives_the_same_bytes(tmp_path):
    one, two = (write(full(), tmp_path / name).read_bytes() for name in ("a.xml", "b.xml"))
    assert one == two
