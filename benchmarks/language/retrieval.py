# SPDX-License-Identifier: Apache-2.0
"""Do recordings that an encoder finds alike share their diagnoses? PTB-XL, fold 9 in folds 1 to 8.

python benchmarks/language/retrieval.py --store /tmp/stores/ptbxl --to retrieval.csv

The store is the one that benchmarks/pretraining/stores.py builds. Every recording of fold 9 looks
for its five nearest among folds 1 to 8, with its own patient left out; what is counted is which
share of the superclasses of the two recordings both have (intersection over union), as a mean over
neighbours, beside five drawn at random. Intervals are over patients of fold 9.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.core.errors import PrecordiaError
from precordia.datasets.store import open_store
from precordia.embedding.encode import TWELVE, encode_many
from precordia.embedding.neighbours import find_neighbours

K = 5
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")


def main() -> None:
    """Embed, search, score, time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, required=True, help="store of PTB-XL")
    parser.add_argument("--model", nargs="+", default=[TWELVE], help="encoders")
    parser.add_argument("--to", type=Path, help="table of the results (.csv)")
    given = parser.parse_args()
    rows = [row for model in given.model for row in score_encoder(given.store, model)]
    rows.append(time_search())
    for row in rows:
        print("  ".join(f"{value}" for value in row.values()))
    if given.to:
        with given.to.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)


def score_encoder(place: Path, model: str) -> list[dict[str, object]]:
    """Return the agreement of neighbours and of random recordings, and their difference."""
    store = open_store(place)
    columns = store.table(("labels", "fold")).to_pydict()
    patients, folds = np.array(store.patients), np.array(columns["fold"])
    labels = np.array([[c in held for c in SUPERCLASSES] for held in columns["labels"]])
    made = list(encode_many(((record, None) for record in store), model=model))
    usable = np.array([not isinstance(m, PrecordiaError) for m in made]) & labels.any(axis=1)
    vectors = np.array([m.embedding.mean(axis=0) for m, ok in zip(made, usable, strict=True) if ok])
    patients, folds, labels = patients[usable], folds[usable], labels[usable]
    known, asked = np.isin(folds, list("12345678")), folds == "9"
    number = np.unique(patients, return_inverse=True)[1]
    apart = [(number[known], number[asked])]
    found = find_neighbours(vectors[known], vectors[asked], K, apart=apart)
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, known.sum(), (int(asked.sum()), 20 * K))
    near = agreement(labels[asked], labels[known][found.rows])
    chance = agreement(labels[asked], labels[known][drawn])
    weights = draw_patients(list(patients[asked]))
    rows: list[dict[str, object]] = []
    for what, values in (("neighbours", near), ("random", chance), ("difference", near - chance)):
        low, high = interval(lambda w, v=values: w @ v / w.sum(axis=1), weights)
        rows.append(
            {
                "encoder": model,
                "what": what,
                "value": f"{values.mean():.3f}",
                "low": f"{low:.3f}",
                "high": f"{high:.3f}",
                "asked": int(asked.sum()),
                "searched": int(known.sum()),
            }
        )
    return rows


def agreement(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return the mean intersection over union of each recording's classes with others'."""
    both = (ours[:, None] & theirs).sum(axis=2)
    either = (ours[:, None] | theirs).sum(axis=2)
    return (both / either).mean(axis=1)


def time_search() -> dict[str, object]:
    """Return how long one search takes among 100,000 vectors of 512 numbers, in ms."""
    vectors = np.random.default_rng(0).random((100_000, 512), dtype=np.float32)
    find_neighbours(vectors[:1000], vectors[:1], K)
    taken = []
    for k in range(5):
        start = time.perf_counter()
        find_neighbours(vectors, vectors[k : k + 1], K)
        taken.append(1000 * (time.perf_counter() - start))
    return {
        "encoder": "",
        "what": "search among 100,000 vectors of 512 numbers, ms",
        "value": f"{np.median(taken):.0f}",
        "low": f"{min(taken):.0f}",
        "high": f"{max(taken):.0f}",
        "asked": 1,
        "searched": 100_000,
    }


if __name__ == "__main__":
    main()
