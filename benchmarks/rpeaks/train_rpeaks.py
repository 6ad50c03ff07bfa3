# SPDX-License-Identifier: Apache-2.0
"""Train the two small scorers behind detect_rpeaks, with record-wise cross-validation.

python benchmarks/rpeaks/train_rpeaks.py --data ../shared/data [--folds 5] [--out weights.npz]

With --wide it trains the networks of `rpeaks_wide`, which see simulated wide and very fast rhythms
as well. Needs torch and wfdb beside precordia. Records of one fold are never seen by the weights
that score it.
"""

from __future__ import annotations

import argparse
import glob
import os
import time

import numpy as np
import torch
import wfdb
from torch import nn

from precordia.core.errors import PrecordiaError
from precordia.delineation import rpeaks_features as features
from precordia.delineation import rpeaks_scorer as scorer
from precordia.generation.population import draw_scenario
from precordia.generation.scenarios import list_scenarios
from precordia.generation.simulate import simulate

BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
PACED = ("102", "104", "107", "217")
WIDE = (
    *("ventricular-tachycardia", "ventricular-run", "paced-ventricular", "paced-dual"),
    *("left-bundle-block", "third-degree-block", "bigeminy", "couplets"),
)


def read_mitdb(folder):
    """Give (name, signal, fs, beats, flutter spans, is it a rare beat) of every record."""
    out = []
    for path in sorted(glob.glob(os.path.join(folder, "mitdb", "*.hea"))):
        name = os.path.basename(path)[:-4]
        if name in PACED:
            continue
        record, ann = wfdb.rdrecord(path[:-4]), wfdb.rdann(path[:-4], "atr")
        beats = np.array([s for s, c in zip(ann.sample, ann.symbol, strict=True) if c in BEATS])
        spans, start = [], None
        for s, c in zip(ann.sample, ann.symbol, strict=True):
            if c == "[":
                start = s
            elif c == "]" and start is not None:
                spans.append((start, s))
                start = None
        x = np.nan_to_num(record.p_signal.T.astype(np.float32))
        kind = dict(zip(ann.sample, ann.symbol, strict=True))
        rare = np.array([kind[b] not in "NLR" for b in beats])
        out.append((name, np.ascontiguousarray(x), float(record.fs), beats, spans, rare))
    return out


def read_ludb(folder):
    """Give (name, signal, fs, beats per lead, joint beats) of every record."""
    out = []
    for path in sorted(glob.glob(os.path.join(folder, "ludb", "data", "*.hea"))):
        record = wfdb.rdrecord(path[:-4])
        per = []
        for lead in record.sig_name:
            ann = wfdb.rdann(path[:-4], lead.lower())
            per.append(
                np.array([s for s, c in zip(ann.sample, ann.symbol, strict=True) if c == "N"])
            )
        every = np.sort(np.concatenate(per))
        groups = np.split(every, np.flatnonzero(np.diff(every) > 60) + 1)
        joint = np.array([np.median(g) for g in groups if len(g) >= 6]).astype(int)
        out.append(
            (
                os.path.basename(path)[:-4],
                record.p_signal.T.astype(np.float32),
                float(record.fs),
                per,
                joint,
            )
        )
    return out


def read_cpsc2021(folder):
    """Give (name, signal, fs, beats) of every excerpt."""
    out = []
    for path in sorted(glob.glob(os.path.join(folder, "cpsc2021", "cpsc2021", "*.hea"))):
        record, ann = wfdb.rdrecord(path[:-4]), wfdb.rdann(path[:-4], "atr")
        beats = np.array([s for s, c in zip(ann.sample, ann.symbol, strict=True) if c in BEATS])
        out.append(
            (
                os.path.basename(path)[:-4],
                np.nan_to_num(record.p_signal.T.astype(np.float32)),
                float(record.fs),
                beats,
            )
        )
    return out


def read_noise(folder):
    """Give electrode motion, muscle and wander of nstdb, each (2, sample)."""
    out = {}
    for kind in ("em", "ma", "bw"):
        x = wfdb.rdrecord(os.path.join(folder, "nstdb", kind)).p_signal.T.astype(np.float32)
        out[kind] = x - x.mean(1, keepdims=True)
    return out


def spoil(x, beats, fs, noise, rng):
    """Add recorded and made noise to a copy of the signal, in stretches."""
    x = x.copy()
    n = x.shape[1]
    inside = beats[(beats > 20) & (beats < n - 20)]
    if not len(inside):
        return x
    pick = rng.choice(inside, min(60, len(inside)), replace=False)
    width = max(4, int(0.05 * fs))
    index = np.clip(pick[:, None] + np.arange(-width, width + 1), 0, n - 1)
    for row in x:
        power = np.median(np.ptp(row[index], axis=1)) ** 2 / 8 + 1e-6
        start = 0
        while start < n:
            stop = min(n, start + int(rng.uniform(4, 60) * fs))
            kind = rng.choice(
                ["none", "em", "ma", "bw", "white", "mains", "mix"],
                p=[0.3, 0.18, 0.18, 0.1, 0.1, 0.06, 0.08],
            )
            for part in ("em", "ma", "bw") if kind == "mix" else (kind,):
                length = stop - start
                if part in noise:
                    source = noise[part][rng.integers(2)]
                    if length > len(source) - 2:
                        continue
                    at = rng.integers(0, len(source) - length)
                    piece = source[at : at + length]
                    snr = rng.uniform(3, 24) if part == "em" else rng.uniform(0, 24)
                    if part == "bw":
                        snr -= 12
                elif part == "white":
                    piece, snr = rng.standard_normal(length).astype(np.float32), rng.uniform(4, 30)
                elif part == "mains":
                    hz = rng.choice([50.0, 60.0])
                    piece = np.sin(
                        2 * np.pi * hz * np.arange(length) / fs + rng.uniform(0, 6)
                    ).astype(np.float32)
                    snr = rng.uniform(0, 20)
                else:
                    continue
                here = piece.var() + 1e-9
                row[start:stop] += piece * np.sqrt(power / here * 10 ** (-snr / 10))
            start = stop
        for _ in range(rng.poisson(0.3)):
            a = rng.integers(0, n)
            b = min(n, a + int(rng.uniform(0.3, 5) * fs))
            row[a:b] = row[a] if rng.random() < 0.5 else 0.0
    return x


def made_noise(fs, seconds, rng):
    """Make noise of one of many kinds."""
    n = int(fs * seconds)
    kind = rng.choice(["white", "heavy", "bits", "sparse", "smooth", "mains", "walk"])
    if kind == "heavy":
        x = rng.laplace(size=n)
    elif kind == "bits":
        x = rng.integers(0, rng.integers(2, 6), n).astype(float)
    elif kind == "sparse":
        x = (rng.random(n) < np.exp(rng.uniform(-4, -0.7))) * 1.0
    elif kind == "walk":
        x = np.cumsum(rng.standard_normal(n)) * 0.3 + rng.standard_normal(n)
    else:
        x = rng.standard_normal(n)
    if kind == "smooth":
        width = max(2, int(rng.uniform(0.004, 0.08) * fs))
        x = np.convolve(x, np.ones(width) / np.sqrt(width), "same")
    elif kind == "mains":
        hz = rng.choice([50.0, 60.0, rng.uniform(1, 100)])
        wave = np.sin(2 * np.pi * hz * np.arange(n) / fs)
        x = wave + x * np.exp(rng.uniform(-4, 0))
    return (x * np.exp(rng.uniform(-4, 2)))[None].astype(np.float32)


def made_rhythm(seconds, rng):
    """Make a regular rhythm, mostly fast, of one to twelve leads; give it and its beats."""
    fs = 500.0
    bpm = rng.uniform(30, 180) if rng.random() < 0.25 else rng.uniform(180, 315)
    rr = 60 / bpm * (1 + rng.uniform(0, 0.05) * rng.standard_normal(int(seconds * bpm / 60) + 2))
    when = np.cumsum(np.maximum(rr, 0.185)) - rng.uniform(0, 0.3)
    when = when[(when > 0.05) & (when < seconds - 0.05)]
    t = np.arange(int(seconds * fs)) / fs
    width = rng.uniform(0.007, 0.020)
    mean = np.median(rr)
    x = np.zeros((rng.choice([1, 1, 1, 3, 12]), len(t)))
    for row in x:
        for height, late, sigma in (
            (rng.uniform(0.3, 1.5) * rng.choice([1, 1, -1]), 0.0, width),
            (rng.normal() * 0.25, 2.2 * width, width),
            (rng.normal() * 0.15, -2.2 * width, width),
            (rng.normal() * 0.25, min(0.28, 0.5 * mean), min(0.05, 0.12 * mean)),
            (rng.uniform(0, 0.15), -min(0.16, 0.3 * mean), min(0.02, 0.08 * mean)),
        ):
            for w in when:
                a, b = np.searchsorted(t, (w + late - 5 * sigma, w + late + 5 * sigma))
                row[a:b] += height * np.exp(-0.5 * ((t[a:b] - w - late) / sigma) ** 2)
        row += rng.standard_normal(len(t)) * np.exp(rng.uniform(-6, -2.5))
        row += rng.uniform(0, 0.3) * np.sin(2 * np.pi * rng.uniform(0.1, 0.5) * t)
    return x.astype(np.float32), fs, np.round(when * fs).astype(int)


def simulated_rhythm(seed, rng):
    """Simulate a fast rhythm of one to twelve leads; give it and its beats."""
    bpm = rng.uniform(180, 305)
    record = simulate("sinus", heart_rate_bpm=bpm, seed=seed + 1000, seconds=10)
    beats = record.carried.fiducials.r_peak
    beats = np.round(beats[np.isfinite(beats)]).astype(int)
    leads = rng.permutation(12)[: rng.choice([1, 1, 1, 3, 12])]
    return np.ascontiguousarray(record.signal[leads]), record.fs, beats


def wide_rhythm(seed, rng):
    """Simulate a fast, a wide or a drawn rhythm of one to twelve leads; give it and its beats."""
    seed, options = seed + 1000, {}
    kind = ("sinus", "listed", "drawn")[seed % 3]
    if kind == "sinus":
        options["heart_rate_bpm"] = rng.uniform(180, 305)
        if rng.random() < 0.6:
            options["pr_ms"] = rng.uniform(80, 160)
        condition = kind
    else:
        name = str(rng.choice(WIDE if rng.random() < 0.7 else list_scenarios()))
        if name == "ventricular-tachycardia":
            options["heart_rate_bpm"] = rng.uniform(110, 220)
        condition = name if kind == "listed" else draw_scenario(seed, name=name)
    try:
        record = simulate(condition, seed=seed, seconds=10, **options)
    except PrecordiaError:
        options.pop("pr_ms", None)
        try:
            record = simulate(condition, seed=seed, seconds=10, **options)
        except PrecordiaError:
            record = simulate(condition, seed=seed, seconds=10)
    beats = record.carried.fiducials.r_peak
    beats = np.round(beats[np.isfinite(beats)]).astype(int)
    x = record.signal[rng.permutation(12)[: rng.choice([1, 1, 1, 3, 12])]]
    x = x + rng.standard_normal(x.shape) * np.exp(rng.uniform(-7, -3))
    return x.astype(np.float32), record.fs, beats


def label(at, height, beats, tolerance):
    """Mark one candidate for each beat; near misses weigh little."""
    y = np.zeros(len(at), np.float32)
    w = np.ones(len(at), np.float32)
    if not len(at):
        return y, w
    for b in beats:
        i, j = np.searchsorted(at, (b - tolerance, b + tolerance))
        if i == j:
            continue
        w[i:j] = np.minimum(w[i:j], 0.3)
        d = (at[i:j] - b) / (0.45 * tolerance)
        k = i + int(np.argmax(height[i:j] * np.exp(-d * d)))
        y[k] = 1.0
    w[y > 0] = 1.0
    return y, w


class Rows:
    """Rows of candidates, kept in order of time; ``piece`` tells uninterrupted stretches apart."""

    def __init__(self):
        self.parts = []
        self.found = []
        self.pieces = 0

    def add(self, group, x, fs, beats, weight, rng, *, vary, lengths=None, silent=(), rare=()):
        """Cut a signal in pieces, find candidates and label them."""
        n = x.shape[1]
        stretch = rng.uniform(0.85, 1.2) if vary else 1.0
        if vary and rng.random() < 0.12:  # a rhythm as fast as hearts go
            stretch = rng.uniform(1.3, 2.2)
        fs_here = fs * stretch
        gain = np.exp(rng.uniform(-1.2, 1.0)) if vary else 1.0
        start = 0
        while start < n - fs:
            seconds = rng.choice(lengths) if lengths else 1e9
            stop = int(min(n, start + seconds * fs))
            part = np.ascontiguousarray(x[:, start:stop] * np.float32(gain))
            found = features.find_candidates(features.without_spikes(part, fs_here), fs_here)
            grid = features.grid_of(fs_here)
            if len(found.at):
                at = found.at * grid.step + grid.step // 2
                own = beats[(beats >= start) & (beats < stop)] - start
                y, w = label(at, found.height, own, 0.12 * fs_here)
                if len(rare):
                    off = np.abs(at[:, None] + start - rare[None]).min(1)
                    w[(off < 0.12 * fs_here) & (y > 0)] *= 2.0
                for a, b in silent:
                    inside = (at + start >= a) & (at + start <= b)
                    y[inside] = 0.0
                    w[inside] = 0.3
                self.parts.append(
                    (
                        np.full(len(at), group),
                        np.full(len(at), self.pieces),
                        found.at / grid.rate,
                        found.height,
                        found.features,
                        y,
                        (w * weight).astype(np.float32),
                    )
                )
                self.found.append(found._replace(features=found.features[:0]))
                self.pieces += 1
            start = stop

    def stack(self):
        """Join all parts to arrays."""
        return [np.concatenate([p[k] for p in self.parts]) for k in range(7)]


def build(folder, copies, seed, *, wide=False):
    """Make the table of candidates: group, piece, time, height, features, label, weight."""
    rng = np.random.default_rng(seed)
    noise = read_noise(folder)
    rows = Rows()
    names = []

    def group(name):
        names.append(name)
        return len(names) - 1

    for name, x, fs, beats, spans, rare in read_mitdb(folder):
        g = group("mitdb/" + name)
        for copy in range(copies):
            lengths = None if copy % 2 == 0 else [10, 10, 20, 30, 60, 300]
            y = x[:1] if copy == 0 else spoil(x[:1], beats, fs, noise, rng)
            rows.add(
                g,
                y,
                fs,
                beats,
                1.0,
                rng,
                vary=copy > 0,
                lengths=lengths,
                silent=spans,
                rare=beats[rare],
            )
        for _ in range(max(1, copies // 3)):
            y = spoil(x, beats, fs, noise, rng)
            rows.add(
                g,
                y[1:],
                fs,
                beats,
                0.2,
                rng,
                vary=True,
                lengths=[10, 30, 60, 300],
                silent=spans,
                rare=beats[rare],
            )
            rows.add(
                g,
                y,
                fs,
                beats,
                0.5,
                rng,
                vary=True,
                lengths=[10, 30, 60, 300],
                silent=spans,
                rare=beats[rare],
            )
    for name, x, fs, beats in read_cpsc2021(folder):
        g = group("cpsc2021/" + name.rsplit("_", 1)[0])
        for copy in range(max(1, copies // 2)):
            y = x if copy == 0 else spoil(x, beats, fs, noise, rng)
            for k in (0, 1):
                rows.add(
                    g, y[k : k + 1], fs, beats, 0.5, rng, vary=copy > 0, lengths=[10, 30, 60, 300]
                )
            rows.add(g, y, fs, beats, 0.5, rng, vary=copy > 0)
    for name, x, fs, per, joint in read_ludb(folder):
        g = group("ludb/" + name)
        for copy in range(max(1, copies // 3)):
            for k in rng.permutation(12)[:6]:
                if len(per[k]) < 3:
                    continue
                a, b = max(0, per[k][0] - 200), per[k][-1] + 250
                part = x[k : k + 1, a:b]
                own = per[k] - a
                y = part if copy == 0 else spoil(part, own, fs, noise, rng)
                rows.add(g, y, fs, own, 0.7, rng, vary=copy > 0)
            if len(joint) < 3:
                continue
            a, b = max(0, joint[0] - 200), joint[-1] + 250
            for count in (12, 12, 8, 3, 2):
                part = x[rng.permutation(12)[:count], a:b]
                y = part if copy == 0 else spoil(part, joint - a, fs, noise, rng)
                if rng.random() < 0.5 and count > 2:
                    lead = rng.integers(count)
                    y = y.copy()
                    y[lead] = rng.standard_normal(b - a) * np.exp(rng.uniform(-2, 3))
                rows.add(g, y, fs, joint - a, 1.0, rng, vary=copy > 0)
    g = group("none")
    nothing = np.zeros(0, np.int64)
    for _kind, source in noise.items():
        for _ in range(max(1, copies // 2)):
            rows.add(
                g,
                source[:1, : 360 * 900],
                360.0,
                nothing,
                0.3,
                rng,
                vary=True,
                lengths=[10, 30, 300],
            )
            rows.add(
                g,
                source[1:, -360 * 900 :],
                360.0,
                nothing,
                0.3,
                rng,
                vary=True,
                lengths=[10, 30, 300],
            )
    for _ in range(100 * copies):
        fs = rng.choice([125.0, 250.0, 360.0, 500.0, 1000.0])
        x = made_noise(fs, rng.choice([10, 10, 20]), rng)
        rows.add(g, x, fs, nothing, 1.0, rng, vary=True)
    for k in range((10 if wide else 15) * copies):
        made = wide or k % 3
        x, fs, beats = made_rhythm(10, rng) if made else simulated_rhythm(k, rng)
        rows.add(g, x, fs, beats, 0.3, rng, vary=False)
    for k in range(90 * copies if wide else 0):
        x, fs, beats = wide_rhythm(k, rng)
        rows.add(g, x, fs, beats, 0.5, rng, vary=False)
    for _ in range(60 * copies):
        fs, seconds = 250.0, rng.choice([10, 20, 60])
        t = np.arange(int(seconds * fs)) / fs
        if rng.random() < 0.75:  # fibrillation: a few wandering frequencies
            x = np.zeros(len(t))
            for _ in range(rng.integers(1, 4)):
                drift = np.cumsum(rng.standard_normal(len(t))) * 0.03
                knots = np.interp(t, np.arange(0, seconds + 1), rng.uniform(0.2, 1.0, seconds + 1))
                x += knots * np.sin(
                    2 * np.pi * rng.uniform(3.5, 7.5) * t + drift + rng.uniform(0, 6)
                )
        else:
            x = rng.standard_normal(len(t))
            for _ in range(rng.integers(0, 3)):
                x = np.convolve(x, np.ones(rng.integers(1, 12)), "same")
            x /= x.std()
        x = x * np.exp(rng.uniform(-2.5, 1)) + rng.standard_normal(len(t)) * 0.01
        rows.add(g, x[None].astype(np.float32), fs, nothing, 0.3, rng, vary=True)
    return names, rows.stack(), rows.found


def normalise(x):
    """Mean and scale of each column."""
    return x.mean(0), x.std(0) + 1e-3


class First(nn.Module):
    """Look at one candidate and its surroundings."""

    def __init__(self, dim):
        super().__init__()
        self.a = nn.Linear(dim, scorer.HIDDEN_1)
        self.b = nn.Linear(scorer.HIDDEN_1, scorer.CODE)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


class Second(nn.Module):
    """Look at a likely beat among its likely neighbours."""

    def __init__(self, dim):
        super().__init__()
        self.a = nn.Linear(dim, scorer.HIDDEN_2)
        self.b = nn.Linear(scorer.HIDDEN_2, 1)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


def fit(net, x, y, w, *, epochs, lr=4e-3, decay=1e-2, batch=4096, seed=0):
    """Fit by AdamW with a cosine schedule; the first output is the logit."""
    torch.manual_seed(seed)
    x, y, w = (torch.from_numpy(np.ascontiguousarray(v, np.float32)) for v in (x, y, w))
    opt = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=decay)
    steps = epochs * (len(x) // batch + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, lr, total_steps=steps, pct_start=0.1)
    for _ in range(epochs):
        for index in torch.randperm(len(x)).split(batch):
            z = net(x[index])[:, 0]
            loss = nn.functional.binary_cross_entropy_with_logits(z, y[index], weight=w[index])
            opt.zero_grad()
            loss.backward()
            opt.step()
            schedule.step()
    return net


def layers(net, mean=None, scale=None):
    """Give the weights as arrays, the normalisation folded into the first layer."""
    a, b = (net.a.weight.detach().numpy().T.copy(), net.a.bias.detach().numpy().copy())
    if mean is not None:
        a = a / scale[:, None]
        b = b - mean @ a
    return [
        v.astype(np.float32)
        for v in (a, b, net.b.weight.detach().numpy().T, net.b.bias.detach().numpy())
    ]


def train(table, found, train_mask, *, epochs, seed):
    """Train both scorers on the rows of the mask; give the weights."""
    _, piece, t, _, x, y, w = (v[train_mask] for v in table)
    mean, scale = normalise(x)
    rng = np.random.default_rng(seed)
    easy = (y == 0) & (rng.random(len(y)) < 0.5)  # half of the negatives, with twice the weight
    use = ~easy
    first = fit(
        First(x.shape[1]),
        (x[use] - mean) / scale,
        y[use],
        (w * np.where(y > 0, 1.0, 2.0))[use],
        epochs=epochs,
        seed=seed,
    )
    w1 = layers(first, mean, scale)
    code = scorer.layer_pair(x, *w1)
    rows, ys, ws = [], [], []
    for p in np.split(np.arange(len(t)), np.flatnonzero(np.diff(piece)) + 1):
        kept = scorer.likely(t[p], code[p, 0])
        if not len(kept):
            continue
        rows.append(scorer.describe(found[piece[p[0]]], kept, code[p]))
        ys.append(y[p[kept]])
        ws.append(w[p[kept]])
    x2, y2, w2 = np.concatenate(rows), np.concatenate(ys), np.concatenate(ws)
    recall, precision = (y2 * w2).sum() / (y * w).sum(), (y2 * w2).sum() / w2.sum()
    print(f"   likely: recall {recall:.5f}, precision {precision:.4f}, rows {len(y2)}", flush=True)
    mean2, scale2 = normalise(x2)
    second = fit(
        Second(x2.shape[1]), (x2 - mean2) / scale2, y2, w2, epochs=epochs * 3 // 2, seed=seed
    )
    w2_ = layers(second, mean2, scale2)
    return dict(zip(scorer.NAMES, [*w1, *w2_], strict=True))


def fold_of(name, folds):
    """Fold of a group: mitdb records in turn, the others by number."""
    kind, _, rest = name.partition("/")
    if kind == "mitdb":
        order = [
            101,
            106,
            108,
            109,
            112,
            114,
            115,
            116,
            118,
            119,
            122,
            124,
            201,
            203,
            205,
            207,
            208,
            209,
            215,
            220,
            223,
            230,
        ]
        return order.index(int(rest)) % folds
    if kind == "ludb":
        return int(rest) % folds
    if kind == "cpsc2021":
        return int(rest.split("_")[1]) % folds
    return -1


def main():
    """Cross-validate, then train on everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--copies", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="rpeaks.npz")
    parser.add_argument("--cv", default="", help="folder for the weights of each fold")
    parser.add_argument("--wide", action="store_true", help="with wide and very fast rhythms")
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    start = time.time()
    names, table, found = build(args.data, args.copies, args.seed, wide=args.wide)
    print(
        f"{len(table[0])} candidates, {int(table[5].sum())} beats, {time.time() - start:.0f} s",
        flush=True,
    )
    fold = np.array([fold_of(n, args.folds) for n in names])[table[0]]
    if args.cv:
        os.makedirs(args.cv, exist_ok=True)
        for k in range(args.folds):
            weights = train(table, found, fold != k, epochs=args.epochs, seed=args.seed)
            held = [n for n in names if fold_of(n, args.folds) == k]
            np.savez(os.path.join(args.cv, f"fold{k}.npz"), held=np.array(held), **weights)
            print(f"fold {k}: {time.time() - start:.0f} s", flush=True)
    if args.out:
        np.savez_compressed(
            args.out, **train(table, found, fold > -2, epochs=args.epochs, seed=args.seed)
        )
        print(f"{args.out}: {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
