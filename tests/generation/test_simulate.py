# SPDX-License-Identifier: Apache-2.0
"""What `simulate` says is true must be visible in the signal itself, measured here from scratch."""

from dataclasses import replace

import numpy as np
import pytest

from precordia.core.errors import OptionError, UnknownNameError
from precordia.core.fiducials import POSITIONS
from precordia.core.leads import STANDARD_12
from precordia.generation.scenarios import find_scenario, list_scenarios
from precordia.generation.simulate import simulate

EIGHT = [0, 1, *range(6, 12)]


def _clockwork(**options):
    return simulate(**{"rr_sd_ms": 0, "seed": 3, **options})


@pytest.mark.parametrize("name", list_scenarios())
def test_every_scenario_is_a_sound_record(name):
    record = simulate(name, seed=5)
    assert record.origin == "synthetic"
    assert record.leads == STANDARD_12
    assert record.signal.shape == (12, 5000)
    assert record.signal.dtype == np.float32
    assert np.isfinite(record.signal).all()
    assert 0.1 < np.abs(record.signal).max() < 4.5
    limb = record.signal[:6].astype(float)
    np.testing.assert_allclose(limb[2], limb[1] - limb[0], atol=1e-6)
    np.testing.assert_allclose(limb[3], -(limb[0] + limb[1]) / 2, atol=1e-6)
    np.testing.assert_allclose(limb[4], limb[0] - limb[1] / 2, atol=1e-6)
    np.testing.assert_allclose(limb[5], limb[1] - limb[0] / 2, atol=1e-6)


@pytest.mark.parametrize("name", list_scenarios())
def test_positions_of_every_scenario_are_in_order_and_in_the_record(name):
    truth = simulate(name, seed=6).carried.fiducials
    assert truth.n_beats >= 5
    for waves in (truth, *truth.leads.values()):
        table = np.stack([getattr(waves, position) for position in POSITIONS])
        for row in table.T:
            seen = row[np.isfinite(row)]
            assert (np.diff(seen) >= 0).all()
        inside = table[np.isfinite(table)]
        assert ((inside >= 0) & (inside <= truth.n_samples - 1)).all()
    place = np.where(truth.has_qrs, truth.r_peak, truth.p_peak)
    assert (np.diff(place) > 0).all()
    for lead in truth.leads.values():  # no lead begins before, or ends after, all leads together
        assert not (lead.qrs_onset < truth.qrs_onset - 1e-6).any()
        assert not (lead.qrs_offset > truth.qrs_offset + 1e-6).any()


def test_the_signal_is_exactly_zero_outside_its_waves_and_visible_at_once_within():
    record = _clockwork(heart_rate_bpm=55, fs=1000)
    truth = record.carried.fiducials
    height = np.abs(record.signal).max(axis=0)
    for k in range(1, truth.n_beats - 2):
        after_t, next_p = int(np.ceil(truth.t_offset[k])) + 1, int(truth.p_onset[k + 1])
        assert height[after_t:next_p].max() == 0.0
        pr_segment = slice(int(np.ceil(truth.p_offset[k])) + 1, int(truth.qrs_onset[k]))
        assert height[pr_segment].max() == 0.0
        st_segment = slice(int(np.ceil(truth.qrs_offset[k])) + 1, int(truth.t_onset[k]))
        assert height[st_segment].max() == 0.0
        within = 4  # ms
        assert height[int(truth.qrs_onset[k]) + within] > 0.02
        assert height[int(truth.qrs_offset[k]) - within] > 0.02
        assert height[int(truth.p_onset[k]) + 2 * within] > 0.015
        assert height[int(truth.t_offset[k]) - 2 * within] > 0.015


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in list_scenarios()
        if find_scenario(n).atrial == "" and find_scenario(n).pacing == ""
    ],
)
def test_qrs_bounds_of_every_scenario_are_visible_within_5_ms(name):
    record = simulate(name, seed=2, fs=1000, rr_sd_ms=0)
    truth = record.carried.fiducials
    k = np.flatnonzero(truth.has_qrs & (truth.qrs_onset > 1500))[0]
    onset, offset = truth.qrs_onset[k], truth.qrs_offset[k]
    before = record.signal[:, int(onset) - 1]
    after = record.signal[:, int(np.ceil(offset)) + 1]
    assert np.abs(record.signal[:, int(onset) + 5] - before).max() > 0.02
    assert np.abs(record.signal[:, int(offset) - 5] - after).max() > 0.02


@pytest.mark.parametrize(
    ("rate", "pr", "qrs", "qt"), [(60, 160, 90, 400), (45, 280, 130, 500), (110, 125, 80, 300)]
)
def test_intervals_are_those_that_were_asked_for(rate, pr, qrs, qt):
    record = _clockwork(heart_rate_bpm=rate, pr_ms=pr, qrs_ms=qrs, qt_ms=qt, seconds=20)
    truth, numbers = record.carried.fiducials, record.carried.measurements
    whole = slice(1, -1)
    ms = 1000 / record.fs
    np.testing.assert_allclose((truth.qrs_onset - truth.p_onset)[whole] * ms, pr)
    np.testing.assert_allclose((truth.qrs_offset - truth.qrs_onset)[whole] * ms, qrs)
    np.testing.assert_allclose((truth.t_offset - truth.qrs_onset)[whole] * ms, qt)
    np.testing.assert_allclose(np.diff(truth.r_peak)[whole] * ms, 60_000 / rate)
    assert (numbers["pr_ms"], numbers["qrs_ms"], numbers["qt_ms"]) == (pr, qrs, qt)
    assert numbers["heart_rate_bpm"] == pytest.approx(rate)


@pytest.mark.parametrize("axis", [-90, -45, 0, 30, 75, 120, 180])
def test_the_axis_is_that_of_the_drawn_qrs_area(axis):
    record = _clockwork(qrs_axis_deg=axis, fs=1000, heart_rate_bpm=60)
    truth = record.carried.fiducials
    span = slice(int(truth.qrs_onset[2]), int(np.ceil(truth.qrs_offset[2])) + 1)
    area_i, area_avf = record.signal[0, span].sum(), record.signal[5, span].sum()
    drawn = np.degrees(np.arctan2(2 / np.sqrt(3) * area_avf, area_i))
    assert abs((drawn - axis + 180) % 360 - 180) < 0.5
    assert abs((record.carried.measurements["qrs_axis_deg"] - axis + 180) % 360 - 180) < 1e-6


@pytest.mark.parametrize("name", ["sinus", "left-bundle-block", "old-inferior-infarct"])
def test_r_peaks_are_where_all_leads_together_are_largest(name):
    record = simulate(name, seed=1, fs=1000)
    truth = record.carried.fiducials
    size = np.sqrt((record.signal[EIGHT].astype(float) ** 2).sum(axis=0))
    for onset, peak, offset in zip(truth.qrs_onset, truth.r_peak, truth.qrs_offset, strict=True):
        if np.isfinite([onset, offset]).all():
            drawn = int(onset) + size[int(onset) : int(offset)].argmax()
            assert abs(drawn - peak) <= 1.5


def test_lead_peaks_are_extremes_of_the_lead():
    record = simulate("sinus", seed=1, fs=1000)
    for name, waves in record.carried.fiducials.leads.items():
        trace = record.signal[STANDARD_12.index(name)]
        for wave in ("q_peak", "r_peak", "s_peak", "t_peak"):
            peak = getattr(waves, wave)[3]
            if np.isfinite(peak):
                sign = np.sign(trace[round(peak)])
                near = sign * trace[int(peak) - 3 : int(peak) + 5]
                assert near.max() - sign * trace[round(peak)] < 0.01


def test_a_seed_decides_everything():
    first, again = (
        simulate("atrial-fibrillation", seed=8, noise="muscle", snr_db=10) for _ in "ab"
    )
    np.testing.assert_array_equal(first.signal, again.signal)
    assert not np.array_equal(first.signal, simulate("atrial-fibrillation", seed=9).signal)


@pytest.mark.parametrize("name", ["sinus", "atrial-fibrillation", "bigeminy", "atrial-flutter"])
def test_the_sampling_rate_changes_the_grid_and_not_the_heart(name):
    coarse, fine = simulate(name, seed=4, fs=250), simulate(name, seed=4, fs=1000)
    np.testing.assert_allclose(coarse.signal, fine.signal[:, ::4], atol=1e-5)
    np.testing.assert_allclose(
        coarse.carried.fiducials.qrs_onset * 4, fine.carried.fiducials.qrs_onset, atol=1e-6
    )


def test_qt_follows_the_rate_after_fridericia():
    for rate in (50, 80, 110):
        numbers = _clockwork(heart_rate_bpm=rate).carried.measurements
        rr_s = 60 / rate
        assert numbers["qt_ms"] / rr_s ** (1 / 3) == pytest.approx(400, abs=0.01)


def test_breathing_changes_the_size_of_the_beats_and_nothing_else():
    still, breathing = _clockwork(seconds=30), _clockwork(seconds=30, respiration_percent=20)
    truth = still.carried.fiducials
    peaks = np.rint(truth.r_peak).astype(int)
    ratio = breathing.signal[10, peaks] / still.signal[10, peaks]
    assert ratio.max() > 1.08
    assert ratio.min() < 0.92
    np.testing.assert_array_equal(truth.qrs_onset, breathing.carried.fiducials.qrs_onset)


@pytest.mark.parametrize("snr_db", [0.0, 12.0, 24.0])
@pytest.mark.parametrize("kind", ["white", "baseline-wander", "powerline-50"])
def test_noise_has_the_ratio_that_was_asked_for_and_keeps_the_identities(kind, snr_db):
    clean, noisy = simulate(seed=2), simulate(seed=2, noise=kind, snr_db=snr_db)
    added = noisy.signal.astype(float) - clean.signal
    ratio = 10 * np.log10(clean.signal.var(axis=1) / added.var(axis=1))
    assert np.median(ratio) == pytest.approx(snr_db, abs=0.7)
    np.testing.assert_allclose(added[2], added[1] - added[0], atol=1e-5)
    np.testing.assert_array_equal(
        clean.carried.fiducials.qrs_onset, noisy.carried.fiducials.qrs_onset
    )


def test_recorded_noise_can_be_added(shared_data):
    wfdb = pytest.importorskip("wfdb")
    recorded = wfdb.rdrecord(str(shared_data / "nstdb" / "em"))
    noisy = simulate(seed=2, noise=recorded.p_signal.T, noise_fs=recorded.fs, snr_db=6)
    added = noisy.signal.astype(float) - simulate(seed=2).signal
    assert added.std() > 0.05
    np.testing.assert_allclose(added[4], added[0] - added[1] / 2, atol=1e-5)


def test_a_scenario_of_ones_own_can_be_simulated():
    own = replace(find_scenario("left-bundle-block"), name="own", heart_rate_bpm=50, pr_ms=220)
    numbers = simulate(own, rr_sd_ms=0).carried.measurements
    assert (numbers["pr_ms"], numbers["qrs_ms"]) == (220, 150)


def test_statements_are_carried():
    codes = [s.code for s in simulate("right-bundle-block").carried.statements]
    assert codes == ["SR", "CRBBB"]


def test_a_simulated_record_survives_json():
    record = simulate("mobitz-1", seconds=5)
    again = type(record).from_json(record.to_json())
    np.testing.assert_array_equal(again.signal, record.signal)
    np.testing.assert_array_equal(
        again.carried.fiducials.qrs_onset, record.carried.fiducials.qrs_onset
    )


@pytest.mark.parametrize(
    "options",
    [
        {"heart_rate_bpm": 0},
        {"heart_rate_bpm": float("nan")},
        {"heart_rate_bpm": "fast"},
        {"qrs_ms": -1},
        {"qt_ms": 120},
        {"qt_ms": 500, "heart_rate_bpm": 150},
        {"qt_ms": 200, "qrs_ms": 150},
        {"p_ms": 150, "pr_ms": 120},
        {"fs": 0},
        {"seconds": -3},
        {"noise": "white"},
        {"snr_db": 10},
        {"snr_db": float("nan"), "noise": "white"},
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(options):
    with pytest.raises(OptionError, match="arrived"):
        simulate("sinus", **options)


def test_unknown_names_are_refused_with_a_hint():
    with pytest.raises(UnknownNameError, match="sinus"):
        simulate("sinuss")
    with pytest.raises(UnknownNameError, match="muscle"):
        simulate(noise="muscles", snr_db=3)


@pytest.mark.parametrize("seconds", [0.2, 1.0, 2.5])
def test_short_records_are_no_problem(seconds):
    for name in ("sinus", "atrial-fibrillation", "third-degree-block"):
        assert simulate(name, seconds=seconds).n_samples == round(500 * seconds)


@pytest.mark.parametrize("seed", [-1, "seven", 1.5])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(OptionError, match="whole number from 0"):
        simulate(seed=seed)
