# SPDX-License-Identifier: Apache-2.0
"""Where a beat seems to be left out, networks that also know wide and very fast beats are asked.

The networks of `rpeaks_scorer` learned from recorded rhythms, hardly any of them ventricular or
paced, and call most such beats something else. Networks that were shown simulated ones as well know
them, but mark more waves that are none in recorded rhythms. So they are heard only in stretches
without beats that are long beside the intervals around.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from precordia.delineation.rpeaks_features import PAD, Candidates
from precordia.delineation.rpeaks_gaps import GAP_S
from precordia.delineation.rpeaks_scorer import APART_S, FAST_S, NAMES, decide

THRESHOLD = 0.5
THRESHOLD_IN_FAST = -1.5
_LONG_S = 1.5
_LONG = 1.6
_SHORTEST_S = 0.3
_NO_INTERVAL_S = 9.0


@lru_cache(maxsize=1)
def weights() -> tuple[Float[np.ndarray, ...], ...]:
    """Load the trained weights."""
    with np.load(Path(__file__).with_name("rpeaks_wide.npz"), allow_pickle=False) as file:
        return tuple(file[name] for name in NAMES)


def add_left_out(found: Candidates, kept: Int[np.ndarray, " beat"]) -> Int[np.ndarray, " _"]:
    """Add the candidates that the wide-beat networks call beats where beats seem to be left out.

    Parameters
    ----------
    found
        The candidates of a stretch, with features.
    kept
        Indices of those that are beats so far, ascending.

    Returns
    -------
    Indices of the beats, ascending; ``kept`` itself where no stretch is long.

    Notes
    -----
    A stretch without beats is long if it lasts more than 1.5 s, or more than 1.6 times the shorter
    of the intervals beside it (and 0.3 s). The ends of the recording count as beats. Stretches of
    more than two seconds are left to the delineation network (`rpeaks_gaps`), which knows more: a
    few beats found here would keep it from being asked. Beside intervals shorter than 0.27 s, where
    P and T run into one another, less is asked of a beat.
    """
    end = (found.traces.shape[1] - 2 * PAD) / found.rate
    mark = np.empty(len(kept) + 2)
    mark[0] = 0.0
    mark[1:-1] = found.at[kept]
    mark[1:-1] /= found.rate
    mark[-1] = end
    gap = mark[1:] - mark[:-1]
    beside = np.empty(len(gap) + 2)
    beside[1:-1] = gap
    beside[:2] = beside[-2:] = _NO_INTERVAL_S
    nearest = np.minimum(beside[:-2], beside[2:])
    limit = _LONG * nearest
    np.minimum(np.maximum(limit, _SHORTEST_S, out=limit), _LONG_S, out=limit)
    long = ((gap > limit) & (gap <= GAP_S)).nonzero()[0]
    if not len(long):
        return kept
    beats, logit = decide(found, weights(), THRESHOLD_IN_FAST)
    when = found.at[beats] / found.rate
    added = [kept]
    for k in long.tolist():
        low = mark[k] + APART_S if k else -1.0
        high = mark[k + 1] - APART_S if k + 1 < len(gap) else end + 1.0
        least = THRESHOLD_IN_FAST if nearest[k] < FAST_S else THRESHOLD
        added.append(beats[(when > low) & (when < high) & (logit > least)])
    return np.unique(np.concatenate(added))
