# SPDX-License-Identifier: Apache-2.0
"""Statements that contradict each other, from one table."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from precordia.core.value import Value
from precordia.knowledge.references import find_reference
from precordia.knowledge.statements import find_statement, list_statements

NORMAL = "NORM"
#: what no normal ECG has although PTB-XL gives it no superclass
_NEVER_NORMAL = (
    *("VTACH", "AFIB", "AFLT", "SVTAC", "PSVT", "PACE", "JUNC", "PAUSE", "VCOUP"),
    *("XAD", "SHTQT"),
)
#: disturbances of conduction that are common in healthy people
_IN_HEALTH = frozenset({"1AVB", "IRBBB", "IVCD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion(Value):
    """Two statements that cannot both be true of the same beats.

    Attributes
    ----------
    codes
        The two, in alphabetical order.
    why
        The reason.
    reference
        Where that is published.
    """

    codes: tuple[str, str]
    why: str
    reference: str

    def __str__(self) -> str:
        return f"{self.codes[0]} and {self.codes[1]}: {self.why}"


@cache
def list_exclusions() -> tuple[Exclusion, ...]:
    """Return every pair of statements that contradict each other, once.

    Returns
    -------
    The pairs of ``exclusions.toml``, then "normal ECG" with every statement of another of PTB-XL's
    superclasses and with the rhythms and waves that no normal ECG has.

    Notes
    -----
    Two rhythms contradict each other over the same beats; a recording that holds first one and then
    the other has both. First-degree AV block, incomplete right bundle branch block and unspecific
    conduction delay do not contradict a normal ECG: our rule for it allows the first up to a PR of
    220 ms, and PTB-XL's readers called 5, 23 and 13 % of the recordings with them normal.

    Examples
    --------
    >>> len([e for e in list_exclusions() if set(e.codes) == {"CLBBB", "CRBBB"}])
    1
    """
    text = files("precordia.knowledge").joinpath("exclusions.toml").read_text("utf-8")
    found: dict[tuple[str, str], Exclusion] = {}
    for row in tomllib.loads(text)["exclusive"]:
        pairs = [*itertools.combinations(row.get("among", ()), 2)]
        pairs += itertools.product(row.get("one", ()), row.get("other", ()))
        for a, b in pairs:
            codes = (min(a, b), max(a, b))
            source = find_reference(row["reference"])
            found.setdefault(codes, Exclusion(codes=codes, why=row["why"], reference=source))
    for code in _never_normal():
        codes = (min(code, NORMAL), max(code, NORMAL))
        why = "a normal ECG is one without it"
        found[codes] = Exclusion(codes=codes, why=why, reference=find_reference("aha2"))
    return tuple(found.values())


def _never_normal() -> tuple[str, ...]:
    """Return what no normal ECG has: other superclasses, rhythms that are not of the sinus."""
    superclass = {s.code: s.superclass for s in list_statements()}
    diagnostic = [code for code, own in superclass.items() if own not in ("", NORMAL)]
    return (*(code for code in diagnostic if code not in _IN_HEALTH), *_NEVER_NORMAL)


@cache
def _by_code() -> dict[str, tuple[Exclusion, ...]]:
    held: dict[str, list[Exclusion]] = {}
    for exclusion in list_exclusions():
        for code in exclusion.codes:
            held.setdefault(code, []).append(exclusion)
    return {code: tuple(found) for code, found in held.items()}


def excluded_by(code: str) -> dict[str, str]:
    """Return the statements that one statement rules out, each with the reason.

    Parameters
    ----------
    code
        Code of a statement.

    Returns
    -------
    The reason by code; empty where it rules nothing out.

    Raises
    ------
    UnknownNameError
        If there is no such statement.

    Examples
    --------
    >>> excluded_by("LNGQT")["SHTQT"]
    'a QTc is too long or too short, not both'
    """
    find_statement(code)
    return {
        other: exclusion.why
        for exclusion in _by_code().get(code, ())
        for other in exclusion.codes
        if other != code
    }


def contradictions(codes: Iterable[str]) -> tuple[Exclusion, ...]:
    """Return the pairs among some statements that contradict each other.

    Parameters
    ----------
    codes
        Codes of statements that are said of one recording.

    Returns
    -------
    The pairs; empty where all can be true together.

    Raises
    ------
    UnknownNameError
        If one of the codes is that of no statement.

    Examples
    --------
    >>> [str(e) for e in contradictions(["SR", "AFIB", "LVH"])]
    ['AFIB and SR: either the sinus node drives the beats or something else does']
    """
    said = {find_statement(code).code for code in codes}
    return tuple(e for e in list_exclusions() if said.issuperset(e.codes))
