# SPDX-License-Identifier: Apache-2.0
"""Codes of public databases, and how SCP-ECG and SNOMED CT relate."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from precordia.core.errors import unknown_name
from precordia.core.value import Value

SCHEMES = ("scp-ecg", "snomed-ct")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCode(Value):
    """One code of a scheme that public databases use.

    Attributes
    ----------
    code, scheme
        The code, in ``"scp-ecg"`` or ``"snomed-ct"``.
    name
        Plain words.
    abbreviation
        Abbreviation of the challenge, for SNOMED CT.
    tasks
        PTB-XL's kinds, for SCP-ECG: diagnostic, form, rhythm.
    superclass, subclass
        PTB-XL's classes of diagnostic statements.
    aha
        Code of the American Heart Association, where PTB-XL names one.
    scored
        Years of the challenge in whose score the class counts.
    same_as
        Class that the 2021 challenge scores as one with this.
    """

    code: str
    scheme: str
    name: str
    abbreviation: str = ""
    tasks: tuple[str, ...] = ()
    superclass: str = ""
    subclass: str = ""
    aha: str = ""
    scored: tuple[int, ...] = ()
    same_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation(Value):
    """How a code of one scheme relates to one of another.

    Attributes
    ----------
    code, scheme
        The other code.
    relation
        ``"same"``, ``"broader"`` (the other code says less), ``"narrower"`` (it says more), or
        ``"near"`` (joined by the challenge although the meanings differ).
    """

    code: str
    scheme: str
    relation: str


@cache
def _tables() -> tuple[dict[str, dict[str, KnownCode]], tuple[tuple[str, str, str], ...]]:
    text = files("precordia.knowledge").joinpath("codes.toml").read_text("utf-8")
    rows = tomllib.loads(text)
    known: dict[str, dict[str, KnownCode]] = {scheme: {} for scheme in SCHEMES}
    pairs = []
    for scheme in SCHEMES:
        for row in rows[scheme]:
            pairs += [(row["code"], other, how) for other, how in row.pop("snomed_ct", ())]
            lists = {key: tuple(row[key]) for key in ("tasks", "scored") if key in row}
            known[scheme][row["code"]] = KnownCode(**{**row, **lists}, scheme=scheme)
    return known, tuple(pairs)


def _require_scheme(scheme: str) -> None:
    if scheme not in SCHEMES:
        raise unknown_name("scheme of codes", scheme, SCHEMES, listing="'scp-ecg', 'snomed-ct'")


def list_codes(scheme: str) -> tuple[KnownCode, ...]:
    """Return every code of a scheme that the table holds.

    Parameters
    ----------
    scheme
        ``"scp-ecg"``: the 71 statements of PTB-XL. ``"snomed-ct"``: the 133 classes of the
        PhysioNet/CinC Challenge 2021.

    Returns
    -------
    One entry per code, in the order of the table.

    Raises
    ------
    UnknownNameError
        If there is no such scheme.

    References
    ----------
    Wagner P et al. PTB-XL. Sci Data 2020;7:154. doi:10.1038/s41597-020-0495-6
    Reyna MA et al. Comput Cardiol 2021;48. doi:10.23919/CinC53138.2021.9662687

    Examples
    --------
    >>> len(list_codes("scp-ecg")), len(list_codes("snomed-ct"))
    (71, 133)
    """
    _require_scheme(scheme)
    return tuple(_tables()[0][scheme].values())


def find_code(code: str, scheme: str) -> KnownCode | None:
    """Return what is known of a code, or None where the table does not hold it.

    Examples
    --------
    >>> find_code("164889003", "snomed-ct").name
    'atrial fibrillation'
    """
    _require_scheme(scheme)
    return _tables()[0][scheme].get(code)


def translate_code(code: str, scheme: str) -> tuple[Relation, ...]:
    """Return the codes of the other scheme that a code relates to.

    Parameters
    ----------
    code
        A code of PTB-XL or of the challenge.
    scheme
        The scheme it is of.

    Returns
    -------
    The related codes, the same ones first; empty where nothing fits, or the code is not known.

    Notes
    -----
    Which concepts the challenge gave to PTB-XL's statements was found by counting: the number of
    records with a statement equals the number with the concept. ``"broader"`` and ``"near"`` are
    our judgement of the meanings. Two concepts that the challenge scores as one, such as complete
    and unspecified bundle branch block, are kept apart here.

    Examples
    --------
    >>> [(r.code, r.relation) for r in translate_code("AFIB", "scp-ecg")]
    [('164889003', 'same')]
    >>> [r.code for r in translate_code("426783006", "snomed-ct")]
    ['SR', 'NORM']
    """
    _require_scheme(scheme)
    order = ("same", "narrower", "broader", "near")
    turned = {"broader": "narrower"}
    if scheme == "scp-ecg":
        found = [
            Relation(code=other, scheme="snomed-ct", relation=how)
            for own, other, how in _tables()[1]
            if own == code
        ]
    else:
        found = [
            Relation(code=own, scheme="scp-ecg", relation=turned.get(how, how))
            for own, other, how in _tables()[1]
            if other == code
        ]
    return tuple(sorted(found, key=lambda r: order.index(r.relation)))
