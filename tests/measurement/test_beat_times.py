# SPDX-License-Identifier: Apache-2.0
"""Beat times without a signal: what they tell is measured, everything else says why not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from precordia.core.errors import LeadError
from precordia.core.measurements import Absence
from precordia.core.quality import QualityReason
from precordia.core.record import Annotations, Carried, Record
from precordia.measurement.measure import measure
from precordia.pipeline import examine
from precordia.plotting.plot import plot
from precordia.plotting.tachogram import tachogram_svg

RR = np.random.default_rng(1).integers(700, 950, 400)


def beats(rr=RR, symbols=None) -> Record:
    at = np.concatenate([[0], np.cumsum(rr)])
    marks = Annotations(sample=at, symbol=tuple(symbols or "N" * at.size))
    return Record(signal=np.empty((0, int(at[-1]) + 1), np.float32), fs=1000, leads=(),
                  carried=Carried(annotations=marks))  # fmt: skip


def test_rate_and_variability_are_those_of_the_intervals():
    numbers = measure(beats())
    assert numbers.heart_rate_bpm == pytest.approx(60000 / RR.mean())
    assert numbers.sdnn_ms == pytest.approx(RR.std(ddof=1))
    assert numbers.rmssd_ms == pytest.approx(math.sqrt(np.mean(np.diff(RR) ** 2.0)))
    assert (numbers.n_beats, numbers.n_nn) == (401, 400)
    assert math.isfinite(numbers.lf_hf)


def test_everything_else_is_absent_because_there_is_no_signal():
    numbers = measure(beats())
    for name in ("pr_ms", "qrs_ms", "qt_ms", "qtc_fridericia_ms", "qrs_axis_deg", "p_ms"):
        assert math.isnan(getattr(numbers, name))
        assert numbers.absent[name] is Absence.NO_SIGNAL
    assert "RMSSD" in str(numbers)


def test_intervals_beside_ectopic_beats_and_across_artifacts_are_left_out():
    symbols = ["N"] * 401
    symbols[100], symbols[200] = "V", "|"
    numbers = measure(beats(symbols=symbols))
    assert (numbers.n_beats, numbers.n_ventricular_beats) == (400, 1)
    assert numbers.n_nn == 400 - 2 - 2


def test_study_of_beat_times_abstains_and_draws_a_tachogram(tmp_path):
    study = examine(beats())
    assert study.quality.reasons == (QualityReason.NO_SIGNAL,)
    assert not study.findings.findings
    assert {a.reason for a in study.findings.abstained} == {str(Absence.NO_SIGNAL)}
    assert study.to_json()
    drawing = plot(study.record, title="a < b")
    assert "tachogram" in drawing.svg
    assert "a &lt; b" in drawing.svg
    for kind in ("svg", "png", "pdf"):
        assert drawing.save(tmp_path / f"a.{kind}").stat().st_size > 1000


def test_record_without_leads_and_beats_is_told_so():
    empty = Record(signal=np.empty((0, 100)), fs=500, leads=())
    assert math.isnan(measure(empty).heart_rate_bpm)
    assert "<path" not in plot(empty).svg.partition('class="t"')[2]  # paper, and nothing on it
    with pytest.raises(LeadError, match="nothing to draw"):
        tachogram_svg(empty)


def test_long_series_is_drawn_in_little_space():
    rr = np.random.default_rng(2).integers(700, 950, 100_000)
    assert len(plot(beats(rr)).svg) < 200_000
