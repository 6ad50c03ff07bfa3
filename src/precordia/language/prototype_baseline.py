# SPDX-License-Identifier: Apache-2.0
"""Few-shot answers without a language model: prototypes and ridge regression on embeddings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from precordia.core.errors import OptionError, SignalError, unknown_name
from precordia.language.episodes import Episode, EpisodeRow
from precordia.training.ridge_probe import fit_ridge_probe, probe_numbers

HEADS = ("prototype", "ridge", "question")
#: penalty on the standardised features of an episode
_ALPHA = 100.0


def answer_episode(
    episode: Episode,
    embeddings: Float[np.ndarray, "recording dim"],
    *,
    head: str = "prototype",
) -> list[str]:
    """Answer the questions of an episode from its support.

    Parameters
    ----------
    episode
        Answered questions, and those to answer.
    embeddings
        Vector of each recording; rows of an episode name them by number. Best standardised.
    head
        ``"prototype"``: the answer whose mean vector is nearest. ``"ridge"``: the answer that a
        ridge regression of the answers on the vectors scores highest. ``"question"``: the commonest
        answer to the same question, without a look at the recording.

    Returns
    -------
    An answer to each question.

    Raises
    ------
    UnknownNameError
        If there is no such head.
    OptionError
        If the episode has no support.
    SignalError
        If a row names a recording that has no vector, or a vector is not finite.

    Notes
    -----
    A question is answered from the support that asks the same; where nothing does, from the support
    of its template, and else from all of it. Questions about two recordings take the vector of the
    second and its difference to the first.

    References
    ----------
    Snell J, Swersky K, Zemel R. Prototypical networks for few-shot learning. NeurIPS 2017.
    arXiv:1703.05175
    Bertinetto L, et al. Meta-learning with differentiable closed-form solvers. ICLR 2019.
    arXiv:1805.08136. Departure: nothing is learned across episodes.

    Examples
    --------
    >>> def row(answer, k):
    ...     return EpisodeRow(template=1, kind="verify", asked="a", question="a?", answer=answer,
    ...                       recordings=(k,), patients=(str(k),))
    >>> episode = Episode(support=(row("yes", 0), row("no", 1)), query=(row("?", 2),))
    >>> answer_episode(episode, np.array([[1.0, 0.0], [0.0, 1.0], [0.9, 0.2]]))
    ['yes']
    """
    if head not in HEADS:
        raise unknown_name("head", head, HEADS, listing=", ".join(HEADS))
    if not episode.support:
        raise OptionError("an episode without answered questions arrived; nothing can be learned.")
    vectors = np.asarray(embeddings, float)
    support = _vectors(episode.support, vectors)
    query = _vectors(episode.query, vectors)
    answers = []
    for row, vector in zip(episode.query, query, strict=True):
        near = _of_the_same_question(row, episode.support)
        told = [episode.support[k].answer for k in near]
        options = list(dict.fromkeys(told))
        same_shape = len({len(support[k]) for k in near} | {len(vector)}) == 1
        if head == "question" or len(options) == 1 or not same_shape:
            counts = Counter(told)
            answers.append(max(options, key=lambda a: (counts[a], a)))
            continue
        score = _nearest if head == "prototype" else _regressed
        answers.append(score(np.array([support[k] for k in near]), told, vector, options))
    return answers


def _vectors(rows: Sequence[EpisodeRow], vectors: np.ndarray) -> list[np.ndarray]:
    found = []
    for row in rows:
        if not row.recordings or not all(0 <= k < len(vectors) for k in row.recordings):
            raise SignalError(
                f"a row names the recordings {row.recordings}; {len(vectors)} vectors arrived."
            )
        first, last = vectors[row.recordings[0]], vectors[row.recordings[-1]]
        found.append(last if len(row.recordings) == 1 else np.concatenate([last, last - first]))
    if not all(np.isfinite(v).all() for v in found):
        raise SignalError("a vector holds NaN or infinity; finite numbers are needed.")
    return found


def _of_the_same_question(row: EpisodeRow, support: Sequence[EpisodeRow]) -> list[int]:
    same = [k for k, r in enumerate(support) if (r.template, r.asked) == (row.template, row.asked)]
    same = same or [k for k, r in enumerate(support) if r.template == row.template]
    return same or list(range(len(support)))


def _nearest(held: np.ndarray, told: list[str], vector: np.ndarray, options: list[str]) -> str:
    means = np.stack([held[[a == option for a in told]].mean(axis=0) for option in options])
    return options[int(np.argmin(((means - vector) ** 2).sum(axis=1)))]


def _regressed(held: np.ndarray, told: list[str], vector: np.ndarray, options: list[str]) -> str:
    wanted = np.array([[float(a == option) for option in options] for a in told])
    probe = fit_ridge_probe(held, wanted, alphas=(_ALPHA,))
    return options[int(np.argmax(probe_numbers(probe, vector[None])[0]))]
