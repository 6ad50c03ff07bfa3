# SPDX-License-Identifier: Apache-2.0
"""The linear probe beside scikit-learn's logistic regression, one statement after the other.

Both fit the same objective on the same standardised features, to losses that agree.

python benchmarks/speed/linear_probe.py     prints the table by itself
"""

import numpy as np

from precordia.benchmarking.timing import best_seconds
from precordia.training.linear_probe import (
    ProbeSetting,
    binary_log_loss,
    fit_linear_probe,
    probe_logits,
)


def task(n_records, dim, n_statements):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n_records, dim)) @ rng.normal(size=(dim, dim))
    x *= np.geomspace(1, 0.01, dim)
    z = x @ rng.normal(size=(dim, n_statements)) / np.linalg.norm(x, axis=1).mean()
    rarity = np.linspace(0, 5, n_statements)
    return x, (z + rng.logistic(size=z.shape) > rarity).astype(float)


def compare(headers, smoke):
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        print("scikit-learn is not installed: nothing to compare with")
        return
    n_records, dim, n_statements = (500, 32, 5) if smoke else (4000, 256, 20)
    x, y = task(n_records, dim, n_statements)
    scaled = (x - x.mean(0)) / x.std(0)
    setting, logits = ProbeSetting(c=1.0), {}

    def ours():
        probe = fit_linear_probe(x, y, grid=(setting,), tolerance=1e-8)
        logits["precordia"] = probe_logits(probe, x)

    def peer():
        fits = [LogisticRegression(C=1.0, max_iter=5000).fit(scaled, column) for column in y.T]
        logits["peer"] = np.stack([fit.decision_function(scaled) for fit in fits], axis=1)

    seconds = best_seconds([ours, peer], rounds=1 if smoke else 5)
    subject = f"{n_statements} logistic regressions, {n_records} records of {dim} numbers"
    yield subject, "precordia linear probe", "time", seconds[0], "s"
    yield subject, "scikit-learn LogisticRegression", "time", seconds[1], "s"
    yield subject, "precordia against scikit-learn", "ratio", seconds[1] / seconds[0], ""
    losses = {name: float(binary_log_loss(z, y).mean()) for name, z in logits.items()}
    yield subject, "difference of losses", "loss", losses["precordia"] - losses["peer"], ""


if __name__ == "__main__":
    for _, what, kind, value, unit in compare((), smoke=False):
        print(f"{what:40} {kind:6} {value:12.3g} {unit}")
