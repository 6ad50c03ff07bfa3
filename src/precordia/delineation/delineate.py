# SPDX-License-Identifier: Apache-2.0
"""Find where P, QRS and T begin, peak and end, in every lead and over all leads together."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError, SignalError
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.delineation.assemble import assemble
from precordia.delineation.rpeaks import rpeaks_of_signal
from precordia.delineation.rules import RULES_VERSION, delineate_with_rules
from precordia.delineation.waves import PEAK, WAVE_KINDS, LeadWaves

Method = Literal["auto", "network", "rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DelineationSettings:
    """How a record is worked through.

    Attributes
    ----------
    shortest_s
        Records shorter than this get no fiducials, seconds.
    block_s
        Longer records are worked through in blocks of this length, seconds.
    margin_s
        What a block sees of its neighbours at each side, seconds.
    """

    shortest_s: float = 2.0
    block_s: float = 60.0
    margin_s: float = 6.0

    def __post_init__(self) -> None:
        if not (self.block_s >= 10 and self.margin_s >= 2 and self.shortest_s > 0):
            raise OptionError(
                f"blocks of {self.block_s:g} s with a margin of {self.margin_s:g} s arrived; "
                "at least 10 s and 2 s are needed. Choose longer ones."
            )


DEFAULTS = DelineationSettings()


def delineate(
    record: Record,
    *,
    rpeaks: Int[np.ndarray, " beat"] | None = None,
    method: Method = "auto",
    settings: DelineationSettings = DEFAULTS,
) -> Fiducials:
    """Find the waves of every beat, in each lead and over all leads together."""
    chosen = _method(method)
    signal, fs = record.signal, record.fs
    n_samples = signal.shape[1]
    if not record.leads or n_samples < settings.shortest_s * fs:
        return _nothing(record, chosen, settings)
    if rpeaks is not None:
        rpeaks = _checked_rpeaks(rpeaks, n_samples)
    elif chosen == "rules":
        rpeaks = rpeaks_of_signal(signal, fs)
    lead_waves = _in_blocks(signal, fs, rpeaks, _finder(chosen), settings)
    return assemble(
        lead_waves, signal, fs, record.leads, rpeaks, source=_source(chosen, settings)
    )


def _method(method: str) -> str:
    if method not in ("auto", "network", "rules"):
        raise OptionError(
            f"method {method!r} arrived; 'auto', 'network' or 'rules' is needed. Leave it out for 'auto'."
        )
    if method == "auto":
        return "network" if _has_network() else "rules"
    return method


def _has_network() -> bool:
    if importlib.util.find_spec("onnxruntime") is None:
        return False
    if importlib.util.find_spec("precordia.delineation.network") is None:
        return False
    from precordia.delineation.network import has_weights

    return has_weights()


def _finder(chosen: str) -> Callable[..., list[LeadWaves]]:
    if chosen == "rules":
        return delineate_with_rules
    from precordia.delineation.network import delineate_with_network

    return lambda signal, fs, rpeaks: delineate_with_network(signal, fs)


def _source(chosen: str, settings: DelineationSettings) -> Source:
    version = RULES_VERSION
    if chosen == "network":
        from precordia.delineation.network import weights_version

        version = weights_version()
    return Source(method=f"delineate:{chosen}", version=version, parameters=asdict(settings))


def _nothing(record: Record, chosen: str, settings: DelineationSettings) -> Fiducials:
    from dataclasses import fields

    nothing = empty_waves(0)
    return Fiducials(
        fs=record.fs,
        n_samples=record.n_samples,
        leads={name: empty_waves(0) for name in record.leads},
        source=_source(chosen, settings),
        **{f.name: getattr(nothing, f.name) for f in fields(nothing)},
    )


def _checked_rpeaks(rpeaks: object, n_samples: int) -> Int[np.ndarray, " beat"]:
    at = np.asarray(rpeaks)
    if at.ndim != 1 or at.dtype.kind not in "iuf" or not np.isfinite(at).all():
        raise SignalError(
            f"R-peaks of shape {at.shape} and type {at.dtype} arrived; a list of sample indices is "
            "needed. Use those of detect_rpeaks(record)."
        )
    if at.size and not (at.min() >= 0 and at.max() < n_samples):
        raise SignalError(
            f"R-peaks from {at.min():g} to {at.max():g} arrived; the record has samples 0 to "
            f"{n_samples - 1}. Give them at the rate of this record."
        )
    return np.unique(np.rint(at).astype(np.int64))


def _in_blocks(
    signal: Float[np.ndarray, "lead sample"],
    fs: float,
    rpeaks: Int[np.ndarray, " beat"] | None,
    find: Callable[..., list[LeadWaves]],
    settings: DelineationSettings,
) -> list[LeadWaves]:
    """Apply a method to overlapping blocks and keep of each what peaks inside it."""
    n = signal.shape[1]
    block, margin = round(settings.block_s * fs), round(settings.margin_s * fs)
    if n <= block + 2 * margin:
        return find(signal, fs, rpeaks)
    parts: list[list[LeadWaves]] = []
    for a in range(0, n, block):
        b = a + block if n - (a + block) > margin else n
        lo, hi = max(0, a - margin), min(n, b + margin)
        inside = None if rpeaks is None else rpeaks[(rpeaks >= lo) & (rpeaks < hi)] - lo
        found = find(signal[:, lo:hi], fs, inside)
        parts.append([_kept(waves, lo, a, b) for waves in found])
        if b == n:
            break
    return [
        LeadWaves(*(np.concatenate([getattr(part[k], kind) for part in parts]) for kind in WAVE_KINDS))
        for k in range(len(signal))
    ]


def _kept(waves: LeadWaves, shift: int, start: int, stop: int) -> LeadWaves:
    tables = []
    for kind in WAVE_KINDS:
        table = getattr(waves, kind).copy()
        table[:, :3] += shift
        tables.append(table[(table[:, PEAK] >= start) & (table[:, PEAK] < stop)])
    return LeadWaves(*tables)
