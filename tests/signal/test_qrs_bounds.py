# SPDX-License-Identifier: Apache-2.0
"""Truth: bounds of simulated beats, known by construction; the intervals a device printed."""

import numpy as np
import pytest

from precordia.core.errors import SignalError
from precordia.generation.simulate import simulate
from precordia.signal.qrs_bounds import refine_qrs_bounds

SHAPES = [
    "sinus",
    "right-bundle-block",
    "incomplete-left-bundle-block",
    "left-anterior-fascicular-block",
    "left-bundle-block",
    "old-inferior-infarct",
    "stemi-inferior",
    "stemi-anterior",
    "subendocardial-depression",
    "left-ventricular-hypertrophy",
    "pre-excitation",
]


def _beat(name, **options):
    record = simulate(name, rr_sd_ms=0, seed=2, **options)
    truth = record.carried.fiducials
    k = np.flatnonzero(truth.qrs_onset > record.fs)[0]
    start = int(truth.qrs_onset[k] - 0.3 * record.fs)
    return (
        record.signal[:, start : start + int(0.8 * record.fs)],
        truth.qrs_onset[k] - start,
        truth.qrs_offset[k] - start,
        truth.p_offset[k] - start,
    )


@pytest.mark.parametrize("fs", [250, 500, 1000])
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(("early_ms", "late_ms"), [(0, 0), (8, 4), (16, 12), (10, -10)])
def test_bounds_that_are_roughly_right_become_right(name, fs, early_ms, late_ms):
    beat, onset, offset, p_offset = _beat(name, fs=fs)
    ms = fs / 1000
    found = refine_qrs_bounds(
        beat, fs, onset - early_ms * ms, offset + late_ms * ms, p_offset=p_offset
    )
    # where P runs into QRS there is no level to start from, and the bound stays
    room = (onset - early_ms * ms - p_offset) / ms > 16
    assert abs(found[0] - onset) / ms <= (5 if room else max(5, early_ms + 1))
    if late_ms >= 0:
        assert abs(found[1] - offset) / ms <= 6


@pytest.mark.parametrize("qrs_ms", [80, 100, 120, 160])
def test_narrow_and_wide_complexes_keep_their_width(qrs_ms):
    beat, onset, offset, p_offset = _beat("sinus", qrs_ms=qrs_ms)
    found = refine_qrs_bounds(beat, 500, onset - 5, offset + 2, p_offset=p_offset)
    assert abs((found[1] - found[0]) * 2 - qrs_ms) <= 8


def test_noise_raises_the_threshold_and_does_not_throw_the_bounds_out():
    beat, onset, offset, p_offset = _beat("sinus")
    rng = np.random.default_rng(0)
    for _ in range(20):
        noisy = beat + rng.normal(0, 0.008, beat.shape)
        found = refine_qrs_bounds(noisy, 500, onset - 5, offset + 2, p_offset=p_offset)
        assert abs(found[0] - onset) * 2 <= 8
        assert abs(found[1] - offset) * 2 <= 8


def test_what_cannot_be_refined_comes_back_as_it_was():
    nan = float("nan")
    flat = np.zeros((3, 200))
    assert refine_qrs_bounds(flat, 500, 50.0, 90.0) == (50.0, 90.0)
    assert refine_qrs_bounds(flat, 500, 2.0, 199.0) == (2.0, 199.0)
    assert refine_qrs_bounds(flat, 500, 90.0, 50.0) == (90.0, 50.0)
    assert np.isnan(refine_qrs_bounds(flat, 500, nan, 90.0)[0])
    assert refine_qrs_bounds(np.full((3, 200), np.nan), 500, 50.0, 90.0) == (50.0, 90.0)


def test_a_beat_without_leads_is_refused():
    with pytest.raises(SignalError):
        refine_qrs_bounds(np.zeros(200), 500, 50.0, 90.0)


def test_a_device_is_met_where_the_marks_of_experts_are_not(shared_data):
    """The fiducials stored by the device in the DICOM sample of pydicom: QRS 75 ms."""
    found = list((shared_data / "formats").glob("dicom-pydicom/**/waveform_ecg.dcm"))
    if not found:
        pytest.skip("NO RECORDING of dicom-pydicom")
    from precordia.delineation.delineate import delineate
    from precordia.io.read import read
    from precordia.measurement.measure import measure

    record = read(found[0])
    median = measure(record, delineate(record)).median
    onset, offset = median.r_peak - 0.05 * median.fs, median.r_peak + 0.06 * median.fs
    onset, offset = refine_qrs_bounds(median.signal, median.fs, onset, offset)
    width = (offset - onset) * 1000 / median.fs
    assert width == pytest.approx(record.carried.measurements["qrs_ms"], abs=10)
