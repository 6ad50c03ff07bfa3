# SPDX-License-Identifier: Apache-2.0
"""Recordings with numbers to learn in the place of classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from precordia.core.record import Remark
from precordia.training.number_targets import numbers_of
from precordia.training.prepared_windows import PreparedWindows
from precordia.training.record_source import RecordSource
from precordia.training.target_scale import TargetScale, refuse_unknown, scale_of


def with_numbers(
    source: RecordSource,
    names: Sequence[str],
    windows: PreparedWindows,
    parts: Sequence[str],
    cache: str | Path,
    *,
    n_jobs: int = 1,
    wait: bool = False,
    watch: Callable[[int, int, str], None] | None = None,
) -> tuple[RecordSource, TargetScale | None, list[Remark]]:
    """Give recordings numbers to learn, of mean 0 and deviation 1 over those for training.

    Parameters
    ----------
    source, windows
        Recordings and their windows; those without one count for nothing.
    names
        Of the numbers, see `precordia.training.number_targets.numbers_of`.
    parts
        Part of each record.
    cache, n_jobs, wait, watch
        As for `precordia.training.number_targets.numbers_of`.

    Returns
    -------
    The recordings, mean and deviation of each number (None where a part has no recording, which
    `precordia.training.data_parts.training_sets` refuses), and what was noticed.

    Raises
    ------
    OptionError, UnknownNameError
        If a number is unknown, or the same, in all recordings of a part.
    OutputError
        If what is measured cannot be kept.
    """
    values = numbers_of(source, names, cache, n_jobs=n_jobs, wait=wait, watch=watch)
    source = replace(source, classes=tuple(names), targets=values)
    there = np.isin(np.arange(len(source)), windows.record)
    train, valid = (there & (np.array(parts) == part) for part in ("train", "validation"))
    if not train.any() or not valid.any():
        return source, None, []
    scale = scale_of(values[train], names)
    refuse_unknown(values[valid], names, part="validation")
    absent = np.isnan(values[train | valid]).sum(axis=0)
    n_records = int((train | valid).sum())
    remarks = [
        Remark(code="number-unknown", text=f"{name} is unknown in {n} of {n_records} records.")
        for name, n in zip(names, absent, strict=True)
        if n
    ]
    return replace(source, targets=scale.standardise(values)), scale, remarks
