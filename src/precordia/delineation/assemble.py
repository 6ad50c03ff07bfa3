# SPDX-License-Identifier: Apache-2.0
"""Join the waves of single leads to cardiac cycles that all leads share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.core.fiducials import Fiducials, Waves
from precordia.core.source import Source
from precordia.delineation.waves import CONFIDENCE, PEAK, LeadWaves

_SAME_QRS_MS = 130.0  # a QRS of one lead belongs to a joint beat this near
_SAME_P_MS = 80.0  # P peaks of two leads further apart than this are two P waves
_LONGEST_PR_MS = 600.0  # a P wave earlier than this before a QRS did not cause it
_MIN_DEFLECTION_MV = 0.02
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
    high = np.fmax.reduce(signal, axis=1)
    low = np.fmin.reduce(signal, axis=1)
    return np.nan_to_num(high - low) > 1e-6


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
    """Beats: jointly detected R-peaks, and QRS waves that most leads hold without one."""
    n_leads = len(lead_waves)
    rows, lead = _flat(lead_waves, "qrs")
    rpeaks = np.unique(np.asarray(rpeaks, float))
    near = _SAME_QRS_MS * fs / 1000
    nearest = _nearest(rpeaks, rows[:, PEAK])
    far = np.ones(len(rows), bool)
    if len(rpeaks):
        far = np.abs(rows[:, PEAK] - rpeaks[nearest]) > near
    column = np.where(far, 0, nearest)
    table, kept = _place(rows[~far], lead[~far], column[~far], n_leads, len(rpeaks))
    spare = far.copy()
    spare[np.flatnonzero(~far)[~kept]] = True
    joint = rpeaks
    if spare.any():
        rows, lead = rows[spare], lead[spare]
        group = _groups(rows[:, PEAK], near / 2)
        more, _ = _place(rows, lead, group, n_leads, group[-1] + 1)
        seen = np.isfinite(more[..., PEAK]).sum(axis=0)
        most = seen > usable.sum() / 2
        table = np.concatenate([table, more[:, most]], axis=1)
        joint = np.concatenate([rpeaks, np.full(int(most.sum()), np.nan)])
    seen = np.isfinite(table[..., PEAK]).sum(axis=0)
    keep = seen > 0
    table, joint = table[:, keep], joint[keep]
    centre = np.where(np.isfinite(joint), joint, _median(table[..., PEAK]))
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
    n = signal.shape[1]
    for a in range(0, n_rows, _BEATS_AT_ONCE):
        part = qrs[:, a : a + _BEATS_AT_ONCE]
        lead, row = np.nonzero(np.isfinite(part[..., PEAK]))
        if len(lead):
            out[:, lead, a + row] = _deflections_of(signal, lead, part[lead, row], n)
    return out


def _deflections_of(signal, lead, waves, n):
    peak = waves[:, PEAK]
    on = np.where(np.isfinite(waves[:, 0]), waves[:, 0], peak)
    off = np.where(np.isfinite(waves[:, 2]), waves[:, 2], peak)
    on = np.clip(np.ceil(on), 0, n - 1).astype(np.int64)
    off = np.clip(np.floor(off), on, n - 1).astype(np.int64)
    width = int((off - on).max()) + 1
    at = np.arange(width)
    i = on[:, None] + at
    y = signal[lead[:, None], np.minimum(i, n - 1)]
    y = y - y[:, :1]
    y[i > off[:, None]] = 0.0
    np.nan_to_num(y, copy=False, nan=0.0)
    r = np.argmax(y, axis=1)
    k = np.arange(len(y))
    low = np.argmin(y, axis=1)
    positive = y[k, r] >= _MIN_DEFLECTION_MV
    main = np.where(positive, r, low)
    out = np.full((3, len(y)), np.nan)
    before = np.where(at < main[:, None], y, 0)
    q = np.argmin(before, axis=1)
    first_up = np.where(at < q[:, None], y, 0).max(axis=1) < _MIN_DEFLECTION_MV
    has_q = positive & (before[k, q] <= -_MIN_DEFLECTION_MV) & first_up
    after = np.where(at > main[:, None], y, 0)
    s = np.argmin(after, axis=1)
    has_s = positive & (after[k, s] <= -_MIN_DEFLECTION_MV)
    out[0] = np.where(has_q, on + q, np.nan)
    flat = y[k, low] == y[k, r]
    out[1] = np.where(flat, peak, on + main)
    out[2] = np.where(has_s, on + s, np.nan)
    return out


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
