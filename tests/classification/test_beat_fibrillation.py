# SPDX-License-Identifier: Apache-2.0
"""No beat is premature in fibrillation, and no other rhythm passes for it."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.classification.beat_fibrillation import without_premature
from precordia.classification.beats import classify_beats, describe_beats
from precordia.core.record import Record
from precordia.generation.simulate import simulate
from precordia.io.read import read
from precordia.io.wfdb_annotation import read_annotations


def two_leads(name: str, seconds: float = 90, seed: int = 4) -> tuple[Record, np.ndarray]:
    record = simulate(name, seconds=seconds, seed=seed, noise="muscle", snr_db=25)
    rows = [record.leads.index(lead) for lead in ("II", "V1")]
    waves = record.carried.fiducials
    assert waves is not None
    places = waves.r_peak
    places = places[np.isfinite(places)].round().astype(int)
    return Record(signal=record.signal[rows], fs=record.fs, leads=("II", "V1")), places


def share_in_fibrillation(record: Record, places: np.ndarray) -> float:
    return float(describe_beats(record.signal, record.fs, places).fibrillation.mean())


@pytest.mark.parametrize("leads", [(0, 1), (0,), (1,)])
def test_fibrillation_is_known_in_two_leads_and_in_one(leads):
    record, places = two_leads("atrial-fibrillation")
    found = describe_beats(record.signal[list(leads)], record.fs, places)
    assert found.fibrillation.mean() > 0.9


@pytest.mark.parametrize(
    "name", ["sinus", "atrial-premature", "ventricular-premature", "bigeminy", "couplets"]
)
def test_regular_rhythm_with_or_without_early_beats_is_no_fibrillation(name):
    assert share_in_fibrillation(*two_leads(name)) == 0.0


def test_no_beat_of_fibrillation_is_supraventricular_and_the_shares_add_up():
    record, places = two_leads("atrial-fibrillation")
    beats = classify_beats(record, rpeaks=places)
    assert beats.count("S") == 0
    assert beats.count("N") > 0.9 * len(beats)
    known = np.isfinite(beats.probability).all(axis=1)
    assert np.allclose(beats.probability[known].sum(axis=1), 1.0)


def test_a_paroxysm_is_known_from_the_sinus_rhythm_before_it():
    calm, before = two_leads("atrial-premature", seconds=120)
    wild, after = two_leads("atrial-fibrillation", seconds=120)
    signal = np.concatenate([calm.signal, wild.signal], axis=1)
    places = np.concatenate([before, after + calm.n_samples])
    found = describe_beats(signal, calm.fs, places).fibrillation
    # each beat is judged by those on either side of it
    assert found[: before.size - 30].mean() < 0.05
    assert found[before.size + 60 :].mean() > 0.9


def test_ten_seconds_are_too_few_beats_to_say_so():
    assert share_in_fibrillation(*two_leads("atrial-fibrillation", seconds=10)) == 0.0


def test_shares_of_the_other_classes_keep_their_proportion():
    shares = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    shares[0] = [0, 1, 0, 0]
    fibrillation = np.arange(50) % 2 == 0
    new = without_premature(shares, fibrillation)
    assert np.array_equal(new[~fibrillation], shares[~fibrillation])
    assert not new[fibrillation, 1].any()
    assert np.allclose(new.sum(axis=1), 1.0)
    assert np.allclose(new[2, 0] / new[2, 2], shares[2, 0] / shares[2, 2], rtol=1e-3)
    assert new[0, 0] == 1.0


@pytest.mark.parametrize("kind", ["noise", "constant", "few"])
def test_no_signal_makes_it_stumble(kind):
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(2, 3000)) if kind == "noise" else np.zeros((2, 3000))
    places = np.arange(100, 2900, 900 if kind == "few" else 150)
    found = describe_beats(signal.astype(np.float32), 250.0, places)
    assert found.fibrillation.shape == places.shape
    assert found.fibrillation.dtype == bool


def test_the_rhythm_marks_of_a_recording_are_met(shared_data):
    """What cardiologists marked as fibrillation and as sinus rhythm; no rule was fitted to it."""
    record = read(shared_data / "mitdb" / "201.hea")
    marks = read_annotations(shared_data / "mitdb" / "201", "atr")
    beats = [(s, c) for s, c in zip(marks.sample, marks.symbol, strict=True) if c in "NAaJjV"]
    places = np.array([s for s, _ in beats])
    changes = [(s, a) for s, a in zip(marks.sample, marks.aux, strict=True) if a.startswith("(")]
    at = np.searchsorted([s for s, _ in changes], places, side="right") - 1
    rhythm = np.array([changes[k][1] for k in at])
    found = describe_beats(record.signal, record.fs, places).fibrillation
    assert found[rhythm == "(AFIB"].mean() > 0.85
    assert found[rhythm == "(N"].mean() < 0.05
