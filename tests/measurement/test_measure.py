# SPDX-License-Identifier: Apache-2.0
"""The front door of the room: what is measured, what is absent and why."""

import json
import math
from dataclasses import fields, replace

import numpy as np
import pytest

from precordia.core.errors import OptionError, SamplingRateError
from precordia.core.fiducials import Fiducials
from precordia.core.measurements import Absence, LeadMeasurements, Measurements
from precordia.core.record import Record
from precordia.delineation.delineate import delineate
from precordia.generation.simulate import simulate
from precordia.measurement.absences import NUMBERS
from precordia.measurement.measure import MeasurementSettings, measure


@pytest.fixture(scope="module")
def sinus():
    return simulate("sinus", seconds=10, seed=3)


@pytest.fixture(scope="module")
def measured(sinus):
    return measure(sinus, sinus.carried.fiducials)


def _leads(record, names):
    rows = [record.leads.index(name) for name in names]
    return replace(record, signal=record.signal[rows], leads=tuple(names))


def _explained(numbers: Measurements):
    """Every NaN has a reason and every reason a NaN, in the record and in each lead."""
    for name in NUMBERS:
        assert (getattr(numbers, name) != getattr(numbers, name)) == (name in numbers.absent), name
    for lead in numbers.leads.values():
        for f in fields(LeadMeasurements):
            if f.name != "absent":
                value = getattr(lead, f.name)
                assert (value != value) == (f.name in lead.absent), f.name
    assert json.loads(numbers.to_json())


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("heart_rate_bpm", 0.5),
        ("rr_mean_ms", 2),
        ("pr_ms", 2),
        ("p_ms", 2),
        ("qrs_ms", 2),
        ("qt_ms", 2),
        ("qrs_axis_deg", 2),
        ("p_axis_deg", 2),
        ("t_axis_deg", 2),
    ],
)
@pytest.mark.parametrize("condition", ["sinus", "first-degree-block", "right-bundle-block"])
def test_with_true_fiducials_the_truth_comes_back(condition, name, tolerance):
    record = simulate(condition, seconds=10, seed=5)
    numbers = measure(record, record.carried.fiducials)
    assert getattr(numbers, name) == pytest.approx(record.carried.measurements[name], abs=tolerance)


def test_every_absent_number_has_a_reason(measured):
    _explained(measured)


def test_it_delineates_where_no_fiducials_are_given(sinus):
    numbers = measure(sinus)
    assert numbers.heart_rate_bpm == pytest.approx(
        sinus.carried.measurements["heart_rate_bpm"], abs=1
    )


def test_einthoven_holds_between_amplitudes(measured):
    areas = {name: lead.qrs_area_mv_ms for name, lead in measured.leads.items()}
    assert areas["I"] + areas["III"] == pytest.approx(areas["II"], abs=1.0)


def test_corrected_qt_follows_from_qt_and_rr(measured):
    rr = measured.rr_mean_ms / 1000
    assert measured.qtc_ms("bazett") == pytest.approx(measured.qt_ms / math.sqrt(rr))
    assert measured.qtc_ms() == pytest.approx(measured.qt_ms / rr ** (1 / 3))


def test_intervals_add_up(measured):
    assert measured.qrs_ms + measured.jt_ms == pytest.approx(measured.qt_ms)


def test_a_flat_record_has_no_rate_and_says_why():
    flat = Record(signal=np.zeros((12, 5000)), fs=500, leads=tuple(f"L{k}" for k in range(12)))
    numbers = measure(flat)
    assert math.isnan(numbers.heart_rate_bpm)
    assert numbers.absent["heart_rate_bpm"] == Absence.NO_BEATS
    _explained(numbers)


def test_one_beat_has_no_rate(sinus):
    fiducials = sinus.carried.fiducials
    start, stop = int(fiducials.r_peak[3] - 250), int(fiducials.r_peak[3] + 260)
    record = replace(sinus, signal=sinus.signal[:, start:stop])
    one = {
        f.name: getattr(fiducials, f.name)[3:4] - (0 if "confidence" in f.name else start)
        for f in fields(type(fiducials.leads["I"]))
    }
    alone = Fiducials(fs=500, n_samples=stop - start, **one)
    numbers = measure(record, alone)
    assert numbers.absent["heart_rate_bpm"] == Absence.ONE_BEAT
    assert numbers.qrs_ms == pytest.approx(90, abs=4)
    _explained(numbers)


def test_atrial_fibrillation_has_no_pr_and_no_p_axis():
    record = simulate("atrial-fibrillation", seconds=10, seed=1)
    numbers = measure(record, record.carried.fiducials)
    for name in ("pr_ms", "p_ms", "p_axis_deg", "atrial_rate_bpm"):
        assert numbers.absent[name] == Absence.NO_P_WAVE
    assert numbers.leads["II"].absent["p_mv"] == Absence.NO_P_WAVE
    _explained(numbers)


def test_a_wave_without_net_direction_says_so(sinus):
    loose = MeasurementSettings(min_axis_area_mv_ms=1e6)
    numbers = measure(sinus, sinus.carried.fiducials, settings=loose)
    for name in ("p_axis_deg", "qrs_axis_deg", "t_axis_deg"):
        assert numbers.absent[name] == Absence.NO_DIRECTION
    _explained(numbers)


def test_blocked_p_waves_raise_the_atrial_rate():
    record = simulate("third-degree-block", seconds=12, seed=1)
    numbers = measure(record, record.carried.fiducials)
    assert numbers.atrial_rate_bpm > 1.5 * numbers.heart_rate_bpm
    assert numbers.n_blocked_p_waves > 5


@pytest.mark.parametrize("names", [("V2",), ("II",), ("V1", "V2", "V3")])
def test_without_two_limb_leads_there_is_no_axis(sinus, names):
    numbers = measure(_leads(sinus, names))
    assert math.isnan(numbers.qrs_axis_deg)
    assert "needs leads I and aVF" in numbers.absent["qrs_axis_deg"]
    assert numbers.heart_rate_bpm > 40
    _explained(numbers)


@pytest.mark.parametrize("names", [("I", "aVF"), ("I", "II"), ("II", "III", "V1")])
def test_any_two_limb_leads_give_the_axis(sinus, names):
    record = _leads(sinus, names)
    fiducials = sinus.carried.fiducials
    kept = replace(fiducials, leads={name: fiducials.leads[name] for name in names})
    axis = measure(record, kept).qrs_axis_deg
    assert axis == pytest.approx(sinus.carried.measurements["qrs_axis_deg"], abs=3)


def test_a_normalised_record_has_no_amplitudes(sinus):
    x = sinus.signal.astype(float)
    z = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    numbers = measure(replace(sinus, signal=z), sinus.carried.fiducials)
    lead = numbers.leads["V5"]
    assert lead.absent["r_mv"] == Absence.NOT_MILLIVOLTS
    assert lead.absent["st_j_mv"] == Absence.NOT_MILLIVOLTS
    assert numbers.absent["qrs_axis_deg"] == Absence.NOT_MILLIVOLTS
    assert lead.r_ms > 0
    assert numbers.qrs_ms == pytest.approx(90, abs=3)
    _explained(numbers)


def test_a_lead_that_is_off_says_so(sinus):
    signal = sinus.signal.copy()
    signal[7] = 0.0
    signal[8] = np.nan
    numbers = measure(replace(sinus, signal=signal))
    assert numbers.leads[sinus.leads[7]].absent["r_mv"] == Absence.LEAD_OFF
    assert numbers.leads[sinus.leads[8]].absent["r_mv"] == Absence.LEAD_OFF
    assert numbers.leads["V6"].r_mv > 0.1
    _explained(numbers)


def test_a_gap_makes_no_long_rr(sinus):
    signal = sinus.signal.copy()
    signal[:, 2000:3200] = np.nan
    numbers = measure(replace(sinus, signal=signal))
    assert numbers.rr_max_ms < 1.3 * sinus.carried.measurements["rr_mean_ms"]
    _explained(numbers)


def test_variability_needs_time(measured):
    assert measured.absent["lf_ms2"] == Absence.TOO_SHORT
    assert measured.absent["sdann_ms"] == Absence.TOO_SHORT
    assert measured.sdnn_ms >= 0


def test_ectopic_beats_stay_out_of_the_variability():
    record = simulate("ventricular-premature", seconds=60, rr_sd_ms=0, seed=2)
    numbers = measure(record, record.carried.fiducials)
    assert numbers.n_ventricular_beats >= 5
    assert numbers.rr_sd_ms > 50
    assert numbers.sdnn_ms < 5


@pytest.mark.parametrize(
    ("condition", "kind"),
    [("ventricular-premature", "n_ventricular_beats"), ("paced-ventricular", "n_paced_beats")],
)
def test_kinds_of_beats_are_told(condition, kind):
    record = simulate(condition, seconds=12, seed=1)
    assert getattr(measure(record, record.carried.fiducials), kind) >= 2


def test_bigeminy_is_measured_on_its_normal_beats():
    record = simulate("bigeminy", seconds=12, seed=1)
    numbers = measure(record, record.carried.fiducials)
    assert numbers.n_bigeminy_beats >= 6
    assert numbers.qrs_ms == pytest.approx(record.carried.measurements["qrs_ms"], abs=3)


def test_fiducials_of_another_rate_are_refused(sinus):
    wrong = replace(sinus.carried.fiducials, fs=250.0)
    with pytest.raises(SamplingRateError, match="250"):
        measure(sinus, wrong)


def test_fiducials_of_another_length_are_refused(sinus):
    wrong = replace(sinus.carried.fiducials, n_samples=77)
    with pytest.raises(OptionError, match="77"):
        measure(sinus, wrong)


def test_an_impossible_share_is_refused():
    with pytest.raises(OptionError, match="share"):
        MeasurementSettings(min_wave_share=0.0)


def test_numbers_survive_json(measured):
    again = Measurements.from_json(measured.to_json())
    assert again.qt_ms == measured.qt_ms
    assert again.beats.kind == measured.beats.kind
    assert again.absent == measured.absent
    np.testing.assert_array_equal(again.median.signal, measured.median.signal)


@pytest.mark.parametrize("fs", [50.0, 100.0, 257.3, 1000.0])
def test_any_sampling_rate_is_measured(fs):
    record = simulate("sinus", seconds=8, fs=fs, seed=1)
    numbers = measure(record, record.carried.fiducials)
    assert numbers.qt_ms == pytest.approx(record.carried.measurements["qt_ms"], abs=2000 / fs + 2)
    _explained(numbers)


@pytest.mark.parametrize("seed", range(6))
def test_noise_and_scraps_never_raise(seed):
    rng = np.random.default_rng(seed)
    n_leads, n = int(rng.integers(1, 16)), int(rng.choice([0, 1, 2, 60, 999, 4000]))
    signal = rng.normal(0, 10.0 ** rng.integers(-3, 3), (n_leads, n))
    signal[rng.random(signal.shape) < 0.05] = np.nan
    record = Record(
        signal=signal, fs=float(rng.choice([50, 125, 500])), leads=tuple(map(str, range(n_leads)))
    )
    _explained(measure(record, delineate(record)))


def test_any_fiducials_are_measured_without_error():
    rng = np.random.default_rng(0)
    record = Record(signal=rng.normal(size=(3, 2000)), fs=200, leads=("I", "II", "V1"))
    for _ in range(30):
        n = int(rng.integers(1, 9))
        waves = {}
        for f in fields(type(delineate(record).leads["I"])):
            at = np.sort(rng.uniform(-50, 2050, n))
            at[rng.random(n) < 0.3] = np.nan
            waves[f.name] = at
        order = np.argsort(waves["r_peak"])
        waves = {name: at[order] for name, at in waves.items()}
        _explained(measure(record, Fiducials(fs=200, n_samples=2000, **waves)))
