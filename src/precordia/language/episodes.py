# SPDX-License-Identifier: Apache-2.0
"""Episodes: a few answered questions to learn from, and others to answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from precordia.core.errors import OptionError, unknown_name

#: templates that the published episodes leave out, as their classes contradict each other
CONFLICTING = (4, 14, 17, 26, 28, 31, 40)
DESIGNS = ("mixed", "contrast")
Kind = Literal["verify", "choose", "query"]
#: template, what it asks about, answer
Class = tuple[int, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeRow:
    """One answered question.

    Attributes
    ----------
    template
        Number of its template.
    kind
        ``"verify"``, ``"choose"`` or ``"query"``.
    asked
        What it asks about: the same for questions that differ in wording alone.
    question
        Its words.
    answer
        The answer as one text; see `answer_text`.
    recordings
        Which recordings it is about.
    patients
        Whose they are.
    """

    template: int
    kind: Kind
    asked: str
    question: str
    answer: str
    recordings: tuple[int, ...]
    patients: tuple[str, ...]

    @property
    def of_class(self) -> Class:
        """Template, what it asks about, answer."""
        return self.template, self.asked, self.answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """Rows to learn from and rows to be tried with: no class and no patient is in both."""

    train: tuple[EpisodeRow, ...]
    test: tuple[EpisodeRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A few answered questions, and others of the same classes and of other patients."""

    support: tuple[EpisodeRow, ...]
    query: tuple[EpisodeRow, ...]


def answer_text(kind: Kind, answers: Sequence[str]) -> str | None:
    """Return the answers to a question as one text.

    Parameters
    ----------
    kind
        Of the question.
    answers
        As published; empty counts as "none".

    Returns
    -------
    Yes or no; one choice, "both" or "none"; all answers in order. None where the answer makes no
    class: "not sure".

    Examples
    --------
    >>> answer_text("choose", ["a", "b"]), answer_text("query", ["b", "a"])
    ('both', 'a, b')
    >>> answer_text("verify", ["not sure"]) is None
    True
    """
    told = sorted({a.strip().lower() for a in answers}) or ["none"]
    if kind == "verify":
        return told[0] if told in (["yes"], ["no"]) else None
    if kind == "choose" and len(told) > 1:
        return "both"
    return ", ".join(told)


def divide_rows(
    rows: Iterable[EpisodeRow],
    *,
    seed: int = 0,
    train_classes: float = 0.8,
    train_patients: float = 0.5,
    without: Sequence[int] = CONFLICTING,
) -> Division:
    """Divide rows so that neither classes nor patients are shared.

    Parameters
    ----------
    rows
        Answered questions.
    seed
        Of the drawing; the order of the rows plays no part.
    train_classes, train_patients
        Shares that are learned from.
    without
        Templates to leave out.

    Returns
    -------
    Rows to learn from, and rows to be tried with. A row whose class and patients are on different
    sides, or whose patients are, is in neither.

    Raises
    ------
    OptionError
        If a share is not within 0 and 1.

    Notes
    -----
    Departures from the published division, which draws classes alone: patients are divided too, as
    the recordings of one patient are alike; and "yes" and "no" of one question go together, as who
    has learned one of them knows the other. Answers of a question that has many (query) are divided
    one by one, as published.

    References
    ----------
    Tang J, Xia T, Lu Y, Mascolo C, Saeed A. Electrocardiogram-language model for few-shot question
    answering with meta learning. CHIL 2025. arXiv:2410.14464
    """
    for name, share in (("train_classes", train_classes), ("train_patients", train_patients)):
        if not 0 < share < 1:
            raise OptionError(f"{name} is {share}; a share between 0 and 1 is needed.")
    kept = [row for row in rows if row.template not in without]
    rng = np.random.default_rng(seed)
    together = sorted({_together(row) for row in kept})
    patients = sorted({patient for row in kept for patient in row.patients})
    known = _drawn(together, train_classes, rng)
    seen = _drawn(patients, train_patients, rng)
    train = [r for r in kept if _together(r) in known and all(p in seen for p in r.patients)]
    test = [r for r in kept if _together(r) not in known and not any(p in seen for p in r.patients)]
    return Division(train=tuple(train), test=tuple(test))


def _together(row: EpisodeRow) -> tuple[int, str, str]:
    """Return what is divided: a question, or one of many answers to it."""
    return row.template, row.asked, row.answer if row.kind == "query" else ""


def _drawn(things: list, share: float, rng: np.random.Generator) -> set:
    n = min(max(1, round(share * len(things))), len(things) - 1)
    return {things[k] for k in rng.permutation(len(things))[:n]} if len(things) > 1 else set()


def draw_episodes(
    rows: Sequence[EpisodeRow],
    n_episodes: int,
    *,
    n_ways: int = 5,
    n_shots: int = 5,
    n_queries: int = 5,
    design: str = "mixed",
    seed: int = 0,
) -> list[Episode]:
    """Draw episodes of N classes with K answered questions each.

    Parameters
    ----------
    rows
        One side of a division.
    n_episodes
        How many.
    n_ways, n_shots, n_queries
        Classes, answered questions of each, and questions to answer of each.
    design
        ``"mixed"``: any classes, as published. Where each asks something else, the question alone
        tells the answer. ``"contrast"``: answers to one and the same question, so that nothing but
        the recording tells them apart.
    seed
        Of the drawing.

    Returns
    -------
    The episodes. Within one, no patient of the answered questions is asked about.

    Raises
    ------
    OptionError
        If a number is too small, or the rows hold too few classes for even one episode.
    UnknownNameError
        If there is no such design.

    References
    ----------
    Tang J, et al. CHIL 2025. arXiv:2410.14464. Departure: patients are kept apart; the second
    design.
    """
    if design not in DESIGNS:
        raise unknown_name("design", design, DESIGNS, listing=", ".join(DESIGNS))
    for name, number, least in (
        ("n_ways", n_ways, 2), ("n_shots", n_shots, 1), ("n_queries", n_queries, 1),
    ):  # fmt: skip
        if number < least:
            raise OptionError(f"{name} is {number}; at least {least} is needed.")
    classes: dict[Class, list[EpisodeRow]] = defaultdict(list)
    for row in rows:
        classes[row.of_class].append(row)
    large = sorted(
        c for c, members in classes.items()
        if len({m.patients for m in members}) >= n_shots + n_queries
    )  # fmt: skip
    groups: dict[tuple, list[Class]] = defaultdict(list)
    for c in large:
        groups[c[:2] if design == "contrast" else ()].append(c)
    usable = [group for group in groups.values() if len(group) >= n_ways]
    if not usable:
        most = max(map(len, groups.values()), default=0)
        raise OptionError(
            f"the rows hold {most} classes of {n_shots + n_queries} patients and more that may "
            f"stand in one episode ({design}); {n_ways} are needed. Ask for fewer ways, shots or "
            "queries, or bring more rows."
        )
    rng = np.random.default_rng(seed)
    episodes: list[Episode] = []
    for _ in range(20 * n_episodes):  # a draw whose patients overlap too much is drawn again
        if len(episodes) == n_episodes:
            break
        group = usable[rng.integers(len(usable))]
        chosen = [group[k] for k in rng.permutation(len(group))[:n_ways]]
        episode = _episode([classes[c] for c in chosen], n_shots, n_queries, rng)
        if episode is not None:
            episodes.append(episode)
    if len(episodes) < n_episodes:
        raise OptionError(
            f"only {len(episodes)} of {n_episodes} episodes could be drawn, as their classes are "
            "of the same patients. Ask for fewer ways, shots or queries."
        )
    return episodes


def _episode(
    members: list[list[EpisodeRow]], n_shots: int, n_queries: int, rng: np.random.Generator
) -> Episode | None:
    """Draw support first, then queries of patients who are not in it."""
    orders = [[rows[k] for k in rng.permutation(len(rows))] for rows in members]
    support: list[EpisodeRow] = []
    taken: set[str] = set()
    for rows in orders:
        shots = _of_new_patients(rows, n_shots, taken)
        taken |= {p for row in shots for p in row.patients}
        support += shots
    query: list[EpisodeRow] = []
    asked: set[str] = set()
    for rows in orders:
        some = _of_new_patients(rows, n_queries, taken | asked)
        asked |= {p for row in some for p in row.patients}
        query += some
    if len(support) < n_shots * len(members) or len(query) < n_queries * len(members):
        return None
    return Episode(support=tuple(support), query=tuple(query))


def _of_new_patients(rows: list[EpisodeRow], n: int, taken: set[str]) -> list[EpisodeRow]:
    """Return the first n rows, each of patients that no other has."""
    found: list[EpisodeRow] = []
    own = set(taken)
    for row in rows:
        if len(found) < n and not own & {*row.patients}:
            found.append(row)
            own |= {*row.patients}
    return found
