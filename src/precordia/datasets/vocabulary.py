# SPDX-License-Identifier: Apache-2.0
"""Say what a database states in the codes of another, without saying more than it does."""

from __future__ import annotations

from collections.abc import Iterable

from precordia.core.statements import Statement
from precordia.knowledge.codes import SCHEMES, find_code, translate_code

#: relations that add nothing to what was stated
_SAFE = ("same", "broader")


def statements_in(
    scheme: str, statements: Iterable[Statement], *, near: bool = False
) -> tuple[Statement, ...]:
    """Return statements in one scheme: those of it, and what the others amount to.

    Parameters
    ----------
    scheme
        ``"scp-ecg"`` or ``"snomed-ct"``.
    statements
        Statements of a database.
    near
        Also take codes that the challenge joined although their meanings differ, such as sinus
        rhythm for PTB-XL's normal ECG.

    Returns
    -------
    Each code once, in the order of the statements. A likelihood is kept. A statement that nothing
    amounts to is left out.

    Notes
    -----
    A code is taken where it is the same, or where it says less than the statement did. A code that
    says more is not: myocardial infarction is not taken for an inferior one.

    Examples
    --------
    >>> said = [Statement(code="IMI", scheme="scp-ecg"), Statement(code="SR", scheme="scp-ecg")]
    >>> [s.name for s in statements_in("snomed-ct", said)]
    ['myocardial infarction', 'sinus rhythm']
    """
    wanted = (*_SAFE, "near") if near else _SAFE
    found: dict[str, Statement] = {}
    for statement in statements:
        if statement.scheme == scheme:
            found.setdefault(statement.code, statement)
        elif statement.scheme in SCHEMES:
            for relation in translate_code(statement.code, statement.scheme):
                if relation.relation in wanted:
                    known = find_code(relation.code, scheme)
                    found.setdefault(
                        relation.code,
                        Statement(
                            code=relation.code,
                            scheme=scheme,
                            name=known.name if known else "",
                            likelihood=statement.likelihood,
                        ),
                    )
    return tuple(found.values())
