# SPDX-License-Identifier: Apache-2.0
"""Scorers of answers: sets that must be equal, and faulty ones that were published."""

from __future__ import annotations

from collections.abc import Sequence


def exact_match(answers: Sequence[str], truth: Sequence[str]) -> bool:
    """Tell whether two sets of answers are the same, whatever their order.

    Examples
    --------
    >>> exact_match(["lead II", "lead I"], ["lead I", "lead II"]), exact_match(["no"], ["none"])
    (True, False)
    """
    return _canonical(answers) == _canonical(truth)


def _canonical(answers: Sequence[str]) -> frozenset[str]:
    return frozenset(answer.strip().lower() for answer in answers)


def same_characters(answers: Sequence[str], truth: Sequence[str]) -> bool:
    """Tell whether the joined answers use the same letters, as a published scorer does.

    Notes
    -----
    Reproduces the fault, for comparison alone: GEM's scorer of ECG-QA compares sets of characters
    (https://github.com/lanxiang1017/GEM). Lead I, lead II and lead III are the same to it.

    Examples
    --------
    >>> same_characters(["lead I"], ["lead III"])
    True
    """
    return set("".join(answers).lower()) == set("".join(truth).lower())


def any_substring(answers: Sequence[str], truth: Sequence[str]) -> bool:
    """Tell whether every true answer is somewhere in the answer's text, as a substring.

    Notes
    -----
    Reproduces a fault for comparison alone: "no" is found in "not sure" and in "none", "lead I"
    in "lead II", and answers beyond the true ones cost nothing.

    Examples
    --------
    >>> any_substring(["not sure"], ["no"])
    True
    """
    said = ", ".join(answers).lower()
    return all(answer.lower() in said for answer in truth)


def joined_text(answers: Sequence[str], truth: Sequence[str]) -> bool:
    """Tell whether the answers are the same text, so that their order matters.

    Notes
    -----
    Reproduces a fault for comparison alone.

    Examples
    --------
    >>> joined_text(["lead II", "lead I"], ["lead I", "lead II"])
    False
    """
    return ",".join(answers) == ",".join(truth)


FAULTY = {
    "characters": same_characters,
    "substring": any_substring,
    "joined": joined_text,
}
