# SPDX-License-Identifier: Apache-2.0
"""The toy record is what its truth says."""

import pytest

from precordia.datasets.toy import toy_record, toy_truth
from precordia.io.read import read
from precordia.measurement.measure import measure


def test_toy_record_is_marked_synthetic():
    assert read(toy_record()).origin == "synthetic"


@pytest.mark.parametrize(
    ("name", "within"),
    [("heart_rate_bpm", 1), ("pr_ms", 10), ("qrs_ms", 10), ("qt_ms", 10), ("qrs_axis_deg", 5)],
)
def test_toy_record_is_measured_as_it_was_made(name, within):
    assert getattr(measure(read(toy_record())), name) == pytest.approx(
        toy_truth()[name], abs=within
    )
