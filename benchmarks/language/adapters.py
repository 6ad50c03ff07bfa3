# SPDX-License-Identifier: Apache-2.0
"""Adapters of recordings to a tiny language model, beside the question alone: one table.

python benchmarks/language/adapters.py --data ../shared/data

The language model has 0.1 million weights and has read nothing but the questions of the training
folds. What is measured is whether an adapter brings something of the recording to it, not how well
language models read electrocardiograms. Folds 1 to 7 of PTB-XL train, 8 chooses the epoch, 9 is
scored. Two kinds of questions: rows of ECG-QA as published, and the superclasses, asked as often
rightly as wrongly. Controls: a twin trained in the same way without any recording, and the adapter
itself with recordings of other patients. About six minutes on one core.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from precordia.datasets.store_build import build_store
from precordia.language.adapt import Adapted, adapt
from precordia.training.score_intervals import draws_of_patients, with_interval

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "pretraining"))
from stores import ptbxl_items  # noqa: E402

LOW_RANK = {"rank": 8, "dropout": 0.0}
ADAPTERS = {
    "soft-prompt": (
        {"patch": 25, "dim": 64, "depth": 2, "heads": 4, "mlp_ratio": 2.0, "per_lead": False},
        {},
    ),
    "gated-cross-attention": (
        {"patch": 25, "dim": 64, "n_latents": 16, "depth": 1, "heads": 4},
        {},
    ),
    "prefix-mapper": ({"n_places": 4}, {"encoder": "precordia-12lead"}),
    "vocabulary-extension": ({}, {"tokenizer": "beats", "leads": ["I", "II", "V2", "V5"]}),
}
QUESTIONS = ("ecg-qa", "superclasses")


def main() -> None:
    """Train, score, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--only", nargs="*", default=list(ADAPTERS), choices=list(ADAPTERS))
    parser.add_argument("--questions", nargs="*", default=list(QUESTIONS), choices=QUESTIONS)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "ptbxl"
        build_store(ptbxl_items(given.data, Path(scratch) / "files"), store, name="ptbxl", fs=100)
        for kind in given.questions:
            done = {}
            for name in given.only:
                told = configuration(kind, name, store, given.data)
                done[name] = adapt(told, folder=Path(scratch) / f"{kind}-{name}", changes=given.set)
                rows.append(row(kind, name, done[name]))
                print(rows[-1], flush=True)
            rows += against_tokens(kind, done)
    given.out.mkdir(parents=True, exist_ok=True)
    table = given.out / "language_adapters.csv"
    if table.exists():  # what was not measured anew stays
        with table.open(newline="") as file:
            kept = [r for r in csv.DictReader(file) if r["questions"] not in given.questions]
        rows = kept + rows
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for r in rows for key in r)))
        writer.writeheader()
        writer.writerows(rows)


def configuration(kind: str, name: str, store: Path, data: Path) -> dict:
    """Say what is trained."""
    options, shown = ADAPTERS[name]
    chosen = {"train": [1, 2, 3, 4, 5, 6, 7], "validation": [8], "test": [9]}
    asked = {"questions": str(data / "ecg-qa"), "templates": [1, 26, 27, 28]}
    drawn = {"limit": 1200}  # of about 2,900
    return {
        "data": {"store": str(store), **chosen, **(asked if kind == "ecg-qa" else drawn)},
        "base": {"tiny": {"dim": 64, "layers": 2, "epochs": 6}},
        "adapter": {"name": name, "options": options},
        "input": shown,
        "low_rank": LOW_RANK,
        "training": {"epochs": 8, "batch_size": 32, "lr": 0.003, "patience": 3},
    }


def row(kind: str, name: str, done: Adapted) -> dict:
    """Make a row of the table."""
    told, scores = done.metrics, done.metrics["scores"]
    made = {"questions": kind, "adapter": name, "learned": told["n_learned"]}
    made |= {"train": told["n_train"], "test": scores["n_questions"]}
    made |= {"patients": scores["n_patients"]}
    for key in ("exact_match", "question_only", "above_question_only", "above_other_recording"):
        low, high = scores[key]["interval"]
        made[key] = f"{100 * scores[key]['value']:.1f} ({100 * low:.1f} to {100 * high:.1f})"
    return made


def against_tokens(kind: str, done: dict[str, Adapted]) -> list[dict]:
    """Compare vectors of the signal with symbols of it, paired over patients."""
    if "vocabulary-extension" not in done:
        return []
    tokens = done.pop("vocabulary-extension").metrics["scores"]["answers"]
    rows = []
    for name, other in done.items():
        answers = other.metrics["scores"]["answers"]
        if [a["question"] for a in answers] != [t["question"] for t in tokens]:
            continue  # a recording that one of the two could not use
        apart = np.array(
            [
                (a["given"] == a["right"]) - float(t["given"] == t["right"])
                for a, t in zip(answers, tokens, strict=True)
            ]
        )
        weights = draws_of_patients([a["patient"] for a in answers])
        told = with_interval(float(apart.mean()), weights @ apart / weights.sum(axis=1))
        low, high = told["interval"]
        rows.append(
            {
                "questions": kind,
                "adapter": f"{name}, above vocabulary-extension",
                "exact_match": f"{100 * told['value']:.1f} ({100 * low:.1f} to {100 * high:.1f})",
            }
        )
        print(rows[-1], flush=True)
    return rows


if __name__ == "__main__":
    main()
