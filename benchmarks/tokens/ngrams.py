# SPDX-License-Identifier: Apache-2.0
"""What the symbols know: naive Bayes on n-grams, PTB-XL superclasses, beside controls.

python benchmarks/tokens/ngrams.py --data ../shared/data

Folds 1 to 8 train, fold 9 tests; recordings of ``ptbxl_norm`` (0.5 to 40 Hz, each lead divided by
its deviation, so no symbol and no gain tells millivolts). The tokenizers are those of the package,
fitted on other recordings of the folds 1 to 8. Controls: SAX n-grams, the same symbols in shuffled
order (does order matter?), and shuffled labels of the training records (what chance gives: least
and most of twenty shuffles stand in the columns of the interval).
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import gzip
from pathlib import Path

import numpy as np

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.benchmarking.classification_metrics import auroc
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.tokens.naive_bayes import fit_naive_bayes
from precordia.tokens.ngrams import count_ngrams
from precordia.tokens.saved import load_tokenizer

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
NAMES = ("sax", "rvq", "fsq", "beats", "ecg-byte", "abba")
SHUFFLES = 20


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    given = parser.parse_args()
    records, labels, folds, patients = recordings(given.data / "ptbxl_norm")
    train, test = np.flatnonzero(folds <= 8), np.flatnonzero(folds == 9)
    weights = draw_patients([patients[k] for k in test])
    rng = np.random.default_rng(0)

    def macro(scores, w=None):
        return np.mean(auroc(labels[test], scores, w), axis=-1)

    rows, control = [], None
    for name in NAMES:
        tokenizer = load_tokenizer(name)
        tokens = [tokenizer.encode(record) for record in records]
        mixed = [shuffled(t, rng) for t in tokens]
        for what, said, order, truth in (
            ("symbols", tokens, 1, labels[train]),
            ("pairs", tokens, 2, labels[train]),
            ("pairs, order shuffled", mixed, 2, labels[train]),
        ):
            counts = count_ngrams(said, n=order, columns=2**16)
            scores = fit_naive_bayes(counts[train], truth).score(counts[test])
            value = float(macro(scores))
            low, high = interval(lambda w, s=scores: macro(s, w), weights)
            row = {"tokenizer": name, "features": what, "macro_auroc": f"{value:.3f}",
                   "low": f"{low:.3f}", "high": f"{high:.3f}"}  # fmt: skip
            row |= {"train": len(train), "test": len(test)}
            if what == "pairs":
                control = scores if name == "sax" else control
                least, most = interval(
                    lambda w, s=scores, c=control: macro(s, w) - macro(c, w), weights
                )
                above = value - float(macro(control))
                row |= {"above_sax": f"{above:.3f}"}
                row |= {"above_sax_low": f"{least:.3f}", "above_sax_high": f"{most:.3f}"}
            rows.append(row)
            print(row, flush=True)
        counts = count_ngrams(tokens, n=2, columns=2**16)
        chance = []
        for _ in range(SHUFFLES):
            judge = fit_naive_bayes(counts[train], labels[rng.permutation(train)])
            chance.append(float(macro(judge.score(counts[test]))))
        row = {"tokenizer": name, "features": f"pairs, labels shuffled {SHUFFLES} times"}
        row |= {"macro_auroc": f"{np.mean(chance):.3f}", "low": f"{min(chance):.3f}"}
        row |= {"high": f"{max(chance):.3f}", "train": len(train), "test": len(test)}
        rows.append(row)
        print(rows[-1], flush=True)
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
