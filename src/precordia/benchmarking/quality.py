# SPDX-License-Identifier: Apache-2.0
"""Acceptable or not, on PhysioNet/CinC Challenge 2011 set-a: the protocol."""

from __future__ import annotations

import numpy as np

from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.benchmarking.metrics import auroc
from precordia.benchmarking.protocol import Run
from precordia.benchmarking.recordings import list_cinc2011
from precordia.core.scores import Score

NOTES = (
    "Quality: acceptable or not as the challenge's readers voted; indeterminate records left out.",
    "AUROC of the score, accuracy of the verdict; se: acceptable records accepted, sp: "
    "unacceptable ones refused. 95 % intervals: 2000 draws of records (set-a does not tell "
    "patients apart).",
)


def score_quality(run: Run) -> list[Score]:
    """Score a method that judges the quality of a record.

    Parameters
    ----------
    run
        Its function takes a record and gives `Quality`.

    Returns
    -------
    Area under the ROC curve, accuracy, sensitivity and specificity.
    """
    references = run.chosen(list_cinc2011(run.data))
    wanted = np.array([reference.acceptable for reference in references])
    verdict, score = np.zeros(len(wanted), bool), np.zeros(len(wanted))
    for k, reference in enumerate(run.watch(references, f"quality: {run.method}")):
        quality = run.function(reference.read())
        verdict[k], score[k] = quality.acceptable, quality.score
    weights = draw_patients([r.name for r in references], draws=run.draws, seed=run.seed)
    right = verdict == wanted

    def share(among):
        def statistic(w):
            with np.errstate(divide="ignore", invalid="ignore"):
                return w @ (right & among) / (w @ among)

        return statistic

    statistics = {
        "AUROC": (lambda w: auroc(wanted, score, w), ""),
        "accuracy": (share(np.ones_like(wanted)), "%"),
        "se": (share(wanted), "%"),
        "sp": (share(~wanted), "%"),
    }
    n = {"n_records": len(wanted), "n_patients": len(wanted)}
    one = np.ones((1, len(wanted)))
    return [
        run.score("set-a", metric, f(one)[0], interval(f, weights), unit, **n)
        for metric, (f, unit) in statistics.items()
    ]
