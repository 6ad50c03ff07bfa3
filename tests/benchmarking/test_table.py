# SPDX-License-Identifier: Apache-2.0
"""Results in files hold what is needed to repeat them."""

import math

from precordia.benchmarking.table import read_table, rows_of, write_table
from precordia.core.scores import Score, Scores
from precordia.core.source import Source


def scores():
    row = {"task": "rpeaks", "database": "mitdb", "method": "network", "subject": "150 ms"}
    return Scores(
        task="rpeaks",
        scores=(
            Score(**row, metric="se", value=99.5, low=99.1, high=99.9, unit="%", n_records=22),
            Score(**row, metric="MAD", value=math.nan, unit="ms"),
        ),
        seconds=90,
        source=Source(version="1", parameters={"seed": 0, "weights": {"network": "abc"}}),
    )


def test_rows_come_back_from_the_file(tmp_path):
    rows = rows_of(scores(), commit="1234567")
    assert read_table(write_table(rows, tmp_path / "a.csv")) == rows
    assert rows[0]["low"] == "99.1"
    assert (rows[0]["weights_hash"], rows[0]["seed"], rows[0]["commit"]) == ("abc", "0", "1234567")
    assert rows[0]["database_version"] == "1.0.0"
    assert rows[0]["minutes"] == "1.5"


def test_absent_numbers_are_empty_in_files_and_a_dash_in_print():
    assert rows_of(scores())[1]["value"] == ""
    assert "–" in str(scores())
