# SPDX-License-Identifier: Apache-2.0
"""Train the choice between R and S of detect_rpeaks, and add it to a file of weights.

python benchmarks/rpeaks/train_places.py --data ../shared/data rpeaks.npz [fold0.npz ...]

A file with an array ``held`` is trained without the records named there (cross-validation).
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch import nn
from train_rpeaks import label, layers, read_mitdb

from precordia.delineation import rpeaks_features as features
from precordia.delineation import rpeaks_place as place

COPIES = 3


def rows_of(x, fs, beats, rng):
    """Give features, and whether the highest and the deepest point are more than 20 ms off."""
    grid = features.grid_of(fs)
    smooth = features.without_spikes(x, fs)
    found = features.find_candidates(smooth, fs, with_features=False)
    at = found.at * grid.step + grid.step // 2
    y, _ = label(at, found.height, beats, 0.12 * fs)
    k = np.flatnonzero(y > 0)
    nearest = beats[np.argmin(np.abs(at[k, None] - beats), axis=1)] if len(beats) < 4000 else None
    window = place.windows(found.leads, found.at[k])
    aim = (nearest - at[k]) / grid.step
    size = np.ptp(window, axis=1, keepdims=True)
    ramp = np.linspace(-1, 1, window.shape[1])
    out = []
    for copy in range(COPIES):
        shift = 0
        if copy:
            shift = rng.integers(-2, 3)
            noisy = rng.random((len(k), 1)) < 0.5
            varied = np.roll(window, shift, axis=1)
            varied = varied + size * 0.08 * rng.standard_normal((len(k), 1)) * ramp
            varied += size * 0.02 * rng.standard_normal(window.shape) * noisy
        else:
            varied = window
        f, up, down = place.two_choices(varied.astype(np.float32))
        limit = 0.020 * grid.rate
        off = [np.abs(j - place.HALF - shift - aim) > limit for j in (up, down)]
        out.append((f, *off))
    return out


class Choice(nn.Module):
    """Choose between the highest and the deepest point."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(place.N_CHOICE, place.HIDDEN)
        self.b = nn.Linear(place.HIDDEN, 1)

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)))[:, 0]


def fit(table, held, *, epochs=8, seed=0):
    """Train on the records that are not held out."""
    torch.manual_seed(seed)
    xs, ys, ws = [], [], []
    for name, copies in table.items():
        if name in held:
            continue
        for f, up_off, down_off in copies:
            k = up_off != down_off
            xs.append(f[k])
            ys.append(down_off[k])
            ws.append(np.full(k.sum(), 1 / np.sqrt(60 + k.sum())))
    x, y, w = np.concatenate(xs), np.concatenate(ys), np.concatenate(ws)
    w /= w.mean()
    mean, scale = x.mean(0), x.std(0) + 1e-6
    x, y, w = (torch.from_numpy(np.asarray(v, np.float32)) for v in ((x - mean) / scale, y, w))
    net = Choice()
    opt = torch.optim.AdamW(net.parameters(), 1e-2, weight_decay=0.1)
    steps = epochs * (len(x) // 512 + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, 1e-2, total_steps=steps)
    for _ in range(epochs):
        for i in torch.randperm(len(x)).split(512):
            loss = nn.functional.binary_cross_entropy_with_logits(net(x[i]), y[i], weight=w[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            schedule.step()
    return dict(zip(place.NAMES, layers(net, mean, scale), strict=True))


def main():
    """Add the choice to every file named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    table = {
        "mitdb/" + name: rows_of(x[:1], fs, beats, rng)
        for name, x, fs, beats, _, _ in read_mitdb(args.data)
    }
    for path in args.files:
        with np.load(path) as file:
            arrays = dict(file)
        held = {str(n) for n in arrays.get("held", ())}
        arrays.update(fit(table, held))
        np.savez_compressed(path, **arrays)
        wrong = total = 0
        net = [arrays[k] for k in place.NAMES]
        for name in held & set(table):
            f, up_off, down_off = table[name][0]
            up = (np.tanh(f @ net[0] + net[1]) @ net[2])[:, 0] + net[3][0] > 0
            bad = np.where(up, up_off, down_off)
            wrong, total = wrong + bad.sum(), total + len(bad)
            print("  ", name, int(bad.sum()), "of", len(bad))
        print(path, wrong, "of", total, "beats are off by more than 20 ms")


if __name__ == "__main__":
    main()
