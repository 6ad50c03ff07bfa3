# SPDX-License-Identifier: Apache-2.0
"""Train the logistic regression behind judge_fibrillation, cross-validated on CinC 2017.

python benchmarks/rhythm/train_atrial_fibrillation.py --data ../shared/data \
    [--out src/precordia/models/box/precordia_af.npz] [--rules]

Records of CinC 2017 are of one patient each. Stretches of CPSC 2021 and MIT-BIH DS1, each lead by
itself, are added to every fold in small weight. --rules scores the rule on the same records.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.classification.fibrillation_features import fibrillation_features
from precordia.classification.platt import fit_platt
from precordia.datasets.cinc2017 import find_cinc2017
from precordia.datasets.mitdb import DS1
from precordia.delineation.rpeaks import detect_rpeaks
from precordia.io.read import read
from precordia.io.wfdb_annotation import read_annotations

#: weight of a source beside CinC 2017, for fibrillation and for the rest
SHARES = {"cinc2017": 1.0, "cpsc2021": 0.1, "mitdb": 0.1}
PENALTY, LIMIT, REPEATS, FOLDS = 10.0, 4.0, 5, 10


@dataclass
class Examples:
    """Described stretches."""

    x: list = field(default_factory=list)
    label: list = field(default_factory=list)
    group: list = field(default_factory=list)
    source: list = field(default_factory=list)
    path: list = field(default_factory=list)

    def add(self, signal, fs, beats, label, group, source, path=""):
        if len(beats) < 5:
            return
        self.x.append(fibrillation_features(signal, fs, beats))
        for name, value in (("label", label), ("group", group), ("source", source),
                            ("path", str(path))):  # fmt: skip
            getattr(self, name).append(value)


def fibrillating(marks, n):
    """Tell for each sample whether it lies in an annotated episode."""
    out, kind, since = np.zeros(n, bool), "", 0
    for sample, aux in zip(marks.sample.tolist(), marks.aux or (), strict=False):
        if aux.startswith("("):
            out[since:sample] |= kind.startswith("(AFIB")
            kind, since = aux, sample
    out[since:] |= kind.startswith("(AFIB")
    return out


def add_windows(examples, header, group, source):
    """Add stretches of 30 s, and some of 12 s, each lead by itself."""
    record, marks = read(header), read_annotations(header, "atr")
    episode, beats = fibrillating(marks, record.n_samples), detect_rpeaks(record)
    for seconds, every in ((30, 1), (12, 3)):
        width = int(seconds * record.fs)
        for start in range(0, record.n_samples - width + 1, every * width):
            share = episode[start : start + width].mean()
            if 0.1 < share < 0.9:
                continue
            own = beats[(beats >= start) & (beats < start + width)] - start
            for lead in range(min(2, record.n_leads)):
                signal = record.signal[lead : lead + 1, start : start + width]
                label = "A" if share > 0.5 else "N"
                examples.add(signal, record.fs, own, label, group, source)


def read_examples(data):
    """Describe all recordings."""
    examples = Examples()
    for item in find_cinc2017(data / "cinc2017", task="rhythm").items:
        if Path(item.path).exists():
            record = read(item.path)
            beats = detect_rpeaks(record)
            examples.add(record.signal, record.fs, beats, item.labels[0], item.name, "cinc2017",
                         item.path)  # fmt: skip
    for header in sorted((data / "cpsc2021").rglob("*.hea")):
        add_windows(examples, header, "c" + header.stem.split("_")[1], "cpsc2021")
    for name in sorted(DS1):
        add_windows(examples, data / "mitdb" / f"{name}.hea", name, "mitdb")
    return {name: np.array(value) for name, value in vars(examples).items()}


def weights_of(e):
    """Weigh sources, and within them groups, so that no long recording rules."""
    y, source = e["label"] == "A", e["source"]
    _, group = np.unique(e["group"], return_inverse=True)
    size = np.bincount(group)
    w = np.zeros(len(y))
    ours = source == "cinc2017"
    for name, share in SHARES.items():
        for kind in (False, True):
            m = (source == name) & (y == kind)
            if m.any():
                each = size[group[m]] ** -0.8
                w[m] = share * each / each.sum()
                if name == "cinc2017":
                    w[m] *= 2 * m.sum() / ours.sum()
    return w * ours.sum() / 2


def fit(x, y, w):
    """Penalised logistic regression by Newton's method; mean, deviation, weights, bias last."""
    mean = np.average(x, axis=0, weights=w)
    sd = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=w)) + 1e-6
    z = np.c_[np.clip((x - mean) / sd, -LIMIT, LIMIT), np.ones(len(x))]
    b, ridge = np.zeros(z.shape[1]), PENALTY * np.eye(z.shape[1])
    ridge[-1, -1] = 1e-6
    for _ in range(40):
        p = 1 / (1 + np.exp(-z @ b))
        step = np.linalg.solve((z * (w * p * (1 - p) + 1e-9)[:, None]).T @ z + ridge,
                               z.T @ (w * (p - y)) + ridge @ b)  # fmt: skip
        b -= step
        if np.abs(step).max() < 1e-6:
            break
    return mean, sd, b


def logits(model, x):
    """Evaluate `fit`."""
    mean, sd, b = model
    return np.clip((x - mean) / sd, -LIMIT, LIMIT) @ b[:-1] + b[-1]


def auroc(y, p, w=None):
    """Area under the curve, with counts of records as weights."""
    w = np.ones(len(y)) if w is None else w
    better = (p[y][:, None] > p[~y]) + 0.5 * (p[y][:, None] == p[~y])
    return float(w[y] @ better @ w[~y] / (w[y].sum() * w[~y].sum()))


def cross_validate(e, w):
    """Mean logit of each record of CinC 2017 over repeated divisions, never trained on it."""
    own = np.flatnonzero(e["source"] == "cinc2017")
    y, total, each = e["label"] == "A", np.zeros(len(own)), []
    for repeat in range(REPEATS):
        rng = np.random.default_rng(repeat)
        fold = np.zeros(len(own), int)
        for label in "NAO~":
            m = np.flatnonzero(e["label"][own] == label)
            fold[rng.permutation(m)] = np.arange(len(m)) % FOLDS
        out = np.zeros(len(own))
        for k in range(FOLDS):
            kept = w.copy()
            kept[own[fold == k]] = 0
            used = kept > 0
            model = fit(e["x"][used], y[used], kept[used])
            out[fold == k] = logits(model, e["x"][own[fold == k]])
        each.append(auroc(y[own], out))
        total += out / REPEATS
    print("AUROC of each division:", np.round(each, 4))
    return own, total


def report(y, label, value):
    """Print area, interval and the best threshold."""
    draws = draw_patients([str(k) for k in range(len(y))])
    low, high = interval(lambda rows: np.array([auroc(y, value, r.astype(float)) for r in rows]),
                         draws)  # fmt: skip
    print(f"AUROC {auroc(y, value):.4f} [{low:.4f}, {high:.4f}] of {y.sum()} and {(~y).sum()}")
    for other in "NO~":
        m = y | (label == other)
        print(f"  A against {other}: {auroc(y[m], value[m]):.4f}")


def table(y, found, words):
    """Print sensitivity, specificity, precision and F1."""
    tp, fn, fp = (y & found).sum(), (y & ~found).sum(), (~y & found).sum()
    print(f"{words}: se {tp / y.sum():.3f} sp {1 - fp / (~y).sum():.3f} "
          f"ppv {tp / max(tp + fp, 1):.3f} F1 {2 * tp / (2 * tp + fn + fp):.3f}")  # fmt: skip


def rule_found(path):
    """Tell whether the rules find fibrillation."""
    from precordia.classification.classify import classify

    return any(f.code == "AFIB" for f in classify(read(path), method="rules"))


def main():
    """Read the arguments, score, and write weights where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rules", action="store_true")
    options = parser.parse_args()
    e = read_examples(options.data)
    w, y = weights_of(e), e["label"] == "A"
    own, value = cross_validate(e, w)
    truth = y[own]
    report(truth, e["label"][own], value)
    slope, intercept = fit_platt(value, truth.astype(float))
    p = 1 / (1 + np.exp(-(slope * value + intercept)))
    print(f"calibration {slope:.3f} {intercept:.3f}; Brier {np.mean((p - truth) ** 2):.4f}")
    table(truth, p >= 0.5, "at 0.5")
    if options.rules:
        found = np.array([rule_found(path) for path in e["path"][own]])
        table(truth, found, "rule")
    if options.out:
        mean, sd, b = fit(e["x"], y, w)
        arrays = {"mean": mean, "sd": sd, "weight": b[:-1], "bias": b[-1],
                  "calibration": np.array([slope, intercept])}  # fmt: skip
        np.savez(options.out, **{k: np.asarray(v, np.float64) for k, v in arrays.items()})


if __name__ == "__main__":
    main()
