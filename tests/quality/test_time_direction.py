# SPDX-License-Identifier: Apache-2.0
"""Recordings that run backwards, made from real and simulated ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from precordia.classification.classify import classify
from precordia.core.leads import STANDARD_12
from precordia.core.quality import QualityReason
from precordia.generation.reversed_time import with_time_reversed
from precordia.generation.simulate import simulate
from precordia.io.read import read
from precordia.quality.assess import assess
from precordia.quality.indices import LeadIndices
from precordia.quality.time_direction import power_before_to_after

BACKWARDS = QualityReason.TIME_REVERSED
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


@pytest.fixture(scope="module")
def recordings(shared_data):
    paths = sorted((shared_data / "ludb" / "data").glob("*.hea"), key=lambda p: int(p.stem))
    return [read(path) for path in paths[:25]]


def of_waves(before_mv, after_mv, *, correlation=0.99):
    """Beats every second: a spike at R, and a wave 250 ms before and after it."""
    fs, beats = 125.0, np.arange(1.0, 9.5)
    wave = np.zeros(1250)
    for size, shift in ((before_mv, -0.25), (1.0, 0.0), (after_mv, 0.25)):
        wave[np.round((beats + shift) * fs).astype(int)] = size
    return LeadIndices(
        lead={"template_correlation": np.full(8, correlation)},
        window={},
        beats=beats,
        wave_mv=np.tile(wave, (8, 1)),
        fs=fs,
    )


def test_power_before_and_after_is_that_of_the_waves():
    # waves of 0.2 and 0.1 mV: four times the power, but for the floor under both
    unit = 91 / (1.0 + 0.2**2 + 0.1**2)
    expected = (0.04 * unit + 0.02) / (0.01 * unit + 0.02)
    assert power_before_to_after(of_waves(0.2, 0.1), EIGHT) == pytest.approx(expected, rel=0.05)
    assert power_before_to_after(of_waves(0.1, 0.2), EIGHT) == pytest.approx(1 / expected, rel=0.05)


def test_too_few_leads_beats_or_likeness_are_not_judged():
    found = of_waves(0.2, 0.1)
    assert np.isnan(power_before_to_after(found, EIGHT[:7]))
    assert np.isnan(power_before_to_after(dataclasses.replace(found, beats=found.beats[:2]), EIGHT))
    assert np.isnan(power_before_to_after(of_waves(0.2, 0.1, correlation=0.7), EIGHT))


def test_recordings_as_they_are_raise_no_suspicion(recordings):
    assert not [r for r in recordings if BACKWARDS in assess(r).reasons]


def test_most_recordings_played_backwards_are_suspected(recordings):
    found = [BACKWARDS in assess(with_time_reversed(r)).reasons for r in recordings]
    assert np.mean(found) >= 0.7


def test_backwards_is_said_once_with_a_sentence_and_no_exchange_beside_it(recordings):
    for record in recordings:
        quality = assess(with_time_reversed(record))
        if BACKWARDS in quality.reasons:
            said = [r for r in quality.remarks if r.code == "time-reversed"]
            assert len(said) == 1
            assert "backwards" in said[0].text
            assert QualityReason.LEAD_REVERSAL not in quality.reasons


def test_gain_and_polarity_do_not_matter():
    record = simulate("sinus", noise="muscle", snr_db=25.0)
    back = with_time_reversed(record)
    for gain in (0.2, 5.0, -1.0):
        scaled = dataclasses.replace(back, signal=gain * back.signal)
        assert BACKWARDS in assess(scaled).reasons


@pytest.mark.parametrize("method", ["both", "rules", "learned"])
def test_findings_of_a_recording_that_runs_backwards_come_with_a_caution(method):
    record = simulate("sinus", noise="muscle", snr_db=25.0)
    assert record.leads == STANDARD_12
    assert str(BACKWARDS) not in classify(record, method=method).source.warnings
    backwards = classify(with_time_reversed(record), method=method)
    assert backwards.source.warnings.count(str(BACKWARDS)) == 1
