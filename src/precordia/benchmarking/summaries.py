# SPDX-License-Identifier: Apache-2.0
"""Means over seeds and folds, and differences of methods compared in pairs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from precordia.benchmarking.own_control import is_control, lead_over
from precordia.benchmarking.predictions import Predictions
from precordia.benchmarking.result_rows import ResultRow, run_key
from precordia.benchmarking.scoring import TestTruth, macro_draws

MEAN, DIFFERENCE = "mean of seeds", "difference"
METRIC = "macro_auroc"
#: ends of intervals, percent
_ENDS = (2.5, 97.5)


def summarise_runs(
    rows: Sequence[ResultRow],
    truths: Mapping[str, TestTruth],
    answers: Mapping[str, Predictions],
) -> list[list[ResultRow]]:
    """Return a summary of each method with each share of labels, and its lead over each control.

    Parameters
    ----------
    rows
        Rows of whole runs.
    truths, answers
        Test records, with the draws that all methods share, and answers of each run.

    Returns
    -------
    Groups of rows, each to be appended at one stroke.

    Notes
    -----
    The macro AUROC of each run is computed in each draw of patients; runs of one method (seeds, and
    folds of a cross-validation) are averaged within a draw. Intervals are percentiles over draws:
    they say how the score would vary with other patients, not with other seeds, whose standard
    deviation is given apart. A difference is taken within each draw, which is what makes the
    comparison a paired one; its interval is narrower than those of the two scores suggest.
    """
    heads = [row for row in rows if row.metric == METRIC and row.subject == "all"]
    groups: dict[tuple[str, ...], list[ResultRow]] = {}
    for row in heads:
        groups.setdefault((row.division[2], row.labels, *row.method), []).append(row)
    draws = {row.run: macro_draws(truths[row.run], answers[row.run].scores) for row in heads}
    found = []
    for (split, *_), held in groups.items():
        found.append(_mean(held, np.mean([draws[row.run] for row in held], axis=0), split))
    for key, held in groups.items():
        beside = [group[0] for other, group in groups.items() if key[:2] == other[:2]]
        for other, reference in groups.items():
            if key == other or key[:2] != other[:2] or not is_control(reference[0]):
                continue
            subject = lead_over(reference[0], beside)
            apart = _difference(held, reference, draws, key[0], subject)
            if apart is not None:
                found.append([apart])
    return found


def _mean(held: list[ResultRow], drawn: np.ndarray, split: str) -> list[ResultRow]:
    values = np.array([row.value for row in held])
    low, high = _ends(drawn)
    n_splits = len({row.split_hash for row in held})
    over = [f"{len({row.seed for row in held})} seeds"]
    if n_splits > 1:
        over.append(f"{n_splits} folds")
    first = held[0]
    # folds of a cross-validation may differ in the classes that their test records can score
    left_out = dict.fromkeys(part.strip() for r in held for part in r.note.split(";"))
    notes = [f"mean of {len(held)} runs ({', '.join(over)})"]
    notes += [part for part in left_out if " classes left out " in part]
    mean = dataclasses.replace(
        first,
        run=run_key(kind=MEAN, of=sorted(row.run for row in held)),
        kind=MEAN,
        split=split,
        split_hash=first.split_hash if n_splits == 1 else "",
        seed="",
        weights_hash=first.weights_hash if len(held) == 1 else "",
        value=float(values.mean()),
        low=low,
        high=high,
        minutes=float(sum(row.minutes for row in held)),
        note="; ".join(filter(None, notes)),
        **_counts(held),
    )
    spread = float(values.std(ddof=1)) if len(held) > 1 else math.nan
    deviation = dataclasses.replace(
        mean,
        metric=f"{METRIC}_sd_of_seeds",
        value=spread,
        low=math.nan,
        high=math.nan,
        note=f"of {len(held)} runs" if len(held) > 1 else "one run has no spread",
    )
    return [mean, deviation]


def _difference(held, reference, draws, split, subject) -> ResultRow | None:
    """One method minus a control, over the test records that both answered."""
    if {row.split_hash for row in held} != {row.split_hash for row in reference}:
        return None
    apart = np.mean([draws[row.run] for row in held], axis=0) - np.mean(
        [draws[row.run] for row in reference], axis=0
    )
    low, high = _ends(apart)
    first = held[0]
    clear = "" if not math.isfinite(low) or low <= 0 <= high else "the interval excludes 0"
    return dataclasses.replace(
        first,
        run=run_key(
            kind=DIFFERENCE, of=[sorted(r.run for r in group) for group in (held, reference)]
        ),
        kind=DIFFERENCE,
        split=split,
        seed="",
        weights_hash="",
        subject=subject,
        value=float(np.mean([r.value for r in held]) - np.mean([r.value for r in reference])),
        low=low,
        high=high,
        minutes=math.nan,
        note="; ".join(filter(None, ("same draws of patients for both", clear))),
        **_counts(held),
    )


def _counts(held: list[ResultRow]) -> dict[str, int]:
    once = {row.split_hash: row for row in held}.values()
    return {
        name: sum(getattr(row, name) for row in once)
        for name in ("n_records", "n_patients", "n_positive")
    }


def _ends(drawn: np.ndarray) -> tuple[float, float]:
    held = drawn[np.isfinite(drawn)]
    if held.size < min(100, drawn.size) or not held.size:
        return math.nan, math.nan
    low, high = np.percentile(held, _ENDS)
    return float(low), float(high)
