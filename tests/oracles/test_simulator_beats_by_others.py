# SPDX-License-Identifier: Apache-2.0
"""Detectors of other projects must find the beats of simulated records where they are."""

import numpy as np
import pytest

from precordia.generation.simulate import simulate

NAMES = [
    "sinus",
    "sinus-bradycardia",
    "sinus-tachycardia",
    "atrial-fibrillation",
    "first-degree-block",
    "atrial-premature",
    "right-bundle-block",
    "left-bundle-block",
    "pre-excitation",
    "stemi-inferior",
]


def _matched(truth, found, tolerance):
    nearest = np.abs(truth[:, None] - found[None]).min(axis=1)
    return (nearest <= tolerance).mean(), found.size


@pytest.mark.parametrize("name", NAMES)
def test_sleepecg_finds_the_beats(name):
    sleepecg = pytest.importorskip("sleepecg")
    record = simulate(name, seconds=30, seed=1, noise="muscle", snr_db=20)
    truth = record.carried.fiducials
    peaks = truth.r_peak[truth.has_qrs]
    inside = peaks[(peaks > 1000) & (peaks < record.n_samples - 500)]
    found = sleepecg.detect_heartbeats(record.signal[1].astype(float), record.fs)
    share, n_found = _matched(inside, found, 40)  # 80 ms: lead II peaks apart from all leads
    assert share > 0.97
    assert n_found == pytest.approx(peaks.size, abs=3)


@pytest.mark.parametrize("name", ["sinus", "sinus-tachycardia", "right-bundle-block"])
def test_neurokit_agrees_on_the_rate(name):
    neurokit = pytest.importorskip("neurokit2")
    record = simulate(name, seconds=30, seed=1)
    _, info = neurokit.ecg_peaks(record.signal[1].astype(float), sampling_rate=500)
    rate = 60 / (np.median(np.diff(info["ECG_R_Peaks"])) / 500)
    expected = 60_000 / record.carried.measurements["rr_median_ms"]
    assert rate == pytest.approx(expected, rel=0.02)
