# SPDX-License-Identifier: Apache-2.0
"""Learned atrial fibrillation: known rhythms are told apart, whatever the lead, gain or rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from precordia.classification.atrial_fibrillation import judge_fibrillation
from precordia.core.findings import Abstention, Finding
from precordia.core.quality import Quality
from precordia.core.record import Record
from precordia.datasets.cinc2017 import find_cinc2017
from precordia.generation.simulate import simulate
from precordia.io.read import read
from precordia.signal.resample import resample


def one_lead(scenario: str, *, lead: str = "II", seconds: float = 30.0, seed: int = 1) -> Record:
    record = simulate(scenario, seconds=seconds, seed=seed, fs=300.0)
    row = record.leads.index(lead)
    return Record(signal=record.signal[row : row + 1], fs=record.fs, leads=(lead,))


@pytest.mark.parametrize("lead", ["I", "II", "V1"])
def test_fibrillation_is_told_from_sinus_rhythms_in_any_lead(lead):
    found = judge_fibrillation(one_lead("atrial-fibrillation", lead=lead))
    assert isinstance(found, Finding)
    assert found.present
    for other in ("sinus", "sinus-arrhythmia", "sinus-tachycardia", "ventricular-premature"):
        rest = judge_fibrillation(one_lead(other, lead=lead))
        assert not rest.present, other
        assert rest.probability < found.probability


def test_gain_polarity_and_offset_change_nothing():
    record = one_lead("atrial-fibrillation", seed=4)
    plain = judge_fibrillation(record).probability
    for signal in (record.signal * 9.0, -record.signal, record.signal + 3.0):
        other = judge_fibrillation(replace(record, signal=signal)).probability
        assert other == pytest.approx(plain, abs=0.03)


@pytest.mark.parametrize("fs", [125.0, 500.0])
def test_the_sampling_rate_hardly_matters(fs):
    for scenario in ("atrial-fibrillation", "sinus"):
        record = one_lead(scenario, seed=3)
        other = resample(record.signal, record.fs, fs).astype(np.float32)
        again = judge_fibrillation(Record(signal=other, fs=fs, leads=record.leads))
        assert again.present == judge_fibrillation(record).present


def test_an_episode_of_two_minutes_is_found_and_its_share_told():
    sinus, episode = one_lead("sinus", seconds=120), one_lead("atrial-fibrillation", seconds=120)
    signal = np.concatenate([sinus.signal, episode.signal, sinus.signal], axis=1)
    found = judge_fibrillation(replace(sinus, signal=signal))
    assert found.present
    assert found.claims[0].value == pytest.approx(100 / 3, abs=9)
    assert not judge_fibrillation(one_lead("sinus", seconds=200)).present


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (Record(signal=np.zeros((1, 3000), np.float32), fs=300.0, leads=("I",)), "beats"),
        (
            Record(signal=np.full((1, 3000), np.nan, np.float32), fs=300.0, leads=("I",)),
            "no signal",
        ),
        (Record(signal=np.zeros((1, 2), np.float32), fs=300.0, leads=("I",)), "8 s"),
        (Record(signal=np.zeros((0, 3000), np.float32), fs=300.0, leads=()), "no signal"),
    ],
)
def test_what_cannot_be_judged_says_why(record, words):
    said = judge_fibrillation(record)
    assert isinstance(said, Abstention)
    assert words in said.reason


def test_a_paced_rhythm_and_an_unacceptable_record_are_not_judged():
    paced = judge_fibrillation(simulate("paced-ventricular", seconds=12))
    assert isinstance(paced, Abstention)
    assert "paced" in paced.reason
    bad = Quality(acceptable=False, score=0.1)
    said = judge_fibrillation(one_lead("atrial-fibrillation"), quality=bad)
    assert isinstance(said, Abstention)


def test_records_of_the_challenge_are_ranked(shared_data):
    """They were trained on: this only shows that files, labels and weights belong together."""
    items = find_cinc2017(shared_data / "cinc2017", task="rhythm").items
    there = [i for i in items if i.path.exists()]
    some = [i for kind in "AN" for i in [j for j in there if j.labels == (kind,)][:8]]
    said = [(i.labels[0], judge_fibrillation(read(i.path))) for i in some]
    yes = [s.probability for label, s in said if label == "A" and isinstance(s, Finding)]
    no = [s.probability for label, s in said if label == "N" and isinstance(s, Finding)]
    assert min(len(yes), len(no)) > 5
    assert np.median(yes) > 0.5 > np.quantile(no, 0.9)
