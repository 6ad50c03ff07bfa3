# SPDX-License-Identifier: Apache-2.0
"""Score a model with a text side on recordings of other databases, none of which taught it.

python benchmarks/zero_shot/transfer.py --data ../shared/data/cinc2021

Classes are those of the challenge of 2021 with enough recordings; PTB-XL's own recordings in it are
left out. Appends to the table that ``train.py`` wrote.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "classifier"))

import score  # noqa: E402

from precordia.benchmarking.cohort import load_cohort  # noqa: E402
from precordia.benchmarking.networks import find_network  # noqa: E402
from precordia.benchmarking.part_embeddings import embedder  # noqa: E402
from precordia.benchmarking.withheld import Part  # noqa: E402
from precordia.benchmarking.zero_shot_mode import (  # noqa: E402
    NAMES,
    RANDOM,
    WORDS,
    class_directions,
)

RESULTS = HERE.parent / "results" / "zero_shot.csv"
LEAST = 5


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the challenge of 2021")
    parser.add_argument("--model", default="precordia-words")
    parser.add_argument("--results", type=Path, default=RESULTS, help="table of scores (CSV)")
    given = parser.parse_args()
    whole = load_cohort(f"cinc2021={given.data}")
    cohort = whole.part([k for k, name in enumerate(whole.names) if not name.startswith("HR")])
    vectors = embedder(find_network(given.model), seed=0)(Part(cohort))
    seen = np.isfinite(vectors).all(axis=1)
    labels = (cohort.targets == 1).astype(float)[seen]
    often = np.flatnonzero(labels.sum(0) >= LEAST)
    classes = tuple(cohort.classes[k] for k in often)
    said = {
        mode: vectors[seen] @ class_directions(given.model, classes, mode).T
        for mode in (WORDS, NAMES, RANDOM)
    }
    who = np.array(cohort.patients)[seen]
    found = {mode: score.interval(labels[:, often], s, who) for mode, s in said.items()}
    more = score.difference(labels[:, often], said[WORDS], said[NAMES], who)
    found[f"{WORDS} more than {NAMES}"] = more
    with given.results.open("a", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        for mode, values in found.items():
            value, low, high = (round(float(v), 4) for v in values)
            group = f"{len(classes)} classes of the challenge of 2021"
            line = [given.model, "other databases", group, mode, value, low, high, len(labels)]
            table.writerow(line)
            print(line)
    for name, column in zip(classes, often, strict=True):
        one = score.interval(labels[:, [column]], said[WORDS][:, [classes.index(name)]], who)
        print(f"{name}: {one[0]:.3f}, {int(labels[:, column].sum())} recordings")


if __name__ == "__main__":
    main()
