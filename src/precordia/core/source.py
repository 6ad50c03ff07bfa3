# SPDX-License-Identifier: Apache-2.0
"""Provenance: which method, version and parameters made a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from precordia.core.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Value):
    """Where a value comes from.

    Attributes
    ----------
    method
        Name of the method or reader, such as ``"read:wfdb"`` or ``"delineate:network"``.
    version
        Version of precordia, or of the weights where weights decide.
    parameters
        Arguments that change the result, as plain numbers and strings.
    warnings
        What was overridden or could not be verified on the way.

    Examples
    --------
    >>> print(Source(method="measure", version="0.1.0"))
    measure 0.1.0
    """

    method: str = "given"
    version: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.version}".strip()
