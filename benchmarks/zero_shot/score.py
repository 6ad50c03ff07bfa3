# SPDX-License-Identifier: Apache-2.0
"""Scores of recordings against texts, with intervals over patients and controls."""

from __future__ import annotations

import numpy as np
import torch
from evaluate import macro_with_interval, paired

from precordia.benchmarking.classification_metrics import macro_auroc
from precordia.embedding.text_pieces import text_pieces
from precordia.knowledge.codes import list_codes
from precordia.knowledge.prompts import prompts_for

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
#: fewer recordings of either kind tell nothing of a statement
LEAST = 10


def groups(labels_of) -> dict[str, list[str]]:
    """Return the codes of each group that has enough recordings.

    Parameters
    ----------
    labels_of
        Gives the labels of codes in the recordings that are scored.
    """
    found = {"superclass": list(SUPERCLASSES)}
    known = list(list_codes("scp-ecg"))
    for task in ("form", "rhythm"):
        found[task] = [c.code for c in known if task in c.tasks]
    found["all statements"] = [c.code for c in known]
    for name, codes in found.items():
        often = labels_of(codes).sum(0) >= LEAST
        found[name] = [code for code, k in zip(codes, often, strict=True) if k]
    return found


@torch.no_grad()
def prompt_vectors(learner, codes, style: str) -> np.ndarray:
    """Return the mean vector of the texts of each code, of length 1."""
    return np.stack([_mean(text_vectors(learner, prompts_for(code, style))) for code in codes])


@torch.no_grad()
def text_vectors(learner, texts) -> np.ndarray:
    """Return vectors of texts."""
    n_pieces = learner.text_encoder.vectors.num_embeddings
    found = []
    for text in texts:
        pieces = torch.from_numpy(text_pieces(text, n_pieces))[None]
        found.append(learner.text_vectors(pieces)[0].numpy())
    return np.array(found)


def random_control(recordings: np.ndarray, labels: np.ndarray, *, draws: int = 50) -> tuple:
    """Return mean and standard deviation of macro AUROC of random directions."""
    rng = np.random.default_rng(0)
    found = [
        macro_auroc(labels, recordings @ rng.normal(size=(recordings.shape[1], labels.shape[1])), 1)
        for _ in range(draws)
    ]
    return float(np.mean(found)), float(np.std(found))


def shuffled_control(scores: np.ndarray, labels: np.ndarray, *, draws: int = 50) -> float:
    """Return the mean macro AUROC of names that were dealt out anew."""
    rng = np.random.default_rng(0)
    n = labels.shape[1]
    return float(
        np.mean([macro_auroc(labels, scores[:, rng.permutation(n)], 1) for _ in range(draws)])
    )


def interval(labels: np.ndarray, scores: np.ndarray, patients: np.ndarray) -> tuple:
    """Return macro AUROC with its 95 % interval over patients."""
    return macro_with_interval(labels, scores, patients, list(range(labels.shape[1])))


def difference(labels, ours, theirs, patients) -> tuple:
    """Return how much more macro AUROC one has than another, with its 95 % interval."""
    return paired(labels, ours, theirs, patients, list(range(labels.shape[1])))


def _mean(vectors: np.ndarray) -> np.ndarray:
    mean = vectors.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)
