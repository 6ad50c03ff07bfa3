# SPDX-License-Identifier: Apache-2.0
"""Train the acceptability model on CinC 2011 set-a, with repeated cross-validation.

python benchmarks/quality/train_acceptability.py --data ../shared/data      takes about 2 minutes
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import wfdb
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

import precordia.quality
from precordia.quality.acceptability import order_statistics, ramp_basis
from precordia.quality.indices import compute_indices

QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.85, 0.95)
L2 = 10.0
THRESHOLDS = np.arange(0.2, 0.81, 0.01)


def read_features(data: Path):
    """Badness rows, labels (1 acceptable) and whether any lead is flat."""
    rows, labels, flat = [], [], []
    for entry in csv.DictReader((data / "labels.csv").open()):
        if entry["quality"] == "indeterminate":
            continue
        header = wfdb.rdrecord(str(data / entry["record"]))
        found = compute_indices(
            header.p_signal.T.astype(np.float32), header.fs, tuple(header.sig_name)
        )
        rows.append(order_statistics(found))
        labels.append(entry["quality"] == "acceptable")
        flat.append(found.lead["flat_longest_s"].max() >= 0.2)
    return np.array(rows), np.array(labels, int), np.array(flat)


def fit(rows, labels):
    """Minimise the penalised log loss under weights >= 0."""
    knots = np.quantile(rows, QUANTILES, axis=0)
    shape = (len(QUANTILES) - 1, rows.shape[1])
    z = ramp_basis(rows, knots).reshape(len(rows), -1)
    bad = 1 - labels

    def loss(w):
        logit = z @ w[:-1] + w[-1]
        gap = 1 / (1 + np.exp(-logit)) - bad
        value = np.logaddexp(0, logit).sum() - bad @ logit + 0.5 * L2 * (w[:-1] ** 2).sum()
        return value, np.append(z.T @ gap + L2 * w[:-1], gap.sum())

    start = np.append(np.full(z.shape[1], 0.01), -1.0)
    bounds = [(0, None)] * z.shape[1] + [(None, None)]
    w = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return knots, w[:-1].reshape(shape), w[-1]


def predict(model, rows):
    knots, weights, bias = model
    return 1 / (1 + np.exp(np.einsum("wkd,kd->w", ramp_basis(rows, knots), weights) + bias))


def out_of_fold(rows, labels, folds, seed):
    p = np.zeros(len(labels))
    for a, b in StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, labels):
        p[b] = predict(fit(rows[a], labels[a]), rows[b])
    return p


def best_threshold(p, labels):
    accuracy = np.array([np.mean((p >= h) == labels) for h in THRESHOLDS])
    return THRESHOLDS[np.convolve(accuracy, np.ones(9) / 9, "same").argmax()]


def cross_validate(rows, labels, repeats=3):
    """AUROC and accuracy, the threshold chosen in an inner cross-validation."""
    aurocs, accuracies = [], []
    for seed in range(repeats):
        p, verdict = np.zeros(len(labels)), np.zeros(len(labels), bool)
        for a, b in StratifiedKFold(10, shuffle=True, random_state=seed).split(rows, labels):
            inner = best_threshold(out_of_fold(rows[a], labels[a], 5, seed), labels[a])
            p[b] = predict(fit(rows[a], labels[a]), rows[b])
            verdict[b] = p[b] >= inner
        aurocs.append(roc_auc_score(labels, p))
        accuracies.append(np.mean(verdict == labels))
    return np.array(aurocs), np.array(accuracies), p, verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    rows, labels, flat = read_features(arguments.data / "cinc2011")
    print(f"{len(labels)} records, {labels.mean():.3f} acceptable; {rows.shape[1]} numbers each")
    print(f"flat-lead rule alone: accuracy {np.mean(~flat == labels):.4f}")
    aurocs, accuracies, p, verdict = cross_validate(rows, labels, arguments.repeats)
    draw = np.random.default_rng(0)
    picks = [draw.integers(0, len(labels), len(labels)) for _ in range(1000)]
    low, high = np.quantile([roc_auc_score(labels[k], p[k]) for k in picks], (0.025, 0.975))
    print(f"AUROC {aurocs.mean():.4f} [{low:.4f}, {high:.4f}]")
    low, high = np.quantile([np.mean((verdict == labels)[k]) for k in picks], (0.025, 0.975))
    print(f"accuracy {accuracies.mean():.4f} [{low:.4f}, {high:.4f}]")
    threshold = np.mean(
        [best_threshold(out_of_fold(rows, labels, 10, s), labels) for s in range(3)]
    )
    knots, weights, bias = fit(rows, labels)
    print(f"threshold {threshold:.3f}, bias {bias:.2f}, {np.sum(weights > 1e-3)} ramps")
    np.savez_compressed(
        Path(precordia.quality.__file__).with_name("acceptability.npz"),
        knots=knots.astype(np.float32),
        weights=weights.astype(np.float32),
        bias=bias,
        clean=np.median(rows[labels == 1], axis=0).astype(np.float32),
        threshold=threshold,
        version="acceptability-1",
    )


if __name__ == "__main__":
    main()
