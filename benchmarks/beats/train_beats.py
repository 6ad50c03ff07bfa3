# SPDX-License-Identifier: Apache-2.0
"""Train the networks behind classify_beats, with record-wise cross-validation.

run="python benchmarks/beats/train_beats.py --data ../shared/data"
$run --folds 6                                                   # scores, nothing is written
$run --out src/precordia/models/box/precordia_beats.npz          # all of DS1, the weights

Needs torch beside precordia. Only the 22 records of MIT-BIH DS1 are read, CPSC 2021, the noise of
NSTDB, and simulated rhythms; records of one fold are never seen by the weights that score it.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from simulated_rhythms import simulated_record
from torch import nn

from precordia.classification.beat_families import Families
from precordia.classification.beat_network import DILATIONS
from precordia.classification.beats import Described, describe_beats, judge_described
from precordia.datasets.aami import aami_beats
from precordia.datasets.mitdb import DS1
from precordia.delineation.rpeaks import detect_rpeaks
from precordia.io.read import read
from precordia.io.wfdb_annotation import read_annotations

CLASSES = "NSVF"
LENGTH, BATCH, WIDTH, HIDDEN = 160, 30, 40, 32
MATCH_S = 0.15
PARTS, ARRAYS = (
    ("real", "extra", "simulated"),
    ("x", "y", "member", "fit", "fibrillation", "aberrant"),
)


@dataclass
class Sequence:
    """Beats of one record in one of its forms; class -1 where none is known."""

    name: str
    form: str
    x: np.ndarray
    y: np.ndarray
    member: np.ndarray
    fit: np.ndarray
    fibrillation: np.ndarray
    aberrant: np.ndarray

    def judged(self, arrays):
        """Give the probabilities as classify_beats does."""
        none = np.zeros(0)
        families = Families(self.member, self.fit[:, None], none, 0, none)
        described = Described(self.x, [families], self.fibrillation, self.aberrant)
        return judge_described(described, arrays)


def described(name, form, signal, fs, beats, classes):
    """Describe the beats of a record, all in one block."""
    found = describe_beats(signal, fs, beats)
    (own,) = found.families
    best = own.fit.max(axis=1)
    told = found.fibrillation, found.aberrant
    return Sequence(name, form, found.features, classes, own.member, best, *told)


def matched(reference, classes, found, fs):
    """Give each found beat the class of the nearest marked one; -1 where none is near."""
    i = np.clip(np.searchsorted(reference, found), 1, len(reference) - 1)
    i = np.where(found - reference[i - 1] <= reference[i] - found, i - 1, i)
    return np.where(np.abs(reference[i] - found) <= MATCH_S * fs, classes[i], -1)


def read_mitdb(data):
    """Read DS1 in four forms: marked beats, found beats, and each lead alone."""
    out = []
    for name in sorted(DS1):
        record = read(data / "mitdb" / f"{name}.hea")
        place, label = aami_beats(read_annotations(data / "mitdb" / name, "atr"))
        y = np.array([CLASSES.find(c) for c in label])
        own = detect_rpeaks(record)
        forms = {
            "marked": (record.signal, place, y),
            "found": (record.signal, own, matched(place, y, own, record.fs)),
            "lead 1": (record.signal[:1], place, y),
            "lead 2": (record.signal[1:2], place, y),
        }
        for form, (signal, beats, classes) in forms.items():
            out.append(described(name, form, signal, record.fs, beats, classes))
    return out


def read_cpsc2021(data):
    """Read the excerpts of CPSC 2021, both leads and each alone."""
    out = []
    for header in sorted((data / "cpsc2021").rglob("*.hea")):
        record = read(header)
        place, label = aami_beats(read_annotations(header, "atr"))
        y = np.array([CLASSES.find(c) for c in label])
        for rows in (slice(None), slice(0, 1), slice(1, 2)):
            name = "cpsc-" + header.stem
            out.append(described(name, "", record.signal[rows], record.fs, place, y))
    return out


def draw_simulated(data, n, seed):
    """Simulate hearts."""
    rng = np.random.default_rng(seed)
    noise = {k: np.nan_to_num(read(data / "nstdb" / f"{k}.hea").signal) for k in ("em", "ma", "bw")}
    out = []
    while len(out) < n:
        try:
            signal, fs, place, y, kind = simulated_record(rng, rng.uniform(20, 420), noise)
        except ValueError:  # intervals that do not fit into each other
            continue
        if len(place) >= 10:
            out.append(described(f"sim-{kind}", "", signal, fs, place, y))
    return out


class Network(nn.Module):
    """What `beat_network.judge_beats` evaluates."""

    def __init__(self, n_features, drop):
        super().__init__()
        self.first = nn.Linear(n_features, WIDTH)
        self.near = nn.ModuleList(nn.Linear(3 * WIDTH, WIDTH) for _ in DILATIONS)
        self.mix = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in DILATIONS)
        self.hidden, self.out = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, len(CLASSES))
        self.drop = nn.Dropout(drop)

    def forward(self, x):
        h, n = torch.relu(self.first(x)), x.shape[1]
        for near, mix, apart in zip(self.near, self.mix, DILATIONS, strict=True):
            wide = nn.functional.pad(h, (0, 0, apart, apart))
            three = torch.cat([wide[:, :n], h, wide[:, 2 * apart :]], dim=2)
            h = h + mix(self.drop(torch.relu(near(three))))
        return self.out(torch.relu(self.hidden(self.drop(h))))


def exported(networks, mean, sd):
    """Give the weights as arrays of `beat_network`."""
    out = {"mean": mean, "sd": sd}
    rows = []
    for net in networks:
        w = {k: v.detach().numpy() for k, v in net.state_dict().items()}
        row = {"in": w["first.weight"].T, "in_bias": w["first.bias"]}
        for k in range(len(DILATIONS)):
            row[f"near{k}"] = w[f"near.{k}.weight"].T.reshape(3, WIDTH, WIDTH)
            row[f"near{k}_bias"] = w[f"near.{k}.bias"]
            row[f"mix{k}"], row[f"mix{k}_bias"] = w[f"mix.{k}.weight"].T, w[f"mix.{k}.bias"]
        row["hidden"], row["hidden_bias"] = w["hidden.weight"].T, w["hidden.bias"]
        row["out"], row["out_bias"] = w["out.weight"].T, w["out.bias"]
        rows.append(row)
    return out | {k: np.stack([row[k] for row in rows]).astype(np.float32) for k in rows[0]}


class Crops:
    """Stretches of sequences, drawn with given chances."""

    def __init__(self, sequences, chance, mean, sd):
        self.x = [np.clip((s.x - mean) / sd, -5, 5).astype(np.float32) for s in sequences]
        self.y = [s.y for s in sequences]
        self.chance = np.asarray(chance) / np.sum(chance)

    def draw(self, n, rng):
        x = np.zeros((n, LENGTH, self.x[0].shape[1]), np.float32)
        y = np.full((n, LENGTH), -1)
        for row, k in enumerate(rng.choice(len(self.x), n, p=self.chance)):
            start = int(rng.integers(0, max(1, len(self.y[k]) - LENGTH + 1)))
            own = self.y[k][start : start + LENGTH]
            x[row, : len(own)], y[row, : len(own)] = self.x[k][start : start + LENGTH], own
        return x, y


def chance_of(sequence):
    """How often a recorded sequence is drawn: more where it holds ectopic beats."""
    form = {"marked": 0.35, "found": 0.35}.get(sequence.form, 0.15)
    return form * (1 + 2 * min(1, (sequence.y == 1).sum() / 60) + (sequence.y == 2).mean())


def train(real, extra, simulated, options, seed):
    """Train one network; give it with the mean and deviation of the features."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    every = np.concatenate([s.x for s in real])
    mean, sd = every.mean(0), every.std(0) + 1e-3
    sets = [Crops(real, [chance_of(s) for s in real], mean, sd)]
    shares = [1.0 - options.simulated - options.extra]
    if options.extra:
        sets.append(Crops(extra, [len(s.y) for s in extra], mean, sd))
        shares.append(options.extra)
    if options.simulated:
        sets.append(Crops(simulated, [len(s.y) for s in simulated], mean, sd))
        shares.append(options.simulated)
    counts = np.round(np.array(shares) * BATCH).astype(int)
    net = Network(every.shape[1], options.drop)
    steps = options.epochs * 40
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    weight = torch.tensor([1.0, options.weight_s, 1.5, 1.0])
    net.train()
    for _ in range(steps):
        parts = [s.draw(n, rng) for s, n in zip(sets, counts, strict=True)]
        x = np.concatenate([p[0] for p in parts])
        y = np.concatenate([p[1] for p in parts])
        n, _, dim = x.shape
        x += options.noise * rng.standard_normal(x.shape, np.float32)
        x += 0.1 * rng.standard_normal((n, 1, dim), np.float32)
        x *= rng.random((n, 1, dim)) > 0.05
        loss = nn.functional.cross_entropy(
            net(torch.from_numpy(x)).reshape(-1, len(CLASSES)), torch.from_numpy(y.reshape(-1)),
            weight=weight, ignore_index=-1, label_smoothing=0.02,
        )  # fmt: skip
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return net.eval(), mean, sd


def counts_of(y, p):
    """Count hits, misses and false alarms of each class."""
    known = y >= 0
    return np.array(
        [
            [((y == k) & (p == k)).sum(), ((y == k) & (p != k)).sum(),
             (known & (y != k) & (p == k)).sum()]
            for k in range(len(CLASSES))
        ]
    )  # fmt: skip


def folds_of(real, n):
    """Divide the records so that every fold has some of many and some of few S beats."""
    marked = sorted((s for s in real if s.form == "marked"), key=lambda s: -(s.y == 1).sum())
    return [[s.name for s in marked[k::n]] for k in range(n)]


def cross_validate(real, extra, simulated, options):
    """Score every record with networks that never saw it."""
    totals, kept = {}, {}
    start = time.time()
    for number, fold in enumerate(folds_of(real, options.folds)):
        if options.only and number not in options.only:
            continue
        rest = [s for s in real if s.name not in fold]
        made = [train(rest, extra, simulated, options, k) for k in range(options.networks)]
        arrays = exported([m[0] for m in made], *made[0][1:])
        for s in real:
            if s.name not in fold:
                continue
            p = s.judged(arrays)
            kept[f"{s.name}_{s.form}"] = p
            c = counts_of(s.y, p.argmax(1))
            totals[s.form] = totals.get(s.form, 0) + c
            if s.form == "marked":
                words = " ".join(f"{CLASSES[k]}{c[k].tolist()}" for k in range(3))
                print(s.name, words, f"{time.time() - start:.0f} s", flush=True)
    for form, c in totals.items():
        words = []
        for k in range(len(CLASSES)):
            tp, fn, fp = c[k]
            f1 = 2 * tp / max(2 * tp + fn + fp, 1)
            words.append(f"{CLASSES[k]} se {tp / max(tp + fn, 1):.3f} "
                         f"ppv {tp / max(tp + fp, 1):.3f} f1 {f1:.3f}")  # fmt: skip
        print(form, "  ".join(words), flush=True)
    return kept


def main():
    """Read the arguments, then score or train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=6)
    parser.add_argument("--only", type=int, nargs="*", help="score only these folds")
    parser.add_argument("--networks", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--hearts", type=int, default=500, help="simulated records")
    parser.add_argument("--simulated", type=float, default=0.3, help="share of a batch")
    parser.add_argument("--extra", type=float, default=0.07, help="share of CPSC 2021 in a batch")
    parser.add_argument("--noise", type=float, default=0.15)
    parser.add_argument("--drop", type=float, default=0.2)
    parser.add_argument("--weight-s", type=float, default=3.0)
    parser.add_argument("--out", type=Path, help="train on everything and write the weights")
    parser.add_argument("--keep", type=Path, help="write the cross-validated probabilities")
    parser.add_argument("--cache", type=Path, help="keep the features here between runs")
    options = parser.parse_args()
    torch.set_num_threads(1)
    real, extra, simulated = _features(options)
    if options.out:
        made = [train(real, extra, simulated, options, k) for k in range(options.networks)]
        arrays = exported([m[0] for m in made], *made[0][1:])
        options.out.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(options.out, **{k: v.astype(np.float32) for k, v in arrays.items()})
        return
    kept = cross_validate(real, extra, simulated, options)
    if options.keep:
        np.savez(options.keep, **kept)


def _features(options):
    if options.cache and options.cache.exists():
        with np.load(options.cache) as file:
            return [_unpacked(file, part) for part in PARTS]
    start = time.time()
    real, extra = read_mitdb(options.data), read_cpsc2021(options.data)
    simulated = draw_simulated(options.data, options.hearts, 7)
    print(f"features in {time.time() - start:.0f} s", flush=True)
    if options.cache:
        np.savez(options.cache, **_packed(dict(zip(PARTS, (real, extra, simulated), strict=True))))
    return real, extra, simulated


def _packed(parts):
    out = {}
    for part, sequences in parts.items():
        out[f"{part}_names"] = np.array([f"{s.name}|{s.form}" for s in sequences])
        out[f"{part}_sizes"] = np.array([len(s.y) for s in sequences])
        for name in ARRAYS:
            out[f"{part}_{name}"] = np.concatenate([getattr(s, name) for s in sequences])
    return out


def _unpacked(file, part):
    ends = np.cumsum(file[f"{part}_sizes"])[:-1]
    rows = zip(*(np.split(file[f"{part}_{name}"], ends) for name in ARRAYS), strict=True)
    names = [str(name).split("|") for name in file[f"{part}_names"]]
    return [Sequence(*said, *row) for said, row in zip(names, rows, strict=True)]


if __name__ == "__main__":
    main()
