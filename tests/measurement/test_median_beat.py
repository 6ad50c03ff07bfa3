# SPDX-License-Identifier: Apache-2.0
"""The median beat: its shape, its positions, and what stays out of it."""

from dataclasses import replace

import numpy as np
import pytest

from precordia.generation.simulate import simulate
from precordia.measurement.median_beat import median_beat


@pytest.fixture(scope="module")
def sinus():
    return simulate("sinus", seconds=12, seed=4)


def _median(record, signal=None):
    fiducials = record.carried.fiducials
    rows = np.flatnonzero(fiducials.has_qrs)
    return median_beat(record.signal if signal is None else signal, record.leads, fiducials, rows)


def test_einthoven_holds_in_the_median_beat(sinus):
    beat = _median(sinus).median
    one, two, three = (beat.signal[beat.leads.index(name)] for name in ("I", "II", "III"))
    np.testing.assert_allclose(one + three, two, atol=0.01)


def test_noise_shrinks_in_the_median_beat(sinus):
    rng = np.random.default_rng(0)
    clean = _median(sinus).median.signal
    noisy = sinus.signal + rng.normal(0, 0.05, sinus.signal.shape).astype(np.float32)
    made = _median(sinus, noisy).median.signal
    n = min(made.shape[1], clean.shape[1])
    assert np.std(made[:, :n] - clean[:, :n]) < 0.03


def test_wander_does_not_reach_the_median_beat(sinus):
    t = np.arange(sinus.n_samples) / sinus.fs
    wander = (0.5 * np.sin(2 * np.pi * 0.2 * t)).astype(np.float32)
    clean, made = _median(sinus).median, _median(sinus, sinus.signal + wander).median
    n = min(made.signal.shape[1], clean.signal.shape[1])
    assert np.abs(made.signal[:, :n] - clean.signal[:, :n]).max() < 0.12


def test_alternating_shapes_do_not_blend(sinus):
    """Every other complex is halved: the median is one of the two, not the mean."""
    fiducials = sinus.carried.fiducials
    signal = sinus.signal.copy()
    for r in fiducials.r_peak[1::2].astype(int):
        signal[:6, max(0, r - 30) : r + 40] *= -0.5
    full = np.ptp(_median(sinus).median.signal[1])
    made = np.ptp(_median(sinus, signal).median.signal[1])
    assert made == pytest.approx(full, rel=0.05)


def test_one_bad_beat_stays_out(sinus):
    signal = sinus.signal.copy()
    r = int(sinus.carried.fiducials.r_peak[4])
    signal[:, r - 100 : r + 150] += 3.0
    made = _median(sinus, signal)
    assert 4 not in made.rows


def test_no_rows_no_beat(sinus):
    none = np.zeros(0, dtype=np.int64)
    assert median_beat(sinus.signal, sinus.leads, sinus.carried.fiducials, none) is None


def test_leads_without_fiducials_take_the_global_ones(sinus):
    bare = replace(sinus.carried.fiducials, leads={})
    rows = np.flatnonzero(bare.has_qrs)
    beat = median_beat(sinus.signal, sinus.leads, bare, rows).median
    width = (beat.qrs_offset - beat.qrs_onset) * 1000 / beat.fs
    assert width == pytest.approx(sinus.carried.measurements["qrs_ms"], abs=2)
