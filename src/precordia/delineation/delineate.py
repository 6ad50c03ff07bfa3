# SPDX-License-Identifier: Apache-2.0
"""Find where P, QRS and T begin, peak and end, in every lead and over all leads together."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError, SignalError
from precordia.core.fiducials import Fiducials, Waves, empty_waves
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.delineation.assemble import assemble, nearest
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


_SURE = 0.9  # median confidence of the QRS waves below which the network is not taken at its word
_GAP = 1.8  # ... or a pause this many times the median RR interval
_MISSED = 0.25  # share of the beats found by rules that it must have missed to be overruled

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
    if chosen == "rules":
        return _by_rules(record, rpeaks, settings)
    found = _by_network(record, rpeaks, settings)
    if method == "auto" and rpeaks is None and _leaves_doubt(found):
        return _second_opinion(record, found, settings)
    return found


def _by_network(record: Record, rpeaks, settings: DelineationSettings) -> Fiducials:
    from precordia.delineation.network import delineate_with_network

    waves = _in_blocks(
        record.signal, record.fs, None, lambda x, fs, _: delineate_with_network(x, fs), settings
    )
    source = _source("network", settings)
    return assemble(waves, record.signal, record.fs, record.leads, rpeaks, source=source)


def _by_rules(
    record: Record, rpeaks, settings: DelineationSettings, warnings: tuple[str, ...] = ()
) -> Fiducials:
    at = rpeaks_of_signal(record.signal, record.fs) if rpeaks is None else rpeaks
    waves = _in_blocks(record.signal, record.fs, at, delineate_with_rules, settings)
    source = _source("rules", settings, warnings)
    return assemble(waves, record.signal, record.fs, record.leads, rpeaks, source=source)


def _leaves_doubt(found: Fiducials) -> bool:
    """Whether beats may have been missed: few, unsure, or with a gap among them."""
    at = found.r_peak[found.has_qrs]
    if len(at) < 3 or np.median(found.qrs_confidence[found.has_qrs]) < _SURE:
        return True
    rr = np.diff(at, prepend=0.0, append=found.n_samples)
    return bool(rr.max() > _GAP * np.median(rr))


def _second_opinion(record: Record, found: Fiducials, settings: DelineationSettings) -> Fiducials:
    """Rules instead of the network if they see many beats that it does not."""
    by_rules = _by_rules(record, None, settings)
    at, seen = by_rules.r_peak[by_rules.has_qrs], found.r_peak[found.has_qrs]
    missed = len(at)
    if len(seen):
        missed = int((np.abs(at - seen[nearest(seen, at)]) > 0.15 * record.fs).sum())
    if missed < 3 or missed < _MISSED * len(at):
        return found
    warning = (
        f"the network saw {len(seen)} beats, the rules {len(at)}, {missed} of them at other places: "
        "waves are those of the rules"
    )
    return replace(by_rules, source=_source("rules", settings, (warning,)))


def _method(method: str) -> str:
    if method not in ("auto", "network", "rules"):
        raise OptionError(
            f"method {method!r} arrived; 'auto', 'network' or 'rules' is needed. Leave it out for 'auto'."
        )
    if method == "auto":
        return "network" if _has_network() else "rules"
    return method


@lru_cache(maxsize=1)
def _has_network() -> bool:
    if importlib.util.find_spec("onnxruntime") is None:
        return False
    from precordia.delineation.network import has_weights

    return has_weights()


def _source(
    chosen: str, settings: DelineationSettings, warnings: tuple[str, ...] = ()
) -> Source:
    version = RULES_VERSION
    if chosen == "network":
        from precordia.delineation.network import weights_version

        version = weights_version()
    return Source(
        method=f"delineate:{chosen}",
        version=version,
        parameters=asdict(settings),
        warnings=warnings,
    )


def _nothing(record: Record, chosen: str, settings: DelineationSettings) -> Fiducials:
    nothing = empty_waves(0)
    return Fiducials(
        fs=record.fs,
        n_samples=record.n_samples,
        leads={name: empty_waves(0) for name in record.leads},
        source=_source(chosen, settings),
        **{f.name: getattr(nothing, f.name) for f in fields(Waves)},
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
