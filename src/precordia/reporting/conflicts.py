# SPDX-License-Identifier: Apache-2.0
"""Statements that exclude each other."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from precordia.core.errors import UnknownNameError
from precordia.knowledge.statements import find_statement

_SINUS = ("SR", "SBRAD", "STACH", "SARRH")
_NOT_SINUS = ("AFIB", "AFLT", "SVTAC", "PSVT", "JUNC", "EATR", "3AVB")
_PAIRS = (
    ("SBRAD", "STACH"),
    ("CLBBB", "CRBBB"),
    ("LAD", "RAD"),
    ("LAFB", "LPFB"),
    ("LNGQT", "SHTQT"),
    ("LVOLT", "HVOLT"),
    *product(_SINUS, _NOT_SINUS),
)
_NORMAL = "NORM"
#: rhythms beside which an ECG is not normal
_ABNORMAL = {*_NOT_SINUS, "VTACH", "PACE", "PAUSE", "2AVB"}


def conflicting_pairs(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Return those pairs of statements that cannot both be true of one recording.

    Parameters
    ----------
    codes
        Codes of what was found.

    Returns
    -------
    Pairs of codes.

    Examples
    --------
    >>> conflicting_pairs(["AFIB", "SR", "LVH", "NORM"])
    [('SR', 'AFIB'), ('NORM', 'AFIB'), ('NORM', 'LVH')]
    """
    found = list(dict.fromkeys(codes))
    pairs = [(a, b) for a, b in _PAIRS if a in found and b in found]
    if _NORMAL in found:
        pairs += [(_NORMAL, code) for code in found if _is_abnormal(code)]
    return pairs


def _is_abnormal(code: str) -> bool:
    try:
        superclass = find_statement(code).superclass
    except UnknownNameError:
        return False
    return code in _ABNORMAL or superclass not in ("", _NORMAL)
