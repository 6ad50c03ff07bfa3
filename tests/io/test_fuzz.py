# SPDX-License-Identifier: Apache-2.0
"""Thousands of damaged files: a record or a sentence, never another error, never a hang."""

from __future__ import annotations

import random
import shutil
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import PrecordiaError
from precordia.core.record import Record
from precordia.io.read import read
from precordia.io.write import write

N_PER_FORMAT = 500
SLOW_S = 2.0
WORDS = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"9999", b"-1  ", b"nan ", b"1e99")


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return bytes with a few random changes, more often near the beginning."""
    held = bytearray(content)
    limit = 4000 if rng.random() < 0.6 else 1 << 40
    for _ in range(rng.choice((1, 1, 3, 20))):
        if not held:
            break
        at = rng.randrange(min(len(held), limit))
        kind = rng.randrange(6)
        if kind == 0:
            held[at] = rng.randrange(256)
        elif kind == 1:
            del held[at : at + rng.randrange(1, 200)]
        elif kind == 2:
            held[at:at] = rng.randbytes(rng.randrange(1, 40))
        elif kind == 3:
            del held[at:]
        elif kind == 4:
            word = rng.choice(WORDS)
            held[at : at + len(word)] = word
        else:
            other = rng.randrange(len(held))
            held[at : at + 20] = held[other : other + 20]
    return bytes(held)


def attack(path: Path, content: bytes, seed: int, n: int) -> tuple[int, dict[str, str]]:
    """Read a file in n damaged versions; return how many were read and what escaped."""
    rng = random.Random(seed)
    read_anyway, escaped = 0, {}
    for k in range(n):
        path.write_bytes(damaged(content, rng))
        start = time.perf_counter()
        try:
            record = read(path)
            read_anyway += 1
            if record.signal.dtype != np.float32 or np.isinf(record.signal).any():
                escaped[f"{k} signal"] = repr(record)
        except PrecordiaError as error:
            if len(str(error)) < 20 or "\n" in str(error).strip():
                escaped[f"{k} no sentence"] = repr(error)
        except Exception as error:
            escaped[f"{k} {type(error).__name__}"] = str(error)[:80]
        if time.perf_counter() - start > SLOW_S:
            escaped[f"{k} slow"] = path.name
    return read_anyway, escaped


@pytest.fixture(scope="module")
def record():
    x = np.random.default_rng(0).normal(size=(3, 400)).cumsum(axis=1) * 0.02
    return Record(signal=x, fs=250.0, leads=("I", "II", "V1"))


@pytest.mark.parametrize("suffix", [".edf", ".csv", ".tsv", ".hea", ".dcm"])
def test_damaged_files_of_ours_raise_only_sentences(tmp_path, record, suffix):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = write(record, tmp_path / f"rec{suffix}")
    read_anyway, escaped = attack(path, path.read_bytes(), seed=11, n=N_PER_FORMAT)
    assert escaped == {}
    assert 0 < read_anyway < N_PER_FORMAT


def test_damaged_signal_files_raise_only_sentences(tmp_path, record):
    path = write(record, tmp_path / "rec.hea")
    content = path.with_suffix(".dat").read_bytes()
    rng = random.Random(3)
    for _ in range(100):
        path.with_suffix(".dat").write_bytes(damaged(content, rng))
        try:
            read(path)
        except PrecordiaError:
            continue


@pytest.mark.parametrize(
    "file",
    [
        "dicom-ecg-web-viewer/example/test_ecg.dcm",
        "aecg-fda/src/aecg/data/examples/minimum_aecg.xml",
        "fhir-hl7-example/source/observation/observation-example-sample-data.xml",
        "scp-scpinfo/example/example.scp",
        "aecg-liryc/exemple/hl7aecg_example.xml",
    ],
)
def test_damaged_real_files_raise_only_sentences(shared_data, tmp_path, file):
    source = shared_data / "formats" / file
    path = tmp_path / source.name
    _, escaped = attack(path, source.read_bytes(), seed=5, n=N_PER_FORMAT)
    assert escaped == {}


def test_damaged_real_headers_raise_only_sentences(shared_data, tmp_path):
    source = shared_data / "formats/wfdb-checkpkg/data/100s.hea"
    shutil.copy(source.with_suffix(".dat"), tmp_path)
    _, escaped = attack(tmp_path / source.name, source.read_bytes(), seed=9, n=N_PER_FORMAT)
    assert escaped == {}
