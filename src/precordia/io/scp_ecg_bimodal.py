# SPDX-License-Identifier: Apache-2.0
"""Bimodal compression of SCP-ECG: samples between QRS complexes that were decimated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from precordia.io.scp_ecg_beats import smooth


def protected_zones(
    zones: Sequence[tuple[int, int]], *, start: int, end: int
) -> list[tuple[int, int]]:
    """Return the protected stretches within a lead, in order and without overlap.

    Examples
    --------
    >>> protected_zones([(50, 60), (1, 20), (15, 30), (0, 0)], start=1, end=55)
    [(1, 30), (50, 55)]
    """
    kept: list[tuple[int, int]] = []
    for first, last in sorted(zones):
        first, last = max(first, start), min(last, end)
        if last < first:
            continue
        if kept and first <= kept[-1][1] + 1:
            kept[-1] = (kept[-1][0], max(last, kept[-1][1]))
        else:
            kept.append((first, last))
    return kept


def stored_length(zones: Sequence[tuple[int, int]], factor: int, *, start: int, end: int) -> int:
    """Return how many samples are stored of a lead.

    Parameters
    ----------
    zones
        What `protected_zones` returned.
    factor
        How many samples one stands for where they were decimated.
    start, end
        Numbers of the first and last sample of the lead.

    Examples
    --------
    >>> stored_length([(11, 20)], 4, start=1, end=32)
    17
    """
    count, here = 0, start
    for first, last in [*zones, (end + 1, end)]:
        count += sum(divmod(first - here, factor)) + last - first + 1
        here = last + 1
    return count


def expand(
    row: Int[np.ndarray, " _"],
    zones: Sequence[tuple[int, int]],
    factor: int,
    *,
    start: int,
    end: int,
) -> Int[np.ndarray, " sample"]:
    """Undo the decimation of a lead.

    Parameters
    ----------
    row
        What is stored: every sample of the protected stretches; of those between, one for
        ``factor`` samples, and single ones for what is left over before the next stretch.
    zones
        What `protected_zones` returned.
    factor
        How many samples one stands for.
    start, end
        Numbers of the first and last sample of the lead.

    Returns
    -------
    The lead; shorter where samples are missing.

    Notes
    -----
    What is stored is the mean of ``factor`` samples and stands for the middle of them. Between
    those, values are interpolated linearly, held at both ends, and smoothed by means of three.

    Examples
    --------
    >>> expand(np.array([4, 8, 5, 90, 91, 6]), [(10, 11)], 4, start=1, end=15)
    array([ 4,  4,  5,  5,  6,  7,  8,  8,  5, 90, 91,  6,  6,  6,  6])
    """
    pieces = []
    used, here = 0, start
    for first, last in [*zones, (end + 1, end)]:
        means, rest = divmod(first - here, factor)
        means = min(means, row.size - used)
        if means > 0:
            middles = np.arange(means) * factor + factor // 2
            between = np.interp(np.arange(means * factor), middles, row[used : used + means])
            pieces.append(smooth(np.rint(between).astype(row.dtype)))
        used += means
        pieces.append(row[used : used + rest + last - first + 1])
        used += rest + last - first + 1
        here = last + 1
        if used >= row.size:
            break
    return np.concatenate([*pieces, row[:0]])
