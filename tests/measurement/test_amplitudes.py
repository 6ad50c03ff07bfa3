# SPDX-License-Identifier: Apache-2.0
"""Deflections of drawn complexes come back with their height, length and name."""

import numpy as np
import pytest

from precordia.measurement.amplitudes import measure_p, measure_qrs, measure_t

FS = 1000.0


def _bump(height, ms):
    return height * np.sin(np.pi * (np.arange(ms) + 0.5) / ms)


def _complex(*parts):
    return np.concatenate([np.zeros(50), *(_bump(h, ms) for h, ms in parts), np.zeros(50)])


def _measure(*parts):
    length = sum(ms for _, ms in parts)
    return measure_qrs(_complex(*parts), 50.0, 50.0 + length - 1, FS)


@pytest.mark.parametrize(
    ("parts", "present"),
    [
        (((1.0, 60),), {"r"}),
        (((-0.2, 20), (1.0, 40)), {"q", "r"}),
        (((0.3, 30), (-1.2, 50)), {"r", "s"}),
        (((-0.1, 16), (1.0, 40), (-0.3, 20)), {"q", "r", "s"}),
        (((0.2, 20), (-0.5, 30), (0.8, 50)), {"r", "s", "r_prime"}),
        (((0.2, 20), (-0.5, 30), (0.8, 30), (-0.2, 20)), {"r", "s", "r_prime", "s_prime"}),
        (((-1.0, 80),), {"q", "qs"}),
    ],
)
def test_deflections_are_named_in_order(parts, present):
    out = _measure(*parts)
    names = ["q", "r", "s", "r_prime", "s_prime", "qs"]
    assert {n for n in names if np.isfinite(out[f"{n}_mv"])} == present


def test_heights_and_lengths_are_those_drawn():
    out = _measure((-0.15, 30), (1.1, 40), (-0.4, 24))
    assert out["q_mv"] == pytest.approx(-0.15, abs=0.002)
    assert out["r_mv"] == pytest.approx(1.1, abs=0.002)
    assert out["s_mv"] == pytest.approx(-0.4, abs=0.002)
    assert (out["q_ms"], out["r_ms"], out["s_ms"]) == (30.0, 40.0, 24.0)
    assert out["r_peak_time_ms"] == pytest.approx(50.0, abs=1.0)
    assert out["qrs_peak_to_peak_mv"] == pytest.approx(1.5, abs=0.004)


def test_net_area_is_the_integral():
    # The integral of a half sine is 2 / pi times height times length.
    out = _measure((1.0, 60), (-0.5, 40))
    assert out["qrs_area_mv_ms"] == pytest.approx(2 / np.pi * (60 - 20), rel=0.01)


def test_a_deflection_below_20_microvolt_is_none():
    assert np.isnan(_measure((-0.015, 20), (1.0, 40))["q_mv"])


def test_a_deflection_below_6_ms_is_none():
    assert np.isnan(_measure((-0.3, 4), (1.0, 40))["q_mv"])


def test_a_raised_st_segment_is_no_second_r_wave():
    x = np.concatenate([_complex((1.0, 40), (-0.5, 30))[:120], np.linspace(0.01, 0.3, 30)])
    out = measure_qrs(x, 50.0, 135.0, FS)
    assert np.isnan(out["r_prime_mv"])


def test_absent_bounds_give_absent_numbers():
    out = measure_qrs(np.ones(100), np.nan, 50.0, FS)
    assert all(np.isnan(v) for v in out.values())


def test_p_is_measured_above_its_own_line():
    slope = np.linspace(0, 0.2, 200)
    x = slope + np.concatenate([np.zeros(40), _bump(0.12, 100), np.zeros(60)])
    out = measure_p(x, 40.0, 139.0, 180.0, FS)
    assert out["p_mv"] == pytest.approx(0.12, abs=0.01)
    assert out["p_terminal_mv_ms"] == 0.0


def test_a_biphasic_p_has_both_parts_and_a_terminal_force():
    x = np.concatenate([np.zeros(40), _bump(0.08, 50), _bump(-0.12, 60), np.zeros(60)])
    out = measure_p(x, 40.0, 149.0, 180.0, FS)
    assert out["p_positive_mv"] == pytest.approx(0.08, abs=0.005)
    assert out["p_negative_mv"] == pytest.approx(-0.12, abs=0.005)
    assert out["p_mv"] == out["p_negative_mv"]
    assert out["p_terminal_mv_ms"] == pytest.approx(-0.12 * 60 * 2 / np.pi, rel=0.05)


def test_an_inverted_t_has_a_negative_height():
    x = np.concatenate([np.zeros(40), _bump(-0.4, 160), np.zeros(60)])
    out = measure_t(x, 40.0, 199.0, FS)
    assert out["t_mv"] == pytest.approx(-0.4, abs=0.002)
    assert np.isnan(out["t_positive_mv"])
