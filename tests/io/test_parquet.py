# SPDX-License-Identifier: Apache-2.0
"""Parquet tables: pandas and pyarrow write them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from precordia.core.errors import (
    FormatError,
    LeadError,
    OptionError,
    SamplingRateError,
    UnitError,
)
from precordia.io.read import read

ECG = np.random.default_rng(0).normal(size=(2, 900))


def frame(**more):
    return pd.DataFrame({"I": ECG[0], "II": ECG[1], **more})


def test_columns_are_leads_and_the_attributes_say_the_rest(tmp_path):
    table = frame(PLETH=np.arange(900))
    table.attrs = {"fs": 250, "unit": "uV"}
    table.to_parquet(tmp_path / "a.parquet")
    record = read(tmp_path / "a.parquet")
    np.testing.assert_allclose(record.signal, ECG / 1000, rtol=1e-6)
    assert (record.fs, record.leads) == (250, ("I", "II"))
    assert [c.name for c in record.companions] == ["PLETH"]
    assert record.source.method == "read:parquet"


@pytest.mark.parametrize(
    "clock",
    [
        {"time": np.arange(900) / 250},
        {"time (ms)": np.arange(900) * 4},
        {"timestamp": pd.date_range("2024-01-01", periods=900, freq="4ms")},
        {"t": pd.to_timedelta(np.arange(900) * 4, unit="ms")},
    ],
)
def test_a_column_of_times_gives_the_rate(tmp_path, clock):
    frame(**clock).to_parquet(tmp_path / "a.parquet")
    record = read(tmp_path / "a.parquet", unit="mV")
    assert (record.fs, record.leads, record.companions) == (250, ("I", "II"), ())


def test_units_stand_in_names_and_fields(tmp_path):
    fields = [
        pa.field("I", pa.float64(), metadata={"unit": "uV"}),
        pa.field("II (V)", pa.float64()),
    ]
    pq.write_table(
        pa.Table.from_arrays([pa.array(row) for row in ECG], schema=pa.schema(fields)),
        tmp_path / "a.parquet",
    )
    record = read(tmp_path / "a.parquet", fs=250)
    np.testing.assert_allclose(record.signal, ECG * [[1e-3], [1e3]], rtol=1e-6)
    assert record.leads == ("I", "II")


def test_empty_cells_are_missing_samples(tmp_path):
    table = pa.table({"I": [1, None, 3], "II": [1.0, 2.0, float("nan")]})
    pq.write_table(table, tmp_path / "a.parquet")
    record = read(tmp_path / "a.parquet", fs=250, unit="mV")
    assert np.array_equal(np.isnan(record.signal), [[False, True, False], [False, False, True]])


def test_a_row_may_hold_a_record(tmp_path):
    many = np.random.default_rng(1).normal(size=(5, 2, 400))
    table = pa.table({"I": list(many[:, 0]), "II": list(many[:, 1]), "id": [1, 2, 3, 4, 5]})
    pq.write_table(table, tmp_path / "a.parquet")
    record = read(tmp_path / "a.parquet", fs=100, unit="mV", index=3)
    np.testing.assert_allclose(record.signal, many[3], rtol=1e-6)
    with pytest.raises(OptionError, match="5 records"):
        read(tmp_path / "a.parquet", fs=100, unit="mV")


def test_a_column_can_be_named(tmp_path):
    frame(extra=np.arange(900.0)).to_parquet(tmp_path / "a.parquet")
    record = read(tmp_path / "a.parquet", fs=250, unit="mV", variable="II")
    assert (record.leads, record.n_samples) == (("II",), 900)
    with pytest.raises(FormatError, match="no column of numbers 'V9'"):
        read(tmp_path / "a.parquet", fs=250, unit="mV", variable="V9")


def test_nothing_is_guessed(tmp_path):
    frame().to_parquet(tmp_path / "a.parquet")
    with pytest.raises(SamplingRateError):
        read(tmp_path / "a.parquet")
    with pytest.raises(UnitError):
        read(tmp_path / "a.parquet", fs=250)
    pd.DataFrame({"PLETH": ECG[0]}).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(LeadError):
        read(tmp_path / "b.parquet", fs=250, unit="mV")
    pd.DataFrame({"name": ["x"]}).to_parquet(tmp_path / "c.parquet")
    with pytest.raises(FormatError, match="without rows of numbers"):
        read(tmp_path / "c.parquet", fs=250, unit="mV")


def test_a_table_that_grows_beyond_any_recording_is_refused(tmp_path):
    pq.write_table(pa.table({"I": np.zeros(20_000_000, np.float32)}), tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 1 << 20
    with pytest.raises(FormatError, match="no recording does"):
        read(tmp_path / "a.parquet", fs=250, unit="mV")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_file_that_is_cut_short_is_refused(tmp_path, part):
    frame().to_parquet(tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(content[: int(len(content) * part)])
    with pytest.raises(FormatError):
        read(tmp_path / "a.parquet", fs=250, unit="mV")
