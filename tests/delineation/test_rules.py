# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.delineation.rules import delineate_with_rules

FS = 500.0
BEATS = np.arange(400, 5000, 400)


def ecg(fs=FS, p=0.15, t=0.3, leads=3, seconds=10.0):
    """Gaussian P, R and T whose places are known: P 160 ms before R, T 260 ms after it."""
    at = np.arange(round(seconds * fs)) / fs
    x = np.zeros_like(at)
    for r in BEATS / FS:
        for where, width, height in ((-0.16, 0.02, p), (0, 0.012, 1.2), (0.26, 0.04, t)):
            x += height * np.exp(-0.5 * ((at - r - where) / width) ** 2)
    return (np.linspace(0.6, 1.4, leads)[:, None] * x).astype(np.float32)


def inner(table, fs=FS):
    return table[(table[:, 1] > 1.5 * fs) & (table[:, 1] < 8.5 * fs)]


@pytest.mark.parametrize("fs", [100.0, 128.0, 250.0, 360.0, 500.0, 1000.0])
def test_peaks_lie_where_they_were_put_at_every_sampling_rate(fs):
    rpeaks = np.rint(BEATS * fs / FS).astype(int)
    for lead in delineate_with_rules(ecg(fs), fs, rpeaks):
        for table, after in ((lead.p, -0.16), (lead.qrs, 0.0), (lead.t, 0.26)):
            found = inner(table, fs)[:, 1] / fs - after
            error = np.abs(found[:, None] - BEATS / FS).min(1)
            assert len(found) in (8, 9)
            assert error.max() < max(0.006, 0.6 / fs)


@pytest.mark.parametrize("fs", [125.0, 250.0, 1000.0])
def test_bounds_do_not_depend_on_the_sampling_rate(fs):
    here = delineate_with_rules(ecg(fs), fs, np.rint(BEATS * fs / FS).astype(int))[0]
    there = delineate_with_rules(ecg(), FS, BEATS)[0]
    for a, b in ((here.p, there.p), (here.qrs, there.qrs), (here.t, there.t)):
        difference_ms = 1000 * np.abs(inner(a, fs)[:, [0, 2]] / fs - inner(b)[:, [0, 2]] / FS)
        assert difference_ms.max() < 14


def test_bounds_enclose_the_wave_and_are_symmetric_about_it():
    lead = delineate_with_rules(ecg(), FS, BEATS)[0]
    for table, sd_ms in ((lead.p, 20), (lead.t, 40)):
        before, after = np.diff(inner(table)[:, :3] * 1000 / FS, axis=1).T
        assert (before > sd_ms).all()
        assert (before < 3.5 * sd_ms).all()
        assert (after > sd_ms).all()
        assert (after < 3.5 * sd_ms).all()


def test_an_inverted_lead_has_the_same_bounds():
    x = ecg()
    up, down = (delineate_with_rules(v, FS, BEATS)[1] for v in (x, -x))
    for a, b in ((up.p, down.p), (up.qrs, down.qrs), (up.t, down.t)):
        np.testing.assert_allclose(a[:, [0, 2]], b[:, [0, 2]])


def test_no_p_wave_is_invented_where_none_returns():
    assert all(len(lead.p) == 0 for lead in delineate_with_rules(ecg(p=0.0), FS, BEATS))


def test_fibrillation_waves_are_no_p_waves():
    at = np.arange(5000) / FS
    phase = 2 * np.pi * (6.3 * at + 0.8 * np.sin(2 * np.pi * 0.37 * at))
    beats = BEATS[:-1] + np.random.default_rng(3).integers(-90, 90, len(BEATS) - 1)
    x = np.zeros(5000)
    for r in beats / FS:
        x += 1.2 * np.exp(-0.5 * ((at - r) / 0.012) ** 2)
        x += 0.3 * np.exp(-0.5 * ((at - r - 0.26) / 0.04) ** 2)
    x = np.array([1.0, 0.7, 1.3])[:, None] * (x + 0.06 * np.sin(phase))
    found = delineate_with_rules(x.astype(np.float32), FS, beats)
    assert all(len(lead.p) <= 1 for lead in found)
    assert all(len(lead.qrs) == len(beats) for lead in found)


def test_a_dead_lead_has_no_waves():
    x = ecg()
    x[0], x[2] = 0, np.nan
    dead, alive, gone = delineate_with_rules(x, FS, BEATS)
    assert len(alive.qrs) == len(BEATS)
    assert not any(len(v) for lead in (dead, gone) for v in (lead.p, lead.qrs, lead.t))


def test_no_wave_touches_a_gap():
    x = ecg()
    x[1, 2000:2500] = np.nan
    whole, holed, _ = delineate_with_rules(x, FS, BEATS)
    assert len(whole.qrs) == len(BEATS)
    for table in (holed.p, holed.qrs, holed.t):
        assert not ((table[:, 0] < 2500) & (table[:, 2] > 2000)).any()


@pytest.mark.parametrize("leads", [1, 12])
def test_noise_has_no_waves_however_many_r_peaks_are_claimed(leads):
    x = np.random.default_rng(0).normal(0, 0.1, (leads, 5000)).astype(np.float32)
    assert not any(len(lead.qrs) for lead in delineate_with_rules(x, FS, BEATS))


def test_one_beat_and_two_samples_are_no_error():
    assert len(delineate_with_rules(ecg(), FS, np.array([2000]))) == 3
    assert len(delineate_with_rules(np.zeros((2, 2), np.float32), FS, np.array([1]))) == 2
    assert delineate_with_rules(np.zeros((0, 1000), np.float32), FS, BEATS) == []
