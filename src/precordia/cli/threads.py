# SPDX-License-Identifier: Apache-2.0
"""How many threads a command takes: one, but for those that learn."""

from __future__ import annotations

import os

#: whether somebody said how many threads
_ASKED_FOR = "OMP_NUM_THREADS" in os.environ


def take_one_thread() -> None:
    """Take one thread, unless somebody asked for a number.

    One process a core (--jobs) is faster than threads within products of small matrices. NumPy
    reads this when it is first imported, so this must be called before.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def take_all_processors() -> None:
    """Undo the one thread that suits every other command, unless somebody asked for a number."""
    from precordia.core.registry import load_object

    if not _ASKED_FOR:
        load_object("torch:set_num_threads", extra="train", purpose="training")(os.cpu_count() or 1)
