# SPDX-License-Identifier: Apache-2.0
"""Heart-rate variability against closed forms."""

import numpy as np
import pytest

from precordia.measurement.hrv import hrv_frequency, hrv_time


def test_alternating_intervals_have_closed_form_numbers():
    out = hrv_time(np.tile([800.0, 860.0], 50))
    assert out["nn_mean_ms"] == pytest.approx(830.0)
    assert out["sdnn_ms"] == pytest.approx(30.0 * np.sqrt(100 / 99))
    assert out["rmssd_ms"] == pytest.approx(60.0)
    assert (out["nn50"], out["pnn50_percent"]) == (99.0, 100.0)


def test_differences_are_not_taken_across_a_gap():
    nn = np.array([800.0, 800.0, 800.0, np.nan, 1000.0, 1000.0, 1000.0])
    out = hrv_time(nn)
    assert out["rmssd_ms"] == 0.0
    assert out["n_nn"] == 6.0
    assert out["sdnn_ms"] > 100.0


def test_few_intervals_give_nothing():
    out = hrv_time(np.array([800.0, 810.0]))
    assert all(np.isnan(v) for k, v in out.items() if k != "n_nn")


def test_triangular_index_is_total_over_the_modal_bin():
    # Two thirds of the intervals in one bin of 1/128 s, the rest spread over others.
    nn = np.concatenate([np.full(2000, 800.0), np.linspace(850, 1200, 1000)])
    assert hrv_time(nn)["triangular_index"] == pytest.approx(1.5)


def test_sdann_is_the_sd_of_five_minute_means():
    # Constant rate within each window: SDNN index 0, SDANN the SD of the levels.
    levels = np.array([600.0, 750.0, 1000.0, 600.0, 750.0, 1000.0, 500.0, 500.0])
    nn = np.concatenate([np.full(int(300_000 / level), level) for level in levels])
    out = hrv_time(nn)
    assert out["sdann_ms"] == pytest.approx(levels.std(ddof=1), rel=0.02)
    assert out["sdnn_index_ms"] < 20


@pytest.mark.parametrize(("hz", "band"), [(0.02, "vlf"), (0.1, "lf"), (0.3, "hf")])
def test_a_sinusoid_of_amplitude_a_has_half_a_squared_in_its_band(hz, band):
    t = np.arange(0.0, 310.0, 0.8)
    out = hrv_frequency(800.0 + 30.0 * np.sin(2 * np.pi * hz * t), t)
    assert out[f"{band}_ms2"] == pytest.approx(450.0, rel=0.03)
    assert out["total_power_ms2"] == pytest.approx(450.0, rel=0.03)


def test_missing_intervals_do_not_move_the_power():
    rng = np.random.default_rng(0)
    t = np.arange(0.0, 310.0, 0.8)
    nn = 800.0 + 30.0 * np.sin(2 * np.pi * 0.1 * t)
    nn[rng.choice(t.size, t.size // 10, replace=False)] = np.nan
    assert hrv_frequency(nn, t)["lf_ms2"] == pytest.approx(450.0, rel=0.03)


def test_normalised_units_share_one_hundred():
    rng = np.random.default_rng(0)
    out = hrv_frequency(rng.normal(800.0, 20.0, 400))
    assert out["lf_nu"] + out["hf_nu"] == pytest.approx(100.0)
    assert out["lf_hf"] == pytest.approx(out["lf_nu"] / out["hf_nu"])


@pytest.mark.parametrize(
    ("seconds", "known"),
    [(30, ()), (70, ("hf_ms2",)), (130, ("hf_ms2", "lf_ms2", "lf_nu", "hf_nu", "lf_hf"))],
)
def test_short_recordings_lack_slow_bands(seconds, known):
    rng = np.random.default_rng(0)
    out = hrv_frequency(rng.normal(800.0, 20.0, int(seconds / 0.8)))
    assert {name for name, value in out.items() if value == value} == set(known)
