# SPDX-License-Identifier: Apache-2.0
"""Rows of a benchmark that need the recording: what the question alone answers is left out."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from precordia.core.errors import unknown_name
from precordia.datasets.ecg_qa_rows import QuestionRow

HOW = ("answered", "balanced")
_FOLDS = 5
_Answer = frozenset[str]


class QuestionOnly:
    """Answer from the words of a question: the commonest answer to them, or to the template.

    Parameters
    ----------
    rows
        What it learns from.

    Examples
    --------
    >>> row = QuestionRow(2, "single-verify", "scp_code", "Normal?", ("yes",), (1,), "train")
    >>> QuestionOnly([row]).answers(row)
    ('yes',)
    """

    def __init__(self, rows: Sequence[QuestionRow]) -> None:
        self._by_words: dict[str, Counter[_Answer]] = defaultdict(Counter)
        self._by_template: dict[int, Counter[_Answer]] = defaultdict(Counter)
        for row in rows:
            self._by_words[row.question][frozenset(row.answers)] += 1
            self._by_template[row.template][frozenset(row.answers)] += 1

    def answers(self, row: QuestionRow) -> tuple[str, ...]:
        """Return the answer; empty where nothing like it was learned."""
        for table, key in ((self._by_words, row.question), (self._by_template, row.template)):
            counts = table.get(key)  # type: ignore[attr-defined]
            if counts:
                most = max(counts.values())
                return tuple(sorted(min((sorted(a) for a, n in counts.items() if n == most))))
        return ()

    def knows(self, row: QuestionRow) -> bool:
        """Tell whether it gives back the published answer of a row."""
        return frozenset(self.answers(row)) == frozenset(row.answers)


@dataclass(frozen=True, slots=True)
class CleanRows:
    """Rows that are kept, and those that are left out.

    Attributes
    ----------
    kept, dropped
        The rows, in their order.
    answered
        Share of all rows that the question alone answers, by template; under 0 of all.
    answered_after
        Share of the kept rows that it answers when it has learned from them.
    """

    kept: tuple[QuestionRow, ...]
    dropped: tuple[QuestionRow, ...]
    answered: dict[int, float] = field(default_factory=dict)
    answered_after: float = float("nan")

    @property
    def share_dropped(self) -> float:
        """Share of the rows that are left out; NaN of none."""
        n = len(self.kept) + len(self.dropped)
        return len(self.dropped) / n if n else float("nan")

    def __str__(self) -> str:
        n = len(self.kept) + len(self.dropped)
        lines = [
            f"{len(self.dropped)} of {n} rows left out ({100 * self.share_dropped:.1f} %); "
            f"the question alone answers {100 * self.answered.get(0, float('nan')):.1f} % of all, "
            f"and {100 * self.answered_after:.1f} % of those that are kept"
        ]
        lines += [f"  template {t}: {100 * a:.1f} %" for t, a in self.answered.items() if t]
        return "\n".join(lines)


def clean_rows(rows: Sequence[QuestionRow], *, how: str = "answered", seed: int = 0) -> CleanRows:
    """Leave out the rows of a benchmark that the question alone answers.

    Parameters
    ----------
    rows
        Rows of ECG-QA.
    how
        ``"answered"``: every row whose published answer a question-only model gives back.
        ``"balanced"``: of every question so many rows of its commoner answers, drawn at random,
        that all its answers are left equally often, and the words tell nothing.
    seed
        Of the drawing.

    Returns
    -------
    The rows that are kept and those that are left out, with what the question alone answers before
    and after.

    Raises
    ------
    UnknownNameError
        If ``how`` is another.

    Notes
    -----
    *Method.* B-Clean (MARCUS) leaves out what any model answers without the recording.
    *Departures.* (1) The model is the commonest answer to the same words, learned on other
    recordings: five folds, each recording in one of them, a row of two recordings by the first; the
    rows of both are out of what it learns. Published strings are compared as sets. (2) What is left
    after ``"answered"`` is no clean benchmark where answers are few: of a yes-or-no question all
    rows with the commoner answer go, and the words of what is left tell the other one. The share
    that is answered afterwards says how far; ``"balanced"`` does without that.

    References
    ----------
    O'Sullivan JW et al. MARCUS, github.com/AshleyLab/MARCUS (no publication was at hand).

    Examples
    --------
    >>> rows = [
    ...     QuestionRow(2, "single-verify", "scp_code", "Normal?", (said,), (k,), "train")
    ...     for k, said in enumerate(["yes", "yes", "yes", "yes", "no", "no"])]
    >>> len(clean_rows(rows, how="balanced").kept)
    4
    """
    if how not in HOW:
        raise unknown_name("way to clean rows", how, HOW, listing=", ".join(HOW))
    known = _known_by_words(rows)
    keep = [not k for k in known] if how == "answered" else _balanced(rows, seed)
    kept = tuple(row for row, ok in zip(rows, keep, strict=True) if ok)
    return CleanRows(
        kept=kept,
        dropped=tuple(row for row, ok in zip(rows, keep, strict=True) if not ok),
        answered=_shares(rows, known),
        answered_after=float(np.mean(_known_by_words(kept))) if kept else float("nan"),
    )


def _fold(ecg_id: int) -> int:
    return zlib.crc32(str(ecg_id).encode()) % _FOLDS


def _known_by_words(rows: Sequence[QuestionRow]) -> list[bool]:
    """Tell of each row whether what was learned on other recordings gives its answer back."""
    folds = [{_fold(i) for i in row.ecg_ids} for row in rows]
    models = [
        QuestionOnly([row for row, held in zip(rows, folds, strict=True) if fold not in held])
        for fold in range(_FOLDS)
    ]
    # the second recording of a pair may be in another fold: only its words are asked, never itself
    return [models[_fold(row.ecg_ids[0])].knows(row) if row.ecg_ids else False for row in rows]


def _balanced(rows: Sequence[QuestionRow], seed: int) -> list[bool]:
    """Keep as many rows of each answer of a question as its rarest answer has."""
    places: dict[str, dict[_Answer, list[int]]] = defaultdict(lambda: defaultdict(list))
    for k, row in enumerate(rows):
        places[row.question][frozenset(row.answers)].append(k)
    rng = np.random.default_rng(seed)
    keep = [False] * len(rows)
    for by_answer in places.values():
        if len(by_answer) < 2:
            continue  # with one answer alone the words tell all
        least = min(len(held) for held in by_answer.values())
        for held in by_answer.values():
            for k in rng.choice(held, size=least, replace=False):
                keep[int(k)] = True
    return keep


def _shares(rows: Sequence[QuestionRow], known: Sequence[bool]) -> dict[int, float]:
    groups: dict[int, list[bool]] = {0: list(known)}
    for row, ok in sorted(zip(rows, known, strict=True), key=lambda pair: pair[0].template):
        groups.setdefault(row.template, []).append(ok)
    return {template: float(np.mean(held)) for template, held in groups.items() if held}
