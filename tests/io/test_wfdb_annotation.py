# SPDX-License-Identifier: Apache-2.0
"""Annotation files: against wfdb, the WFDB C programs' published output, and expert counts."""

from __future__ import annotations

import numpy as np
import pytest
import wfdb

from precordia.core.errors import FormatError, OutputError
from precordia.core.record import Annotations
from precordia.io.wfdb_annotation import (
    encode_annotations,
    parse_annotations,
    read_annotations,
    write_annotations,
)


def _checkpkg(shared_data):
    return shared_data / "formats" / "wfdb-checkpkg"


def test_annotations_equal_the_output_of_rdann(shared_data):
    found = read_annotations(_checkpkg(shared_data) / "data" / "100s.atr")
    lines = (_checkpkg(shared_data) / "checkpkg/expected/rdann.out").read_text().splitlines()
    rows = [line.split(None, 6) for line in lines]
    assert found.sample.tolist() == [int(row[1]) for row in rows]
    assert list(found.symbol) == [row[2] for row in rows]
    assert [list(map(int, row[3:6])) for row in rows] == [
        list(t) for t in zip(found.subtype, found.channel, found.number, strict=True)
    ]
    assert list(found.aux) == [row[6] if len(row) > 6 else "" for row in rows]


def test_rr_intervals_equal_the_output_of_ann2rr(shared_data):
    found = read_annotations(_checkpkg(shared_data) / "data" / "100s.atr")
    beats = found.sample[[s in "NLRBAaJSVrFejnE/fQ?" for s in found.symbol]]
    expected = (_checkpkg(shared_data) / "checkpkg/expected/ann2rr.out").read_text().split()
    assert [beats[0], *np.diff(beats)] == [int(n) for n in expected]


def test_all_beats_of_the_reference_are_found_as_bxb_counts_them(shared_data):
    reference = read_annotations(_checkpkg(shared_data) / "data" / "100s.atr")
    written = _checkpkg(shared_data) / "checkpkg" / "expected" / "100x.atr"
    # 100x is 100s at a third of the rate; bxb.out counts 74 beats in 100s
    resampled = read_annotations(written)
    beats = sum(symbol in "NA" for symbol in reference.symbol)
    assert beats == 74
    assert sum(symbol in "NA" for symbol in resampled.symbol) == 74
    np.testing.assert_allclose(resampled.sample * 3, reference.sample, atol=3)


@pytest.mark.parametrize(
    ("pattern", "least"),
    [("mitdb/*.atr", 40_000), ("cpsc2021/**/*.atr", 1_000), ("ludb/data/1?.[iv]*", 500)],
)
def test_annotations_agree_with_wfdb(shared_data, pattern, least):
    count = 0
    for file in sorted(shared_data.glob(pattern)):
        if file.suffix == ".hea" or file.suffix == ".dat":
            continue
        other, found = (
            wfdb.rdann(str(file.with_suffix("")), file.suffix[1:]),
            read_annotations(file),
        )
        np.testing.assert_array_equal(found.sample, other.sample)
        assert list(found.symbol) == other.symbol
        assert list(found.aux) == [text.rstrip("\0") for text in other.aux_note]
        assert list(found.subtype) == other.subtype.tolist()
        assert list(found.channel) == other.chan.tolist()
        assert list(found.number) == other.num.tolist()
        count += len(found)
    assert count > least


def test_a_whole_day_of_beats_agrees_with_wfdb(shared_data):
    file = next(shared_data.glob("multimodal/**/nsr001.ecg"))
    other = wfdb.rdann(str(file.with_suffix("")), "ecg")
    np.testing.assert_array_equal(read_annotations(file).sample, other.sample)


def test_what_the_file_says_of_itself_is_applied_and_not_returned(shared_data):
    file = _checkpkg(shared_data) / "checkpkg" / "expected" / "100s.qrs"
    marks, fs = parse_annotations(file.read_bytes())
    assert fs == 250.0
    assert len(marks) == 74  # beats of 100s by bxb.out
    assert marks.sample[0] == 48
    at_360 = read_annotations(file, fs=360.0).sample
    np.testing.assert_array_equal(at_360, np.rint(marks.sample * 1.44))


def _everything() -> Annotations:
    return Annotations(
        sample=np.array([0, 0, 5, 1028, 1029, 70_000, 5_000_000_000]),
        symbol=(" ", "N", "V", "+", "[42]", "own", "|"),
        aux=("", "", "", "(AFIB", "x" * 255, "odd", "µV"),
        subtype=(0, -128, 127, 0, 1, 0, 0),
        channel=(0, 1, 1, 255, 0, 0, 3),
        number=(0, 0, -1, -1, 5, 5, 0),
    )


def test_every_field_comes_back_after_writing(tmp_path):
    marks = _everything()
    file = write_annotations(marks, tmp_path / "a.hea", "ann", fs=720.0)
    found, fs = parse_annotations(file.read_bytes())
    assert fs == 720
    assert found.sample.tolist() == marks.sample.tolist()
    for field in ("symbol", "aux", "subtype", "channel", "number"):
        assert getattr(found, field) == getattr(marks, field), field


def test_wfdb_reads_what_was_written(tmp_path):
    marks = Annotations(
        sample=np.array([3, 2000, 2_000_000]), symbol=("N", "V", "+"), aux=("", "", "(N"),
        subtype=(0, 2, 0), channel=(0, 1, 1), number=(0, 0, 4),
    )  # fmt: skip
    write_annotations(marks, tmp_path / "a", "atr", fs=500.0)
    other = wfdb.rdann(str(tmp_path / "a"), "atr")
    assert (other.sample.tolist(), other.symbol, other.fs) == ([3, 2000, 2_000_000],
                                                              ["N", "V", "+"], 500)  # fmt: skip
    assert other.aux_note[2] == "(N"
    assert other.subtype.tolist() == [0, 2, 0]
    assert other.chan.tolist() == [0, 1, 1]


def test_a_file_cut_anywhere_is_read_or_refused_with_a_sentence():
    content = encode_annotations(_everything())
    for end in range(len(content)):
        try:
            marks, _ = parse_annotations(content[:end], name="a.atr")
            assert len(marks) <= 7
        except FormatError as error:
            assert "a.atr" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "change",
    [
        {"sample": np.array([5, 3])}, {"sample": np.array([-1, 3])}, {"aux": ("x" * 256, "")},
        {"subtype": (128, 0)}, {"channel": (-1, 0)}, {"symbol": ("two words", "N")},
    ],
)  # fmt: skip
def test_what_does_not_fit_the_format_is_refused(change):
    fields = {"sample": np.array([1, 2]), "symbol": ("N", "N")} | change
    with pytest.raises(OutputError):
        encode_annotations(Annotations(**fields))


def test_extensions_cannot_leave_the_folder(tmp_path):
    for extension in ("../x", "a/b", "", "a.b"):
        with pytest.raises(FormatError, match="extension"):
            read_annotations(tmp_path / "a.hea", extension)


def test_nothing_is_overwritten_unasked(tmp_path):
    marks = Annotations(sample=np.array([1]), symbol=("N",))
    write_annotations(marks, tmp_path / "a", "atr")
    with pytest.raises(OutputError, match="exists"):
        write_annotations(marks, tmp_path / "a", "atr")
    write_annotations(marks, tmp_path / "a", "atr", overwrite=True)
    assert [file.name for file in tmp_path.iterdir()] == ["a.atr"]
