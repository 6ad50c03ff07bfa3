# SPDX-License-Identifier: Apache-2.0
"""Multi-segment records: layouts, gaps, and segments that contradict their record."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.errors import FormatError
from precordia.io.wfdb import read_wfdb


def _segment(folder, name, fs, values, *lines):
    values = np.asarray(values)
    text = f"{name} {len(lines)} {fs} {len(values)}\n"
    text += "".join(f"{name}.dat 16 {line}\n" for line in lines)
    (folder / f"{name}.hea").write_text(text)
    (folder / f"{name}.dat").write_bytes(values.astype("<i2").tobytes())


@pytest.fixture
def layout(tmp_path):
    (tmp_path / "lay.hea").write_text(
        "lay 2 250 0\n~ 0 1/mV 16 0 0 0 0 I\n~ 0 1/mmHg 16 0 0 0 0 ABP\n"
    )
    _segment(tmp_path, "s1", 250, [[1], [2], [3]], "1000/mV 16 0 1 6 0 I")
    _segment(tmp_path, "s2", 250, [[7, 4], [8, 5]], "10/mmHg 16 0 7 15 0 ABP",
             "1/uV 16 0 4 9 0 I")  # fmt: skip
    (tmp_path / "m.hea").write_text("m/4 2 250 7 10:00:00 01/02/2020\nlay 0\ns1 3\n~ 2\ns2 2\n")
    return tmp_path


def test_each_segment_has_its_own_signals_gains_and_units(layout):
    record = read_wfdb(layout / "m.hea")
    assert record.leads == ("I",)
    expected = np.array([1, 2, 3, np.nan, np.nan, 4, 5]) / 1000
    np.testing.assert_allclose(record.signal[0], expected, rtol=1e-6)
    expected = np.array([np.nan] * 5 + [0.7, 0.8])
    np.testing.assert_allclose(record.companions[0].signal, expected, rtol=1e-6)


def test_a_part_opens_only_the_segments_it_needs(layout):
    (layout / "s2.dat").unlink()
    assert read_wfdb(layout / "m.hea", stop=5).n_samples == 5
    with pytest.raises(FormatError, match=r"s2\.dat"):
        read_wfdb(layout / "m.hea")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("m.hea", "250 7", "250 8", "add up to 7"),
        ("m.hea", "s1 3\n~ 2", "s1 4\n~ 1", "its own header 3"),
        ("s1.hea", "s1 1 250", "s1 1 500", "one rate"),
        ("s1.hea", "0 I", "0 II", "does not describe"),
        ("s2.hea", "mmHg", "kPa", "one unit"),
        ("s1.hea", "s1 1", "s1/1 1", "segments itself"),
        ("m.hea", "s1 3", "../s1 3", "outside its own folder"),
        ("lay.hea", "lay 2", "lay 1", "the two must agree"),
    ],
)
def test_contradictions_are_refused(layout, file, old, new, message):
    text = (layout / file).read_text()
    assert old in text
    changed = text.replace(old, new)
    if file == "s1.hea" and "/1" in new:
        changed = "s1/1 1 250 3\ns3 3\n"
    (layout / file).write_text(changed)
    with pytest.raises(FormatError, match=message):
        read_wfdb(layout / "m.hea")


def test_a_segment_without_a_gain_leaves_a_remark(layout):
    text = (layout / "s1.hea").read_text().replace("1000/mV", "0/mV")
    (layout / "s1.hea").write_text(text)
    remarks = read_wfdb(layout / "m.hea").remarks
    assert [(r.code, r.leads) for r in remarks] == [("uncalibrated", ("I",))]
