# SPDX-License-Identifier: Apache-2.0
"""What it changes that a number which defines a statement decides, and who is right of two.

    python benchmarks/classification/numbers_decide.py --data ../shared/data --work /tmp/classifier

Findings by rules and model together against the readers' statements, with and without the numbers
of ``knowledge/definitions.toml``; then, of findings that exclude each other, how often readers
share the stronger or the weaker. ``--work`` is that of ``benchmarks/classifier/run.py``: it holds
what models that had not seen them say of PTB-XL's folds 1 to 8. The other databases are judged by
the model that ships. Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from rules import cinc2021, labels_and_findings, ludb, wilson

from precordia.classification.by_rules import judge_case, open_case
from precordia.classification.contradicting import with_contradictions
from precordia.classification.denied import denied_statements
from precordia.classification.learned import Predicted, predict, read_calibration
from precordia.classification.merge import merge
from precordia.core.leads import STANDARD_12
from precordia.io.read import read
from precordia.knowledge.definitions import list_definitions
from precordia.knowledge.exclusions import contradictions
from precordia.models.runtime import load_graph
from precordia.quality.assess import assess

sys.path.insert(0, str(Path(__file__).parents[1] / "classifier"))
from recordings import every_record, load_recordings

LEAST_PROBABILITY = 0.2


def apart(data: Path, work: Path):
    """Yield PTB-XL's records, readers' statements, and what models say that had not seen them."""
    held, graph = load_recordings(data, work / "recordings.npz"), load_graph("precordia-12lead")
    logits = np.load(work / "twelve_apart.npy")
    slope, intercept = read_calibration(graph.card, graph.classes)
    said = 1 / (1 + np.exp(-(logits * slope + intercept)))
    least = {c: max(t, LEAST_PROBABILITY) for c, t in graph.card.details["thresholds"].items()}
    row_of = {n: k for k, n in enumerate(held.names[(held.folds >= 1) & (held.folds <= 8)])}
    labels = dict(zip(held.names, held.labels, strict=True))
    for name, _, record in every_record(data):
        if (k := row_of.pop(name, None)) is None:
            continue
        given = {c for c, there in zip(held.classes, labels[name], strict=True) if there > 0}
        probabilities = dict(zip(graph.classes, said[k].tolist(), strict=True))
        yield "PTB-XL 1-8, apart", record, given, Predicted(
            model="apart", probabilities=probabilities, thresholds=least, leads=STANDARD_12,
            n_windows=1,
        )  # fmt: skip


def others(data: Path):
    """Yield records of the other databases, judged by the model that ships."""
    for source in (ludb, cinc2021):
        for part, key, path, labels, _ in source(data):
            record = read(path)
            given = labels_and_findings(part, key, record, labels, judge_case(open_case(record)))[2]
            yield part, record, given, None


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the databases")
    parser.add_argument("--work", type=Path, required=True, help="folder of the classifier's run")
    asked = parser.parse_args()
    rows, pairs = defaultdict(list), defaultdict(Counter)
    for part, record, given, predicted in (*others(asked.data), *apart(asked.data, asked.work)):
        quality = assess(record)
        case = open_case(record, quality=quality)
        found, denied = judge_case(case), denied_statements(case)
        said = predicted or predict(record, quality=quality)
        said = replace(said, withheld="" if quality.acceptable else "not acceptable")
        after = with_contradictions(merge(found, said, denied))
        sides = [{f.code for f in way.present} for way in (merge(found, said), after)]
        rows[part].append((given, *sides))
        for pair in contradictions(f.code for f in after.present):
            both = (pair.codes, pair.codes[::-1])
            weaker = [one for one, other in both if f"({other})" in after[one].disagreement]
            right = [c for c in pair.codes if c in given]
            who = "both" if len(right) == 2 else "neither"
            who = who if len(right) != 1 else "weaker" if right[0] in weaker else "stronger"
            pairs[part][who] += 1
    for part, members in rows.items():
        for code in [d.statement for d in list_definitions()]:
            gone = sum(code in before and code not in after for _, before, after in members)
            if not gone:
                continue
            shared = sum(code in g and code in b and code not in a for g, b, a in members)
            print(f"{part:18s} {code:6s} withdrawn {gone}, of them a reader's {shared}", end="")
            for side in (1, 2):
                made = [m for m in members if code in m[side]]
                hits = sum(code in m[0] for m in made)
                ppv, se = wilson(hits, len(made)), wilson(hits, sum(code in m[0] for m in members))
                print("; +P {:.3f} [{:.3f}, {:.3f}] Se {:.3f} [{:.3f}, {:.3f}]".format(*ppv, *se),
                      end="")  # fmt: skip
            print()
    for part, counts in pairs.items():
        print(f"{part}: of two that exclude each other readers share", dict(counts))


if __name__ == "__main__":
    main()
