# SPDX-License-Identifier: Apache-2.0
"""ST levels of a drawn beat."""

import numpy as np
import pytest

from precordia.measurement.st_segment import AFTER_J_MS, measure_st

FS = 500.0


def test_st_is_measured_from_the_pr_level():
    beat = np.full((2, 400), 0.7)
    beat[:, 100:150] += 1.0
    beat[0, 150:] += 0.2
    beat[1, 150:] -= 0.1
    st = measure_st(beat, 100.0, 150.0, FS)
    np.testing.assert_allclose(st[0], 0.2, atol=1e-9)
    np.testing.assert_allclose(st[1], -0.1, atol=1e-9)


def test_a_sloping_segment_gives_the_value_at_each_time():
    beat = np.zeros((1, 400))
    beat[0, 150:] = np.arange(250) * 2.0 / 1000.0  # 1 mV/s
    st = measure_st(beat, 100.0, 150.0, FS)[0]
    np.testing.assert_allclose(st[1:], np.array(AFTER_J_MS[1:]) / 1000.0, atol=1e-9)


@pytest.mark.parametrize(("onset", "end"), [(np.nan, 150.0), (100.0, np.nan), (3.0, 150.0)])
def test_absent_positions_give_absent_levels(onset, end):
    assert np.isnan(measure_st(np.zeros((1, 400)), onset, end, FS)).all()


def test_the_end_of_the_beat_is_not_read_over():
    st = measure_st(np.zeros((1, 170)), 100.0, 150.0, FS)[0]
    assert np.isfinite(st[:2]).all()
    assert np.isnan(st[-1])
