# SPDX-License-Identifier: Apache-2.0
"""One function over many files in several processes: bounded memory, no file stops the rest."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from precordia.core.errors import OptionError

Item = TypeVar("Item")
Result = TypeVar("Result")

#: what is said of an item whose process ended under it
LOST = "working on it ended its process, for want of memory perhaps."
#: how soon a process notices that the one that started it was killed, seconds
_PARENT_LOOKED_AT_S = 1.0
#: batches in flight for each process; more would only wait in memory
_AHEAD = 3
#: what Ctrl-C does to a process while it works: what it does to the one that started it
_while_working: Callable | int = signal.SIG_IGN
#: whether Ctrl-C came while this process worked; what waits for it is not begun then
_stopped = False


def over_all(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    n_jobs: int = 1,
    batch: int = 1,
) -> Iterator[tuple[Item, Result | None]]:
    """Do one thing to every item, in this process or in several.

    Parameters
    ----------
    work
        A function of a module, or a `functools.partial` of one; it answers for its own errors.
    items
        Taken from the iterable only as fast as they are worked on.
    n_jobs
        Processes.
    batch
        Items that travel to a process together.

    Yields
    ------
    Each item with its result; with None where the process ended under it (see `LOST`).

    Raises
    ------
    OptionError
        If ``n_jobs`` is below 1.

    Notes
    -----
    Results come in the order of the items. When a process dies, what was in flight is done again
    one by one in a process of its own, so that only the item to blame is lost.

    Examples
    --------
    >>> list(over_all(abs, [-1, 2]))
    [(-1, 1), (2, 2)]
    """
    if n_jobs < 1:
        raise OptionError(f"{n_jobs} processes were asked for; at least 1 is needed.")
    if n_jobs == 1:
        for item in items:
            yield item, work(item)
        return
    rest = iter(items)
    while True:
        interrupted = yield from _in_one_pool(work, rest, n_jobs, batch)
        if not interrupted:
            return
        for item in interrupted:
            yield item, _alone(work, item)


def _in_one_pool(
    work: Callable[[Item], Result], rest: Iterator[Item], n_jobs: int, batch: int
) -> Generator[tuple[Item, Result | None], None, list[Item]]:
    """Work until all is done or a process dies; return the items that were in flight then."""
    flying: deque[tuple[list[Item], Future[list[Result]]]] = deque()
    pool = ProcessPoolExecutor(n_jobs, initializer=_begin)
    all_done = False
    try:
        while True:
            try:
                while len(flying) < _AHEAD * n_jobs and (taken := list(islice(rest, batch))):
                    flying.append((taken, _submitted(pool, work, taken)))
                if not flying:
                    all_done = True
                    return []
                results = flying[0][1].result()
            except BrokenProcessPool:
                return [item for taken, _ in flying for item in taken]
            yield from zip(flying.popleft()[0], results, strict=True)
    finally:
        # Processes with nothing left to do end at once. Not awaited, they would end while Python
        # does, which then writes into their closed pipe and prints a traceback.
        pool.shutdown(wait=all_done, cancel_futures=True)


def _submitted(
    pool: ProcessPoolExecutor, work: Callable[[Item], Result], taken: list[Item]
) -> Future[list[Result]]:
    try:
        return pool.submit(_each, work, taken)
    except BrokenProcessPool as error:
        broken: Future[list[Result]] = Future()  # so that the items already taken are not lost
        broken.set_exception(error)
        return broken


def _each(work: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    """Work, and let Ctrl-C stop that; outside of it a process must not be stopped (`_begin`)."""
    global _stopped
    if _stopped:
        raise KeyboardInterrupt
    try:
        signal.signal(signal.SIGINT, _while_working)
        return [work(item) for item in items]
    except KeyboardInterrupt:
        _stopped = True
        raise
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _alone(work: Callable[[Item], Result], item: Item) -> Result | None:
    with ProcessPoolExecutor(1, initializer=_begin) as pool:
        try:
            return pool.submit(_each, work, [item]).result()[0]
        except BrokenProcessPool:
            return None


def _begin() -> None:
    """Prepare a process for its work.

    Ctrl-C reaches every process. One that it stops while it takes an item or gives a result back
    keeps the lock of the queue, and all others wait for that lock for ever.
    """
    global _while_working
    _while_working = signal.getsignal(signal.SIGINT) or signal.SIG_IGN
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_the_parent()


def _end_with_the_parent() -> None:
    """End this process soon after the one that started it was killed; it would wait for ever."""
    started_by = multiprocessing.parent_process()
    if started_by is None or multiprocessing.get_start_method() == "forkserver":
        parent = os.getppid()
    else:  # it may have been killed already
        parent = started_by.pid

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_LOOKED_AT_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
