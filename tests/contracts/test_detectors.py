# SPDX-License-Identifier: Apache-2.0
"""Rules that every detector and every delineation method obeys."""

import numpy as np
import pytest

from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.datasets.toy import toy_record, toy_truth
from precordia.delineation.delineate import delineate
from precordia.delineation.rpeaks import detect_rpeaks
from precordia.generation.simulate import simulate
from precordia.io.read import read
from precordia.signal.resample import resample_record

DETECTORS = {
    "rpeaks": detect_rpeaks,
    "network": lambda record: _peaks(delineate(record, method="network")),
    "rules": lambda record: _peaks(delineate(record, method="rules")),
}


def _peaks(fiducials):
    return fiducials.r_peak[np.isfinite(fiducials.r_peak)]


@pytest.fixture(params=DETECTORS)
def detect(request):
    return DETECTORS[request.param]


def _record(signal, fs=500.0):
    return Record(signal=signal, fs=fs, leads=STANDARD_12[: len(signal)])


@pytest.mark.parametrize("fill", [0.0, 1.0, -3.3, np.nan])
@pytest.mark.parametrize("n_leads", [1, 12])
def test_a_constant_signal_has_no_beats(detect, fill, n_leads):
    assert len(detect(_record(np.full((n_leads, 5000), fill, np.float32)))) == 0


@pytest.mark.parametrize("n_samples", [0, 1, 2, 50, 400])
def test_what_is_too_short_has_no_beats_and_no_error(detect, n_samples):
    assert len(detect(_record(np.zeros((12, n_samples), np.float32)))) == 0
    assert len(detect(_record(np.zeros((0, 0), np.float32)))) == 0


@pytest.mark.parametrize("fs", [100.0, 250.0, 360.0, 500.0, 1000.0])
def test_the_toy_record_at_any_rate_has_its_beats_in_place(detect, fs):
    record = read(toy_record())
    truth = simulate(
        "sinus",
        heart_rate_bpm=68,
        rr_sd_ms=25,
        pr_ms=158,
        qrs_ms=92,
        qt_ms=390,
        qrs_axis_deg=48,
        respiration_percent=4,
        noise="muscle",
        snr_db=26,
        seed=7,
    ).carried.fiducials
    found = 1000 * np.asarray(detect(resample_record(record, fs=fs)), float) / fs
    true = 1000 * truth.r_peak / 500
    inside = (true > 200) & (true < 9800)
    gap = np.abs(true[inside][:, None] - found[None, :]).min(axis=1)
    assert gap.max() <= 12
    assert abs(len(found) - toy_truth()["n_beats"]) <= 1


@pytest.mark.parametrize("lead", ["I", "II", "V2", "V5"])
@pytest.mark.parametrize("sign", [1, -1])
def test_one_lead_upright_or_inverted_is_enough(detect, lead, sign):
    record = read(toy_record())
    row = record.leads.index(lead)
    one = Record(signal=sign * record.signal[[row]], fs=500, leads=(lead,))
    assert abs(len(detect(one)) - toy_truth()["n_beats"]) <= 1


def test_dead_and_drowned_leads_do_not_spoil_the_others(detect):
    record = read(toy_record())
    signal = record.signal.copy()
    signal[0] = 0
    signal[6] = np.nan
    signal[7] = np.random.default_rng(0).normal(size=5000)
    spoilt = Record(signal=signal, fs=500, leads=record.leads)
    assert abs(len(detect(spoilt)) - toy_truth()["n_beats"]) <= 1


def test_a_gap_costs_only_the_beats_inside(detect):
    record = read(toy_record())
    signal = record.signal.copy()
    signal[:, 2000:3000] = np.nan
    found = np.asarray(detect(Record(signal=signal, fs=500, leads=record.leads)))
    assert len(found) >= toy_truth()["n_beats"] - 4
    assert not ((found > 2050) & (found < 2950)).any()
