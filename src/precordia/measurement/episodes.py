# SPDX-License-Identifier: Apache-2.0
"""Ectopic beats in a row and in patterns: couplets, runs, bigeminy, trigeminy, pauses."""

import numpy as np

from precordia.core.measurements import BeatKind, BeatTable

PAUSE_MS = 2000.0


def count_episodes(beats: BeatTable) -> dict[str, int]:
    """Count what ectopic beats do together.

    Parameters
    ----------
    beats
        The beats of a record.

    Returns
    -------
    dict[str, int]
        Beats of each kind; ventricular couplets (exactly two in a row), runs (three or more) and
        the longest run; supraventricular runs; beats that belong to ventricular bigeminy (at least
        three ectopic beats, each after one other beat) and trigeminy (after two); pauses (RR of at
        least 2 s).

    Examples
    --------
    >>> from precordia.core.measurements import empty_beats
    >>> count_episodes(empty_beats())["n_pauses"]
    0
    """
    kinds = beats.kind
    below = np.array([k == BeatKind.VENTRICULAR for k in kinds], dtype=bool)
    above = np.array([k == BeatKind.SUPRAVENTRICULAR for k in kinds], dtype=bool)
    runs = _run_lengths(below)
    return {
        "n_normal_beats": beats.count(BeatKind.NORMAL),
        "n_supraventricular_beats": int(above.sum()),
        "n_ventricular_beats": int(below.sum()),
        "n_paced_beats": beats.count(BeatKind.PACED),
        "n_ventricular_couplets": int(np.count_nonzero(runs == 2)),
        "n_ventricular_runs": int(np.count_nonzero(runs >= 3)),
        "longest_ventricular_run": int(runs.max()) if runs.size else 0,
        "n_supraventricular_runs": int(np.count_nonzero(_run_lengths(above) >= 3)),
        "n_bigeminy_beats": _pattern_beats(below, 2),
        "n_trigeminy_beats": _pattern_beats(below, 3),
        "n_pauses": int(np.count_nonzero(beats.rr_ms >= PAUSE_MS)),
    }


def _run_lengths(mask: np.ndarray) -> np.ndarray:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return edges[1::2] - edges[::2]


def _pattern_beats(mask: np.ndarray, period: int) -> int:
    """Beats in stretches where single ectopic beats come every ``period`` beats, three times."""
    at = np.flatnonzero(mask)
    if at.size < 3:
        return 0
    links = np.diff(at) == period
    lengths = _run_lengths(links)
    return int(sum((n + 1) * period for n in lengths.tolist() if n >= 2))
