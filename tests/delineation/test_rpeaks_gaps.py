# SPDX-License-Identifier: Apache-2.0
"""A second opinion where no beat was found for seconds, and never an invented rhythm."""

import numpy as np
import pytest

from precordia.core.record import Record
from precordia.delineation.rpeaks import detect_rpeaks, rpeaks_of_signal
from precordia.delineation.rpeaks_gaps import fill_gaps
from precordia.generation.simulate import simulate

NONE = np.zeros(0, np.int64)


@pytest.mark.parametrize("scenario", ["ventricular-tachycardia", "paced-dual", "paced-ventricular"])
@pytest.mark.parametrize("leads", [slice(0, 12), slice(1, 2)])
def test_rhythms_of_wide_complexes_are_found(scenario, leads):
    record = simulate(scenario, seed=3, noise="muscle", snr_db=25)
    part = Record(signal=record.signal[leads], fs=record.fs, leads=record.leads[leads])
    truth = record.carried.fiducials
    found = detect_rpeaks(part)
    assert abs(found.size - truth.n_beats) <= 1
    # A wide complex has more than one peak: a mark belongs inside it, on whichever.
    near = 0.02 * record.fs
    onset, offset = truth.qrs_onset[truth.has_qrs], truth.qrs_offset[truth.has_qrs]
    inside = (found[:, None] >= onset - near) & (found[:, None] <= offset + near)
    assert inside.any(axis=1).mean() >= 0.9


def test_missing_marks_of_a_stretch_come_back_and_the_others_stay():
    record = simulate(seed=1, noise="muscle", snr_db=25)
    marks = rpeaks_of_signal(record.signal, record.fs)
    lacking = np.delete(marks, [3, 4, 5])
    filled = fill_gaps(record.signal, record.fs, lacking)
    assert set(lacking) <= set(filled)
    assert filled.size == marks.size
    assert np.abs(filled - marks).max() <= 0.02 * record.fs


@pytest.mark.parametrize("n_leads", [1, 12])
def test_noise_is_no_rhythm(n_leads):
    counts = []
    for seed in range(5):
        noise = 0.3 * np.random.default_rng(seed).normal(size=(n_leads, 5000))
        counts.append(fill_gaps(noise.astype(np.float32), 500.0, NONE).size)
    assert sum(counts) == 0


def test_a_stray_complex_in_noise_is_no_beat():
    """In pink noise the network sees up to three complexes in ten seconds."""
    frequency = np.maximum(np.fft.rfftfreq(5000, 1 / 500), 0.5)
    for seed in range(8):
        white = np.fft.rfft(np.random.default_rng(seed).normal(size=(1, 5000)))
        pink = np.fft.irfft(white / np.sqrt(frequency))
        noise = (0.5 * pink / pink.std()).astype(np.float32)
        assert fill_gaps(noise, 500.0, NONE).size == 0


def test_beats_without_long_gaps_are_returned_as_they_are():
    marks = np.arange(250, 5000, 500)
    assert fill_gaps(np.zeros((1, 5000), np.float32), 500.0, marks) is marks
