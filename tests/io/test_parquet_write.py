# SPDX-License-Identifier: Apache-2.0
"""A record comes back from a table bit for bit, and pandas reads the bare signal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from precordia.core.errors import FormatError, OutputError
from precordia.core.leads import STANDARD_12
from precordia.core.record import Annotations, Carried, Companion, Patient, Record
from precordia.core.statements import Statement
from precordia.io.parquet_write import write_parquet
from precordia.io.read import read


def some() -> Record:
    x = np.random.default_rng(3).normal(size=(12, 500)).astype(np.float32)
    x[0, 3:9] = np.nan
    return Record(
        signal=x, fs=257.0, leads=STANDARD_12, patient=Patient(name="Doe Jane", age_years=50),
        carried=Carried(
            measurements={"qrs_ms": 90.0}, statements=(Statement(code="NORM", scheme="scp-ecg"),),
            annotations=Annotations(sample=np.array([3, 9]), symbol=("N", "V")),
        ),
        companions=(
            Companion(name="PLETH", signal=np.arange(50, dtype=np.float32), fs=25.7, unit="NU"),
            Companion(name="RESP", signal=np.arange(500, dtype=np.float32), fs=257.0, unit="Ohm"),
            Companion(name="II", signal=np.ones(500, np.float32), fs=257.0, unit="mV"),
        ),
    )  # fmt: skip


def test_everything_comes_back_bit_for_bit(tmp_path):
    record = some()
    back = read(write_parquet(record, tmp_path / "a.parquet", identifiers=True))
    assert back.signal.tobytes() == record.signal.tobytes()
    ours, theirs = record.to_dict(), back.to_dict()
    for key in ("fs", "leads", "patient", "origin", "carried", "companions"):
        assert theirs[key] == ours[key], key


def test_pandas_reads_the_bare_signal(tmp_path):
    file = write_parquet(some(), tmp_path / "a.parquet")
    table = pd.read_parquet(file)
    assert list(table.columns)[:12] == list(STANDARD_12)
    assert "RESP" in table
    assert np.array_equal(table[list(STANDARD_12)].to_numpy().T, some().signal, equal_nan=True)
    schema = pq.read_schema(file)
    assert (schema.metadata[b"fs"], schema.metadata[b"unit"]) == (b"257.0", b"mV")
    assert schema.field("aVR").metadata == {b"unit": b"mV"}
    assert pq.read_metadata(file).num_rows == 500


def test_identifiers_are_written_only_when_asked(tmp_path):
    assert b"Doe" not in write_parquet(some(), tmp_path / "a.parquet").read_bytes()
    back = read(write_parquet(some(), tmp_path / "b.parquet", identifiers=True))
    assert back.patient.name == "Doe Jane"


def test_a_long_companion_at_another_rate_is_named_as_lost(tmp_path):
    long = Companion(name="SOUND", signal=np.zeros(5_000_000, np.float32), fs=4000.0)
    record = Record(signal=np.zeros((1, 9)), fs=500.0, leads=("I",), companions=(long,))
    with pytest.warns(UserWarning, match="SOUND"):
        write_parquet(record, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet").companions == ()


def test_a_table_that_lost_a_column_is_refused(tmp_path):
    table = pq.read_table(write_parquet(some(), tmp_path / "a.parquet"))
    pq.write_table(table.drop_columns("V3"), tmp_path / "b.parquet")
    with pytest.raises(FormatError, match="lacks the column of lead 'V3'"):
        read(tmp_path / "b.parquet")


def test_an_empty_record_is_refused(tmp_path):
    with pytest.raises(OutputError, match="no samples"):
        write_parquet(Record(signal=np.zeros((1, 0)), fs=1, leads=("I",)), tmp_path / "a.parquet")
