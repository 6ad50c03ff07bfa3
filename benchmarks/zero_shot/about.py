# SPDX-License-Identifier: Apache-2.0
"""What the card of precordia-words says beside what is computed from the data."""

from __future__ import annotations

import numpy as np
from cards import licence

from precordia.benchmarking.classification_metrics import auroc


def card_tables(study) -> dict:
    """Return the tables of the card.

    Parameters
    ----------
    study
        All contrasts and the table of their scores.
    """
    held, teach = study.material.held, study.teach
    labels = study.material.labels(study.codes)[teach]
    areas = auroc(labels, study.apart)
    return {
        "licence": licence(),
        "scores": {
            "protocol": (
                "macro AUROC with 95 % intervals over patients. 'fold 9': the finished model on "
                "recordings that taught and chose nothing; prompts were chosen on fold 8. 'apart': "
                "folds 1-8 in four parts, each judged by contrasts that learned from the others. "
                "'statements unsaid': no text spoke of them, folds 1-6 taught. No text was "
                "written of a superclass; its words occur within names of statements"
            ),
            "records": {"taught": len(teach), "fold 9": len(study.check)},
            **_lines(study.table),
        },
        "auroc_of_each_class_apart": {
            code: round(float(area), 3)
            for code, area in zip(study.codes, areas, strict=True)
            if np.isfinite(area)
        },
        "intended_use": {
            "for": "research: asking recordings for what no head was trained for; sorting by words",
            "not_for": "diagnosis or triage of patients; children; anything that is told by size "
            "or exact times, such as voltage and intervals in milliseconds: measure these",
            "people": "adults of one German centre, 1989 to 1996",
            "words": "English and German; names, synonyms, plain words and signs of statements",
        },
        "failures": {
            "denials": "vectors of words hardly tell a thing from its absence: ask for the thing",
            "new words": "what no text spoke of is found by likeness of words alone; see docs",
            "mixtures": "of a text of several statements it tells whether all of it is likely, not "
            "which part",
            "size": "each lead is normalised: voltage is not seen",
        },
        "training": {
            "architecture": "aligned-beats",
            "records": len(study.final.rows),
            "patients": len(set(held.patients[study.final.rows].tolist())),
            "folds": [1, 2, 3, 4, 5, 6, 7, 8],
            "texts": sum(map(len, study.final.texts())),
            "readers_reports": sum(bool(study.material.reports[r]) for r in teach.tolist()),
            "epochs": study.plan.epochs,
            "method": (
                "CMA + UMA of MERL (arXiv:2403.06659) between AlignedBeatsNet, from random "
                "weights, and a bag of hashed words and parts of words; readers' reports, and for "
                "every recording reports written from its statements in changing words. The "
                "network saw texts alone, but most texts, and what a text is true of, came from "
                "labels"
            ),
        },
    }


def _lines(table: list[dict]) -> dict:
    """Return the scores of the chosen prompts, of plain names, and of random directions."""
    said = {line["prompts"] for line in table if line["prompts"].endswith("more than name")}
    kept = {"name", "random directions", *said, *(words.split()[0] for words in said)}
    return {
        f"{line['group']}, {line['prompts']}, {line['records']}": [
            line["macro_auroc"],
            line["low"],
            line["high"],
        ]
        for line in table
        if line["encoder"] == "texts alone"
        and line["prompts"] in kept
        and line["records"] != "fold 8"
        and "unsaid:" not in line["group"]
    }
