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
MADE_UP_WEIGHT = 0.1
THRESHOLDS = np.arange(0.2, 0.81, 0.01)


def read_features(data: Path):
    """Badness rows, labels (1 acceptable), whether any lead is flat, and made-up rows."""
    rows, labels, flat, extra = [], [], [], []
    draw = np.random.default_rng(0)
    for entry in csv.DictReader((data / "labels.csv").open()):
        if entry["quality"] == "indeterminate":
            continue
        header = wfdb.rdrecord(str(data / entry["record"]))
        signal, leads = header.p_signal.T.astype(np.float32), tuple(header.sig_name)
        found = compute_indices(signal, header.fs, leads)
        if entry["quality"] == "acceptable":
            extra += [(row, y, len(rows)) for row, y in made_up(signal, leads, found, draw)]
        rows.append(order_statistics(found))
        labels.append(entry["quality"] == "acceptable")
        flat.append(found.lead["flat_longest_s"].max() >= 0.2)
    made = [np.array(column) for column in zip(*extra, strict=True)]
    return np.array(rows), np.array(labels, int), np.array(flat), made


def made_up(signal, leads, found, draw):
    """Fewer leads of an accepted recording (accepted), the same drowned in noise, noise alone."""
    clean = np.flatnonzero(
        (found.lead["template_correlation"] > 0.9) & (found.lead["off_scale_fraction"] < 0.02)
    )
    if len(clean) < 3:
        return
    pick = np.sort(draw.choice(clean, min(len(clean), draw.choice([1, 2, 3, 8])), replace=False))
    part, names = signal[pick], tuple(leads[k] for k in pick)
    yield order_statistics(compute_indices(part, 500.0, names)), 1
    if draw.random() < 0.5:
        part, names = signal, leads
    colour = draw.choice([0.0, 0.5, 1.0])
    hz = np.maximum(np.fft.rfftfreq(part.shape[1], 1 / 500), 0.2)
    noise = np.fft.irfft(np.fft.rfft(draw.normal(size=part.shape)) * hz**-colour, part.shape[1])
    noise *= np.sqrt(np.mean(part**2)) / noise.std() * 10 ** draw.uniform(0.2, 1.0)
    noise = (noise + (part if draw.random() < 0.6 else 0.0)).astype(np.float32)
    yield order_statistics(compute_indices(noise, 500.0, names)), 0


def fit(rows, labels, made=None, keep=None):
    """Minimise the penalised log loss under weights >= 0; made-up rows of kept parents count."""
    knots = np.quantile(rows, QUANTILES, axis=0)
    shape = (len(QUANTILES) - 1, rows.shape[1])
    weight = np.ones(len(rows))
    if made is not None:
        use = np.isin(made[2], keep)
        rows = np.concatenate([rows, made[0][use]])
        labels = np.concatenate([labels, made[1][use]])
        weight = np.concatenate([weight, np.full(use.sum(), MADE_UP_WEIGHT)])
    z = ramp_basis(rows, knots).reshape(len(rows), -1)
    bad = 1 - labels

    def loss(w):
        logit = z @ w[:-1] + w[-1]
        gap = weight * (1 / (1 + np.exp(-logit)) - bad)
        value = weight @ (np.logaddexp(0, logit) - bad * logit) + 0.5 * L2 * (w[:-1] ** 2).sum()
        return value, np.append(z.T @ gap + L2 * w[:-1], gap.sum())

    start = np.append(np.full(z.shape[1], 0.01), -1.0)
    bounds = [(0, None)] * z.shape[1] + [(None, None)]
    w = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return knots, w[:-1].reshape(shape), w[-1]


def predict(model, rows):
    knots, weights, bias = model
    return 1 / (1 + np.exp(np.einsum("wkd,kd->w", ramp_basis(rows, knots), weights) + bias))


def out_of_fold(rows, labels, made, index, folds, seed):
    p = np.zeros(len(index))
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for a, b in parts.split(index, labels[index]):
        p[b] = predict(fit(rows[index[a]], labels[index[a]], made, index[a]), rows[index[b]])
    return p


def best_threshold(p, labels):
    accuracy = np.array([np.mean((p >= h) == labels) for h in THRESHOLDS])
    smooth = np.convolve(np.pad(accuracy, 6, mode="edge"), np.ones(13) / 13, "valid")
    return THRESHOLDS[smooth.argmax()]


def cross_validate(rows, labels, made, repeats):
    """Probabilities and verdicts per repeat, the threshold chosen in an inner cross-validation."""
    p, verdict = np.zeros((2, repeats, len(labels)))
    for seed in range(repeats):
        parts = StratifiedKFold(10, shuffle=True, random_state=seed)
        for a, b in parts.split(rows, labels):
            inner = best_threshold(out_of_fold(rows, labels, made, a, 5, seed), labels[a])
            p[seed, b] = predict(fit(rows[a], labels[a], made, a), rows[b])
            verdict[seed, b] = p[seed, b] >= inner
    return p, verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    rows, labels, flat, made = read_features(arguments.data / "cinc2011")
    print(f"{len(labels)} records, {labels.mean():.3f} acceptable; {rows.shape[1]} numbers each")
    print(f"flat-lead rule alone: accuracy {np.mean(~flat == labels):.4f}")
    p, verdict = cross_validate(rows, labels, made, arguments.repeats)
    draw = np.random.default_rng(0)
    picks = [draw.integers(0, len(labels), len(labels)) for _ in range(1000)]

    def show(name, score):
        spread = [np.mean([score(r, k) for r in range(len(p))]) for k in picks]
        low, high = np.quantile(spread, (0.025, 0.975))
        whole = np.mean([score(r, np.arange(len(labels))) for r in range(len(p))])
        print(f"{name} {whole:.4f} [{low:.4f}, {high:.4f}]")

    show("AUROC", lambda r, k: roc_auc_score(labels[k], p[r, k]))
    show("accuracy", lambda r, k: np.mean(verdict[r, k] == labels[k]))
    show("accuracy at 0.5", lambda r, k: np.mean((p[r, k] >= 0.5) == labels[k]))
    whole = np.arange(len(labels))
    threshold = np.mean([best_threshold(one, labels) for one in p])
    knots, weights, bias = fit(rows, labels, made, whole)
    print(f"threshold {threshold:.3f}, bias {bias:.2f}, {np.sum(weights > 1e-3)} ramps")
    fitted = predict((knots, weights, bias), rows) >= threshold
    print(f"accuracy on the training records: {np.mean(fitted == labels):.4f}")
    np.savez_compressed(
        Path(precordia.quality.__file__).with_name("acceptability.npz"),
        knots=knots.astype(np.float32),
        weights=weights.astype(np.float32),
        bias=bias,
        clean=np.median(rows[labels == 1], axis=0).astype(np.float32),
        threshold=threshold,
        version="acceptability-2",
    )


if __name__ == "__main__":
    main()
