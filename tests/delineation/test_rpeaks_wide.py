# SPDX-License-Identifier: Apache-2.0
"""Wide and very fast beats that the other networks leave out."""

import numpy as np

from precordia.delineation import rpeaks, rpeaks_wide
from precordia.delineation.rpeaks import rpeaks_of_signal
from precordia.delineation.rpeaks_features import find_candidates
from precordia.delineation.rpeaks_scorer import decide
from precordia.generation.simulate import simulate


def found_in(signal, fs):
    found = find_candidates(np.ascontiguousarray(signal, np.float32), fs)
    return found, decide(found)[0]


def test_an_even_rhythm_is_left_as_it_is():
    record = simulate("sinus", heart_rate_bpm=75, seed=2)
    found, kept = found_in(record.signal[1:2], record.fs)
    assert len(kept) > 9
    assert rpeaks_wide.add_left_out(found, kept) is kept


def test_beats_that_were_left_out_are_put_back():
    record = simulate("sinus", heart_rate_bpm=75, seed=2)
    found, kept = found_in(record.signal[1:2], record.fs)
    for gone in ([4], [2, 7], [5, 8]):
        assert np.array_equal(rpeaks_wide.add_left_out(found, np.delete(kept, gone)), kept)


def test_a_pause_stays_a_pause():
    t = np.arange(6000) / 500
    beats = [0.5, 1.3, 2.1, 2.9, 5.1, 5.9, 6.7, 7.5, 8.3, 9.1, 9.9, 10.7, 11.5]
    lead = sum(np.exp(-0.5 * ((t - b) / 0.012) ** 2) for b in beats)
    lead += 0.2 * sum(np.exp(-0.5 * ((t - b - 0.28) / 0.045) ** 2) for b in beats)
    found, kept = found_in(lead[None], 500.0)
    assert np.array_equal(rpeaks_wide.add_left_out(found, kept), kept)


def test_stretches_of_more_than_two_seconds_are_left_to_the_delineation_network():
    record = simulate("sinus", heart_rate_bpm=75, seed=2)
    found, kept = found_in(record.signal[1:2], record.fs)
    few = np.delete(kept, [3, 4, 5])
    assert rpeaks_wide.add_left_out(found, few) is few


def test_the_blocks_change_nothing_in_a_rhythm_of_wide_beats(monkeypatch):
    record = simulate("bigeminy", seed=3, seconds=300)
    results = []
    for segments in (4, 10**6):
        monkeypatch.setattr(rpeaks, "_BLOCK_SEGMENTS", segments)
        results.append(rpeaks_of_signal(record.signal[10:11], record.fs))
    assert np.array_equal(*results)
