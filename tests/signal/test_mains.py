# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.core.errors import OptionError, SamplingRateError
from precordia.generation.simulate import simulate
from precordia.signal.mains import detect_mains, remove_mains


@pytest.fixture(scope="module")
def clean():
    return simulate(heart_rate_bpm=75, seed=2)


def _hum(record, hertz, size_mv):
    time = np.arange(record.n_samples) / record.fs
    phases = np.linspace(0, 5, record.n_leads)[:, None]
    return size_mv * np.sin(2 * np.pi * hertz * time + phases)


@pytest.mark.parametrize("hertz", [50.0, 60.0])
@pytest.mark.parametrize("size_mv", [0.03, 0.2])
def test_the_line_is_found_with_its_amplitude(clean, hertz, size_mv):
    found = detect_mains(clean.signal + _hum(clean, hertz, size_mv), clean.fs)
    assert found.frequency_hz == hertz
    np.testing.assert_allclose(found.amplitude_mv, size_mv, rtol=0.25, atol=0.006)


def test_a_clean_record_has_no_line(clean):
    assert np.isnan(detect_mains(clean.signal, clean.fs).frequency_hz)
    white = np.random.default_rng(0).normal(size=(12, 5000)) * 0.05
    assert np.isnan(detect_mains(white, 500).frequency_hz)


def test_a_rate_that_cannot_hold_the_line_finds_none():
    assert np.isnan(detect_mains(np.random.default_rng(0).normal(size=(1, 1000)), 100).frequency_hz)


@pytest.mark.parametrize("hertz", [50.0, 60.0, 49.9])
def test_subtraction_takes_the_hum_and_leaves_the_qrs(clean, hertz):
    size_mv = 0.15
    noisy = clean.signal + _hum(clean, hertz, size_mv)
    rest = remove_mains(noisy, clean.fs, frequency_hz=round(hertz)) - clean.signal
    assert np.sqrt((rest[:, 500:-500] ** 2).mean()) < 0.1 * size_mv
    for onset, offset in zip(
        clean.carried.fiducials.qrs_onset, clean.carried.fiducials.qrs_offset, strict=True
    ):
        if onset > 500 and offset < 4500:
            assert np.abs(rest[:, int(onset) : int(offset)]).max() < 0.3 * size_mv


def test_subtraction_keeps_a_clean_qrs_better_than_the_notch(clean):
    changed = {
        method: np.abs(
            remove_mains(clean.signal, clean.fs, frequency_hz=50, method=method) - clean.signal
        ).max()
        for method in ("subtract", "notch")
    }
    assert changed["subtract"] < 0.02
    assert changed["subtract"] < 0.5 * changed["notch"]


def test_without_a_line_nothing_changes(clean):
    np.testing.assert_array_equal(remove_mains(clean.signal, clean.fs), clean.signal)


def test_gaps_stay_gaps(clean):
    noisy = (clean.signal + _hum(clean, 50, 0.2)).astype(np.float32)
    noisy[0, 1000:1200] = np.nan
    result = remove_mains(noisy, clean.fs)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(noisy))


def test_impossible_options_are_refused(clean):
    with pytest.raises(SamplingRateError):
        remove_mains(clean.signal, 100, frequency_hz=60)
    with pytest.raises(OptionError):
        remove_mains(clean.signal, 500, method="magic")
