# SPDX-License-Identifier: Apache-2.0
"""The words and marks of a file beside ours: differences as they are, none where none can be."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from precordia.core.fiducials import Fiducials
from precordia.core.measurements import MedianBeat
from precordia.core.record import Annotations, Carried
from precordia.core.statements import Statement
from precordia.core.study import Study
from precordia.generation.simulate import simulate
from precordia.pipeline import examine
from precordia.reporting.comparison import compare_marks, compare_statements, median_likeness
from precordia.reporting.report_page import report_page


@pytest.fixture(scope="module")
def study() -> Study:
    return examine(simulate(seed=3, heart_rate_bpm=70))


def carrying(study: Study, **held) -> Study:
    return dataclasses.replace(
        study, record=dataclasses.replace(study.record, carried=Carried(**held))
    )


def shifted(fiducials: Fiducials, by: float, fs: float) -> Fiducials:
    """The same marks in another rate, `by` samples of the record later."""
    scale = fs / fiducials.fs
    moved = {
        f.name: (getattr(fiducials, f.name) + by) * scale
        for f in dataclasses.fields(fiducials)
        if f.name.endswith(("_onset", "_offset", "_peak"))
    }
    return dataclasses.replace(fiducials, fs=fs, leads={}, **moved)


@pytest.mark.parametrize("fs", [500.0, 1000.0, 250.0])
def test_differences_of_marks_are_in_ms_whatever_their_rate(study, fs):
    told = carrying(study, fiducials=shifted(study.fiducials, by=-6, fs=fs))
    marks = {m.name: m for m in compare_marks(told)}
    n = np.isfinite(study.fiducials.qrs_onset).sum()
    assert (marks["qrs_onset"].n_file, marks["qrs_onset"].n_both) == (n, n)
    for name in ("p_onset", "qrs_onset", "t_offset"):
        assert marks[name].mean_ms == pytest.approx(12.0)
        assert marks[name].sd_ms == pytest.approx(0.0, abs=1e-6)


def test_beats_that_one_side_lacks_are_counted(study):
    peaks = study.fiducials.r_peak[np.isfinite(study.fiducials.r_peak)].astype(int)
    sample = np.sort([*peaks[1:], peaks[3] + 200, 5])
    marks = Annotations(sample=sample, symbol=("N",) * (sample.size - 1) + ("+",))
    symbols = ["N"] * sample.size
    symbols[int(np.flatnonzero(sample == 5)[0])] = "+"  # a change of rhythm is no beat
    marks = dataclasses.replace(marks, symbol=tuple(symbols))
    (beats,) = compare_marks(carrying(study, annotations=marks))
    assert beats.name == "beats"
    assert (beats.n_file, beats.n_here, beats.n_both) == (peaks.size, peaks.size, peaks.size - 1)
    assert beats.mean_ms == 0


def test_a_beat_marked_in_several_leads_counts_once(study):
    peaks = study.fiducials.r_peak[np.isfinite(study.fiducials.r_peak)].astype(int)
    marks = Annotations(sample=np.repeat(peaks, 3), symbol=("N",) * (3 * peaks.size))
    (beats,) = compare_marks(carrying(study, annotations=marks))
    assert (beats.n_file, beats.n_both) == (peaks.size, peaks.size)


def test_statements_are_matched_by_code_name_and_snomed_and_left_open_otherwise(study):
    told = carrying(
        study,
        statements=(
            Statement(code="Sinus rhythm."),
            Statement(code="164889003", scheme="snomed-ct", name="atrial fibrillation"),
            Statement(code="QRS bizarr"),
        ),
    )
    pairs = compare_statements(told)
    assert [(p.in_file, p.here) for p in pairs[:3]] == [(True, True), (True, False), (True, None)]
    assert "sinus rhythm" not in [p.text for p in pairs[3:]]
    assert {p.here for p in pairs[3:]} <= {True}
    assert len(pairs) - 3 == len([f for f in study.findings.present if f.code != "SR"])


def test_a_median_beat_is_like_itself_at_any_rate_and_cut(study):
    ours = study.measurements.median
    every_other = MedianBeat(signal=ours.signal[:, 20::2], fs=ours.fs / 2, leads=ours.leads)
    assert min(median_likeness(every_other, ours).values()) > 0.98
    other_way = MedianBeat(signal=-ours.signal, fs=ours.fs, leads=ours.leads)
    assert median_likeness(other_way, ours)["V2"] < 0.9
    elsewhere = MedianBeat(signal=ours.signal[:1], fs=ours.fs, leads=("X",))
    assert median_likeness(elsewhere, ours) == {}


def test_a_file_that_says_nothing_has_no_section(study):
    silent = carrying(study)
    assert compare_marks(silent) == ()
    assert compare_statements(silent) == ()
    assert "What the file itself says" not in report_page(silent, title="x")


def test_the_page_shows_both_sides_and_escapes_the_file(study):
    told = carrying(
        study,
        statements=(Statement(code="<script>alert(1)</script>"),),
        measurements={"pr_ms": 150.0, "rv5_mv": 1.008},
        fiducials=shifted(study.fiducials, by=0, fs=500.0),
        median=study.measurements.median,
    )
    page = report_page(told, title="x")
    assert "What the file itself says" in page
    assert "<script" not in page
    assert "qrs onset" in page
    assert "1.01" in page
    assert "Correlation with ours: I 1.000" in page


def test_a_code_of_the_file_is_shown_in_words_and_compared(study):
    said = Statement(code="NORM", scheme="scp-ecg")
    first = compare_statements(carrying(study, statements=(said,)))[0]
    assert (first.text, first.here is None) == ("normal ECG [scp-ecg NORM]", False)
