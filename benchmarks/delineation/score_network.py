# SPDX-License-Identifier: Apache-2.0
"""Score networks on the LUDB records that they were not trained on, one network a fold.

python benchmarks/delineation/score_network.py 0=/tmp/fold0.pt 1=/tmp/fold1.pt

Each lead on its own, one to one within 150 ms, first and last 2 s not counted; intervals from 1000
draws of records with replacement.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from network_examples import read_ludb
from scipy.optimize import linear_sum_assignment
from train_network import fold_of, load

from precordia.delineation.network_input import network_input
from precordia.delineation.network_waves import read_waves

FIDUCIALS = [f"{k}_{f}" for k in ("p", "qrs", "t") for f in ("onset", "peak", "offset")]


def matched(truth, found, rate=0.5, reach_ms=150.0, low=1000.0, high=4000.0):
    """Hits, misses, false alarms, errors in ms of one fiducial in one lead; samples at 500 Hz."""
    far = np.abs(truth[:, None] - found[None]) / rate
    i, j = linear_sum_assignment(np.where(far <= reach_ms, far, 1e6))
    good = far[i, j] <= reach_ms
    i, j = i[good], j[good]
    counted = (truth >= low) & (truth <= high)
    alone = np.ones(len(found), bool)
    alone[j] = False
    hit = counted[i]
    errors = (found[j] - truth[i])[hit] / rate
    return (
        hit.sum(),
        counted.sum() - hit.sum(),
        (alone & (found >= low) & (found <= high)).sum(),
        errors,
    )


def score(record, network):
    signal, waves = record
    x, _ = network_input(signal, 500.0)
    n = x.shape[2]
    with torch.no_grad():
        p = network(torch.from_numpy(np.pad(x, ((0, 0), (0, 0), (0, -n % 16))))[None]).numpy()
    found = read_waves(p[:, :, : (n + 1) // 2], x[0])
    out = {}
    for c, kind in enumerate(("p", "qrs", "t")):
        for f, name in enumerate(("onset", "peak", "offset")):
            rows = []
            for k, lead in enumerate(waves):
                truth, ours = np.sort(lead[lead[:, 0] == c, f + 1]), 2 * np.sort(found[kind][f, k])
                rows.append(matched(truth[~np.isnan(truth)], ours[~np.isnan(ours)]))
            counts = np.sum([r[:3] for r in rows], axis=0)
            out[f"{kind}_{name}"] = (*counts, np.concatenate([r[3] for r in rows]))
    return out


def summary(rows, name):
    tp, fn, fp = (sum(r[name][k] for r in rows) for k in range(3))
    errors = np.concatenate([r[name][3] for r in rows])
    return 200 * tp / max(2 * tp + fn + fp, 1), errors.mean(), errors.std()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("networks", nargs="+", help="fold=weights.pt")
    args = parser.parse_args()
    torch.set_num_threads(1)
    records = read_ludb(args.data / "ludb" / "data")
    fold = fold_of(records, args.folds)
    rows = []
    for item in args.networks:
        number, path = item.split("=")
        network = load([path])
        rows += [score(records[k], network) for k in records if fold[k] == int(number)]
    draws = np.random.default_rng(0).integers(0, len(rows), (1000, len(rows)))
    print(f"{len(rows)} records not trained on")
    print("fiducial      F1 %  [95 %]           mean ± SD ms  [95 % of SD]")
    for name in FIDUCIALS:
        f1, mean, sd = summary(rows, name)
        drawn = np.array([summary([rows[k] for k in draw], name) for draw in draws])
        a, b = np.quantile(drawn[:, [0, 2]], [0.025, 0.975], axis=0)
        rate = f"{name:11s} {f1:6.2f}  [{a[0]:.2f}, {b[0]:.2f}]"
        print(f"{rate}  {mean:+5.1f} ± {sd:4.1f}  [{a[1]:.1f}, {b[1]:.1f}]")


if __name__ == "__main__":
    main()
