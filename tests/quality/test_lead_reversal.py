# SPDX-License-Identifier: Apache-2.0
"""Exchanged electrodes, made by algebra from real recordings."""

import numpy as np
import pytest

from precordia.core.leads import STANDARD_12
from precordia.core.quality import QualityReason as Why
from precordia.core.record import Record
from precordia.quality.assess import assess
from precordia.quality.indices import compute_indices
from precordia.quality.lead_reversal import (
    arrangement,
    as_rows,
    beat_pattern,
    load_reversal_model,
    suspect_reversal,
)
from precordia.signal.electrode_swap import swap_electrodes
from precordia.signal.lead_algebra import complete_standard_12


@pytest.fixture(scope="module")
def recordings(shared_data):
    wfdb = pytest.importorskip("wfdb")
    paths = [shared_data / "ludb" / "data" / p.stem for p in shared_data.glob("ludb/data/*.hea")]
    chosen = sorted(paths, key=lambda p: int(p.name))[:25]
    return [wfdb.rdrecord(str(p)).p_signal.T.astype(np.float32) for p in chosen]


def codes(signal):
    found = compute_indices(signal, 500.0, STANDARD_12)
    return [remark.code for remark in suspect_reversal(found, STANDARD_12)]


def test_unchanged_recordings_raise_no_suspicion(recordings):
    assert sum(bool(codes(x)) for x in recordings) <= 1


@pytest.mark.parametrize(
    ("first", "second", "code", "least"),
    [
        ("RA", "LA", "limb-reversal", 0.7),
        ("RA", "LL", "limb-reversal", 0.7),
        ("LA", "LL", "limb-reversal", 0.3),
        ("C1", "C2", "precordial-swap", 0.5),
        ("C5", "C6", "precordial-swap", 0.3),
    ],
)
def test_exchanged_electrodes_are_suspected(recordings, first, second, code, least):
    hits = [code in codes(swap_electrodes(x, STANDARD_12, first, second)) for x in recordings]
    assert np.mean(hits) >= least


def test_distant_chest_electrodes_exchanged_are_suspected(recordings):
    hits = [codes(swap_electrodes(x, STANDARD_12, "C1", "C6")) for x in recordings]
    assert np.mean(["precordial-swap" in h for h in hits]) >= 0.7


def test_record_says_which_leads(recordings):
    signal = swap_electrodes(recordings[0], STANDARD_12, "RA", "LA")
    quality = assess(Record(signal=signal, fs=500.0, leads=STANDARD_12))
    assert Why.LEAD_REVERSAL in quality.reasons
    assert any("RA and LA" in r.text for r in quality.remarks)


def test_few_leads_are_not_judged(recordings):
    found = compute_indices(recordings[0][:3], 500.0, STANDARD_12[:3])
    assert beat_pattern(found, STANDARD_12[:3]) is None
    assert suspect_reversal(found, STANDARD_12[:3]) == ()


@pytest.mark.parametrize("name", ["RA/LA", "LA/LL", "RA/LL", "V1/V3", "V5/V6"])
def test_an_exchange_only_reorders_the_leads(recordings, name):
    first, second = (e.replace("V", "C") for e in name.split("/"))
    i, ii, *chest = np.delete(recordings[0], [2, 3, 4, 5], axis=0)
    rows, signs = as_rows(*arrangement(name))
    found = np.array(signs)[:, None] * np.stack([i, ii, ii - i, *chest])[list(rows)]
    twelve = complete_standard_12(np.stack([i, ii, *chest]), ("I", "II", *STANDARD_12[6:]))
    other = swap_electrodes(twelve, STANDARD_12, first, second)
    assert np.allclose(found, other[[0, 1, 6, 7, 8, 9, 10, 11]], atol=1e-5)


def test_gain_does_not_change_the_odds(recordings):
    model = load_reversal_model()
    odds = [
        model.log_odds(
            beat_pattern(compute_indices(g * recordings[0], 500.0, STANDARD_12), STANDARD_12)
        )
        for g in (1.0, 2.0)
    ]
    assert np.allclose(*odds, atol=0.05)
