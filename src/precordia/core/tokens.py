# SPDX-License-Identifier: Apache-2.0
"""Tokens: a recording as a string of symbols, and what is needed to turn it back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import SignalError
from precordia.core.source import Source
from precordia.core.value import Value

#: lead of a token that speaks of all leads at once
ALL_LEADS = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens(Value):
    """A recording as symbols.

    Attributes
    ----------
    tokenizer
        Name of what made them.
    n_symbols
        Size of the vocabulary.
    leads
        Lead names of the recording.
    symbols
        Which symbol each token is, from 0 to ``n_symbols`` - 1. The tokens of a lead stand
        together, leads in order; those that speak of all leads stand where they apply.
    lead
        Which lead each token belongs to, an index into ``leads``; -1 for all leads at once.
    times
        When what the token tells of begins, seconds from the start.
    gain
        Code of the amplitude and code of the offset, one row a lead: absolute millivolts are not
        lost (see `precordia.tokens.gain`).
    fs, n_samples
        Sampling rate, Hz, and length of the recording.
    missing
        Stretches without signal: lead, first sample, and the sample after the last.
    source
        What made them.

    Examples
    --------
    >>> Tokens(tokenizer="sax", n_symbols=8, leads=("II",), symbols=[3, 7], lead=[0, 0],
    ...        times=[0.0, 0.1], gain=[[500, 0]], fs=100, n_samples=20)
    Tokens(2 of sax, 8 symbols, 1 lead, 0.2 s)
    """

    tokenizer: str
    n_symbols: int
    leads: tuple[str, ...]
    symbols: Int[np.ndarray, " token"]
    lead: Int[np.ndarray, " token"]
    times: Float[np.ndarray, " token"]
    gain: Int[np.ndarray, "lead 2"] | Int[np.ndarray, " _"]
    fs: float
    n_samples: int
    missing: Int[np.ndarray, " gap"] | Int[np.ndarray, "gap 3"] = field(
        default_factory=lambda: np.zeros((0, 3), np.int64)
    )
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        symbols = np.asarray(self.symbols, np.int64).reshape(-1)
        lead = np.asarray(self.lead, np.int64).reshape(-1)
        times = np.asarray(self.times, float).reshape(-1)
        gain = np.asarray(self.gain, np.int64).reshape(-1, 2)
        if not symbols.size == lead.size == times.size:
            raise SignalError(
                f"{symbols.size} symbols, {lead.size} leads and {times.size} times arrived; "
                "one of each per token is needed."
            )
        if len(gain) != len(self.leads):
            raise SignalError(
                f"{len(gain)} gains arrived for {len(self.leads)} leads; one row a lead is needed."
            )
        if symbols.size and not 0 <= symbols.min() <= symbols.max() < self.n_symbols:
            raise SignalError(
                f"symbols from {symbols.min()} to {symbols.max()} arrived; the vocabulary has "
                f"{self.n_symbols}. Decode with the tokenizer that encoded."
            )
        if lead.size and not ALL_LEADS <= lead.min() <= lead.max() < len(self.leads):
            raise SignalError(
                f"a token of lead number {lead.max() if lead.max() >= 0 else lead.min()} arrived; "
                f"there are {len(self.leads)} leads, counted from 0."
            )
        object.__setattr__(self, "symbols", symbols)
        object.__setattr__(self, "lead", lead)
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "gain", gain)
        object.__setattr__(self, "missing", np.asarray(self.missing, np.int64).reshape(-1, 3))
        object.__setattr__(self, "leads", tuple(self.leads))
        object.__setattr__(self, "fs", float(self.fs))

    def __len__(self) -> int:
        return int(self.symbols.size)

    @property
    def duration_s(self) -> float:
        """Length of the recording in seconds."""
        return self.n_samples / self.fs

    def __repr__(self) -> str:
        n = len(self.leads)
        return (
            f"Tokens({len(self)} of {self.tokenizer}, {self.n_symbols} symbols, "
            f"{n} lead{'' if n == 1 else 's'}, {self.duration_s:g} s)"
        )
