# SPDX-License-Identifier: Apache-2.0
"""Memory for the signals of many short records, which the operating system gives out slowly."""

from __future__ import annotations

import contextlib
import mmap
import sys
import threading
from pathlib import Path

import numpy as np
from jaxtyping import Float32

#: one huge page; a record that is kept keeps at most this
_SLAB_BYTES = 2 << 20
#: what is smaller costs few pages, and would keep many times its size; of the larger, few fit
_SMALLEST, _LARGEST = 128 << 10, 512 << 10
_ALIGNMENT = 64
_HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


class _Slabs(threading.local):
    """The slab of a thread, how much of it is given away, and whether slabs are of any use."""

    def __init__(self) -> None:
        self.slab: mmap.mmap | None = None
        self.used = _SLAB_BYTES
        self.useful = False
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with contextlib.suppress(OSError):
                self.useful = "[never]" not in _HUGE_PAGES.read_text()


_SLABS = _Slabs()


def signal_memory(n_rows: int, n_samples: int) -> Float32[np.ndarray, "row sample"]:
    """Return an array for a signal, its values left to chance as those of ``np.empty``.

    Parameters
    ----------
    n_rows, n_samples
        Its shape.

    Returns
    -------
    A float32 array.

    Notes
    -----
    Twelve leads of ten seconds are 59 pages of memory, and the first touch of each costs up to
    2 µs where the system runs in a virtual machine: together about as long as reading the record.
    Where Linux offers huge pages, arrays of 128 to 512 KB are therefore cut from slabs of one such
    page, 2 MB. A slab lives as long as one of its arrays does: a program that keeps one record of
    many holds up to 2 MB for it (``record.signal.copy()`` lets go of that). When none of its
    arrays is in use any more, the slab of the thread is used again from its beginning.

    Examples
    --------
    >>> signal_memory(12, 5000).shape
    (12, 5000)
    """
    n_bytes = 4 * n_rows * n_samples
    own = _SLABS
    if not own.useful or not _SMALLEST <= n_bytes <= _LARGEST:
        return np.empty((n_rows, n_samples), np.float32)
    # Held by this object and the call: no array refers to the slab.
    if own.slab is not None and sys.getrefcount(own.slab) == 2:
        own.used = 0
    if own.used + n_bytes > _SLAB_BYTES:
        try:
            own.slab = mmap.mmap(-1, _SLAB_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            own.slab.madvise(mmap.MADV_HUGEPAGE)
        except OSError:
            own.useful, own.slab = False, None
            return np.empty((n_rows, n_samples), np.float32)
        own.used = 0
    array = np.frombuffer(own.slab, np.float32, n_rows * n_samples, own.used)
    own.used += -(-n_bytes // _ALIGNMENT) * _ALIGNMENT
    return array.reshape(n_rows, n_samples)
