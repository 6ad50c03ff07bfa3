# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

import numpy as np
import pytest

from precordia.generation.simulate import simulate


def _truth(name, **options):
    return simulate(name, **{"seconds": 60, "seed": 2, **options}).carried.fiducials


def _rr_ms(truth):
    return np.diff(truth.r_peak[truth.has_qrs]) * 1000 / truth.fs


def _blocked(truth):
    return ~truth.has_qrs


def test_sinus_intervals_vary_as_much_as_asked():
    for sd in (0.0, 20.0, 60.0):
        rr = _rr_ms(_truth("sinus", rr_sd_ms=sd, seconds=600))
        assert rr.std() == pytest.approx(sd, rel=0.25, abs=0.01)
        assert rr.mean() == pytest.approx(60_000 / 70, rel=0.02)


def test_sinus_arrhythmia_breathes():
    rr = _rr_ms(_truth("sinus-arrhythmia", seconds=600))
    mean_s = rr.mean() / 1000
    power = np.abs(np.fft.rfft((rr - rr.mean()) * np.hanning(rr.size))) ** 2
    frequencies = np.fft.rfftfreq(rr.size, mean_s)
    assert frequencies[power.argmax()] == pytest.approx(0.22, abs=0.04)


def test_both_bands_of_variability_are_there():
    rr = _rr_ms(_truth("sinus", rr_sd_ms=40, seconds=1200))
    power = np.abs(np.fft.rfft((rr - rr.mean()) * np.hanning(rr.size))) ** 2
    frequencies = np.fft.rfftfreq(rr.size, rr.mean() / 1000)
    slow = power[(frequencies > 0.05) & (frequencies < 0.15)].sum()
    fast = power[(frequencies > 0.18) & (frequencies < 0.35)].sum()
    assert slow + fast > 0.85 * power[1:].sum()
    assert slow / fast == pytest.approx(0.5, rel=0.6)


def test_fibrillation_is_irregular_without_p_and_with_f_waves():
    record = simulate("atrial-fibrillation", seconds=60, seed=2)
    truth = record.carried.fiducials
    rr = _rr_ms(truth)
    assert np.isnan(truth.p_peak).all()
    assert rr.std() / rr.mean() > 0.15
    assert abs(np.corrcoef(rr[:-1], rr[1:])[0, 1]) < 0.3
    v1 = record.signal[6].copy()
    quiet = np.ones(v1.size, bool)
    for onset, t_offset in zip(truth.qrs_onset, truth.t_offset, strict=True):
        if np.isfinite(onset + t_offset):
            quiet[int(onset) - 5 : int(t_offset) + 5] = False
    assert v1[quiet].std() > 0.03
    power = np.abs(np.fft.rfft(np.where(quiet, v1, 0))) ** 2
    frequencies = np.fft.rfftfreq(v1.size, 1 / 500)
    band = (frequencies > 3) & (frequencies < 12)
    assert 4 <= frequencies[band][power[band].argmax()] <= 9


@pytest.mark.parametrize(("name", "ratio"), [("atrial-flutter", 2), ("atrial-flutter-4-1", 4)])
def test_flutter_conducts_at_a_fixed_ratio(name, ratio):
    record = simulate(name, seconds=30)
    rr = _rr_ms(record.carried.fiducials)
    assert rr.std() < 1
    assert 60_000 / (rr.mean() / ratio) == pytest.approx(300, abs=1)
    frequencies = np.fft.rfftfreq(record.n_samples, 1 / record.fs)
    power = np.abs(np.fft.rfft(record.signal[5])) ** 2
    assert power[np.abs(frequencies - 5).argmin()] > 50 * np.median(power)


def test_variable_flutter_has_intervals_that_are_multiples_of_one_cycle():
    rr = _rr_ms(_truth("atrial-flutter-variable"))
    cycle = 60_000 / 98 / 3
    multiples = rr / cycle
    np.testing.assert_allclose(multiples, np.round(multiples), atol=0.02)
    assert set(np.round(multiples).astype(int)) == {2, 3, 4}


def test_wenckebach_pr_grows_until_a_p_is_blocked():
    truth = _truth("mobitz-1")
    pr = (truth.qrs_onset - truth.p_onset) * 1000 / truth.fs
    blocked = np.flatnonzero(_blocked(truth))
    assert blocked.size >= 8
    for first, last in pairwise(blocked):
        run = pr[first + 1 : last]
        assert run.size == 3
        assert (np.diff(run) > 10).all()
        assert np.diff(run)[0] > np.diff(run)[1]  # the steps shrink


def test_mobitz_2_pr_stays_until_a_p_is_blocked():
    truth = _truth("mobitz-2", rr_sd_ms=0)
    pr = ((truth.qrs_onset - truth.p_onset) * 1000 / truth.fs)[truth.has_qrs]
    assert np.nanstd(pr) < 1e-6
    blocked = np.flatnonzero(_blocked(truth))
    assert set(np.diff(blocked)) == {3}


def test_third_degree_block_has_two_independent_rhythms():
    record = simulate("third-degree-block", seconds=60, seed=2)
    truth = record.carried.fiducials
    assert "pr_ms" not in record.carried.measurements
    assert _rr_ms(truth).mean() == pytest.approx(60_000 / 38, rel=0.02)
    assert np.isnan(truth.p_onset[truth.has_qrs]).all()
    onsets = truth.p_onset[np.isfinite(truth.p_onset)]
    pp = np.diff(onsets) * 1000 / truth.fs
    assert np.median(pp) == pytest.approx(740, abs=15)  # where none hides in a QRS


def test_a_premature_ventricular_beat_is_wide_early_and_followed_by_a_full_pause():
    record = simulate("ventricular-premature", seconds=60, seed=2, rr_sd_ms=0)
    truth = record.carried.fiducials
    rows = np.flatnonzero(truth.has_qrs)
    width = (truth.qrs_offset - truth.qrs_onset)[rows] * 2
    ectopic = np.flatnonzero(width > 120)
    assert ectopic.size >= 8
    rr_ms = 60_000 / 68
    for k in ectopic[(ectopic > 0) & (ectopic < rows.size - 1)]:
        before, after = np.diff(truth.qrs_onset[rows[k - 1 : k + 2]]) * 2
        assert before < 0.7 * rr_ms
        assert before + after == pytest.approx(2 * rr_ms, abs=0.1)
        assert np.isnan(truth.p_onset[rows[k]])


def test_a_premature_atrial_beat_is_narrow_early_and_its_pause_incomplete():
    record = simulate("atrial-premature", seconds=60, seed=2, rr_sd_ms=0)
    truth = record.carried.fiducials
    rr = np.diff(truth.qrs_onset) * 2
    early = np.flatnonzero(rr < 0.8 * np.median(rr))
    assert early.size >= 8
    np.testing.assert_allclose((truth.qrs_offset - truth.qrs_onset)[1:-1] * 2, 90)
    for k in early[early + 1 < rr.size]:
        assert np.median(rr) < rr[k + 1]
        assert rr[k] + rr[k + 1] < 2 * np.median(rr)
        assert np.isfinite(truth.p_onset[k + 1])


def test_bigeminy_alternates_and_a_run_runs():
    truth = _truth("bigeminy")
    wide = ((truth.qrs_offset - truth.qrs_onset) * 2 > 120)[truth.has_qrs][1:-1]
    assert (wide[1:] != wide[:-1]).all()
    run = _truth("ventricular-run", seconds=10)
    wide = ((run.qrs_offset - run.qrs_onset) * 2 > 120)[run.has_qrs]
    assert wide.sum() == 6
    assert np.ptp(np.flatnonzero(wide)) == 5


def test_ventricular_tachycardia_is_fast_and_wide_without_conducted_p():
    record = simulate("ventricular-tachycardia", seed=1)
    numbers = record.carried.measurements
    assert numbers["heart_rate_bpm"] > 120
    assert numbers["qrs_ms"] > 120
    assert "pr_ms" not in numbers


def test_a_hidden_p_wave_is_not_claimed():
    for seed in range(6):
        truth = _truth("third-degree-block", seed=seed)
        alone = truth.p_onset[~truth.has_qrs], truth.p_offset[~truth.has_qrs]
        for onset, offset in zip(*alone, strict=True):
            overlap = np.minimum(offset, truth.qrs_offset) - np.maximum(onset, truth.qrs_onset)
            assert not (overlap > 0.31 * (offset - onset)).any()


def test_sinus_p_on_a_t_wave_is_marked_as_uncertain():
    truth = _truth("bigeminy")
    assert (truth.p_confidence[~truth.has_qrs] == 0.5).any()
