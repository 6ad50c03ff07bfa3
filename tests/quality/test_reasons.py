# SPDX-License-Identifier: Apache-2.0
"""Reasons on real recordings with real noise, and against PTB-XL's own notes."""

import csv

import numpy as np
import pytest

from precordia.core.leads import STANDARD_12
from precordia.core.quality import QualityReason as Why
from precordia.core.record import Record
from precordia.quality.assess import assess


def assess_12(signal, fs=500.0):
    return assess(Record(signal=signal.astype(np.float32), fs=fs, leads=STANDARD_12))


@pytest.fixture(scope="module")
def clean(shared_data):
    wfdb = pytest.importorskip("wfdb")
    headers = sorted((shared_data / "ludb" / "data").glob("*.hea"))[:4]
    return [wfdb.rdrecord(str(path.with_suffix(""))).p_signal.T for path in headers]


@pytest.fixture(scope="module")
def noise(shared_data):
    wfdb = pytest.importorskip("wfdb")
    return {k: wfdb.rdrecord(str(shared_data / "nstdb" / k)).p_signal.T for k in ("bw", "em", "ma")}


def noisy(signal, noise, snr_db):
    """Add recorded noise, another stretch per lead, I-III kept consistent by their rows."""
    draw = np.random.default_rng(1)
    n = signal.shape[1]
    t = np.arange(n) * 360 / 500
    starts = draw.integers(0, noise.shape[1] - n, len(signal))
    rows = [np.interp(t, np.arange(n), noise[k % 2, a : a + n]) for k, a in enumerate(starts)]
    rows = np.array(rows) - np.mean(rows, axis=1, keepdims=True)
    scale = np.sqrt(np.mean(signal**2) / np.mean(rows**2) / 10 ** (snr_db / 10))
    return signal + scale * rows


@pytest.mark.parametrize("kind", ["bw", "em", "ma"])
def test_more_noise_never_raises_the_score(clean, noise, kind):
    for signal in clean:
        scores = [assess_12(noisy(signal, noise[kind], s)).score for s in (30, 18, 6, 0, -6)]
        assert np.all(np.diff(scores) < 0.02)
    assert scores[-1] < scores[0]


@pytest.mark.parametrize(("kind", "why"), [("bw", Why.BASELINE_WANDER), ("ma", Why.MUSCLE)])
def test_recorded_noise_is_named(clean, noise, kind, why):
    leads = [q for x in clean for q in assess_12(noisy(x, noise[kind], -14)).leads.values()]
    assert np.mean([why in q.reasons for q in leads]) >= 0.6


def test_saturated_lead_is_named(clean):
    signal = clean[0].copy()
    signal[7, 1000:2500] = 5.0
    signal[7, 3000:3500] = -5.0
    lead = assess_12(signal).leads["V2"]
    assert Why.SATURATED in lead.reasons


def test_lead_off_is_named(clean):
    signal = clean[0].copy()
    signal[8] = -17.0
    lead = assess_12(signal).leads["V3"]
    assert Why.LEAD_OFF in lead.reasons
    assert not lead.usable


def test_wrong_gain_and_normalised_signal_are_named(clean):
    assert Why.GAIN_ERROR in assess_12(100 * clean[0]).reasons
    z = (clean[0] - clean[0].mean(axis=1, keepdims=True)) / clean[0].std(axis=1, keepdims=True)
    quality = assess_12(z)
    assert Why.NORMALISED in quality.reasons
    assert quality.acceptable


def test_baseline_wander_agrees_with_ptbxl_notes(shared_data):
    wfdb = pytest.importorskip("wfdb")
    flagged = {True: [], False: []}
    rows = list(csv.DictReader((shared_data / "ptbxl" / "ptbxl_database.csv").open()))
    for row in rows[:130]:
        path = shared_data / "ptbxl" / row["filename_lr"]
        if not path.with_suffix(".hea").exists():
            continue
        quality = assess_12(wfdb.rdrecord(str(path)).p_signal.T, 100.0)
        assert quality.score > 0.3
        wander = any(Why.BASELINE_WANDER in q.reasons for q in quality.leads.values())
        flagged[bool(row["baseline_drift"].strip())].append(wander)
    assert np.mean(flagged[True]) > 3 * np.mean(flagged[False])


def test_limb_lead_of_another_recording_is_inconsistent(clean):
    signal = clean[0].copy()
    assert Why.LEADS_INCONSISTENT not in assess_12(signal).reasons
    signal[5] = clean[1][5]
    assert Why.LEADS_INCONSISTENT in assess_12(signal).reasons


def test_exchanged_names_of_limb_leads_are_named(clean):
    named = []
    for signal in clean:
        i, ii = signal[0], signal[1]
        wrong = np.vstack([i, ii, ii - i, -(i + ii) / 2, ii - i / 2, i - ii / 2, signal[6:]])
        remarks = assess_12(wrong).remarks
        named.append([r.leads for r in remarks if r.code == "lead-names-exchanged"])
    assert named.count([("aVL", "aVF")]) >= 3
