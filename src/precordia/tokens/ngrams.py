# SPDX-License-Identifier: Apache-2.0
"""Counts of n-grams: how often each symbol, and each string of a few, comes in each lead."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.sparse import csr_matrix

from precordia.core.errors import OptionError, SignalError
from precordia.core.tokens import Tokens

_MIX = np.uint64(0x9E3779B97F4A7C15)


def count_ngrams(recordings: Iterable[Tokens], *, n: int = 2, columns: int = 2**14) -> csr_matrix:
    """Count the n-grams of recordings.

    Parameters
    ----------
    recordings
        Tokens of each.
    n
        Strings of 1 to ``n`` symbols of one lead. What speaks of all leads is a lead of its own.
    columns
        N-grams are spread over so many columns by a fixed rule; a few share one.

    Returns
    -------
    A row a recording. A lead is known by its name, so recordings may differ in their leads.

    Raises
    ------
    OptionError
        If ``n`` or ``columns`` is below one.
    SignalError
        If no recording arrives.

    Examples
    --------
    >>> tokens = Tokens(tokenizer="sax", n_symbols=8, leads=("II",), symbols=[3, 7, 3, 7],
    ...                 lead=[0, 0, 0, 0], times=[0, 1, 2, 3], gain=[[500, 0]], fs=100, n_samples=9)
    >>> sorted(count_ngrams([tokens]).data.tolist())  # 3 and 7, "37" twice, "73" once
    [1.0, 2.0, 2.0, 2.0]
    """
    if n < 1 or columns < 1:
        raise OptionError(f"n is {n} and columns {columns}; both must be 1 or more.")
    rows = [_row(tokens, n, columns) for tokens in recordings]
    if not rows:
        raise SignalError("no recording arrived; tokens of at least one are needed.")
    ends = np.cumsum([0] + [len(where) for where, _ in rows])
    where = np.concatenate([where for where, _ in rows])
    times = np.concatenate([times for _, times in rows])
    return csr_matrix((times.astype(float), where, ends), shape=(len(rows), columns))


def _row(tokens: Tokens, n: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    keys = []
    for k, name in enumerate((*tokens.leads, "")):
        lead = k if name else -1
        said = tokens.symbols[tokens.lead == lead].astype(np.uint64) + np.uint64(1)
        key = np.full(len(said), _number(name), np.uint64)
        for order in range(n):
            if order >= len(said):
                break
            key = _mixed(key[: len(said) - order], said[order:])
            keys.append(key)
    if not keys:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    place = (np.concatenate(keys) % np.uint64(columns)).astype(np.int64)
    return np.unique(place, return_counts=True)


def _number(name: str) -> np.uint64:
    number = 1469598103934665603
    for byte in name.encode():
        number = ((number ^ byte) * 1099511628211) % 2**64
    return np.uint64(number)


def _mixed(key: np.ndarray, symbol: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        mixed = (key ^ (symbol * _MIX)) * np.uint64(0xBF58476D1CE4E5B9)
        return mixed ^ (mixed >> np.uint64(31))
