# SPDX-License-Identifier: Apache-2.0
"""Do indices of quality tell what noise PTB-XL's readers noticed? Learned on other patients.

python benchmarks/questions/noise_noticed.py --data ../shared/data      about a minute

Templates 26 to 28 of ECG-QA ask for noise that is in PTB-XL's columns. A ridge logistic regression
per kind learns the columns, lead by lead, from the quality indices of recordings of other patients
(ten folds); its odds are multiplied by those of the question alone. The difference to the question
alone is printed with a 95 % interval, bootstrap over patients. The penalty was chosen beforehand.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from precordia.benchmarking.bootstrap import draw_patients
from precordia.benchmarking.ecg_qa_labels import facts_of_labels
from precordia.benchmarking.ecg_qa_recordings import patients_and_folds, recordings_at_hand
from precordia.benchmarking.ecg_qa_scores import Prior
from precordia.core.leads import STANDARD_12
from precordia.datasets.ecg_qa_rows import read_label_rows, read_question_rows
from precordia.io.read import read
from precordia.quality.assess import assess
from precordia.questions.parse import parse_question

FOLDS, PENALTY = 10, 50.0


def features(path):
    """Indices of each lead, beside their mean and maximum over leads, and which lead it is."""
    leads = assess(read(path)).leads
    x = np.array([list(leads[lead].indices.values()) for lead in STANDARD_12])
    x = np.log1p(20 * np.abs(np.nan_to_num(x)))
    over = np.concatenate([x.mean(0), x.max(0)])
    return np.hstack([x, np.tile(over, (12, 1)), np.eye(12)])


def learn(x, y):
    """Log odds beyond those of the base rate, by penalised Newton steps."""
    mean, spread = x.mean(0), x.std(0) + 1e-9
    x = np.hstack([(x - mean) / spread, np.ones((len(x), 1))])
    penalty = np.diag([PENALTY] * (x.shape[1] - 1) + [0.0])
    w = np.zeros(x.shape[1])
    w[-1] = base = np.log(y.mean() / (1 - y.mean()))
    for _ in range(15):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        curve = (x * (p * (1 - p))[:, None]).T @ x + penalty
        w -= np.linalg.solve(curve, x.T @ (p - y) + penalty @ w)
    return lambda new: np.hstack([(new - mean) / spread, np.ones((len(new), 1))]) @ w - base


def main(data):
    files, people = recordings_at_hand(data), patients_and_folds(data)
    table = read_label_rows([data / "ptbxl" / "ptbxl_database.csv"])
    x = {i: features(files[i]) for i in sorted(set(files) & set(table))}
    noise = {i: facts_of_labels(table[i]).noise for i in x}
    rows = read_question_rows(data / "ecg-qa")
    prior, found = Prior(rows), defaultdict(list)
    for fold in range(FOLDS):
        learned = {}
        known = [i for i in x if int(people[i][0]) % FOLDS != fold]
        for row in (r for r in rows if r.ecg_ids[0] in x and r.template in (26, 27, 28)):
            (i,), query = row.ecg_ids, parse_question(row.question)
            if i in known:
                continue
            kinds = tuple(query.names) or ("baseline drift", "static noise", "burst noise")
            if kinds not in learned:
                y = [
                    [any(lead in noise[k].get(n, ()) for n in kinds) for lead in STANDARD_12]
                    for k in known
                ]
                y = np.array(y, float).ravel()
                learned[kinds] = learn(np.vstack([x[k] for k in known]), y) if y.sum() > 4 else None
            odds = learned[kinds](x[i]) if learned[kinds] else np.zeros(12)
            odds = (
                odds[STANDARD_12.index(query.leads[0])]
                if query.leads
                else np.sort(odds)[-3:].mean()
            )
            counts = prior.counts(row)
            yes, no = counts[frozenset(["yes"])], counts[frozenset(["no"])]
            said = "yes" if odds + np.log((yes + 1) / (no + 1)) > 0 else "no"
            found[row.template].append((people[i][0], said == row.answers[0],
                                        prior.answers(row) == row.answers))  # fmt: skip
    for template, told in sorted(found.items()):
        right, blind = (np.array([t[k] for t in told], float) for k in (1, 2))
        weights = draw_patients([t[0] for t in told])
        drawn = 100 * (weights @ (right - blind)) / weights.sum(axis=1)
        low, high = np.percentile(drawn, [2.5, 97.5])
        apart = 100 * (right - blind).mean()
        print(f"template {template}: {len(told)} questions, {100 * right.mean():.1f} %,")
        print(f"    question alone {100 * blind.mean():.1f} %,")
        print(f"    difference {apart:.1f} [{low:.1f}, {high:.1f}]")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    main(parser.parse_args().data)
