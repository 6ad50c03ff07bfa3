# SPDX-License-Identifier: Apache-2.0
"""Sample formats of WFDB: against the bit layouts of signal(5) and against wfdb."""

from __future__ import annotations

import numpy as np
import pytest
from wfdb.io import _signal

from precordia.core.errors import FormatError
from precordia.io.wfdb_samples import (
    FORMATS,
    decode_samples,
    encode_samples,
    sample_format,
    stored_bytes,
    stored_samples,
)

PLAIN = [number for number, kind in FORMATS.items() if not kind.flac]


@pytest.mark.parametrize("fmt", PLAIN)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 6, 997])
def test_what_is_packed_unpacks_to_the_same_integers(fmt, n):
    top = 1 << (FORMATS[fmt].bits - 1)
    values = np.random.default_rng(n).integers(-top, top, n)
    values[:2] = [-top, top - 1][: values[:2].size]
    raw = np.frombuffer(encode_samples(fmt, values), np.uint8)
    assert raw.size >= stored_bytes(fmt, n)
    assert decode_samples(fmt, raw, n).tolist() == values.tolist()
    assert decode_samples(fmt, raw[: stored_bytes(fmt, n)], n).tolist() == values.tolist()


@pytest.mark.parametrize("fmt", PLAIN)
@pytest.mark.parametrize("n", range(1, 20))
def test_bytes_and_samples_are_counted_alike(fmt, n):
    held = stored_samples(fmt, stored_bytes(fmt, n))
    assert held == n or (fmt, n % 3, held) == (310, 2, n + 1)  # two of 310 fill its four bytes
    assert stored_samples(fmt, stored_bytes(fmt, n) - 1) < n


def test_bit_layouts_are_those_of_the_standard():
    # 310: samples in the upper ten of the lower eleven bits, the third split over the rest
    raw = np.array([0x0002 | (0b00011 << 11), 0x0004 | (0b11111 << 11)], "<u2").view(np.uint8)
    assert decode_samples(310, raw, 3).tolist() == [1, 2, 0b1111100011 - 1024]
    raw = np.array([1 | (2 << 10) | (1023 << 20)], "<u4").view(np.uint8)
    assert decode_samples(311, raw, 3).tolist() == [1, 2, -1]
    assert decode_samples(61, np.array([1, 2], np.uint8), 1).tolist() == [0x0102]
    assert decode_samples(160, np.array([0, 0x80, 0, 0], np.uint8), 2).tolist() == [0, -32768]
    assert decode_samples(24, np.array([0xFE, 0xFF, 0xFF], np.uint8), 1).tolist() == [-2]


@pytest.mark.parametrize("fmt", [f for f in PLAIN if f != 8])
def test_sentinels_are_those_of_wfdb(fmt):
    assert FORMATS[fmt].missing == _signal.INVALID_SAMPLE_VALUE[str(fmt)]


def test_an_unknown_format_is_refused():
    with pytest.raises(FormatError, match="WFDB has 8, 16"):
        sample_format(17, "h.hea")
