# SPDX-License-Identifier: Apache-2.0
"""The adapters of other libraries fit our protocols, and their answers agree with the truth."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from precordia.benchmarking.metrics import count_hits
from precordia.core.record import Record
from precordia.generation.simulate import simulate

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "peers.py"


@pytest.fixture(scope="module")
def peers():
    spec = importlib.util.spec_from_file_location("benchmark_peers", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("library", "name"), [("sleepecg", "sleepecg"), ("wfdb", "wfdb-xqrs")])
def test_peers_find_the_beats_of_a_clean_lead(peers, library, name):
    pytest.importorskip(library)
    record = simulate("sinus", fs=360, seconds=30, seed=2)
    lead = Record(signal=record.signal[1:2], fs=360.0, leads=("II",))
    found = getattr(peers, peers.PEERS["rpeaks"][name])(lead)
    truth = np.asarray(record.carried.fiducials.r_peak)
    hits = count_hits(truth, np.asarray(found, float), 360.0)
    assert hits.fn + hits.fp <= 2


def test_every_peer_of_the_table_exists(peers):
    for functions in peers.PEERS.values():
        assert all(callable(getattr(peers, name)) for name in functions.values())
