# SPDX-License-Identifier: Apache-2.0
"""Limits between below, within and above normal, and how to learn them from answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.core.errors import OptionError
from precordia.core.value import Value
from precordia.questions.query import ABOVE, BELOW, WITHIN
from precordia.questions.vocabulary import terms_of_kind

#: lowest and highest normal value, ms
_USUAL = {
    "rr interval": (600.0, 1000.0),
    "p duration": (0.0, 120.0),
    "pr interval": (120.0, 200.0),
    "qrs duration": (60.0, 110.0),
    "qt interval": (350.0, 440.0),
    "qt corrected": (350.0, 450.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Value):
    """Lowest and highest normal value of each interval, ms; both count as normal.

    Attributes
    ----------
    normal
        The two limits by the interval's name.
    agreement
        Share of the answers that the limits give back; NaN where they were not learned.

    Examples
    --------
    >>> Limits().range_of("qrs duration", 142.0)
    'above the normal range'
    """

    normal: dict[str, tuple[float, float]] = field(default_factory=lambda: dict(_USUAL))
    agreement: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (low, high) in self.normal.items():
            if not low <= high:
                raise OptionError(
                    f"the limits of {name} are {low:g} and {high:g} ms; "
                    "give the lower one first, both as numbers."
                )

    def range_of(self, name: str, value: float) -> str:
        """Return the range that a value lies in; empty where the value is NaN."""
        if math.isnan(value):
            return ""
        low, high = self.normal[name]
        return BELOW if value < low else ABOVE if value > high else WITHIN


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two recordings and the intervals that one kind of change was said of."""

    before: str
    after: str
    change: str
    names: frozenset[str]


#: what a change says of normality before and after
_STATES = {
    "normalized": (False, True),
    "deviated": (True, False),
    "abnormal": (False, False),
    "normal": (True, True),
}


def fit_limits(
    values: Mapping[str, Mapping[str, float]],
    comparisons: Sequence[Comparison],
    *,
    start: Limits | None = None,
    step_ms: float | None = None,
) -> Limits:
    """Learn the normal limits of each interval from answers about pairs of recordings.

    Parameters
    ----------
    values
        Intervals by name (ms), by recording.
    comparisons
        Answers: of which intervals a change from the first to the second recording was said.
        What is not named did not change in that way.
    start
        Limits that are kept where nothing can be learned.
    step_ms
        Limits are multiples of this, where one knows that they were told in round numbers.

    Returns
    -------
    The limits that give back most answers, and the share that they give back.

    Raises
    ------
    OptionError
        If a comparison names a change that is not known, or the step is not above 0.

    Notes
    -----
    Method: each interval by itself. Every pair of limits from a grid is tried: between the values
    seen (at most 80 steps), or the multiples of ``step_ms``. Of the best pairs those of the
    roundest numbers (of 100, then of 50) stay where there is a step, and the one in the middle of
    them is taken, so that a limit lies between the values on both sides of it.

    Examples
    --------
    >>> seen = {"a": {"qrs duration": 90.0}, "b": {"qrs duration": 130.0}}
    >>> said = [Comparison("a", "b", "deviated", frozenset({"qrs duration"}))]
    >>> 90 < fit_limits(seen, said).normal["qrs duration"][1] < 130
    True
    """
    start = start or Limits()
    if step_ms is not None and not 0 < step_ms < math.inf:
        raise OptionError(f"step_ms is {step_ms:g}; a step in ms above 0 is needed.")
    for one in comparisons:
        if one.change not in _STATES:
            raise OptionError(
                f"a comparison speaks of '{one.change}'; give one of {', '.join(_STATES)}."
            )
    normal, agreement = dict(start.normal), {}
    for term in terms_of_kind("interval"):
        name = term.name
        rows = [
            (
                values[one.before].get(name, math.nan),
                values[one.after].get(name, math.nan),
                *_STATES[one.change],
                name in one.names,
            )
            for one in comparisons
            if one.before in values and one.after in values
        ]
        table = np.array([row for row in rows if not (math.isnan(row[0]) or math.isnan(row[1]))])
        if not len(table):
            continue
        pair, share = _best_pair(table[:, :2], table[:, 2:4] > 0, table[:, 4] > 0, step_ms)
        normal[name], agreement[name] = pair, share
    return Limits(normal=normal, agreement=agreement)


def _candidates(
    seen: Float[np.ndarray, " value"], step_ms: float | None
) -> Float[np.ndarray, " limit"]:
    """Return limits to try: below all, between values, above all; or round numbers."""
    if step_ms is not None:
        first, last = math.floor(seen.min() / step_ms), math.ceil(seen.max() / step_ms)
        return np.arange(first, last + 1) * float(step_ms)
    steps = np.unique(np.quantile(seen, np.linspace(0, 1, 80)))
    between = (steps[1:] + steps[:-1]) / 2
    return np.concatenate([[max(0.0, steps[0] - 1)], between, [steps[-1] + 1]])


def _roundness(limits: Float[np.ndarray, " limit"]) -> Int[np.ndarray, " limit"]:
    return (limits % 50 == 0).astype(int) + (limits % 100 == 0)


def _best_pair(
    pair: Float[np.ndarray, "comparison 2"],
    wanted: Bool[np.ndarray, "comparison 2"],
    said: Bool[np.ndarray, " comparison"],
    step_ms: float | None,
) -> tuple[tuple[float, float], float]:
    grid = _candidates(pair.ravel(), step_ms)
    right = _count_right(grid, pair, wanted, said)
    equal = right == right.max()
    if step_ms is not None:
        rounds = np.where(equal, _roundness(grid)[:, None] + _roundness(grid)[None], -1)
        equal = rounds == rounds.max()
    lows, highs = np.nonzero(equal)
    low, high = int(np.median(lows)), int(np.median(highs))
    if not equal[low, high]:  # the middle of what is no rectangle may lie outside it
        low, high = int(lows[len(lows) // 2]), int(highs[len(lows) // 2])
    return (float(grid[low]), float(grid[high])), float(right.max()) / len(pair)


def _count_right(
    grid: Float[np.ndarray, " limit"],
    pair: Float[np.ndarray, "comparison 2"],
    wanted: Bool[np.ndarray, "comparison 2"],
    said: Bool[np.ndarray, " comparison"],
) -> Int[np.ndarray, "limit limit"]:
    """Count what every lower limit (row) with every upper one (column) gives back.

    Whether a value is normal is 1 for all limits up to one and from one on, else 0. Whether a
    comparison holds is a sum of products of that, so that one sum over both axes counts them all.
    """
    lows = np.searchsorted(grid, pair, "right") - 1
    highs = np.searchsorted(grid, pair, "left")
    both = np.stack([lows.min(axis=1), highs.max(axis=1)])
    rest, slope = np.where(wanted, 0, 1), np.where(wanted, 1, -1)
    sign = np.where(said, 1, -1)
    weights = np.zeros((len(grid), len(grid)), int)
    for (low, high), share in (
        ((lows[:, 0], highs[:, 0]), slope[:, 0] * rest[:, 1]),
        ((lows[:, 1], highs[:, 1]), slope[:, 1] * rest[:, 0]),
        ((both[0], both[1]), slope.prod(axis=1)),
    ):
        within = (low >= 0) & (high < len(grid))
        np.add.at(weights, (low[within], high[within]), (sign * share)[within])
    counts = weights[::-1].cumsum(axis=0)[::-1].cumsum(axis=1)
    counts += int((sign * rest.prod(axis=1)).sum()) + int((~said).sum())
    counts[np.tril_indices(len(grid), -1)] = -1
    return counts
