# SPDX-License-Identifier: Apache-2.0
"""Start times of WFDB records in the orders found in public databases."""

from __future__ import annotations

from datetime import datetime

import pytest

from precordia.io.wfdb_start_time import parse_start_time


@pytest.mark.parametrize(
    ("text", "start", "regular"),
    [
        ("12:33:59 12/05/2020", datetime(2020, 5, 12, 12, 33, 59), True),
        ("0:30 01/02/2003", datetime(2003, 2, 1, 0, 0, 30), True),
        ("10:44:18.529 04/05/2704", datetime(2704, 5, 4, 10, 44, 18, 529000), True),
        ("12-May-2020 12:33:59", datetime(2020, 5, 12, 12, 33, 59), False),
        ("04-Jun-2020 15:11:55", datetime(2020, 6, 4, 15, 11, 55), False),
        ("2014-05-08 05:05:15", datetime(2014, 5, 8, 5, 5, 15), False),
        ("25:00:00 01/01/2000", None, False),
        ("10:00:00 31/02/2000", None, False),
        ("some words", None, False),
        ("22:34:47", None, True),
    ],
)
def test_dates_are_read_and_unusual_ones_leave_a_repair(text, start, regular):
    found, _, repairs = parse_start_time(text.split())
    assert found == start
    assert (repairs == ()) == regular


def test_a_time_without_a_date_is_kept_as_text():
    assert parse_start_time(["22:34:47"])[1] == "22:34:47"
