# SPDX-License-Identifier: Apache-2.0
"""What the delineation network learns from: LUDB recordings, stretched, disturbed, blanked."""

import csv
import gzip
from itertools import pairwise
from pathlib import Path

import numpy as np

from precordia.delineation.network_input import (
    companded,
    lead_scale,
    network_input,
    without_baseline,
)
from precordia.delineation.network_waves import median_over_leads
from precordia.delineation.network_waves import read_waves as read_probabilities

LEADS = ["i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6"]
KINDS = {"p": 0, "N": 1, "t": 2}
FS = 250  # of the network; its answers come at 125 Hz


# ---------------------------------------------------------------------------- recordings
def read_waves(path: Path, lead: str) -> np.ndarray:
    """Waves of one lead as rows kind, onset, peak, offset (500 Hz samples; NaN unknown)."""
    import wfdb

    note = wfdb.rdann(str(path), lead)
    rows, onset, last = [], np.nan, ""
    for symbol, at in zip(note.symbol, note.sample, strict=True):
        if symbol == "(":
            onset = at if last != "(" else onset
        elif symbol in KINDS:
            if last != symbol:  # a run of one symbol is one wave
                rows.append([KINDS[symbol], onset, at, np.nan])
            onset = np.nan
        elif symbol == ")" and rows:
            rows[-1][3] = at
        last = symbol
    return np.array(rows, float).reshape(-1, 4)


def read_ludb(folder: Path) -> dict[int, tuple[np.ndarray, list[np.ndarray]]]:
    import wfdb

    out = {}
    for k in sorted(int(p.stem) for p in folder.glob("*.hea")):
        record = wfdb.rdrecord(str(folder / str(k)))
        waves = [read_waves(folder / str(k), lead) for lead in LEADS]
        if "Sinus rhythm" in " ".join(record.comments) and not any(
            (w[:, 0] == 0).any() for w in waves
        ):
            waves = [with_rests_left_out(w) for w in waves]
        out[k] = record.p_signal.T.astype(np.float32), waves
    return out


def with_rests_left_out(waves: np.ndarray) -> np.ndarray:
    """Paced hearts and complete block in sinus rhythm: their P waves are there, not annotated."""
    rests = np.column_stack([np.full(len(waves) - 1, 3.0), waves[:-1, 3] + 20, waves[1:, 1] - 20])
    rests = np.column_stack([rests[:, :2], rests[:, 1:].mean(1), rests[:, 2]])
    rests = rests[rests[:, 3] > rests[:, 1]]
    both = np.concatenate([waves, rests])
    return both[np.argsort(both[:, 2], kind="stable")]


def read_noise(folder: Path) -> dict[str, np.ndarray]:
    """The three noises of the MIT-BIH noise stress test at 250 Hz, each of unit spread."""
    import wfdb

    out = {}
    for kind in ("bw", "em", "ma"):
        x = wfdb.rdrecord(str(folder / kind)).p_signal.T
        t = np.arange(int(x.shape[1] / 360 * FS)) * 360 / FS
        y = np.stack([np.interp(t, np.arange(x.shape[1]), row) for row in x]).astype(np.float32)
        out[kind] = (y - y.mean(1, keepdims=True)) / y.std(1, keepdims=True)
    return out


def read_ptbxl(folder: Path, teacher, sinus: int = 150) -> tuple[list, list]:
    """PTB-XL records of folds 1-8 as the teacher reads them: in fibrillation, and in sinus rhythm.

    Nobody annotated their waves, but where the cardiologist found atrial fibrillation or flutter
    there is no P wave; the sinus records keep the two kinds of recording alike in all else. Of
    these, those are taken in which the teacher is sure of a P before nearly every QRS.
    """
    with gzip.open(folder / "ptbxl_labels_all_from_merl.csv.gz", "rt") as file:
        labels = {int(float(r["ecg_id"])): r for r in csv.DictReader(file)}
    data = np.load(folder / "ptbxl_norm_100hz_int16.npz")
    fibrillation, regular = [], []
    for number, x in zip(data["ecg_id"].tolist(), data["x"], strict=True):
        row = labels[number]
        true = {k.split(":")[-1] for k, v in row.items() if ":" in k and v not in ("", "0", "0.0")}
        without = bool(true & {"AFIB", "AFLT"})
        if int(float(row["strat_fold"])) > 8 or not (without or true & {"SR", "SBRAD", "STACH"}):
            continue
        if not without and (len(regular) >= sinus or true & {"PACE", "PVC", "PAC", "BIGU"}):
            continue
        x = x.T.astype(np.float32) / 1000
        seen, _ = network_input(x, 100.0)
        if seen.shape[1] < 12:
            continue
        n = seen.shape[2]
        p = teacher(np.pad(seen, ((0, 0), (0, 0), (0, -n % 16))))[:, :, : (n + 1) // 2]
        found = read_probabilities(p, seen[0])
        n_p, n_qrs = found["p"].shape[2], found["qrs"].shape[2]
        if n_qrs < 4 or found["qrs"][3].mean() < 0.9:
            continue
        if not without and (abs(n_p - n_qrs) > 1 or found["p"][3].mean() < 0.9):
            continue
        for table in found.values():  # doubtful bounds: as in the other leads
            for bound, ahead in ((0, -1), (2, 1)):
                usual = median_over_leads(table[bound] - table[1])
                usual = np.where(np.isnan(usual), 10.0 * ahead, usual)
                table[bound] = np.where(np.isnan(table[bound]), table[1] + usual, table[bound])
        t = np.arange(5000) / 5.0
        fine = np.stack([np.interp(t, np.arange(1000), r) for r in x]).astype(np.float32)
        waves = []
        for k in range(12):
            rows = [
                np.column_stack([np.full(found[kind].shape[2], c), 2 * found[kind][:3, k].T])
                for c, kind in enumerate(("p", "qrs", "t"))
                if not (without and kind == "p")
            ]
            rows = np.concatenate(rows)
            rows = rows[np.isfinite(rows[:, 2])]
            waves.append(rows[np.argsort(rows[:, 2])])
        (fibrillation if without else regular).append((fine, waves))
    return fibrillation, regular


# ---------------------------------------------------------------------------- one example
def time_map(waves: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Knots (500 Hz samples -> seconds) of a random stretch; rests between beats stretch more."""
    speed = np.exp(rng.uniform(-0.08, 0.08) if rng.random() < 0.5 else rng.uniform(-0.45, 0.45))
    knots, scale = [-3000.0, 8000.0], [speed]
    if rng.random() < 0.6:
        spans = np.clip(np.concatenate([w[:, 1:] for w in waves if len(w)]), 0, 4999)
        busy = np.zeros(5002)
        for a, b in zip(np.nanmin(spans, 1), np.nanmax(spans, 1), strict=True):
            busy[int(a)] += 1
            busy[int(b) + 1] -= 1
        rest = np.cumsum(busy) <= 0
        edge = np.flatnonzero(np.diff(rest.astype(int))) + 1
        base = np.exp(rng.uniform(-1.6, 0.7))
        jitter = rng.choice([0.0, 0.15, 0.6])
        knots, scale = [-3000.0], []
        for a, b in pairwise(edge):
            if rest[a] and b - a > 20:
                knots += [a + 4.0, b - 4.0]
                scale += [speed, speed * base * np.exp(jitter * rng.standard_normal())]
        knots.append(8000.0)
        scale.append(speed)
    knots = np.array(knots)
    return knots, np.concatenate([[0.0], np.cumsum(np.diff(knots) * scale)]) / 500.0


def example(record, noise, n_leads, n, rng, plain=False):
    """Input (2, lead, n); classes (4), peaks (3) and mask at half the rate; the waves."""
    x, waves, *simulated = record
    keep = np.arange(12) if plain else rng.permutation(12)[:n_leads]
    if not plain and not simulated and rng.random() < 0.12:
        x, waves = without_p(x, waves, rng.choice([1.0, 1.0, 0.5, 0.2]), rng)
    x, waves = x[keep], [waves[k] for k in keep]
    a, b = time_map(waves, rng) if not plain else (np.array([0.0, 5000.0]), np.array([0.0, 10.0]))
    first = np.interp(0, a, b)
    last = np.interp(4999, a, b)
    start = (
        first if plain else rng.uniform(first - 0.3, max(last - n / FS + 0.3, first - 0.3 + 1e-6))
    )
    t = np.interp(start + np.arange(n) / FS, b, a)
    i = np.clip(t.astype(int), 0, 4998)
    f = np.clip(t - i, 0, 1).astype(np.float32)
    smooth = np.pad(x, ((0, 0), (1, 1)), mode="edge")
    smooth = 0.25 * smooth[:, :-2] + 0.5 * x + 0.25 * smooth[:, 2:]
    y = smooth[:, i] * (1 - f) + smooth[:, i + 1] * f
    outside = (t < 0) | (t > 4999)
    if not plain:
        y = disturbed(y, noise, rng)
    y = without_baseline(y)
    y = y / np.maximum(lead_scale(y), 1e-3)
    y[:, outside] = 0.0
    blank = np.zeros(len(x), bool)  # leads that show no heart at all
    if not plain:
        blank |= rng.random() < 0.03
        if len(x) >= 3 and rng.random() < 0.1:
            blank[rng.integers(len(x))] = True
        if blank.any():
            y[blank] = heartless(blank.sum(), n, noise, rng)
    classes = np.zeros((4, len(x), n // 2), np.float32)
    peaks = np.zeros((3, len(x), n // 2), np.float32)
    mask = np.zeros((len(x), n // 2), np.float32)
    edges = 2.0 * np.arange(n // 2 + 1) - 0.5
    step = edges[:-1] + 1.0
    rows = []
    for k, w in enumerate(waves):
        if blank[k]:
            mask[k] = 1
            continue
        if len(w) == 0:
            continue
        v = np.column_stack(
            [w[:, 0], (np.interp(w[:, 1:].ravel(), a, b).reshape(-1, 3) - start) * FS]
        )
        v[np.isnan(w[:, 1]), 1] = np.nan
        v[np.isnan(w[:, 3]), 3] = np.nan
        span = np.clip(step, np.nanmin(v[:, 1:]), np.nanmax(v[:, 1:])) == step
        mask[k] = span
        hidden = v[v[:, 0] == 3]  # stretches of simulated records that are left out
        for low, high in hidden[:, [1, 3]]:
            mask[k, (step > low) & (step < high)] = 0
        for c in range(3):
            u = v[v[:, 0] == c]
            if len(u) == 0:
                continue
            near = np.abs(step[:, None] - u[:, 2]).min(1)
            peaks[c, k] = np.exp(-0.5 * (near / 3.0) ** 2)
            if simulated and c == 1:  # which deflection experts mark is not known there
                peaks[c, k, near < 30] = np.nan
            on, off = (
                np.where(np.isnan(u[:, 1]), u[:, 2] - 8, u[:, 1]),
                np.where(np.isnan(u[:, 3]), u[:, 2] + 8, u[:, 3]),
            )
            bp = np.column_stack([on, np.maximum(off, on + 0.1)]).ravel()
            mass = np.concatenate(
                [[0.0], np.cumsum(np.where(np.arange(len(bp) - 1) % 2 == 0, np.diff(bp), 0.0))]
            )
            if (np.diff(bp) <= 0).any():  # overlapping waves: leave this lead out
                mask[k] = 0
            else:
                classes[c + 1, k] = np.diff(np.interp(edges, bp, mass)) / 2
            for q in np.flatnonzero(np.isnan(u[:, 1]) | np.isnan(u[:, 3])):
                mask[k, np.abs(step - u[q, 2]) < 30] = 0
            good = u[~np.isnan(u).any(1)] if not simulated else u[:0]
            rows.append(np.column_stack([np.full(len(good), k), good]))
    total = np.maximum(classes.sum(0), 1.0)
    classes /= total
    classes[0] = np.clip(1 - classes[1:].sum(0), 0, 1)
    mask[blank] = 1
    mask[:, outside[: 2 * (n // 2)].reshape(-1, 2).any(1)] = 0
    if not plain and rng.random() < 0.15:  # an electrode off for a while
        k, at, long = rng.integers(len(y)), rng.integers(n), rng.integers(50, 600)
        y[k, at : at + long] = 0.0
        mask[k, max(0, at // 2 - 20) : (at + long) // 2 + 20] = 0
    rows = np.concatenate(rows) if rows else np.zeros((0, 5))
    return companded(y.astype(np.float32)), classes, peaks, mask, rows


def without_p(x, waves, share, rng):
    """Wipe P waves off the recording, all or some beats of it, in every lead."""
    x, waves = x.copy(), [w.copy() for w in waves]
    rows = np.concatenate([w[w[:, 0] == 0] for w in waves])
    rows = rows[np.argsort(rows[:, 2])]
    first = min((w[w[:, 0] == 1][0, 2] for w in waves if (w[:, 0] == 1).any()), default=0)
    for group in np.split(rows, np.flatnonzero(np.diff(rows[:, 2]) > 60) + 1):
        if len(group) < 6 or group[0, 2] < first or rng.random() > share:
            continue
        a, b = int(np.nanmin(group[:, 1])) - 8, int(np.nanmax(group[:, 3])) + 6
        nearby = np.concatenate([w[(w[:, 0] == 1) & (w[:, 2] > group[-1, 2])][:1] for w in waves])
        if len(nearby) and np.isfinite(nearby[:, 1]).any():
            b = min(b, int(np.nanmin(nearby[:, 1])))
        if not 5 < a < b - 10 or b > 4990 or b - a > 200:
            continue
        ramp = np.linspace(0, 1, b - a)
        fuzz = np.median(np.abs(np.diff(x, axis=1)), axis=1, keepdims=True)
        left, right = x[:, a - 4 : a].mean(1, keepdims=True), x[:, b : b + 3].mean(1, keepdims=True)
        x[:, a:b] = left + (right - left) * ramp + fuzz * rng.standard_normal((len(x), b - a))
        waves = [w[~((w[:, 0] == 0) & (w[:, 2] >= a) & (w[:, 2] <= b))] for w in waves]
    return x, waves


def heartless(n_leads, n, noise, rng):
    """Leads that hold noise or a slow oscillation alone, scaled as the network would see them."""
    kind = rng.choice(["bw", "em", "ma", "white", "wave"])
    if kind == "white":
        y = rng.standard_normal((n_leads, n))
        width = rng.integers(1, 12)
        y = np.apply_along_axis(lambda r: np.convolve(r, np.ones(width) / width, "same"), 1, y)
    elif kind == "wave":
        pace = rng.uniform(2.5, 8) * (1 + 0.15 * np.cumsum(rng.standard_normal(n)) / np.sqrt(n))
        phase = 2 * np.pi * np.cumsum(pace) / FS + rng.uniform(0, 6.3, (n_leads, 1))
        y = np.sin(phase) * (1 + 0.3 * np.sin(phase / 9)) + rng.uniform(
            0, 0.3
        ) * rng.standard_normal((n_leads, n))
    else:
        source = noise[kind]
        y = np.stack(
            [
                source[rng.integers(2)][at : at + n]
                for at in rng.integers(source.shape[1] - n, size=n_leads)
            ]
        )
        y = y + rng.uniform(0, 0.1) * rng.standard_normal(y.shape)
    y = without_baseline(y.astype(np.float32))
    return y / np.maximum(lead_scale(y), 1e-3)


def disturbed(y, noise, rng):
    """Change gain, turn leads over, add recorded noise, mains, hiss; narrow the band."""
    n_leads, n = y.shape
    y = y * np.exp(0.2 * rng.standard_normal((n_leads, 1)))
    y = np.where(rng.random((n_leads, 1)) < 0.15, -y, y)
    size = np.maximum(np.ptp(y, axis=1, keepdims=True), 0.05)
    if rng.random() < 0.25:  # narrow band, as of 100 Hz recordings
        width = rng.choice([2, 3, 4])
        k = np.ones(width) / width
        k = np.convolve(k, k)
        y = np.apply_along_axis(
            lambda r: np.convolve(np.pad(r, len(k) // 2, mode="edge"), k, "valid"), 1, y
        )
    if rng.random() < 0.5:
        kind = rng.choice(["bw", "em", "ma"], p=[0.4, 0.2, 0.4])
        level = np.exp(rng.uniform(np.log(0.01), np.log({"bw": 0.4, "em": 0.12, "ma": 0.08}[kind])))
        source = noise[kind]
        part = rng.random(n_leads) < rng.choice([0.3, 1.0])
        for k in np.flatnonzero(part):
            at = rng.integers(source.shape[1] - n)
            y[k] += (
                level
                * size[k]
                * np.exp(0.4 * rng.standard_normal())
                * source[rng.integers(2), at : at + n]
            )
    if rng.random() < 0.12:
        wave = np.sin(2 * np.pi * rng.choice([50, 60]) * np.arange(n) / FS + rng.uniform(0, 6.3))
        y = y + size * rng.uniform(0, 0.06, (n_leads, 1)) * wave
    if rng.random() < 0.08:  # pops and pacing spikes
        for at in rng.integers(n - 2, size=rng.integers(1, 12)):
            y[:, at : at + rng.integers(1, 3)] += size * rng.uniform(-1.2, 1.2, (n_leads, 1))
    if rng.random() < 0.3:
        y = y + size * rng.uniform(0, 0.02) * rng.standard_normal(y.shape)
    return y.astype(np.float32)
