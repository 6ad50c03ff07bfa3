# SPDX-License-Identifier: Apache-2.0
"""FLAC signal files: absent library, wrong files, lying sizes."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from precordia.core.errors import FormatError, MissingExtraError
from precordia.io.wfdb import read_wfdb
from precordia.io.wfdb_flac import FlacFile, encode_flac


def test_without_soundfile_the_error_says_what_to_install(shared_data, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    file = shared_data / "formats" / "wfdb-multimodal" / "sample-data" / "flacformats.hea"
    with pytest.raises(MissingExtraError, match=r"precordia\[flac\]"):
        read_wfdb(file)


@pytest.mark.parametrize("bits", [8, 16, 24])
def test_samples_come_back_and_other_shapes_are_refused(tmp_path, bits):
    top = 1 << (bits - 1)
    samples = np.random.default_rng(bits).integers(-top, top, (1000, 3))
    path = str(tmp_path / "a.dat")
    encode_flac(path, samples, bits, 0.5)
    size = (tmp_path / "a.dat").stat().st_size
    file = FlacFile(path, 3, bits, size)
    np.testing.assert_array_equal(file.samples(10, 900), samples[10:900])
    np.testing.assert_array_equal(file.samples(0, 10), samples[:10])
    with pytest.raises(FormatError, match="3 channels"):
        FlacFile(path, 2, bits, size)
    with pytest.raises(FormatError, match="needs FLAC"):
        FlacFile(path, 3, 24 if bits == 16 else 16, size)
    with pytest.raises(FormatError, match="ends or breaks"):
        file.samples(990, 1010)


def test_what_is_no_flac_is_refused(tmp_path):
    path = tmp_path / "a.dat"
    path.write_bytes(b"fLaC" + bytes(100))
    with pytest.raises(FormatError, match="not a FLAC file"):
        FlacFile(str(path), 1, 16, 104)
