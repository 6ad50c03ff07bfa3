# SPDX-License-Identifier: Apache-2.0
"""Join the waves of single leads to cardiac cycles that all leads share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.core.fiducials import Fiducials, Waves
from precordia.core.source import Source
from precordia.delineation.waves import CONFIDENCE, PEAK, LeadWaves

_SAME_QRS_MS = 150.0  # middle of the QRS of one lead to the beat; half of it between two leads
_SAME_P_MS = 80.0  # P peaks of two leads further apart than this are two P waves
_LONGEST_PR_MS = 600.0  # a P wave earlier than this before a QRS did not cause it
_MIN_DEFLECTION_MV = 0.02
_EXACT_MS = 6.0
_BEATS_AT_ONCE = 2048
_FIELDS = {"p": ("p_onset", "p_peak", "p_offset", "p_confidence"),
           "qrs": ("qrs_onset", None, "qrs_offset", "qrs_confidence"),
           "t": ("t_onset", "t_peak", "t_offset", "t_confidence")}


def assemble(
    lead_waves: Sequence[LeadWaves],
    signal: Float[np.ndarray, "lead sample"],
    fs: float,
    leads: Sequence[str],
    rpeaks: Int[np.ndarray, " beat"],
    *,
    source: Source,
) -> Fiducials:
    """Join per-lead waves to `Fiducials`."""
    n_leads, n_samples = signal.shape
    usable = _usable(signal)
    centre, qrs, joint = _beats(lead_waves, rpeaks, usable, fs)
    t = _t_waves(lead_waves, centre, n_leads)
    p, blocked = _p_waves(lead_waves, centre, usable, fs, n_samples)
    # rows: beats and blocked P waves in time
    n_beats, n_blocked = len(centre), blocked.shape[1]
    when = np.concatenate([centre, _median(blocked[..., PEAK])])
    order = np.argsort(when, kind="stable")
    pad_b = np.full((n_leads, n_blocked, 4), np.nan)
    tables = {
        "p": np.concatenate([p, blocked], axis=1)[:, order],
        "qrs": np.concatenate([qrs, pad_b], axis=1)[:, order],
        "t": np.concatenate([t, pad_b], axis=1)[:, order],
    }
    joint = np.concatenate([joint, np.full(n_blocked, np.nan)])[order]
    q_peak, r_peak, s_peak = _deflections(signal, tables["qrs"], fs)
    per_lead = {}
    for k, name in enumerate(leads):
        values = {"q_peak": q_peak[k], "r_peak": r_peak[k], "s_peak": s_peak[k]}
        for kind, names in _FIELDS.items():
            for column, field in enumerate(names):
                if field:
                    values[field] = np.ascontiguousarray(tables[kind][k, :, column])
        per_lead[name] = Waves(**values)
    return Fiducials(
        fs=float(fs), n_samples=int(n_samples), leads=per_lead, source=source,
        **_global(tables, q_peak, r_peak, s_peak, joint, usable),
    )


def _usable(signal: np.ndarray) -> Bool[np.ndarray, " lead"]:
    """Leads that hold a signal at all."""
    if not signal.shape[1]:
        return np.zeros(len(signal), bool)
    thin = signal[:, :: max(1, signal.shape[1] // 1000)]
    return np.fmax.reduce(thin, axis=1) - np.fmin.reduce(thin, axis=1) > 1e-6


def _flat(lead_waves, kind):
    """All waves of one kind: (wave, 4) and the lead of each, sorted by peak."""
    tables = [getattr(w, kind) for w in lead_waves]
    rows = np.concatenate(tables) if tables else np.empty((0, 4))
    lead = np.repeat(np.arange(len(tables)), [len(v) for v in tables])
    fine = np.isfinite(rows[:, PEAK])
    if not fine.all():
        rows, lead = rows[fine], lead[fine]
    order = np.argsort(rows[:, PEAK], kind="stable")
    return rows[order], lead[order]


def _place(rows, lead, column, n_leads, n_columns):
    """Table (lead, column, 4); of two waves at one place the surer one stays. Also which waves stayed."""
    out = np.full((n_leads, n_columns, 4), np.nan)
    kept = np.zeros(len(rows), bool)
    if len(rows):
        order = np.argsort(np.nan_to_num(rows[:, CONFIDENCE]), kind="stable")
        owner = np.full((n_leads, n_columns), -1)
        owner[lead[order], column[order]] = order
        kept[owner[owner >= 0]] = True
        out[lead[kept], column[kept]] = rows[kept]
    return out, kept


def _groups(peak, gap):
    """Number groups of sorted peaks that are broken where two neighbours lie further apart than gap."""
    return np.concatenate([[0], np.cumsum(np.diff(peak) > gap)]) if len(peak) else np.empty(0, int)


def _beats(lead_waves, rpeaks, usable, fs):
    """Beats: QRS waves of several leads at one time, held by most leads or with a joint R-peak."""
    n_leads = len(lead_waves)
    rows, lead = _flat(lead_waves, "qrs")
    if not len(rows):
        return np.empty(0), np.empty((n_leads, 0, 4)), np.empty(0)
    middle = 0.5 * (rows[:, 0] + rows[:, 2])
    middle = np.where(np.isfinite(middle), middle, rows[:, PEAK])
    order = np.argsort(middle, kind="stable")
    rows, lead, middle = rows[order], lead[order], middle[order]
    near = _SAME_QRS_MS * fs / 1000
    group = _groups(middle, near / 2)
    n_groups = group[-1] + 1
    seen = np.bincount(group, minlength=n_groups)  # a lead twice in one group is rare
    where = np.bincount(group, middle, n_groups) / seen
    # each R-peak speaks for the nearest group
    rpeaks = np.unique(np.asarray(rpeaks, float))
    joint = np.full(n_groups, np.nan)
    if len(rpeaks):
        nearest = _nearest(where, rpeaks)
        fine = np.abs(where[nearest] - rpeaks) <= near
        joint[nearest[fine]] = rpeaks[fine]
    beat = np.isfinite(joint)
    most = ~beat & (seen > usable.sum() / 2)
    if most.any() and beat.any():
        most[most] = np.abs(where[beat][_nearest(where[beat], where[most])] - where[most]) > near
    beat |= most
    # waves of groups that are no beat fill empty places of a beat beside them
    column = np.flatnonzero(beat)
    if not len(column):
        return np.empty(0), np.empty((n_leads, 0, 4)), np.empty(0)
    to = _nearest(where[column], middle)
    own = beat[group]
    to[own] = np.searchsorted(column, group[own])
    table, _ = _place(rows[own], lead[own], to[own], n_leads, len(column))
    if not own.all():
        rest = ~own & (np.abs(where[column][to] - middle) <= near)
        rest[rest] = ~np.isfinite(table[lead[rest], to[rest], PEAK])
        extra, _ = _place(rows[rest], lead[rest], to[rest], n_leads, len(column))
        table = np.where(np.isfinite(extra[..., PEAK :PEAK + 1]), extra, table)
    joint = joint[column]
    centre = _median(table[..., PEAK])
    order = np.argsort(centre, kind="stable")
    return centre[order], table[:, order], joint[order]


def _nearest(grid, at):
    if not len(grid):
        return np.zeros(len(at), int)
    i = np.clip(np.searchsorted(grid, at), 1, max(1, len(grid) - 1))
    i = np.minimum(i, len(grid) - 1)
    return np.where(np.abs(at - grid[i - 1]) <= np.abs(at - grid[i]), i - 1, i) if len(grid) > 1 else np.zeros(len(at), int)


def _t_waves(lead_waves, centre, n_leads):
    rows, lead = _flat(lead_waves, "t")
    beat = np.searchsorted(centre, rows[:, PEAK]) - 1
    fine = beat >= 0
    return _place(rows[fine], lead[fine], beat[fine], n_leads, len(centre))[0]


def _p_waves(lead_waves, centre, usable, fs, n_samples):
    """P waves by the QRS they precede, and those that no QRS follows."""
    n_leads, n_beats = len(lead_waves), len(centre)
    rows, lead = _flat(lead_waves, "p")
    if not len(rows):
        return np.full((n_leads, n_beats, 4), np.nan), np.empty((n_leads, 0, 4))
    beat = np.searchsorted(centre, rows[:, PEAK])
    cut = (np.diff(rows[:, PEAK]) > _SAME_P_MS * fs / 1000) | (np.diff(beat) > 0)
    group = np.concatenate([[0], np.cumsum(cut)])
    table, _ = _place(rows, lead, group, n_leads, group[-1] + 1)
    seen = np.isfinite(table[..., PEAK]).sum(axis=0)
    peak = _median(table[..., PEAK])
    of = np.empty(group[-1] + 1, int)
    of[group] = beat
    upcoming = np.append(centre, np.inf)[of]
    pr = upcoming - peak
    may = pr <= _LONGEST_PR_MS * fs / 1000
    # of several groups before one QRS, the last that is well seen conducts
    best = np.zeros(n_beats + 1)
    np.maximum.at(best, of[may], seen[may])
    may &= seen >= 0.5 * best[of]
    last = np.full(n_beats + 1, -1)
    last[of[may]] = np.flatnonzero(may)
    p = np.full((n_leads, n_beats, 4), np.nan)
    has = np.flatnonzero(last[:n_beats] >= 0)
    p[:, has] = table[:, last[has]]
    free = np.ones(len(seen), bool)
    free[last[last >= 0]] = False
    free &= seen > usable.sum() / 2
    # before the end of the record nobody knows whether a QRS would have followed
    free &= n_samples - peak > _LONGEST_PR_MS * fs / 1000
    return p, table[:, free]


def _deflections(signal, qrs, fs):
    """Q, R and S peak of each lead inside its own QRS."""
    n_leads, n_rows = qrs.shape[:2]
    out = np.full((3, n_leads, n_rows), np.nan)
    for a in range(0, n_rows, _BEATS_AT_ONCE):
        part = qrs[:, a : a + _BEATS_AT_ONCE]
        lead, row = np.nonzero(np.isfinite(part[..., PEAK]))
        if len(lead):
            out[:, lead, a + row] = _deflections_of(signal, lead, part[lead, row], fs)
    return out


def _deflections_of(signal, lead, waves, fs):
    """Q, R and S of single QRS complexes, as (3, wave).

    Deflections are heights over the chord from onset to offset, so that a raised or sunken J point is no R or S.
    """
    n = signal.shape[1]
    peak = waves[:, PEAK]
    on = np.where(np.isfinite(waves[:, 0]), waves[:, 0], peak)
    off = np.where(np.isfinite(waves[:, 2]), waves[:, 2], peak)
    on = np.clip(np.rint(on), 0, n - 1).astype(np.int64)
    off = np.clip(np.rint(off), on, n - 1).astype(np.int64)
    k = np.arange(len(on))
    at = np.arange(int((off - on).max()) + 1)
    raw = signal[lead[:, None], np.minimum(on[:, None] + at, n - 1)]
    span = off - on
    slope = (raw[k, span] - raw[:, 0]) / np.maximum(span, 1)
    y = raw - raw[:, :1] - slope[:, None] * at
    y[at > span[:, None]] = 0.0
    np.nan_to_num(y, copy=False, nan=0.0)
    high, low = np.argmax(y, axis=1), np.argmin(y, axis=1)
    least = np.maximum(_MIN_DEFLECTION_MV, 0.04 * (y[k, high] - y[k, low]))
    upward = y[k, high] >= least
    main = np.where(upward, high, low)
    before = np.where(at < main[:, None], y, 0)
    q = np.argmin(before, axis=1)
    no_r_yet = np.where(at < q[:, None], y, 0).max(axis=1) < least
    after = np.where(at > main[:, None], y, 0)
    s = np.argmin(after, axis=1)
    has_q = upward & (before[k, q] <= -least) & no_r_yet
    has_s = upward & (after[k, s] <= -least)
    reach = max(1, round(_EXACT_MS * fs / 1000))
    down = -np.ones(len(on))
    out = np.stack([_exact(raw, q, down, span, reach),
                    _exact(raw, main, np.where(upward, 1, -1), span, reach),
                    _exact(raw, s, down, span, reach)]) + on
    out[0, ~has_q] = np.nan
    out[2, ~has_s] = np.nan
    flat = y[k, high] <= y[k, low]
    out[1, flat] = peak[flat]
    return out


def _exact(raw, index, sign, span, reach):
    """Move each index to the extremum of the signal itself within a few samples."""
    i = index[:, None] + np.arange(-reach, reach + 1)
    v = np.take_along_axis(raw, np.clip(i, 0, raw.shape[1] - 1), axis=1) * sign[:, None]
    v[(i <= 0) | (i >= span[:, None])] = -np.inf
    v[:, reach][~np.isfinite(v).any(axis=1)] = 0.0
    return (index + np.nanargmax(v, axis=1) - reach).astype(float)


def _median(table):
    """Median over leads without NaN; NaN where no lead has a value."""
    return _order_statistic(table, 0.5)


def _order_statistic(table: Float[np.ndarray, "lead beat"], share: float, trim: int = 0):
    """Quantile over the leads that have a value, or NaN."""
    if not table.size:
        return np.full(table.shape[1], np.nan)
    ranked = np.sort(table, axis=0)  # NaN last
    count = np.isfinite(ranked).sum(axis=0)
    at = share * np.maximum(count - 1, 0)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    k = np.arange(table.shape[1])
    a, b = ranked[low, k], ranked[high, k]
    return a + (at - low) * (b - a)


def _global(tables, q_peak, r_peak, s_peak, joint, usable):
    out = {}
    n_usable = max(1, int(usable.sum()))
    for kind, (onset, peak, offset, confidence) in _FIELDS.items():
        w = tables[kind]
        seen = np.isfinite(w[..., PEAK]).sum(axis=0)
        there = seen >= (n_usable / 2 if kind != "qrs" else 1e-9)
        mask = np.where(there, 0.0, np.nan)
        out[onset] = _order_statistic(w[..., 0], 1 / 11) + mask
        out[offset] = _order_statistic(w[..., 2], 10 / 11) + mask
        if peak:
            out[peak] = _median(w[..., PEAK]) + mask
        out[confidence] = np.where(there, np.nansum(w[..., CONFIDENCE], axis=0) / n_usable, np.nan)
    out["q_peak"], out["s_peak"] = _median(q_peak), _median(s_peak)
    middle = _median(r_peak)
    inside = (joint >= out["qrs_onset"]) & (joint <= out["qrs_offset"])
    out["r_peak"] = np.where(inside, joint, middle)
    return out
