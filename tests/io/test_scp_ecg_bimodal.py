# SPDX-License-Identifier: Apache-2.0
"""Bimodal compression of SCP-ECG, against samples that a plain encoder decimated."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from precordia.core.errors import FormatError
from precordia.io.scp_ecg_beats import Beat, Places, add_beat
from precordia.io.scp_ecg_bimodal import expand, protected_zones, stored_length
from precordia.io.scp_ecg_rhythm import read_rhythm
from precordia.io.scp_ecg_sections import Section, Sections


def decimate(values: np.ndarray, zones: list[tuple[int, int]], factor: int) -> np.ndarray:
    """Store means of samples outside the zones, sample by sample."""
    stored, at = [], 0
    while at < values.size:
        ahead = range(at + 1, at + 1 + factor)
        if any(a <= n <= b for a, b in zones for n in ahead) or at + factor > values.size:
            stored.append(values[at])
            at += 1
        else:
            stored.append(values[at : at + factor].mean())
            at += factor
    return np.array(stored)


def recording(n: int) -> np.ndarray:
    """A wave of 3 Hz at 500 Hz, steep complexes on it."""
    at = np.arange(n)
    slow = 300 * np.sin(2 * np.pi * 3 * at / 500)
    return np.rint(slow + sum(900 * np.exp(-(((at - c) / 6) ** 2)) for c in (150, 480, 810)))


def file_of(stored, n, zones, *, factor=4, reference=True, flags=4, step=1000):
    body = np.asarray(np.rint(stored), "<i2").tobytes()
    places = b"".join(struct.pack("<HIII", 1, 0, (a + b) // 2, 0) for a, b in zones)
    places += b"".join(struct.pack("<II", a, b) for a, b in zones)
    held = {
        3: bytes([1, flags]) + struct.pack("<IIB", 1, n, 2),
        4: struct.pack("<HHH", 2, 1, len(zones)) + places,
        6: struct.pack("<HHBBH", step, 2000 * factor, 0, 1, len(body)) + body,
    }
    if reference:
        held[5] = struct.pack("<HHBBHh", 1000, 2000, 0, 0, 2, 5)
    return Sections({number: Section(number, 13, 13, content) for number, content in held.items()})


ZONES = [(121, 180), (451, 511), (781, 840)]


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("n", [1000, 1001, 1002, 1003])
def test_a_decimated_recording_comes_back(n, factor):
    true = recording(n)
    stored = decimate(true, ZONES, factor)
    assert stored.size == stored_length(ZONES, factor, start=1, end=n)
    got = expand(np.rint(stored).astype(int), ZONES, factor, start=1, end=n)
    assert got.size == n
    for first, last in ZONES:
        assert np.array_equal(got[first - 1 : last], true[first - 1 : last])
    # The wave rises by at most 11 steps a sample; where it is held, half a mean off.
    assert np.abs(got - true).max() < 12 * factor
    assert np.abs(got - true).mean() < 6


def test_the_sampling_rate_is_that_before_decimation():
    true = recording(1000)
    rhythm = read_rhythm(file_of(decimate(true, ZONES, 4), 1000, ZONES), "a.scp")
    assert (rhythm.fs, rhythm.rows[0].size) == (500, 1000)
    assert np.array_equal(rhythm.rows[0][120:180], true[120:180])


def test_without_a_reference_beat_the_number_of_samples_must_fit_means_of_four():
    true = recording(1000)
    rhythm = read_rhythm(file_of(decimate(true, ZONES, 4), 1000, ZONES, reference=False), "a.scp")
    assert (rhythm.fs, rhythm.rows[0].size) == (500, 1000)
    other = file_of(decimate(true, ZONES, 2), 1000, ZONES, reference=False, factor=2)
    with pytest.raises(FormatError, match="no reference beat"):
        read_rhythm(other, "a.scp")


def test_without_the_stretches_it_is_refused():
    sections = file_of(decimate(recording(1000), ZONES, 4), 1000, ZONES)
    short = sections.by_number[4].body[: 6 + 14 * len(ZONES)]
    sections.by_number[4] = Section(4, 13, 13, short)
    with pytest.raises(FormatError, match="does not say where"):
        read_rhythm(sections, "a.scp")


def test_what_is_cut_off_is_left_out():
    true = recording(1000)
    stored = decimate(true, ZONES, 4)
    for kept in (0, 1, 29, 60, 90, 200, stored.size - 1):
        got = expand(np.rint(stored[:kept]).astype(int), ZONES, 4, start=1, end=1000)
        assert got.size <= 4 * kept
        assert np.abs(got - true[: got.size]).max(initial=0) < 60


def test_stretches_that_overlap_or_reach_out_are_one():
    assert protected_zones([(5, 9), (8, 12), (0, 2), (30, 99)], start=1, end=40) == [
        (1, 2), (5, 12), (30, 40),
    ]  # fmt: skip
    assert protected_zones([(9, 5), (50, 60)], start=1, end=40) == []


def test_a_huge_stretch_needs_no_memory():
    got = expand(np.arange(10), [], 4, start=0, end=(1 << 32) - 1)
    assert got.size == 40


def test_a_beat_is_added_to_what_was_interpolated():
    n = 64
    zone = (21, 40)
    beat = Beat(0, 25, 30, 36, zone)
    template = np.arange(100, 120)
    residual = np.full(n, 8)
    stored = decimate(residual, [zone], 4)
    row = expand(np.rint(stored).astype(int), [zone], 4, start=1, end=n)
    whole, outside = add_beat(row, template, Places(40, 10, [beat]), start=1, smoothed=False)
    expected = np.full(n, 8)
    # Sample 30 of the recording is sample 10 of the beat, so sample 25 is its fifth.
    expected[24:36] += template[4:16]
    assert np.array_equal(whole, expected)
    assert outside == 0


def test_a_stretch_longer_than_the_beat_is_added_as_far_as_the_beat_goes():
    places = Places(6, 2, [Beat(0, 1, 4, 9, None)])
    whole, outside = add_beat(
        np.zeros(6, int), np.array([7, 8, 9]), places, start=1, smoothed=False
    )
    assert whole.tolist() == [0, 0, 7, 8, 9, 0]
    assert outside == 1
