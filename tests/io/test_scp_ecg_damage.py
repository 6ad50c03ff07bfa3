# SPDX-License-Identifier: Apache-2.0
"""Damaged SCP-ECG files behind their checksums: a record or a sentence, in little time."""

from __future__ import annotations

import binascii
import random
import struct
import time
import warnings

import numpy as np
import pytest

from precordia.core.errors import FormatError, PrecordiaError
from precordia.core.measurements import MedianBeat
from precordia.core.record import Carried, Record
from precordia.core.statements import Statement
from precordia.io.scp_ecg import read_scp_ecg
from precordia.io.scp_ecg_write import write_scp_ecg

WORDS = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\xff\xff", b"\0\0", b"\1")


def damaged(content: bytes, rng: random.Random) -> bytes:
    held = bytearray(content)
    pointers = [struct.unpack_from("<HII", content, at) for at in range(22, 142, 10)]
    for _ in range(rng.choice((1, 1, 2, 6))):
        _, length, index = rng.choice([p for p in pointers if p[1]])
        at = min(index - 1 + rng.randrange(min(length, rng.choice((40, 4000)))), len(held) - 1)
        kind = rng.randrange(4)
        if kind == 0:
            held[at] = rng.randrange(256)
        elif kind == 1:
            word = rng.choice(WORDS)
            held[at : at + len(word)] = word
        elif kind == 2:
            held[at] ^= 1 << rng.randrange(8)
        else:
            del held[at : at + rng.randrange(1, 60)]
    return bytes(held)


def attack(path, content: bytes, n: int) -> int:
    rng, read_anyway = random.Random(4), 0
    sentences: list[str] = []
    for _ in range(n):
        path.write_bytes(damaged(content, rng))
        start = time.perf_counter()
        try:
            record = read_scp_ecg(path, ignore_checksum=True)
            assert record.n_samples > 0
            assert not np.isinf(record.signal).any()
            read_anyway += 1
        except PrecordiaError as error:
            sentences.append(str(error))
        assert time.perf_counter() - start < 2
    assert min(map(len, sentences), default=99) > 20
    return read_anyway


@pytest.fixture(params=[False, True], ids=["raw", "compressed"])
def content(request, tmp_path):
    rng = np.random.default_rng(2)
    signal = rng.normal(size=(3, 500)).cumsum(axis=1) * 0.02
    leads = ("I", "II", "V1")
    median = MedianBeat(signal=signal[:, :300], fs=500.0, leads=leads, p_onset=3, t_offset=200)
    carried = Carried(
        median=median,
        statements=(Statement(code="NORM", scheme="scp-ecg"), Statement(code="Normal")),
        measurements={"rr_ms": 800.0, "qrs_ms": 90.5},
    )
    record = Record(signal=signal, fs=500.0, leads=leads, carried=carried)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = write_scp_ecg(record, tmp_path / "a.scp", compressed=request.param)
    return path.read_bytes()


def test_files_that_we_write_survive_damage(tmp_path, content):
    assert 0 < attack(tmp_path / "a.scp", content, 400) < 400


@pytest.mark.parametrize(
    "file", ["scp-scpinfo/example/example.scp", "wfdb-checkpkg/checkpkg/input/test.scp"]
)
def test_real_files_survive_damage(shared_data, tmp_path, file):
    content = (shared_data / "formats" / file).read_bytes()
    assert attack(tmp_path / "a.scp", content, 250) > 0


def test_a_single_changed_bit_is_always_noticed(tmp_path, content):
    path, rng = tmp_path / "a.scp", random.Random(9)
    for _ in range(200):
        held = bytearray(content)
        at = rng.randrange(6, len(held))
        held[at] ^= 1 << rng.randrange(8)
        path.write_bytes(held)
        with pytest.raises(FormatError):
            read_scp_ecg(path)


def test_the_section_of_our_own_is_no_trap(tmp_path, content):
    """Whatever stands in it, the file is read; what it says badly is not believed."""
    (length,) = struct.unpack_from("<I", content, 10)
    last = 6 + length - 10
    number, _, index = struct.unpack_from("<HII", content, last)
    assert number > 127
    begin = index - 1 + 16
    for said in (
        b'{"leads": ' + b"[" * 3000, b'{"fs": -1, "missing": 5}', b'{"fs": 1e999}', b"[]", b"{",
        b'{"leads": [1, 2, 3], "microsecond": -4, "origin": "wished"}', b"\xff\xfe",
        b'{"leads": ["I", "I", "I"], "fs": NaN}',
    ):  # fmt: skip
        block = bytearray(content[index - 1 : begin] + b"precordia 1\n" + said)
        struct.pack_into("<I", block, 4, len(block))
        struct.pack_into("<H", block, 0, binascii.crc_hqx(bytes(block[2:]), 0xFFFF))
        whole = bytearray(content[: index - 1] + block)
        struct.pack_into("<HII", whole, last, number, len(block), index)
        struct.pack_into("<I", whole, 2, len(whole))
        path = tmp_path / "a.scp"
        path.write_bytes(whole)
        record = read_scp_ecg(path, ignore_checksum=True)
        assert (record.fs, record.n_leads, record.origin) == (500, 3, "measured")
