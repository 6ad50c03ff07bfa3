# SPDX-License-Identifier: Apache-2.0
"""Work over many items: in order, lazily, and a dying process takes only its item with it."""

from __future__ import annotations

import os

import pytest

from precordia.core.errors import OptionError
from precordia.workers import over_all


def square(n: int) -> int:
    return n * n


def square_or_die(n: int) -> int:
    if n in (7, 30):
        os._exit(1)
    return n * n


@pytest.mark.parametrize(("n_jobs", "batch"), [(1, 1), (2, 1), (2, 8)])
def test_every_item_has_its_result_in_order(n_jobs, batch):
    done = list(over_all(square, range(50), n_jobs=n_jobs, batch=batch))
    assert done == [(n, n * n) for n in range(50)]


@pytest.mark.parametrize("batch", [1, 5])
def test_only_the_item_whose_process_dies_is_lost(batch):
    done = dict(over_all(square_or_die, range(40), n_jobs=2, batch=batch))
    assert list(done) == list(range(40))
    assert [n for n, result in done.items() if result is None] == [7, 30]


def test_items_are_taken_only_as_they_are_needed():
    taken = []

    def items():
        for n in range(10_000):
            taken.append(n)
            yield n

    results = over_all(square, items(), n_jobs=2, batch=4)
    for _ in range(10):
        next(results)
    assert len(taken) < 100
    results.close()


def test_no_processes_are_refused():
    with pytest.raises(OptionError):
        list(over_all(square, [1], n_jobs=0))
