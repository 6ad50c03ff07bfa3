# SPDX-License-Identifier: Apache-2.0
"""What an adapter is given of a recording: its signal, the vector of an encoder, or symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from precordia.core.errors import OptionError
from precordia.core.input_scaling import ZScore
from precordia.core.input_spec import InputSpec
from precordia.core.input_steps import FillGaps, Resample, Window
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.embedding.embed import embed
from precordia.embedding.prepare import prepare
from precordia.language.make_adapter import adapter_takes
from precordia.tokens.saved import load_tokenizer


def usual_signal(
    leads: tuple[str, ...] = STANDARD_12, fs: float = 100.0, seconds: float = 10.0
) -> InputSpec:
    """Return each lead by itself to mean 0 and deviation 1, as OpenTSLM has it.

    Examples
    --------
    >>> usual_signal().n_samples, usual_signal().scale_needed
    (1000, 'none')
    """
    return InputSpec(
        leads=leads,
        fs=fs,
        seconds=seconds,
        missing_leads="zero",
        steps=(FillGaps(), Resample(), Window(take="centre"), ZScore(epsilon=1e-6)),
    )


@dataclass(frozen=True, eq=False)
class RecordingInput:
    """Turns a recording into what an adapter takes.

    Attributes
    ----------
    takes
        ``"signal"``, ``"embedding"`` or ``"symbols"``.
    spec
        How recordings become signals.
    encoder
        Which encoder's vectors; see `precordia.embedding.embed.embed`.
    tokenizer
        Which tokenizer's symbols: a name, or a file.
    leads
        Leads whose symbols are taken; all by default.

    Examples
    --------
    >>> RecordingInput("symbols", tokenizer="beats").shape
    {'n_symbols': 473}
    """

    takes: str
    spec: InputSpec = field(default_factory=usual_signal)
    encoder: str = "precordia-12lead"
    tokenizer: str = "fsq"
    leads: tuple[str, ...] = ()

    @cached_property
    def _symbols(self) -> Any:
        return load_tokenizer(self.tokenizer)

    @cached_property
    def shape(self) -> dict[str, int]:
        """Shape of what is given, as `make_adapter` wants it."""
        if self.takes == "symbols":
            return {"n_symbols": int(self._symbols.n_symbols)}
        if self.takes == "embedding":
            return {"dim": self._dim}
        return {"n_leads": self.spec.n_leads, "n_samples": self.spec.n_samples}

    @cached_property
    def _dim(self) -> int:
        wave = np.sin(np.arange(5000) / 40)
        calm = Record(signal=np.tile(wave, (12, 1)), fs=500, leads=STANDARD_12)
        return int(embed(calm, model=self.encoder).dim)

    def take(self, record: Record) -> np.ndarray:
        """Return what the adapter takes: float32 numbers, or symbols as whole numbers.

        Raises
        ------
        SignalError, LeadError, SamplingRateError, UnitError
            If the recording cannot be used.
        """
        if self.takes == "signal":
            return np.nan_to_num(prepare(record, self.spec).windows[0]).astype(np.float32)
        if self.takes == "embedding":
            return embed(record, model=self.encoder).vector.astype(np.float32)
        held = self._some_leads(record) if self.leads else record
        return np.asarray(self._symbols.encode(held).symbols, np.int64)

    def _some_leads(self, record: Record) -> Record:
        rows = [record.leads.index(lead) for lead in self.leads if lead in record.leads]
        if len(rows) < len(self.leads):
            raise OptionError(
                f"the recording has {', '.join(record.leads)}, and {', '.join(self.leads)} are "
                "wanted; choose other leads."
            )
        return Record(signal=record.signal[rows], fs=record.fs, leads=self.leads)

    def to_table(self) -> dict[str, Any]:
        """Return it as a table of a card."""
        if self.takes == "signal":
            return self.spec.to_table()
        if self.takes == "embedding":
            return {"encoder": self.encoder}
        return {"tokenizer": self.tokenizer, "leads": list(self.leads)}

    @classmethod
    def from_table(cls, adapter: str, table: Mapping[str, Any]) -> RecordingInput:
        """Make it of a table ``[input]``, for an adapter.

        Raises
        ------
        UnknownNameError, OptionError
            If a key is unknown or a value impossible.

        Examples
        --------
        >>> RecordingInput.from_table("vocabulary-extension", {"tokenizer": "abba"}).tokenizer
        'abba'
        """
        from precordia.training.configuration_tables import check_known_keys

        takes = adapter_takes(adapter)
        if takes == "signal":
            if set(table) <= {"leads", "fs", "seconds"}:
                usual = usual_signal()
                return cls(
                    takes,
                    spec=usual_signal(
                        tuple(table.get("leads", usual.leads)),
                        float(table.get("fs", usual.fs)),
                        float(table.get("seconds", usual.seconds)),
                    ),
                )
            return cls(takes, spec=InputSpec.from_table(table))
        if takes == "embedding":
            check_known_keys(f"[input] of {adapter}", table, ("encoder",))
            return cls(takes, encoder=str(table.get("encoder", "precordia-12lead")))
        check_known_keys(f"[input] of {adapter}", table, ("tokenizer", "leads"))
        return cls(
            takes,
            tokenizer=str(table.get("tokenizer", "fsq")),
            leads=tuple(str(lead) for lead in table.get("leads", ())),
        )
