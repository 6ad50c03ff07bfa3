# SPDX-License-Identifier: Apache-2.0
"""Quality verdicts on made-up and real recordings."""

import dataclasses

import numpy as np
import pytest

from precordia.core.leads import STANDARD_12
from precordia.core.quality import QualityReason as Why
from precordia.core.record import Record
from precordia.quality.assess import assess


def record_of(signal, fs=500.0, leads=STANDARD_12):
    signal = np.atleast_2d(np.asarray(signal, np.float32))
    return Record(signal=signal, fs=fs, leads=tuple(leads[: len(signal)]))


def ludb(shared_data, name="1"):
    wfdb = pytest.importorskip("wfdb")
    return wfdb.rdrecord(str(shared_data / "ludb" / "data" / name)).p_signal.T.astype(np.float32)


@pytest.mark.parametrize("n_leads", [1, 2, 12, 15])
def test_flat_record_is_rejected_with_reasons(n_leads):
    names = (*STANDARD_12, "V7", "V8", "V9")
    quality = assess(record_of(np.zeros((n_leads, 5000)), leads=names))
    assert not quality.acceptable
    assert Why.FLAT in quality.reasons
    assert all(Why.FLAT in q.reasons and not q.usable for q in quality.leads.values())


@pytest.mark.parametrize("n_samples", [1, 2, 30, 499])
def test_fragment_is_too_short(n_samples):
    quality = assess(record_of(np.ones((3, n_samples))))
    assert not quality.acceptable
    assert quality.reasons[0] == Why.TOO_SHORT


def test_missing_record_is_rejected():
    quality = assess(record_of(np.full((12, 5000), np.nan)))
    assert not quality.acceptable
    assert all(q.reasons[0] == Why.MISSING for q in quality.leads.values())


def test_record_without_leads_is_rejected():
    assert not assess(Record(signal=np.zeros((0, 5000)), fs=500, leads=())).acceptable


@pytest.mark.parametrize("fs", [20.0, 100.0, 128.0, 257.0, 360.0, 1000.0])
@pytest.mark.parametrize("n_leads", [1, 3, 12])
def test_noise_is_rejected_at_any_rate(fs, n_leads):
    noise = np.random.default_rng(0).normal(size=(n_leads, int(10 * fs)))
    assert assess(record_of(noise, fs)).score < 0.5


def test_clean_record_is_accepted(shared_data):
    quality = assess(record_of(ludb(shared_data)))
    assert quality.acceptable
    assert quality.score > 0.8
    assert all(q.usable for q in quality.leads.values())


@pytest.mark.parametrize("gain", [0.5, 0.7, 1.4, 2.0])
def test_score_does_not_depend_on_gain(shared_data, gain):
    signal = ludb(shared_data)
    assert assess(record_of(gain * signal)).score == pytest.approx(
        assess(record_of(signal)).score, abs=0.02
    )


def test_missing_lead_is_named(shared_data):
    signal = ludb(shared_data)
    signal[8] = np.nan
    quality = assess(record_of(signal))
    assert quality.leads["V3"].reasons == (Why.MISSING,)
    assert not quality.leads["V3"].usable
    assert quality.leads["V5"].usable


def test_mains_is_named(shared_data):
    signal = ludb(shared_data)
    signal += 0.1 * np.sin(2 * np.pi * 50 * np.arange(signal.shape[1]) / 500).astype(np.float32)
    quality = assess(record_of(signal))
    assert sum(Why.MAINS in q.reasons for q in quality.leads.values()) >= 9


def test_long_record_is_cut_into_windows(shared_data):
    signal = np.tile(ludb(shared_data), (1, 7))
    assert assess(record_of(signal)).acceptable


@pytest.mark.parametrize("n_leads", [1, 12])
def test_leads_of_noise_are_not_usable(n_leads):
    noise = 0.3 * np.random.default_rng(3).normal(size=(n_leads, 5000))
    assert not any(q.usable for q in assess(record_of(noise)).leads.values())


@pytest.mark.parametrize("seconds", [2.5, 4, 6])
def test_short_clean_record_is_accepted(shared_data, seconds):
    assert assess(record_of(ludb(shared_data)[:, 1000 : 1000 + int(500 * seconds)])).acceptable


@pytest.mark.parametrize("lead", [0, 1, 6, 10])
def test_single_clean_lead_is_accepted(shared_data, lead):
    quality = assess(record_of(ludb(shared_data)[lead], leads=(STANDARD_12[lead],)))
    assert quality.acceptable


@pytest.mark.parametrize(
    "scenario", ["sinus-bradycardia", "junctional-rhythm", "third-degree-block"]
)
def test_a_slow_simulated_heart_is_no_dead_electrode(scenario):
    from precordia.generation.simulate import simulate

    assert assess(simulate(scenario, seed=3)).acceptable


def test_a_dead_lead_of_a_simulated_record_is_still_flat():
    from precordia.generation.simulate import simulate

    record = simulate(seed=3)
    signal = record.signal.copy()
    signal[4] = 0
    dead = assess(dataclasses.replace(record, signal=signal)).leads["aVL"]
    assert Why.FLAT in dead.reasons
