# SPDX-License-Identifier: Apache-2.0
"""Results made in order by threads, a few ahead of whoever needs them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def made_ahead(
    make: Callable[[Given], Made], given: Iterable[Given], *, workers: int
) -> Iterator[Made]:
    """Give ``make(item)`` of each item in order.

    Parameters
    ----------
    make
        Is called in threads.
    given
        Items; taken only as far as they are needed.
    workers
        Threads, and how many results are made ahead; 0 makes each when it is needed.

    Examples
    --------
    >>> list(made_ahead(abs, [-1, 2, -3], workers=2))
    [1, 2, 3]
    """
    if not workers:
        yield from map(make, given)
        return
    rest = iter(given)
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[Future[Made]] = deque()
        try:
            while True:
                while len(ahead) <= workers:
                    try:
                        ahead.append(pool.submit(make, next(rest)))
                    except StopIteration:
                        break
                if not ahead:
                    return
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
