# SPDX-License-Identifier: Apache-2.0
"""Figures that the cards of our weights state, as scores beside the measured ones."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from precordia.benchmarking.metrics import RATES
from precordia.benchmarking.protocol import Run
from precordia.benchmarking.tasks import Method, Task, packaged
from precordia.core.cards import read_card
from precordia.core.errors import WeightsError
from precordia.core.scores import Score

_INTERVALS = ("_interval", "_95", "_ci")
_WORDS = {
    "auroc": ("set-a", "AUROC", ""),
    "accuracy": ("set-a", "accuracy", "%"),
    "jf_mean": ("150 ms, mean of records", "JF", ""),
}
_WINDOW = re.compile(r"(se|ppv|f1|jf)_(\d+)_ms$")


def scores_of_card(task: Task, method: Method) -> list[Score]:
    """Return the numbers under ``[scores]`` of a method's card; empty where it has none.

    Parameters
    ----------
    task, method
        From the table of tasks.

    Examples
    --------
    >>> from precordia.benchmarking.tasks import find_task
    >>> task = find_task("rpeaks")
    >>> scores_of_card(task, task.methods[0])[0].method
    'network, card of the weights'
    """
    if not method.card:
        return []
    try:
        card = read_card(packaged(method.card))
    except WeightsError:
        return []
    run = Run(
        task=task.name,
        database=task.database,
        method=f"{method.name}, card of the weights",
        function=None,
        note=str(card.scores.get("how", "as the card says")),
    )
    scores = []
    for subject, name, value, *ends in _numbers(card.scores):
        subject, metric, unit = _named(subject, name, value)
        if unit == "%" and value > 1:  # the card writes percent itself
            value, ends = value / 100, [end / 100 for end in ends]
        scores.append(run.score(subject, metric, value, (ends[0], ends[1]), unit))
    return scores


def _numbers(
    entries: dict[str, Any], subject: str = ""
) -> Iterator[tuple[str, str, float, float, float]]:
    for name, value in entries.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{subject} {name}".strip())
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            stems = (name, name.removesuffix("_ms"))
            keys = [stem + ending for stem in stems for ending in _INTERVALS]
            ends = next((entries[key] for key in keys if key in entries), None)
            low, high = ends if isinstance(ends, list) and len(ends) == 2 else (math.nan, math.nan)
            yield subject, name, float(value), float(low), float(high)


def _named(subject: str, name: str, value: float) -> tuple[str, str, str]:
    """Subject, metric and unit of an entry, in the words of the measured scores."""
    found = _WINDOW.match(name)
    if found and value <= 1:
        return f"{found[2]} ms", found[1], "%"
    if not subject and name in _WORDS:
        return _WORDS[name]
    if name in RATES:
        return subject, name, "%"
    if name.endswith("_ms") and subject:
        return subject, {"sd_ms": "SD"}.get(name, name[:-3]), "ms"
    return subject or name, name if subject else "value", ""
