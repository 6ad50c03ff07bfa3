# SPDX-License-Identifier: Apache-2.0
"""The statements that precordia can make, each with its codes, from one table."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from precordia.core.errors import unknown_name
from precordia.core.value import Value

#: PTB-XL's diagnostic superclasses
SUPERCLASSES = {
    "NORM": "normal ECG",
    "MI": "myocardial infarction",
    "STTC": "ST/T change",
    "CD": "conduction disturbance",
    "HYP": "hypertrophy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStatement(Value):
    """One statement with its names in several schemes.

    Attributes
    ----------
    code, scheme
        Code in its scheme: ``"scp-ecg"``, or ``"precordia"`` where SCP-ECG has no code.
    name
        Plain words.
    group
        What it is about: rhythm, conduction, axis, chambers, infarction, repolarisation, summary.
    snomed_ct
        SNOMED CT concept; empty where the source has none.
    superclass
        PTB-XL's diagnostic superclass; empty for statements of rhythm and form.
    implies
        Code of the statement that this one makes more specific; empty where there is none.
    by_rules
        Whether a rule can find it; the others are made by models alone.
    """

    code: str
    name: str
    group: str
    scheme: str = "scp-ecg"
    snomed_ct: str = ""
    superclass: str = ""
    implies: str = ""
    by_rules: bool = True

    def codes(self) -> dict[str, str]:
        """Return the codes in the other schemes."""
        return {"snomed-ct": self.snomed_ct} if self.snomed_ct else {}

    def __str__(self) -> str:
        return f"{self.name} [{self.scheme} {self.code}]"


@cache
def list_statements() -> tuple[KnownStatement, ...]:
    """Return every statement, most important first.

    Returns
    -------
    One entry per statement, in the order in which findings are listed.

    References
    ----------
    Wagner P et al. PTB-XL. Sci Data 2020;7:154. doi:10.1038/s41597-020-0495-6 (SCP-ECG codes).
    Reyna MA et al. Comput Cardiol 2021;48. doi:10.23919/CinC53138.2021.9662687 (SNOMED CT codes).

    Examples
    --------
    >>> [s.snomed_ct for s in list_statements() if s.code == "AFIB"]
    ['164889003']
    """
    text = files("precordia.knowledge").joinpath("statements.toml").read_text("utf-8")
    return tuple(KnownStatement(**row) for row in tomllib.loads(text)["statement"])


@cache
def _by_code() -> dict[str, KnownStatement]:
    return {s.code: s for s in list_statements()}


def find_statement(code: str) -> KnownStatement:
    """Return one statement by its code.

    Raises
    ------
    UnknownNameError
        If there is none of that code.

    Examples
    --------
    >>> print(find_statement("CLBBB"))
    complete left bundle branch block [scp-ecg CLBBB]
    """
    known = _by_code()
    if code not in known:
        raise unknown_name("statement", code, known, listing="list_statements()")
    return known[code]
