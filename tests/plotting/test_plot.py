# SPDX-License-Identifier: Apache-2.0
"""ECG paper in true size; traces where the signal is; marks where the waves are."""

import itertools
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from precordia.core.errors import LeadError, OptionError, OutputError, SignalError
from precordia.core.findings import Finding, Findings
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.datasets.toy import toy_record
from precordia.delineation.delineate import delineate
from precordia.io.read import read
from precordia.plotting.page import lay_out
from precordia.plotting.plot import plot
from precordia.plotting.svg import DENSE_MM, STEP_MM, path_data

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def record() -> Record:
    return read(toy_record())


def _points(path: ET.Element) -> np.ndarray:
    """Corners of a trace in millimetres on the page."""
    a, _, _, d, x0, y0 = map(float, re.findall(r"[-\d.e]+", path.get("transform")))
    numbers = [int(n) for n in re.findall(r"-?\d+", path.get("d"))]
    steps = np.array(numbers).reshape(-1, 2).cumsum(axis=0)
    return np.column_stack([x0 + a * steps[:, 0], y0 + d * steps[:, 1]])


def test_the_drawing_is_one_well_formed_svg(record):
    root = ET.fromstring(plot(record, title="a < b & c").svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("width").endswith("mm")


@pytest.mark.parametrize(("speed", "gain"), [(25.0, 10.0), (50.0, 20.0), (25.0, 5.0)])
def test_traces_have_the_size_of_paper(record, speed, gain):
    drawing = plot(record, layout="12x1", speed_mm_s=speed, gain_mm_mv=gain)
    paths = [e for e in ET.fromstring(drawing.svg).iter(f"{SVG}path") if e.get("class") == "t"]
    for path, panel in zip(paths, drawing.page.panels, strict=True):
        points = _points(path)
        assert np.ptp(points[:, 0]) == pytest.approx((record.n_samples - 1) / record.fs * speed)
        drawn = np.interp(
            panel.x_mm + np.arange(record.n_samples) * speed / record.fs, points[:, 0], points[:, 1]
        )
        true = panel.y_mm - gain * record.signal[panel.row]
        dense = speed / record.fs < DENSE_MM
        assert np.abs(drawn - true).max() <= STEP_MM * (2.5 if dense else 0.5) + 1e-3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, None),
        ({"start_s": 4, "seconds": 5}, "4 to 9 s of 10 s"),
        ({"start_s": 2.5}, "2.5 to 10 s of 10 s"),
        ({"start_s": 4, "seconds": 5, "layout": "strip"}, "4 to 10 s of 10 s"),
        ({"seconds": 5, "layout": "strip"}, None),
        ({"start_s": 4, "seconds": 1}, None),
    ],
)
def test_an_excerpt_says_which_part_of_the_record_it_is(record, options, says):
    drawing = plot(record, **options)
    parts = ["25 mm/s", "10 mm/mV", "500 Hz", *([says] if says else [])]
    assert drawing.page.legend == "\u00a0\u00a0\u00a0".join(parts)  # SVG makes one of more spaces
    (drawn,) = [e.text for e in ET.fromstring(drawing.svg).iter(f"{SVG}text") if "mm/s" in e.text]
    assert drawn == drawing.page.legend


def test_columns_are_contiguous_in_time(record):
    page = lay_out(record, layout="3x4")
    first_row = page.panels[:4]
    assert [p.lead for p in first_row] == ["I", "aVR", "V1", "V4"]
    assert all(a.last == b.first for a, b in itertools.pairwise(first_row))
    assert (first_row[0].first, first_row[-1].last) == (0, record.n_samples)
    assert page.panels[-1].lead == "II"
    assert page.panels[-1].last == record.n_samples


def test_cabrera_order_turns_avr_over(record):
    page = lay_out(record, layout="12x1", order="cabrera")
    assert [p.lead for p in page.panels[:6]] == ["aVL", "I", "-aVR", "II", "aVF", "III"]
    assert page.panels[2].sign == -1


@pytest.mark.parametrize("order", ["standard", "cabrera"])
def test_a_recording_that_holds_minus_avr_is_drawn_as_it_is(record, order):
    signal = record.signal.copy()
    signal[3] *= -1
    leads = tuple("-aVR" if lead == "aVR" else lead for lead in record.leads)
    page = lay_out(Record(signal=signal, fs=record.fs, leads=leads), layout="stacked", order=order)
    panel = next(p for p in page.panels if p.lead == "-aVR")
    assert (panel.row, panel.sign) == (3, 1)
    assert len({p.lead for p in page.panels}) == 12


def test_marks_lie_on_their_waves(record):
    waves = delineate(record)
    drawing = plot(record, marks=waves, layout="12x1")
    panel = next(p for p in drawing.page.panels if p.lead == "II")
    spans = [s for s in drawing.spans if s.wave == "qrs" and s.y_mm == panel.y_mm]
    onsets = (np.array([s.left_mm for s in spans]) - panel.x_mm) / 25 * record.fs
    assert np.allclose(onsets, waves.leads["II"].qrs_onset[: onsets.size], atol=1e-6)


def test_marks_of_another_record_are_refused(record):
    short = Record(signal=record.signal[:, :2000], fs=500, leads=record.leads)
    with pytest.raises(SignalError):
        plot(short, marks=delineate(record))


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_it_saves_whole_and_only_when_asked_over_another(record, tmp_path, kind):
    path = plot(record).save(tmp_path / f"a.{kind}")
    head = path.read_bytes()[:8]
    assert head.startswith({"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF"}[kind])
    with pytest.raises(OutputError):
        plot(record).save(path, overwrite=False)


def test_another_suffix_is_refused(record, tmp_path):
    with pytest.raises(OptionError, match=r"\.svg"):
        plot(record).save(tmp_path / "a.bmp")


def test_the_svg_of_twelve_full_leads_is_small(record):
    assert len(plot(record).svg) < 100_000
    assert len(plot(record, layout="12x1").svg) < 150_000  # muscle artifact at 26 dB and all


@pytest.mark.parametrize(
    "options",
    [
        {"layout": "4x3"},
        {"order": "mine"},
        {"speed_mm_s": 0},
        {"gain_mm_mv": float("nan")},
        {"start_s": 11},
        {"start_s": -1},
        {"seconds": 0},
    ],
)
def test_options_that_make_no_sense_are_refused(record, options):
    with pytest.raises(OptionError):
        plot(record, **options)


def test_a_layout_needs_its_leads(record):
    two = Record(signal=record.signal[:2], fs=500, leads=("I", "II"))
    with pytest.raises(LeadError, match="stacked"):
        plot(two, layout="3x4")
    with pytest.raises(LeadError, match="rhythm"):
        plot(two, rhythm=["V1"])


@pytest.mark.parametrize("n_samples", [0, 1, 2, 20])
def test_tiny_and_empty_records_are_drawn(n_samples):
    signal = np.zeros((12, n_samples))
    assert plot(Record(signal=signal, fs=500, leads=STANDARD_12)).svg.startswith("<svg")
    assert plot(Record(signal=np.zeros((0, 0)), fs=500, leads=())).svg.startswith("<svg")


def test_missing_samples_leave_a_gap():
    assert path_data(np.array([0.0, 1.0, np.nan, 3.0, 3.0])).count("M") == 2
    assert path_data(np.full(5, np.nan)) == ""


def test_huge_values_do_not_break_the_drawing():
    signal = np.full((1, 100), 1e30, np.float32)
    assert "e+" not in plot(Record(signal=signal, fs=100, leads=("II",))).svg


def test_a_long_single_lead_becomes_a_strip():
    record = Record(signal=np.zeros((1, 100 * 45)), fs=100, leads=("II",))
    assert len(lay_out(record).panels) == 5


def test_nothing_of_the_patient_is_drawn_unasked(record):
    import dataclasses

    from precordia.core.record import Patient

    someone = dataclasses.replace(record, patient=Patient(patient_id="4711", name="Doe"))
    assert "4711" not in plot(someone).svg
    assert "Doe" not in plot(someone).svg


@pytest.mark.parametrize(("speed", "gain"), [(25.0, 10.0), (50.0, 5.0)])
def test_the_calibration_pulse_is_one_millivolt_for_200_ms(record, speed, gain):
    root = ET.fromstring(plot(record, speed_mm_s=speed, gain_mm_mv=gain).svg)
    pulse = next(e for e in root.iter(f"{SVG}path") if e.get("class") == "c")
    rest, up, wide, down, _ = map(float, re.findall(r"[hv](-?[\d.]+)", pulse.get("d")))
    assert (up, wide, down) == (-gain, 0.2 * speed, gain)
    assert rest > 0


def test_a_finding_in_dispute_has_a_question_mark():
    from precordia.core.findings import Finding, Findings

    told = {"probability": 0.6, "method": "a-model"}
    findings = Findings(
        findings=(
            Finding(code="SR", name="sinus rhythm", **told),
            Finding(code="AFIB", name="atrial fibrillation", disagreement="no criterion", **told),
            Finding(code="NORM", name="normal ECG", present=False, **told),
        )
    )
    record = Record(signal=np.zeros((1, 5000)), fs=500, leads=("II",))
    svg = plot(record, findings=findings).svg
    assert "sinus rhythm; atrial fibrillation?<" in svg
    assert "normal ECG" not in svg


def test_findings_that_do_not_fit_in_a_line_are_counted_and_no_name_is_cut(record):
    names = [f"finding of quite a long name {k}" for k in range(9)]
    made = tuple(
        Finding(code=f"X{k}", name=name, probability=0.9, method="model")
        for k, name in enumerate(names)
    )
    said = plot(record, findings=Findings(findings=made)).page.subtitle
    told, more = said.rsplit("; and ", 1)
    assert told.split("; ") == names[: 9 - int(more.split()[0])]
    assert len(told) <= 160
    assert plot(record, findings=Findings(findings=made[:2])).page.subtitle == "; ".join(names[:2])
