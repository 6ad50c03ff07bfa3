# SPDX-License-Identifier: Apache-2.0
"""Signals that share memory never share samples, whoever holds on to what."""

from __future__ import annotations

import concurrent.futures
import mmap
import random
import weakref

import numpy as np
import pytest

from precordia.io import signal_memory as place
from precordia.io.signal_memory import signal_memory


def filled(value: float, n_samples: int = 5000) -> np.ndarray:
    array = signal_memory(12, n_samples)
    array.fill(value)
    return array


def hold_and_let_go(seed: int) -> int:
    """Keep arrays, views and rows of them at random; count the ones that changed."""
    rng, held, wrong = random.Random(seed), {}, 0
    for k in range(600):
        array = filled(k, rng.choice((2000, 5000, 9000)))
        form = rng.randrange(4)
        kept = (array, array[3:5], array.T[::2], memoryview(array[1]))[form]
        if rng.random() < 0.5:
            held[k] = kept
        while len(held) > 12 or (held and rng.random() < 0.4):
            key = rng.choice(list(held))
            wrong += int((np.asarray(held.pop(key)) != key).any())
        if rng.random() < 0.02:
            held.clear()
    return wrong


def test_no_array_is_given_away_twice():
    assert sum(hold_and_let_go(seed) for seed in range(3)) == 0


def test_threads_share_no_slab():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(hold_and_let_go, range(8))) == 0


def test_sizes_at_the_edges_are_as_asked():
    for n_samples in (0, 1, 2730, 2731, 10_922, 10_923, 100_000):
        assert signal_memory(12, n_samples).shape == (12, n_samples)
        assert signal_memory(12, n_samples).dtype == np.float32
    assert filled(0).ctypes.data % 64 == 0


@pytest.mark.skipif(not place._SLABS.useful, reason="no huge pages here")
def test_a_slab_ends_with_its_last_array_and_is_used_again_before():
    first = filled(1)
    slab = weakref.ref(place._SLABS.slab) if _weak() else None
    at = first.ctypes.data
    del first
    assert filled(2).ctypes.data <= at
    kept = [filled(k) for k in range(40)]
    assert len({array.ctypes.data for array in kept}) == 40
    del kept
    assert slab is None or slab() is None or slab() is place._SLABS.slab


def _weak() -> bool:
    return getattr(mmap.mmap, "__weakrefoffset__", 0) != 0


def test_without_huge_pages_memory_comes_from_numpy(monkeypatch):
    monkeypatch.setattr(place._SLABS, "useful", False)
    assert filled(1).base is None
    monkeypatch.setattr(place._SLABS, "useful", True)
    monkeypatch.setattr(place._SLABS, "slab", None)
    monkeypatch.setattr(place._SLABS, "used", place._SLAB_BYTES)

    def refuse(*_):
        raise OSError(12, "no memory")

    monkeypatch.setattr(place.mmap, "mmap", refuse)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        assert filled(1).base is None
        assert not place._SLABS.useful
