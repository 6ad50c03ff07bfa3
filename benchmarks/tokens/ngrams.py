# SPDX-License-Identifier: Apache-2.0
"""What the symbols know: naive Bayes on n-grams, PTB-XL superclasses, beside controls.

python benchmarks/tokens/ngrams.py --data ../shared/data

Folds 1 to 7 train, fold 8 chooses the length of strings and the smoothing, fold 9 tests;
recordings of ``ptbxl_norm`` (0.5 to 40 Hz, each lead divided by its deviation, so no symbol and no
gain tells millivolts). The tokenizers are those of the package, fitted without labels on other
recordings of the folds 1 to 8. Controls, of the setting that was chosen: the same symbols in
shuffled order (does order matter?); how many symbols each lead has and nothing else (rate); the
heart rate in ten steps and nothing else; counts shuffled across the training records (what chance
gives: least and most of twenty shuffles stand in the columns of the interval). Five minutes on one
core.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import gzip
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.benchmarking.classification_metrics import auroc
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.delineation.rpeaks import detect_rpeaks
from precordia.tokens.naive_bayes import fit_naive_bayes
from precordia.tokens.ngrams import count_ngrams
from precordia.tokens.saved import load_tokenizer
from precordia.tokens.tokenizers import list_tokenizers

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
ORDERS, SMOOTHING = (1, 2, 3), (0.01, 0.1, 1.0, 10.0)
SHUFFLES, STEPS = 20, 10


def recordings(folder: Path):
    """Read signals, labels, folds and patients."""
    with gzip.open(folder / "labels_1819.csv.gz", "rt", encoding="utf-8") as file:
        table = {int(row["ecg_id"]): row for row in csv.DictReader(file)}
    with np.load(folder / "ptbxl_norm_100hz_int16.npz") as held:
        ids, x = held["ecg_id"], held["x"]
    rows = [table[int(k)] for k in ids]
    labels = np.array([[float(row[f"super_class:{c}"]) for c in CLASSES] for row in rows])
    folds = np.array([int(row["strat_fold"]) for row in rows])
    signals = [Record(signal=(s.T / 1000).astype(np.float32), fs=100, leads=STANDARD_12) for s in x]
    return signals, labels, folds, [row["patient_id"] for row in rows]


def shuffled(tokens, rng):
    """The same symbols of each lead in another order."""
    symbols = tokens.symbols.copy()
    for lead in np.unique(tokens.lead):
        mine = np.flatnonzero(tokens.lead == lead)
        symbols[mine] = symbols[rng.permutation(mine)]
    return dataclasses.replace(tokens, symbols=symbols)


def lengths(recordings):
    """How many symbols each lead of each recording has; a lead of its own for the rest."""
    each = [np.bincount(t.lead + 1, minlength=len(STANDARD_12) + 1) for t in recordings]
    return csr_matrix(np.array(each, float))


def heart_rates(records, train):
    """In which tenth of the training records the median interval of a recording falls."""
    median = [np.median(np.diff(detect_rpeaks(r))) if r.n_samples else np.nan for r in records]
    edges = np.nanquantile(np.array(median)[train], np.linspace(0, 1, STEPS + 1)[1:-1])
    return csr_matrix(np.eye(STEPS)[np.searchsorted(edges, median)])


class Judge:
    """Trains on some records, chooses on others, tests on the rest."""

    def __init__(self, labels, folds, patients):
        self.labels = labels
        self.train, self.choice = np.flatnonzero(folds <= 7), np.flatnonzero(folds == 8)
        self.test = np.flatnonzero(folds == 9)
        self.weights = draw_patients([patients[k] for k in self.test])

    def scores(self, counts, smoothing, rows=None, order=None):
        """Score the test records, or other ones; the training labels in another order if given."""
        given = self.labels[self.train if order is None else order]
        judge = fit_naive_bayes(counts[self.train], given, smoothing=smoothing)
        return judge.score(counts[self.test if rows is None else rows])

    def macro(self, scores, w=None):
        """Mean area over the classes on the test records."""
        return np.mean(auroc(self.labels[self.test], scores, w), axis=-1)

    def chosen(self, by_order):
        """The length of strings and the smoothing that are best on the records to choose on."""
        truth = self.labels[self.choice]
        tried = {
            (order, smooth): float(np.mean(auroc(truth, self.scores(counts, smooth, self.choice))))
            for order, counts in by_order.items()
            for smooth in SMOOTHING
        }
        return max(tried, key=tried.get)

    def row(self, name, features, scores, against=None):
        """A row of the table; with the difference to other scores, drawn with patients."""
        low, high = interval(lambda w: self.macro(scores, w), self.weights)
        row = {"tokenizer": name, "features": features}
        row |= {"macro_auroc": f"{float(self.macro(scores)):.3f}"}
        row |= {"low": f"{low:.3f}", "high": f"{high:.3f}"}
        row |= {"train": len(self.train), "choice": len(self.choice), "test": len(self.test)}
        if against is not None:
            above = float(self.macro(scores)) - float(self.macro(against))
            least, most = interval(
                lambda w: self.macro(scores, w) - self.macro(against, w), self.weights
            )
            row |= {"above_heart_rate": f"{above:.3f}"}
            row |= {"above_low": f"{least:.3f}", "above_high": f"{most:.3f}"}
        return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list_tokenizers(), help="tokenizers")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    given = parser.parse_args()
    records, labels, folds, patients = recordings(given.data / "ptbxl_norm")
    judge, rng = Judge(labels, folds, patients), np.random.default_rng(0)
    rates = heart_rates(records, judge.train)
    control = judge.scores(rates, judge.chosen({1: rates})[1])
    rows = [judge.row("", f"heart rate in {STEPS} steps", control)]
    for name in given.only:
        tokenizer = load_tokenizer(name)
        tokens = [tokenizer.encode(record) for record in records]
        by_order = {n: count_ngrams(tokens, n=n, columns=2**16) for n in ORDERS}
        order, smooth = judge.chosen(by_order)
        told = f"strings of up to {order}, smoothing {smooth:g}"
        scores = judge.scores(by_order[order], smooth)
        rows.append(judge.row(name, told, scores, control))
        for n in ORDERS:
            best = judge.chosen({n: by_order[n]})[1]
            held = judge.scores(by_order[n], best)
            rows.append(judge.row(name, f"up to {n}, smoothing {best:g}", held))
        mixed = count_ngrams([shuffled(t, rng) for t in tokens], n=order, columns=2**16)
        rows.append(judge.row(name, "order shuffled", judge.scores(mixed, smooth)))
        many = lengths(tokens)
        alone = judge.scores(many, judge.chosen({1: many})[1])
        rows.append(judge.row(name, "number of symbols alone", alone))
        chance = [
            float(judge.macro(judge.scores(by_order[order], smooth, None, rng.permutation(o))))
            for o in [judge.train] * SHUFFLES
        ]
        row = {"tokenizer": name, "features": f"shuffled across records {SHUFFLES} times"}
        row |= {"macro_auroc": f"{np.mean(chance):.3f}"}
        row |= {"low": f"{min(chance):.3f}", "high": f"{max(chance):.3f}"}
        rows.append(row)
        for told in rows[-7:]:
            print(told, flush=True)
        write(rows, given.out / "tokens_ngrams.csv")


def write(rows, path):
    """Write what there is so far."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
