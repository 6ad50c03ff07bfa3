# SPDX-License-Identifier: Apache-2.0
"""A step between a recording and what a model takes: how it checks itself and stands in a table."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from precordia.core.errors import OptionError


def number(default: Any = dataclasses.MISSING, **limits: float) -> Any:
    """Declare a number; ``above`` and ``least`` bound it."""
    return field(default=default, metadata=limits)


def choice(*allowed: str) -> Any:
    """Declare a word out of a list; the first is the default."""
    return field(default=allowed[0], metadata={"allowed": allowed})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. Its values check themselves; ``name`` is what a table calls it."""

    name: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for entry in dataclasses.fields(self):
            given = getattr(self, entry.name)
            object.__setattr__(self, entry.name, _checked(self.name, entry, given))
        self._check()

    def _check(self) -> None:
        """Check what a single value cannot tell."""

    def to_table(self) -> dict[str, Any]:
        """Return the step as a table: its name and every value that is not the default."""
        table: dict[str, Any] = {"step": self.name}
        for entry in dataclasses.fields(self):
            value = getattr(self, entry.name)
            if value != entry.default:
                table[entry.name] = list(value) if isinstance(value, tuple) else value
        return table


def _checked(step: str, entry: dataclasses.Field, given: Any) -> Any:
    kind, limits = str(entry.type), entry.metadata
    if given is None and "None" in kind:
        return None
    if "allowed" in limits:
        if given not in limits["allowed"]:
            raise OptionError(
                f"{entry.name} of a '{step}' step is {given!r}; one of "
                f"{', '.join(limits['allowed'])} is needed."
            )
        return given
    if kind == "bool":
        if not isinstance(given, bool):
            raise OptionError(
                f"{entry.name} of a '{step}' step is {given!r}; true or false is needed."
            )
        return given
    if kind.startswith("tuple"):
        values = tuple(given) if isinstance(given, (list, tuple)) else (given,)
        if not values:
            raise OptionError(f"{entry.name} of a '{step}' step is empty; a number is needed.")
        return tuple(_checked_number(step, entry, value, whole=False) for value in values)
    return _checked_number(step, entry, given, whole=kind == "int")


def _checked_number(step: str, entry: dataclasses.Field, given: Any, *, whole: bool) -> float:
    limits = entry.metadata
    real = isinstance(given, (int, float)) and not isinstance(given, bool)
    real = (real and abs(given) < 1e300) or given == entry.default
    fits = real and not math.isnan(given)
    fits = fits and given > limits.get("above", -math.inf)
    fits = fits and given >= limits.get("least", -math.inf) and (not whole or given == int(given))
    if not fits:
        wanted = "a whole number" if whole else "a finite number"
        wanted += f" above {limits['above']:g}" if "above" in limits else ""
        wanted += f" of at least {limits['least']:g}" if "least" in limits else ""
        raise OptionError(f"{entry.name} of a '{step}' step is {given!r}; {wanted} is needed.")
    return int(given) if whole else float(given)
