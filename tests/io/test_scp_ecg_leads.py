# SPDX-License-Identifier: Apache-2.0
"""Leads of SCP-ECG: what they are called, and how many samples are theirs."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from precordia.core.errors import FormatError, LeadError
from precordia.io.scp_ecg_huffman import default_codes, encode_row
from precordia.io.scp_ecg_leads import declared, decode_leads, read_layout
from precordia.io.scp_ecg_rhythm import place_rows, read_rhythm
from precordia.io.scp_ecg_sections import Section, Sections


def section(number: int, body: bytes) -> Section:
    return Section(number, 13, 13, body)


def layout(*leads: tuple[int, int, int]) -> bytes:
    """Section 3 of (first sample, last sample, code)."""
    return bytes([len(leads), 4]) + b"".join(struct.pack("<IIB", *lead) for lead in leads)


def samples(rows: list[bytes], order: int = 0, lengths: list[int] | None = None) -> bytes:
    told = [len(row) for row in rows] if lengths is None else lengths
    head = struct.pack("<HHBB", 1000, 2000, order, 0)
    return head + struct.pack(f"<{len(told)}H", *told) + b"".join(rows)


def sections(leads: bytes, body: bytes, *, compressed: bool = False) -> Sections:
    held = {3: section(3, leads), 6: section(6, body)}
    if compressed:
        held[2] = section(2, struct.pack("<H", 19999))
    return Sections(held)


def decoded(leads: bytes, values: list[list[int]], order: int = 0) -> tuple[list, Sections]:
    """Read rows of differences, each filled with zeros to an even number of bytes."""
    rows = [encode_row(np.array(row)) for row in values]
    rows = [row + b"\0" * (len(row) % 2) for row in rows]
    found = sections(leads, samples(rows, order), compressed=True)
    return [row.tolist() for row in read_rhythm(found, "a.scp").rows], found


def test_leads_have_the_names_of_the_table():
    found = sections(layout((1, 9, 61), (1, 9, 64), (1, 9, 131), (1, 9, 16)), b"")
    assert [lead.name for lead in read_layout(found, "a.scp")] == ["III", "aVF", "ES", "X"]
    assert found.remarks == []


def test_leads_that_the_device_computed_are_named_and_told():
    found = sections(layout((1, 9, 1), (1, 9, 111), (1, 9, 112)), b"")
    assert [lead.name for lead in read_layout(found, "a.scp")] == ["I", "III", "aVR"]
    assert [remark.leads for remark in found.remarks] == [("III", "aVR")]


def test_leads_without_a_name_are_numbered_by_their_place():
    found = sections(layout((1, 9, 0), (1, 9, 2), (1, 9, 250)), b"")
    assert [lead.name for lead in read_layout(found, "a.scp")] == ["lead 1", "II", "lead 3"]
    assert [remark.code for remark in found.remarks] == ["leads-unnamed"]


def test_a_file_without_leads_is_refused():
    with pytest.raises(LeadError, match="no lead"):
        read_layout(sections(b"\0\4", b""), "a.scp")
    with pytest.raises(FormatError, match="1 of its 9 leads"):
        read_layout(sections(b"\x09\4" + bytes(9), b""), "a.scp")


def test_bits_that_fill_the_last_bytes_are_no_samples():
    values = [7, -3, 2, 5]
    # As many as declared, more declared than stored, and bounds that make no sense.
    for leads in (layout((1, 4, 1)), layout((1, 400, 1)), layout((9, 2, 1))):
        assert decoded(leads, [values])[0] == [values]


def test_fewer_samples_than_declared_are_told():
    rows, found = decoded(layout((1, 400, 1)), [[7, -3, 2, 5]])
    assert len(rows[0]) == 4
    assert [remark.code for remark in found.remarks] == ["truncated"]
    assert "400" in found.remarks[0].text


def test_zeros_that_were_declared_are_samples():
    assert decoded(layout((1, 6, 1)), [[7, 0, 0, 0, 0, 0]])[0] == [[7, 0, 0, 0, 0, 0]]


def test_samples_numbered_from_0_to_their_number_are_not_one_more():
    two = layout((0, 4, 1), (0, 4, 2))
    rows, found = decoded(two, [[7, -3, 2, 5], [1, 2, 3, 4]])
    assert rows == [[7, -3, 2, 5], [1, 2, 3, 4]]
    assert found.remarks == []


def test_samples_numbered_from_0_to_the_last_are_all_read():
    two = layout((0, 3, 1), (0, 3, 2))
    rows, found = decoded(two, [[7, -3, 2, 5], [1, 2, 3, 0]])
    assert rows == [[7, -3, 2, 5], [1, 2, 3, 0]]
    assert found.remarks == []


def test_second_differences_do_not_run_on_into_the_filling():
    # A slope of 5 would go on for as many samples as there are bits left.
    rows, _ = decoded(layout((1, 900, 1)), [[10, 15, 1, -1, 2]], order=2)
    assert rows == [[10, 15, 21, 26, 33]]


def test_lengths_that_two_bytes_cannot_state_are_taken_from_section_3():
    n = 40_000
    values = [np.arange(n) % 1000, np.arange(n) % 777]
    rows = [row.astype("<i2").tobytes() for row in values]
    wrapped = [len(row) & 0xFFFF for row in rows]
    found = sections(layout((1, n, 1), (1, n, 2)), samples(rows, lengths=wrapped))
    for got, expected in zip(read_rhythm(found, "a.scp").rows, values, strict=True):
        assert np.array_equal(got, expected)


def test_lengths_beyond_the_section_give_what_is_there():
    rows = [np.arange(4, dtype="<i2").tobytes()] * 2
    found = sections(layout((1, 4, 1), (1, 4, 2)), samples(rows, lengths=[60_000, 60_000]))
    rhythm = read_rhythm(found, "a.scp")
    assert [row.size for row in rhythm.rows] == [8, 0]
    assert np.isnan(place_rows(rhythm, found.remarks)[1]).all()


def test_an_incomplete_section_is_refused():
    leads = read_layout(sections(layout((1, 4, 1), (1, 4, 2)), b""), "a.scp")
    counts = [declared(lead) for lead in leads]
    with pytest.raises(FormatError, match="too few"):
        decode_leads(section(6, bytes(8)), leads, [], counts, "a.scp")
    body = samples([b"", b""], order=3)
    with pytest.raises(FormatError, match="order 3"):
        decode_leads(section(6, body), leads, [default_codes()], counts, "a.scp")


def test_many_leads_far_apart_need_no_memory():
    n = 255
    leads = layout(*[(1 + 2000 * k, 2000 * k + 2, 1) for k in range(n)])
    rows = [np.array([k, k], "<i2").tobytes() for k in range(n)]
    found = sections(leads, samples(rows))
    signal = place_rows(read_rhythm(found, "a.scp"), found.remarks)
    assert signal.shape == (n, 2)
    assert "leads-apart" in {remark.code for remark in found.remarks}


def test_a_count_that_stands_for_a_missing_sample_is_nan():
    rows = [np.array([5, -9, 7], "<i2").tobytes()]
    found = sections(layout((1, 3, 2)), samples(rows))
    signal = place_rows(read_rhythm(found, "a.scp"), [], missing=-9)
    np.testing.assert_allclose(signal * 1000, [[5, np.nan, 7]])
