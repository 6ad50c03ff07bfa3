# SPDX-License-Identifier: Apache-2.0
"""Time calls: the best of several rounds, in turn, so that a busy machine hits all alike."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any


def best_seconds(calls: Sequence[Callable[[], Any]], *, rounds: int = 3) -> list[float]:
    """Return the shortest time of each call over the rounds, s.

    Each round makes every call once, in order, so that a ratio of two of them compares like with
    like. Every call is made once more before, untimed.

    Parameters
    ----------
    calls
        What to time.
    rounds
        How often.

    Examples
    --------
    >>> short, long = best_seconds([lambda: None, lambda: time.sleep(0.01)])
    >>> short < long
    True
    """
    for call in calls:
        call()
    best = [float("inf")] * len(calls)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for k, call in enumerate(calls):
                start = time.perf_counter()
                call()
                best[k] = min(best[k], time.perf_counter() - start)
            gc.collect()
    finally:
        if collecting:
            gc.enable()
    return best


def best_process_seconds(arguments: Sequence[str], *, rounds: int = 3) -> float:
    """Return the shortest time of a Python process, s; NaN if it fails.

    Parameters
    ----------
    arguments
        Of Python.
    rounds
        How often. It runs once more before, untimed: modules are compiled then, which installing a
        package does and a working copy may never do (``PYTHONDONTWRITEBYTECODE``).

    Examples
    --------
    >>> best_process_seconds(["-c", "pass"], rounds=1) > 0
    True
    """
    best = float("inf")
    with tempfile.TemporaryDirectory() as compiled:
        env = dict(os.environ, PYTHONPYCACHEPREFIX=compiled)
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        for k in range(rounds + 1):
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, *arguments], capture_output=True, check=False, env=env
            )
            if done.returncode:
                return float("nan")
            if k:
                best = min(best, time.perf_counter() - start)
    return best


def printed_numbers(script: str, *arguments: str, rounds: int = 1) -> list[float]:
    """Return the numbers that a script prints when run by itself: of each, the least of the rounds.

    Parameters
    ----------
    script
        Python; its last line of output is numbers with blanks between.
    *arguments
        Its ``sys.argv[1:]``.
    rounds
        How often.

    Returns
    -------
    The numbers; NaN in their place if the script fails.

    Examples
    --------
    >>> printed_numbers("import sys; print(sys.argv[1], 2)", "1")
    [1.0, 2.0]
    """
    best: list[float] = []
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            capture_output=True, check=False, text=True, env=dict(os.environ),
        )  # fmt: skip
        if done.returncode:
            return [float("nan")] * 4
        numbers = [float(word) for word in done.stdout.splitlines()[-1].split()]
        best = numbers if not best else [min(pair) for pair in zip(best, numbers, strict=True)]
    return best
