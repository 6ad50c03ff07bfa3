# SPDX-License-Identifier: Apache-2.0
"""Thousands of damaged files of every format: a record or a sentence, in time and in bounds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DAMAGE = Path(__file__).with_name("damage.py")
N_MUTATIONS = 10_000


def damage(n: int, seed: int, *folder: Path) -> dict:
    """Run in a process of its own, so that its memory can be told."""
    done = subprocess.run(
        [sys.executable, str(DAMAGE), str(n), str(seed), *map(str, folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def hold(told: dict, n: int) -> None:
    assert told["mutations"] == n
    assert told["escaped"] == {}
    assert told["slowest_s"] < 1.0, told["slowest"]
    assert told["peak_mb"] < 500
    # Damage that is never noticed, or always, would show that nothing is tested.
    assert sum(told["read_anyway"].values()) > n / 50
    assert sum(told["refused"].values()) > n / 10


def test_damaged_files_of_our_writers_raise_only_sentences():
    hold(damage(2000, 11), 2000)


def test_damaged_recordings_of_every_device_raise_only_sentences(shared_data):
    hold(damage(N_MUTATIONS, 5, shared_data / "formats"), N_MUTATIONS)


@pytest.mark.slow
def test_ten_times_as_many_raise_only_sentences(shared_data):
    hold(damage(10 * N_MUTATIONS, 77, shared_data / "formats"), 10 * N_MUTATIONS)
