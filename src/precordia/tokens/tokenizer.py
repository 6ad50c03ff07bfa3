# SPDX-License-Identifier: Apache-2.0
"""The interface of every tokenizer: fit, encode, decode, rate, distortion, save."""

from __future__ import annotations

import abc
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError, SamplingRateError, SignalError, WeightsError
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.core.tokens import Tokens
from precordia.tokens.distortion import Distortion, compare
from precordia.tokens.gain import OFFSET_BITS, SCALE_BITS
from precordia.tokens.strip import Scaling, Strip, cut_strip, restore

#: what it costs to say how many tokens a lead has, and where a stretch without signal lies
LENGTH_BITS, GAP_BITS = 16, 64
#: recordings whose symbols are counted for the price of each
_COUNTED = 40
#: symbol, lead and first sample of each token, at the rate of the tokenizer
Placed = tuple[np.ndarray, np.ndarray, np.ndarray]


def single(array: np.ndarray) -> np.ndarray:
    """Round an array of real numbers to single precision, as files hold it."""
    return array.astype(np.float32) if array.dtype.kind == "f" else array


class Tokenizer(abc.ABC):
    """Turn recordings into strings of symbols and back.

    Parameters
    ----------
    fs
        Sampling rate at which symbols are made, Hz. Recordings of any rate are resampled to it,
        and decoded at their own.
    options
        What the tokenizer itself takes; kept for `save`.

    Notes
    -----
    A vocabulary consists of one or more *streams*, alphabets that stand one behind the other:
    symbol numbers of the second begin where those of the first end. Every token of a stream can
    be any of its symbols, so it costs the logarithm of the stream's size.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    #: whether the number of tokens depends on the signal and must be said
    counted: ClassVar[bool] = False
    scaling: ClassVar[Scaling] = "deviation"

    def __init__(self, *, fs: float = 100.0, **options: Any) -> None:
        if not np.isfinite(fs) or not 20 <= fs <= 5000:
            raise SamplingRateError(
                f"fs is {fs}; a tokenizer works at 20 to 5000 Hz. 100 is the default."
            )
        self.fs = float(fs)
        self.options: dict[str, Any] = {"fs": self.fs, **options}
        #: bits that each symbol costs an ideal coder; None before `fit`
        self.prices: np.ndarray | None = None

    # ---- what each tokenizer brings ----

    @property
    @abc.abstractmethod
    def streams(self) -> tuple[int, ...]:
        """Size of each alphabet."""

    @abc.abstractmethod
    def _learn(self, strips: list[Strip]) -> None:
        """Learn the codebook."""

    @abc.abstractmethod
    def _symbols(self, strip: Strip) -> Placed:
        """Give the tokens of a strip."""

    @abc.abstractmethod
    def _signal(self, tokens: Tokens, n: int) -> Float[np.ndarray, "lead sample"]:
        """Give the strip back, ``n`` samples long."""

    @abc.abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """Return what was learned, as arrays; empty before `fit`."""

    @abc.abstractmethod
    def restore_state(self, arrays: dict[str, np.ndarray]) -> None:
        """Take back what `state` returned."""

    # ---- what all of them share ----

    @property
    def n_symbols(self) -> int:
        """Size of the vocabulary."""
        return int(sum(self.streams))

    @property
    def fitted(self) -> bool:
        """Whether there is a codebook."""
        return bool(self.state())

    def fit(self, records: Iterable[Record]) -> Tokenizer:
        """Learn the codebook from recordings; give training recordings only.

        Parameters
        ----------
        records
            Recordings of any leads and rates.

        Returns
        -------
        The tokenizer itself.

        Raises
        ------
        SignalError
            If no recording has a lead with signal.
        """
        strips = [cut_strip(record, self.fs, self.scaling) for record in records]
        strips = [strip for strip in strips if strip.present.any()]
        if not strips:
            raise SignalError(
                f"no recording with signal arrived to fit '{self.name}' on; at least one is "
                "needed, a few hundred are better."
            )
        self._learn(strips)
        # As it will come back from a file, so that symbols before and after saving are the same.
        self.restore_state({key: single(held) for key, held in self.state().items()})
        self._price(strips)
        return self

    def _price(self, strips: list[Strip]) -> None:
        step = -(-len(strips) // _COUNTED)
        counts = np.full(self.n_symbols, 0.5)
        for strip in strips[::step]:
            counts += np.bincount(self._symbols(strip)[0], minlength=self.n_symbols)
        stream = self._stream_of_symbol()
        total = np.bincount(stream, weights=counts, minlength=len(self.streams))
        self.prices = -np.log2(counts / total[stream])

    def _stream_of_symbol(self) -> Int[np.ndarray, " _"]:
        return np.repeat(np.arange(len(self.streams)), self.streams)

    def _check_fitted(self) -> None:
        if not self.fitted:
            raise WeightsError(
                f"the tokenizer '{self.name}' has no codebook yet. Fit it on training recordings "
                "with fit(records), or load one with load_tokenizer(name)."
            )

    def encode(self, record: Record) -> Tokens:
        """Turn a recording into symbols.

        Raises
        ------
        WeightsError
            If the tokenizer was not fitted.
        SignalError
            If the recording has no sample.
        """
        self._check_fitted()
        strip = cut_strip(record, self.fs, self.scaling)
        symbols, lead, start = self._symbols(strip)
        return Tokens(
            tokenizer=self.name,
            n_symbols=self.n_symbols,
            leads=record.leads,
            symbols=symbols,
            lead=lead,
            times=np.asarray(start, float) / self.fs,
            gain=strip.gain,
            fs=record.fs,
            n_samples=record.n_samples,
            missing=strip.missing,
            source=Source(method=f"tokens:{self.name}", parameters=dict(self.options)),
        )

    def decode(self, tokens: Tokens) -> Record:
        """Turn symbols back into a recording, marked as estimated.

        Raises
        ------
        OptionError
            If another tokenizer, or another codebook of this one, made the tokens.
        """
        self._check_fitted()
        if tokens.tokenizer != self.name or tokens.n_symbols != self.n_symbols:
            raise OptionError(
                f"these tokens are of '{tokens.tokenizer}' with {tokens.n_symbols} symbols; this "
                f"is '{self.name}' with {self.n_symbols}. Decode with the tokenizer that encoded."
            )
        n = max(1, int(np.ceil(tokens.n_samples * self.fs / tokens.fs - 1e-9)))
        signal = restore(
            self._signal(tokens, n),
            fs=self.fs,
            gain=tokens.gain,
            missing=tokens.missing,
            record_fs=tokens.fs,
            n_samples=tokens.n_samples,
        )
        return Record(
            signal=signal,
            fs=tokens.fs,
            leads=tokens.leads,
            origin="estimated",
            source=Source(method=f"decode:{self.name}", parameters=dict(self.options)),
        )

    def rate(self, tokens: Tokens, *, coding: str = "fixed") -> float:
        """Return how many bits a second of one lead costs.

        Parameters
        ----------
        tokens
            From `encode`.
        coding
            ``"fixed"``: a token costs the logarithm of the size of its stream. ``"entropy"``: it
            costs what an ideal coder would need that knows how often each symbol came in the
            recordings of `fit`.

        Returns
        -------
        Bits per second and lead: symbols, gain, stretches without signal, and the number of
        tokens of each lead where that is not fixed.
        """
        if coding not in ("fixed", "entropy"):
            raise OptionError(f"coding is '{coding}'; 'fixed' or 'entropy' is needed.")
        if coding == "entropy" and self.prices is not None:
            prices = self.prices
        else:
            prices = np.log2(np.asarray(self.streams, float))[self._stream_of_symbol()]
        n_leads = len(tokens.leads)
        bits = float(prices[tokens.symbols].sum()) + n_leads * (SCALE_BITS + OFFSET_BITS)
        bits += len(tokens.missing) * GAP_BITS + self.counted * n_leads * LENGTH_BITS
        return bits / (tokens.duration_s * n_leads)

    def distortion(self, record: Record, decoded: Record | None = None) -> Distortion:
        """Compare a recording with what comes back from its symbols.

        Parameters
        ----------
        record
            The recording.
        decoded
            What came back; encoded and decoded here where it is not given.
        """
        return compare(record, self.decode(self.encode(record)) if decoded is None else decoded)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the tokenizer to one file (.npz, arrays only, no pickle).

        Raises
        ------
        OutputError
            If the file exists and ``overwrite`` is false, or cannot be written.
        WeightsError
            If the tokenizer was not fitted.
        """
        from precordia.tokens.saved import write_tokenizer

        self._check_fitted()
        return write_tokenizer(self, path, overwrite=overwrite)

    def __repr__(self) -> str:
        told = ", ".join(f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}"
                         for k, v in self.options.items())  # fmt: skip
        return f"{type(self).__name__}({told}; {'fitted' if self.fitted else 'not fitted'})"
