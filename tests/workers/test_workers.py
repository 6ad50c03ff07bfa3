# SPDX-License-Identifier: Apache-2.0
"""Work over many items: in order, lazily, and a dying process takes only its item with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time

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


def test_no_process_outlives_the_work():
    for _ in range(3):
        list(over_all(square, range(20), n_jobs=2))
        assert multiprocessing.active_children() == []


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


BUSY = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in background
from precordia.workers import over_all
def heavy(n):
    return bytes(300_000)  # giving it back takes longer than making it
if __name__ == "__main__":
    try:
        for n, _ in over_all(heavy, range(10**9), n_jobs=2):
            if n == 20:
                print("busy", flush=True)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
"""


@pytest.mark.parametrize("wait", [0.0, 0.003, 0.011, 0.05])
def test_ctrl_c_ends_processes_that_are_giving_results_back(tmp_path, wait):
    program = tmp_path / "busy.py"
    program.write_text(BUSY)
    run = subprocess.Popen(
        [sys.executable, str(program)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert run.stdout.readline() == "busy\n"
        time.sleep(wait)
        os.killpg(run.pid, signal.SIGINT)
        run.communicate(timeout=60)
        assert run.returncode == 130
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)


SLOW = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in background
from precordia.workers import over_all
def slow(n):
    Path(sys.argv[1], f"begun-{n}").touch()
    time.sleep(0.7)
    Path(sys.argv[1], f"done-{n}").touch()
if __name__ == "__main__":
    try:
        list(over_all(slow, range(12), n_jobs=2))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
"""


def test_after_ctrl_c_nothing_that_waits_is_begun(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    run = subprocess.Popen(
        [sys.executable, str(tmp_path / "slow.py"), str(tmp_path)], start_new_session=True
    )
    try:
        while len(list(tmp_path.glob("begun-*"))) < 2:
            assert run.poll() is None
            time.sleep(0.01)
        time.sleep(0.1)
        os.killpg(run.pid, signal.SIGINT)
        assert run.wait(timeout=60) == 130
        assert not list(tmp_path.glob("done-*"))
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
