# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.delineation.deflections import locate_deflections, locate_joint_peak


def complex_of(*deflections, n=200, slope=0.0):
    """Triangles of half width 8 samples: (place, height) each."""
    x = slope * np.arange(n)
    for place, height in deflections:
        x += height * np.clip(1 - np.abs(np.arange(n) - place) / 8, 0, 1)
    return x[None].astype(np.float32)


def peaks(x, onset=50.0, offset=150.0):
    qrs = np.array([[[onset, 100.0, offset, 1.0]]])
    return locate_deflections(x, qrs, 500.0)[:, 0, 0]


@pytest.mark.parametrize(
    ("x", "q", "r", "s"),
    [
        (complex_of((70, -0.2), (90, 1.0), (110, -0.4)), 70, 90, 110),
        (complex_of((90, 1.0)), np.nan, 90, np.nan),
        (complex_of((90, 1.0), (110, -0.4)), np.nan, 90, 110),
        (complex_of((90, -1.0)), np.nan, 90, np.nan),
        (complex_of((70, 0.3), (90, -0.5), (110, 0.9)), np.nan, 110, np.nan),
        (complex_of((70, -0.005), (90, 1.0)), np.nan, 90, np.nan),
    ],
    ids=["qRS", "R", "RS", "QS", "rSR'", "no Q below 20 uV"],
)
def test_deflections_are_named_as_on_paper(x, q, r, s):
    np.testing.assert_array_equal(peaks(x), [q, r, s])


def test_a_sloping_baseline_and_a_raised_j_point_make_no_r_wave():
    x = complex_of((90, -1.0), slope=0.004)
    np.testing.assert_array_equal(peaks(x)[[0, 2]], [np.nan, np.nan])
    assert abs(peaks(x)[1] - 90) <= 1


def test_r_peak_is_exact_to_the_sample_on_a_slope():
    x = complex_of((90, 1.0), slope=-0.003)
    assert peaks(x)[1] == np.argmax(x[0, 60:]) + 60


def test_a_flat_qrs_keeps_the_peak_it_came_with():
    assert peaks(np.zeros((1, 200), np.float32))[1] == 100


def test_missing_samples_and_the_edges_are_no_error():
    x = complex_of((90, 1.0))
    x[0, 60:70] = np.nan
    assert peaks(x)[1] == 90
    assert np.isfinite(peaks(x, -5.0, 400.0)[1])


def test_the_joint_peak_is_where_leads_are_largest_together():
    x = np.concatenate([complex_of((90, 1.0), (100, -0.1)), complex_of((90, -0.8), (100, 0.3))])
    found = locate_joint_peak(x, np.array([50.0, np.nan]), np.array([150.0, np.nan]))
    np.testing.assert_array_equal(found, [90, np.nan])


def test_the_joint_peak_of_one_lead_prefers_r_to_a_slightly_larger_s():
    bounds = np.array([50.0]), np.array([150.0])
    assert locate_joint_peak(complex_of((90, 1.0), (110, -1.3)), *bounds)[0] == 90
    assert locate_joint_peak(complex_of((90, 0.3), (110, -1.3)), *bounds)[0] == 110
