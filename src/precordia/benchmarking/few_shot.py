# SPDX-License-Identifier: Apache-2.0
"""Few-shot answers: what a handful of answered questions is good for, with and without a look."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from precordia import __version__
from precordia.benchmarking.benchmark import describe_machine
from precordia.benchmarking.bootstrap import draw_patients, interval
from precordia.benchmarking.few_shot_rows import (
    AtHand,
    embed_at_hand,
    published_rows,
    rows_from_statements,
    statements_at_hand,
)
from precordia.benchmarking.recordings import data_folder
from precordia.core.errors import OptionError
from precordia.core.registry import load_object
from precordia.core.scores import Score, Scores
from precordia.core.source import Source
from precordia.embedding.encode import TWELVE
from precordia.language.episodes import (
    CONFLICTING,
    Division,
    Episode,
    EpisodeRow,
    divide_rows,
    draw_episodes,
)
from precordia.language.prototype_baseline import answer_episode

if TYPE_CHECKING:
    from precordia.language.causal_model import CausalModel
    from precordia.language.few_shot_model import FewShotModel

TASK = "few-shot"
_WITHOUT = "question only"
Watch = Callable[[Sequence[Any], str], Iterable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FewShotSettings:
    """What is drawn, and how the mapper learns.

    Attributes
    ----------
    n_episodes
        Episodes that are scored, of each kind of question and design.
    n_shots, n_queries
        Answered questions of a class, and questions to answer.
    mapper
        Whether the mapper before a language model is learned and scored, which needs PyTorch.
    steps, inner_steps, test_steps
        Of the outer loop, of the inner one, and of adaptation to a scored episode.
    first_order
        See `precordia.language.meta_learning.MetaSettings`.
    language_model
        Folder of a causal language model; a tiny one is made from scratch where it is None.
    seed
        Of everything that is drawn.
    """

    n_episodes: int = 30
    n_shots: int = 5
    n_queries: int = 5
    mapper: bool = True
    steps: int = 20
    inner_steps: int = 3
    test_steps: int = 10
    first_order: bool = False
    language_model: Path | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("n_episodes", "n_shots", "n_queries", "steps", "inner_steps", "test_steps"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} is {getattr(self, name)}; at least 1 is needed.")


@dataclass(frozen=True, slots=True)
class _Kind:
    """Rows of one kind, and the episodes that are drawn of them."""

    subject: str
    rows: list[EpisodeRow]
    n_shots: int
    n_queries: int
    without: tuple[int, ...] = CONFLICTING


def benchmark_few_shot(
    data: Path | str | None = None,
    *,
    model: str = TWELVE,
    settings: FewShotSettings | None = None,
    watch: Watch = lambda items, words: items,
) -> Scores:
    """Score answers after a few examples, on questions and patients never seen before.

    Parameters
    ----------
    data
        Folder that holds ``ecg-qa/``, ``ptbxl/`` and, where there is one, ``ptbxl_norm/``.
    model
        The encoder of recordings.
    settings
        What is drawn, and how the mapper learns.
    watch
        Shows progress.

    Returns
    -------
    Exact match of the commonest answer, the question alone, prototypes, ridge regression, and a
    meta-learned mapper before a frozen language model with recordings and with zeros in their
    place; for the mapper the published accuracy by tokens too. Verify and query stand apart.

    Raises
    ------
    OptionError, FormatError
        If the folder or what it should hold is missing.
    MissingExtraError
        If the mapper is asked for and PyTorch or transformers are not installed.

    Notes
    -----
    Intervals are over the patients asked about. Episodes of the design "mixed" are the published
    ones: classes of different questions, which the question alone tells apart. In "contrast" all
    classes of an episode are answers to one question.

    ECG-QA's rows of templates 26 and 28, which the published episodes leave out, are kept here, as
    most rows with a recording at hand are theirs. Since few rows have one, further questions are
    asked of PTB-XL's statements. The encoder in the box has learned from PTB-XL's folds 1 to 8 with
    their labels: read differences between the lines, not the height of a line.

    References
    ----------
    Tang J, Xia T, Lu Y, Mascolo C, Saeed A. Electrocardiogram-language model for few-shot question
    answering with meta learning. CHIL 2025. arXiv:2410.14464
    """
    started = time.monotonic()
    chosen = settings or FewShotSettings()
    folder = data_folder(data, "ecg-qa").parent
    held = embed_at_hand(folder, model=model)
    asked = published_rows(folder, held)
    table = folder / "ptbxl" / "scp_statements.csv"
    stated = rows_from_statements(statements_at_hand(folder), table, held)
    shots, queries = chosen.n_shots, chosen.n_queries
    few = (min(2, shots), min(2, queries))
    kinds = [
        _Kind("ECG-QA, verify", [r for r in asked if r.kind == "verify"], *few, without=()),
        _Kind("ECG-QA, query", [r for r in asked if r.kind == "query"], *few, without=()),
        _Kind("statements, verify", [r for r in stated if r.kind == "verify"], shots, queries),
        _Kind("statements, query", [r for r in stated if r.kind == "query"], shots, queries),
    ]
    scores: list[Score] = []
    notes = [
        "question only: the commonest answer among the examples that ask the same; it is blind.",
        "tokens right: the published accuracy; it is told the words before and the length.",
        f"{len(held.numbers)} recordings; vectors of {model}.",
    ]
    divisions = [
        divide_rows(kind.rows, seed=chosen.seed, train_classes=0.6, without=kind.without)
        for kind in kinds
    ]
    base = _base([row for division in divisions for row in division.train], chosen)
    for kind, division in watch(list(zip(kinds, divisions, strict=True)), "kinds of questions"):
        try:
            scores += _score_kind(kind, division, held, chosen, base)
        except OptionError as error:
            notes.append(f"{kind.subject}: {error}")
    return Scores(
        task=TASK,
        scores=tuple(scores),
        notes=tuple(notes),
        hardware=describe_machine(),
        date=date.today().isoformat(),
        seconds=time.monotonic() - started,
        source=Source(
            method="benchmark_few_shot",
            version=__version__,
            parameters={"model": model, "seed": chosen.seed, "steps": chosen.steps},
        ),
    )


def _score_kind(
    kind: _Kind,
    division: Division,
    held: AtHand,
    settings: FewShotSettings,
    base: CausalModel | None,
) -> list[Score]:
    shape = {"n_shots": kind.n_shots, "n_queries": kind.n_queries}
    model = None
    scores: list[Score] = []
    for design, n_ways in (("contrast", 2), ("mixed", 5), ("mixed", 2)):
        try:
            episodes = draw_episodes(
                division.test,
                settings.n_episodes,
                n_ways=n_ways,
                design=design,
                seed=settings.seed,
                **shape,
            )
        except OptionError:
            if design == "contrast":
                raise
            continue
        if base is not None and model is None:
            learn = load_object("precordia.benchmarking.few_shot_mapper:learn_mapper")
            model = learn(base, division.train, held.vectors, settings, shape)
        subject = f"{kind.subject}, {design}, {n_ways} ways, {kind.n_shots} shots"
        scores += _score_episodes(subject, episodes, division, held, settings, model)
        if design == "mixed":
            break
    return scores


def _base(rows: list[EpisodeRow], settings: FewShotSettings) -> CausalModel | None:
    """Return the language model; None where no mapper is asked for."""
    if not settings.mapper:
        return None
    load = load_object(
        "precordia.benchmarking.few_shot_mapper:load_base",
        extra="language",
        purpose="a mapper before a language model",
    )
    return load(rows, settings.language_model, seed=settings.seed)


def _score_episodes(
    subject: str,
    episodes: list[Episode],
    division: Division,
    held: AtHand,
    settings: FewShotSettings,
    model: FewShotModel | None,
) -> list[Score]:
    asked = [row for episode in episodes for row in episode.query]
    commonest = _Commonest(division.train)
    right: dict[str, list[float]] = {"commonest": [commonest(r) == r.answer for r in asked]}
    for head, method in (("question", _WITHOUT), ("prototype",) * 2, ("ridge",) * 2):
        said = [a for e in episodes for a in answer_episode(e, held.vectors, head=head)]
        right[method] = [a == row.answer for a, row in zip(said, asked, strict=True)]
    tokens: dict[str, list[float]] = {}
    if model is not None:
        for method, blank in (("mapper", False), ("mapper, zeros for recordings", True)):
            replies = [
                reply
                for episode in episodes
                for reply in model.answer(episode, steps=settings.test_steps, lr=0.3, blank=blank)
            ]
            right[method] = [reply.right for reply in replies]
            tokens[method] = [reply.tokens_right for reply in replies]
    weights = draw_patients([row.patients[0] for row in asked])
    base = Score(
        task=TASK, database="PTB-XL", method="", subject=subject, metric="exact match", value=0.0,
        unit="%", n_records=len({row.recordings for row in asked}),
        n_patients=len({row.patients[0] for row in asked}),
        note=f"{len(episodes)} episodes of {len({r.of_class for r in asked})} classes",
    )  # fmt: skip
    scores = []
    for method, values in right.items():
        line = replace(base, method=method)
        scores.append(_with_interval(line, values, weights))
        if method in tokens:
            scores.append(
                _with_interval(replace(line, metric="tokens right"), tokens[method], weights)
            )
        if method in ("prototype", "ridge", "mapper"):
            apart = np.array(values, float) - np.array(right[_WITHOUT], float)
            scores.append(_with_interval(replace(line, metric=f"over {_WITHOUT}"), apart, weights))
    return scores


class _Commonest:
    """The commonest answer to a template among rows that are learned from, or to its kind."""

    def __init__(self, rows: Sequence[EpisodeRow]) -> None:
        self._by: dict[object, Counter[str]] = {}
        for row in rows:
            for key in (row.template, row.kind):
                self._by.setdefault(key, Counter())[row.answer] += 1

    def __call__(self, row: EpisodeRow) -> str:
        counts = self._by.get(row.template) or self._by.get(row.kind) or Counter()
        return max(counts, key=lambda a: (counts[a], a), default="")


def _with_interval(score: Score, values: Sequence[float] | np.ndarray, weights: Any) -> Score:
    held = 100.0 * np.asarray(values, float)
    low, high = interval(lambda w: w @ held / w.sum(axis=1), weights)
    return replace(score, value=float(held.mean()), low=low, high=high)
