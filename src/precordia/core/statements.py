# SPDX-License-Identifier: Apache-2.0
"""A statement: something that was asserted about a recording, in a named coding scheme."""

from __future__ import annotations

from dataclasses import dataclass

from precordia.core.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement(Value):
    """A coded assertion that a file or a database makes about a recording.

    Attributes
    ----------
    code
        Code in the scheme, or the text itself where the scheme is ``"text"``.
    scheme
        ``"scp-ecg"``, ``"snomed-ct"``, ``"aha"``, ``"minnesota"`` or ``"text"``.
    name
        Plain words, where known.
    likelihood
        Likelihood in percent as the database gives it (PTB-XL does); NaN where it gives none.

    Examples
    --------
    >>> print(Statement(code="SR", scheme="scp-ecg", name="sinus rhythm"))
    sinus rhythm [scp-ecg SR]
    """

    code: str
    scheme: str = "text"
    name: str = ""
    likelihood: float = float("nan")

    def __str__(self) -> str:
        if self.scheme == "text":
            return self.code
        return f"{self.name or self.code} [{self.scheme} {self.code}]"
