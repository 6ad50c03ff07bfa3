# SPDX-License-Identifier: Apache-2.0
"""Find where P, QRS and T begin, peak and end, in every lead and over all leads together."""

from __future__ import annotations

import importlib.util
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import OptionError, SignalError
from precordia.core.fiducials import Fiducials, Waves, empty_waves
from precordia.core.record import Record
from precordia.core.source import Source
from precordia.delineation.assemble import assemble, nearest
from precordia.delineation.missed_p import (
    find_missed_p_waves,
    may_miss_p_waves,
    with_p_waves,
)
from precordia.delineation.rpeaks import rpeaks_of_signal
from precordia.delineation.rules import RULES_VERSION, delineate_with_rules
from precordia.delineation.rules_scales import likeness
from precordia.delineation.waves import PEAK, WAVE_KINDS, LeadWaves

Method = Literal["auto", "network", "rules"]
Rpeaks = Int[np.ndarray, " beat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DelineationSettings:
    """How a record is worked through.

    Attributes
    ----------
    shortest_s
        Records shorter than this get no fiducials, seconds.
    block_s
        The rules work through longer records in blocks of this length, seconds.
    margin_s
        What a block sees of its neighbours at each side, seconds.
    """

    shortest_s: float = 2.0
    block_s: float = 60.0
    margin_s: float = 10.0

    def __post_init__(self) -> None:
        if not (self.block_s >= 10 and self.margin_s >= 2 and self.shortest_s > 0):
            raise OptionError(
                f"blocks of {self.block_s:g} s, margins of {self.margin_s:g} s and records from "
                f"{self.shortest_s:g} s arrived; at least 10 s, 2 s and more than 0 s are needed. "
                "Choose longer ones."
            )


DEFAULTS = DelineationSettings()

_AGREED = 0.75  # share of beats that network and R-peak detector must have in common
_SURE = 0.9  # median confidence of the QRS waves below which the network is not taken at its word
_UNSURE = 0.8  # ... and below which it is wrong if the rules see nothing but noise
_GAP = 1.8  # a pause this many times the median RR interval may hide a beat
_MISSED = 0.1  # share of the beats found by rules that it must have missed to be overruled
_ALIKE = 0.85  # ... and how much these must be like the typical beat
_FEWEST = 3  # beats that the network must see to be believed where nothing else sees any


def delineate(
    record: Record,
    *,
    rpeaks: Rpeaks | None = None,
    method: Method = "auto",
    settings: DelineationSettings = DEFAULTS,
) -> Fiducials:
    """Find the waves of every beat, in each lead and over all leads together.

    Parameters
    ----------
    record
        One lead or many, 50 Hz or faster (100 Hz for bounds that mean something), of any length.
    rpeaks
        Beats that are already known, as sample indices. Each gets a row and there are no others.
    method
        ``"network"``: the trained network. ``"rules"``: slopes and curvatures, no weights needed.
        ``"auto"``: the network where its weights and onnxruntime are installed, and the rules
        where not, or where the network has plainly missed beats.
    settings
        Block lengths.

    Returns
    -------
    Fiducials with a row per cardiac cycle. What is absent or cannot be told is NaN; a record that
    is too short, flat or nothing but noise has no rows. ``source`` says which method was used.

    Raises
    ------
    OptionError
        If there is no such method.
    SignalError
        If ``rpeaks`` are not sample indices of this record.
    WeightsError
        If ``method="network"`` and its weights or onnxruntime are missing.

    Notes
    -----
    The waves of each lead come from `precordia.delineation.network` or
    `precordia.delineation.rules`; `precordia.delineation.assemble` joins them. Under ``"auto"`` the
    rules are asked too where the network saw fewer than three beats, is unsure of half of them
    (confidence below 0.9) or leaves a pause of 1.8 median RR intervals or more. They overrule it if
    at least a tenth of their beats (and three) are not among its own yet look like the typical
    beat, and where they see nothing but noise while its median confidence is below 0.8 and its
    beats do not look alike or are fewer than three; ``source.warnings`` tells.

    In a record of one lead the beats are those of `precordia.delineation.rpeaks`, which is better
    there (on MIT-BIH, first channel of 22 records: 99.95 % of beats found instead of 99.83 %),
    unless less than three quarters are also the network's. Over several leads the network needs no
    such help.

    Long records are read in overlapping stretches, so that memory stays a few times that of the
    record. Where a border falls moves bounds by less than 4 ms in 99 of 100 waves and 9 ms in all
    (network, 20 joined LUDB records), and the R-peak of a lead with two equal deflections may be
    the other one. The rules judge P waves by their neighbours, so a P wave at a change of rhythm
    may come or go.

    Examples
    --------
    >>> flat = Record(signal=np.zeros((2, 5000)), fs=500, leads=("I", "II"))
    >>> delineate(flat).n_beats
    0
    """
    chosen = _method(method)
    if not record.leads or record.n_samples < settings.shortest_s * record.fs:
        return _nothing(record, _source(chosen, settings))
    if rpeaks is not None:
        rpeaks = _checked_rpeaks(rpeaks, record.n_samples)
    if chosen == "rules":
        return _by_rules(record, rpeaks, settings)
    found = _by_network(record, rpeaks, settings)
    if method == "auto" and rpeaks is None and _leaves_doubt(found):
        return _second_opinion(record, found, settings)
    return found


def _by_network(record: Record, rpeaks: Rpeaks | None, settings: DelineationSettings) -> Fiducials:
    from precordia.delineation.network import delineate_with_network

    waves = delineate_with_network(record.signal, record.fs)
    source = _source("network", settings)
    found = assemble(waves, record.signal, record.fs, record.leads, rpeaks, source=source)
    if rpeaks is None and record.n_leads == 1:
        rpeaks = _agreed_rpeaks(record, found)
        if rpeaks is not None:
            found = assemble(waves, record.signal, record.fs, record.leads, rpeaks, source=source)
    if not may_miss_p_waves(found):
        return found
    more = find_missed_p_waves(record.signal, found)
    if not any(map(len, more)):
        return found
    waves = with_p_waves(waves, more)
    return assemble(waves, record.signal, record.fs, record.leads, rpeaks, source=source)


def _agreed_rpeaks(record: Record, found: Fiducials) -> Rpeaks | None:
    """R-peaks of a single lead, unless they and the network's beats are far from each other."""
    at = rpeaks_of_signal(record.signal, record.fs)
    seen = found.r_peak[found.has_qrs]
    if not len(at) or not len(seen):
        return None
    both = (np.abs(at - seen[nearest(seen, at)]) < 0.15 * record.fs).sum()
    return at if both >= _AGREED * max(len(at), len(seen)) else None


def _by_rules(record: Record, rpeaks: Rpeaks | None, settings: DelineationSettings) -> Fiducials:
    at = rpeaks_of_signal(record.signal, record.fs) if rpeaks is None else rpeaks
    waves = _rules_in_blocks(record.signal, record.fs, at, settings)
    source = _source("rules", settings)
    return assemble(waves, record.signal, record.fs, record.leads, rpeaks, source=source)


def _leaves_doubt(found: Fiducials) -> bool:
    """Whether beats may have been missed or invented: few, unsure, or with a gap among them."""
    at = found.r_peak[found.has_qrs]
    if len(at) < _FEWEST or np.median(found.qrs_confidence[found.has_qrs]) < _SURE:
        return True
    rr = np.diff(at, prepend=0.0, append=found.n_samples)
    return bool(rr.max() > _GAP * np.median(rr))


def _second_opinion(record: Record, found: Fiducials, settings: DelineationSettings) -> Fiducials:
    """Rules instead of the network if they see many beats that it does not, or only noise."""
    by_rules = _by_rules(record, None, settings)
    at, seen = by_rules.r_peak[by_rules.has_qrs], found.r_peak[found.has_qrs]
    if not len(at):
        sure = np.median(found.qrs_confidence[found.has_qrs]) if len(seen) else 1.0
        stray = 0 < len(seen) < _FEWEST
        noise = sure < _UNSURE and not _are_beats(record, seen, np.ones(len(seen), bool))
        if stray or noise:
            warning = f"{len(seen)} doubtful beats of the network do not stand out of the noise"
            return _nothing(record, replace(found.source, warnings=(warning,)))
        return found
    missed = np.ones(len(at), bool)
    if len(seen):
        missed = np.abs(at - seen[nearest(seen, at)]) > 0.12 * record.fs
    if missed.sum() < max(3, _MISSED * len(at)) or not _are_beats(record, at, missed):
        return found
    warning = f"by rules: the network missed {missed.sum()} of the {len(at)} beats that rules see"
    return replace(by_rules, source=replace(by_rules.source, warnings=(warning,)))


def _are_beats(record: Record, at: Float[np.ndarray, " beat"], missed: np.ndarray) -> bool:
    """Whether the missed ones look like the typical beat, as artifacts and T waves do not."""
    if len(at) < 3:
        return False
    half = round(0.06 * record.fs)
    start = np.rint(at).astype(np.int64) - half
    alike = likeness(np.nan_to_num(record.signal), start, 2 * half + 1)
    return bool(np.median(alike[missed]) > _ALIKE)


def _method(method: str) -> str:
    if method not in ("auto", "network", "rules"):
        raise OptionError(
            f"method {method!r} arrived; 'auto', 'network' or 'rules' is needed. "
            "Leave it out for 'auto'."
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


def _source(chosen: str, settings: DelineationSettings) -> Source:
    version = RULES_VERSION
    if chosen == "network":
        from precordia.delineation.network import weights_version

        version = weights_version()
    return Source(method=f"delineate:{chosen}", version=version, parameters=asdict(settings))


def _nothing(record: Record, source: Source) -> Fiducials:
    nothing = empty_waves(0)
    return Fiducials(
        fs=record.fs,
        n_samples=record.n_samples,
        leads={name: empty_waves(0) for name in record.leads},
        source=source,
        **{f.name: getattr(nothing, f.name) for f in fields(Waves)},
    )


def _checked_rpeaks(rpeaks: object, n_samples: int) -> Rpeaks:
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


def _rules_in_blocks(
    signal: Float[np.ndarray, "lead sample"],
    fs: float,
    rpeaks: Rpeaks,
    settings: DelineationSettings,
) -> list[LeadWaves]:
    """Apply the rules to overlapping blocks and keep of each what peaks inside it."""
    n = signal.shape[1]
    block, margin = round(settings.block_s * fs), round(settings.margin_s * fs)
    if n <= block + 2 * margin:
        return delineate_with_rules(signal, fs, rpeaks)
    parts: list[list[LeadWaves]] = []
    start = 0
    while start < n:
        stop = start + block if n - (start + block) > margin else n
        low, high = max(0, start - margin), min(n, stop + margin)
        inside = rpeaks[(rpeaks >= low) & (rpeaks < high)] - low
        found = delineate_with_rules(signal[:, low:high], fs, inside)
        parts.append([_kept(waves, low, start, stop) for waves in found])
        start = stop
    joined = (
        [np.concatenate([getattr(part[k], kind) for part in parts]) for kind in WAVE_KINDS]
        for k in range(len(signal))
    )
    return [LeadWaves(*tables) for tables in joined]


def _kept(waves: LeadWaves, shift: int, start: int, stop: int) -> LeadWaves:
    tables = []
    for kind in WAVE_KINDS:
        table = getattr(waves, kind).copy()
        table[:, :3] += shift
        tables.append(table[(table[:, PEAK] >= start) & (table[:, PEAK] < stop)])
    return LeadWaves(*tables)
