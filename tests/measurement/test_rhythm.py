# SPDX-License-Identifier: Apache-2.0
"""RR intervals, atrial rate and episodes of drawn rhythms."""

import numpy as np
import pytest

from precordia.core.measurements import BeatKind, BeatTable
from precordia.measurement.episodes import count_episodes
from precordia.measurement.rhythm import atrial_rate_bpm, rr_intervals


def _table(letters, rr_ms=800.0):
    names = {"N": BeatKind.NORMAL, "V": BeatKind.VENTRICULAR, "S": BeatKind.SUPRAVENTRICULAR}
    n = len(letters)
    blank = np.full(n, np.nan)
    return BeatTable(
        r_peak=np.arange(n) * 400.0,
        rr_ms=np.full(n, rr_ms),
        kind=tuple(names[c] for c in letters),
        prematurity=blank,
        pr_ms=blank,
        qrs_ms=blank,
        qt_ms=blank,
        template_correlation=blank,
    )


def test_an_interval_over_a_gap_is_unknown():
    missing = np.zeros(2000, dtype=bool)
    missing[900:1100] = True
    rr = rr_intervals(np.array([100.0, 500.0, 1500.0, 1900.0]), 500.0, missing)
    np.testing.assert_array_equal(rr, [np.nan, 800.0, np.nan, 800.0])


def test_a_short_gap_does_not_hide_a_beat():
    missing = np.zeros(2000, dtype=bool)
    missing[900:950] = True
    rr = rr_intervals(np.array([600.0, 1000.0]), 500.0, missing)
    assert rr[1] == 800.0


def test_blocked_p_waves_count_in_the_atrial_rate():
    # 2:1 block: P waves every 400 ms, a QRS after every second one.
    assert atrial_rate_bpm(np.arange(10) * 200.0, 500.0) == pytest.approx(150.0)


def test_no_p_waves_no_atrial_rate():
    assert np.isnan(atrial_rate_bpm(np.array([100.0, np.nan, np.nan, np.nan]), 500.0))


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("NNVNN", {"n_ventricular_beats": 1, "n_ventricular_couplets": 0}),
        ("NVVNVVN", {"n_ventricular_couplets": 2, "n_ventricular_runs": 0}),
        ("NVVVVN", {"n_ventricular_runs": 1, "longest_ventricular_run": 4}),
        ("NVNVNVN", {"n_bigeminy_beats": 6, "n_trigeminy_beats": 0}),
        ("NNVNNVNNV", {"n_trigeminy_beats": 9, "n_bigeminy_beats": 0}),
        ("NVNVNN", {"n_bigeminy_beats": 0}),
        ("NSSSN", {"n_supraventricular_runs": 1, "n_supraventricular_beats": 3}),
    ],
)
def test_patterns_are_counted(letters, expected):
    out = count_episodes(_table(letters))
    assert {k: out[k] for k in expected} == expected


def test_long_intervals_are_pauses():
    assert count_episodes(_table("NNN", rr_ms=2100.0))["n_pauses"] == 3
