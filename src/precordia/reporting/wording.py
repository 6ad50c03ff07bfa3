# SPDX-License-Identifier: Apache-2.0
"""Words of a report in one language, all from one table of whole phrases."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from precordia.core.claims import Claim, shown_number
from precordia.core.errors import OptionError, unknown_name
from precordia.core.findings import SUPERCLASS, Findings
from precordia.core.measure_words import words_of_measure
from precordia.core.measurements import Absence
from precordia.core.quality import QualityReason
from precordia.core.report import LANGUAGES, STYLES
from precordia.knowledge.lexicon import find_entry

_SIGNS = {">=": "≥", "<=": "≤", "==": "="}
#: units whose fractions nobody reads
_WHOLE = ("°", "ms", "%", "bpm", "/min")


@cache
def phrase_table() -> dict[str, Any]:
    """Return the table of phrases."""
    text = files("precordia.reporting").joinpath("phrases.toml").read_text("utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one language and style.

    Attributes
    ----------
    language
        ``"en"`` or ``"de"``.
    style
        ``"short"``, ``"structured"`` or ``"paragraph"``; running text has some phrases of its own.

    Raises
    ------
    UnknownNameError
        If there is no such language or style.

    Examples
    --------
    >>> Wording("de", "short").number(0.214, "mV")
    '0,21 mV'
    >>> Wording("en", "paragraph").phrase("finding", name="sinus rhythm")
    'Finding: sinus rhythm.'
    """

    language: str
    style: str

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise unknown_name("language", self.language, LANGUAGES, listing=", ".join(LANGUAGES))
        if self.style not in STYLES:
            raise unknown_name("style", self.style, STYLES, listing=", ".join(STYLES))

    def phrase(self, key: str, **slots: str) -> str:
        """Return a phrase, its slots filled; a sentence begins with a capital."""
        table = phrase_table()["phrase"]
        chosen = table[key]
        if self.style == "paragraph":
            chosen = table.get(f"{key}_paragraph", chosen)
        text = str(chosen[self.language]).format(**slots)
        if text.endswith(".") and not self._is_symbol(text):
            text = text[0].upper() + text[1:]
        return text

    @staticmethod
    def _is_symbol(text: str) -> bool:
        """Tell whether a text begins with a name that stays small, such as aVL."""
        return text.startswith(("aV", "precordia"))

    def heading(self, section: str) -> str:
        """Return the heading of a section."""
        return str(phrase_table()["heading"][section][self.language])

    @property
    def notice(self) -> str:
        """What every reader must know."""
        return str(phrase_table()["notice"][self.language])

    def word(self, key: str) -> str:
        """Return a single word."""
        return str(phrase_table()["word"][key][self.language])

    def joined(self, names: list[str], word: str = "and") -> str:
        """Return names in a row, with "and" or "or" before the last."""
        if len(names) < 2 or any("," in name for name in names):
            return "; ".join(names) if len(names) > 1 else "".join(names)
        return ", ".join(names[:-1]) + self.word(word) + names[-1]

    def number(self, value: float, unit: str = "", limit: float = float("nan")) -> str:
        """Return a number with its unit, in the way of the language."""
        return self._decimal(self._digits(value, unit, limit)) + self._after(unit)

    def shown(self, value: float, unit: str = "") -> float:
        """Return a number as it is read where it is written."""
        return value if math.isinf(value) else float(self._digits(value, unit))

    @staticmethod
    def _digits(value: float, unit: str, limit: float = float("nan")) -> str:
        if math.isinf(value):
            return shown_number(value)
        whole = unit in _WHOLE and abs(value) >= 0.5 and round(value) != limit
        shown = f"{value:.0f}" if whole and abs(value) < 10 else shown_number(value, limit)
        return "0" if not float(shown) else shown

    def change(self, value: float, unit: str = "") -> str:
        """Return a number with its sign, as finely as such numbers are read."""
        shown = f"{value:+.2f}" if unit == "mV" else f"{value:+.0f}"
        if not float(shown):
            shown = "±0"
        return self._decimal(shown) + self._after(unit)

    def probability(self, value: float, limit: float = float("nan")) -> str:
        """Return a probability; never as certain, and on the right side of its limit."""
        if value > 0.99 or value < 0.01:
            word, bound = ("more_than", "0.99") if value > 0.99 else ("less_than", "0.01")
            return f"{self.word(word)} {self._decimal(bound)}"
        return self._decimal(shown_number(value, limit))

    def _decimal(self, shown: str) -> str:
        shown = shown.replace("inf", "∞").replace("-", "−")
        return shown.replace(".", ",") if self.language == "de" else shown

    def _after(self, unit: str) -> str:
        unit = {"bpm": "/min"}.get(unit, unit)
        return unit if unit in ("", "°", "/min") else f" {unit}"

    def measure(self, name: str) -> str:
        """Return the words of a number; empty where the language has none.

        Sums are told term by term, each with its lead.
        """
        if " + " in name:
            terms = [self._term(term) for term in name.split(" + ")]
            return " + ".join(terms) if all(terms) else ""
        words = phrase_table()["measure"].get(name)
        return str(words[self.language]) if words else ""

    def _term(self, term: str) -> str:
        name, _, lead = term.partition(" ")
        words = self.measure(name)
        return f"{words} {lead}".strip() if words else ""

    def reason(self, absence: Absence) -> str:
        """Return why a number is absent."""
        return str(phrase_table()["reason"][absence.name][self.language])

    def quality(self, reason: QualityReason) -> str:
        """Return what is wrong with a signal."""
        return str(phrase_table()["quality"][reason.name][self.language])

    def statement(self, code: str, findings: Findings | None = None) -> str:
        """Return the name of a statement, the more careful one of a rule where that gave one.

        Raises
        ------
        UnknownNameError
            If nothing has that code.
        """
        entry = find_entry(code)
        usual = entry.name_de if self.language == "de" and entry.name_de else entry.name
        if findings is None:
            return usual
        for finding in findings:
            if finding.code == code and finding.scheme != SUPERCLASS and finding.name != entry.name:
                if self.language == "en":
                    return finding.name
                words = phrase_table()["named"].get(finding.name)
                return str(words["de"]) if words else usual
        return usual

    def limit(self, claim: Claim) -> str:
        """Return the limit that a number met, with its sign; empty where it met none."""
        if claim.limit != claim.limit or claim.relation == "is":
            return ""
        sign = _SIGNS.get(claim.relation, claim.relation)
        return f"{sign} {self._decimal(f'{round(claim.limit, 3):g}')}{self._after(unit_of(claim))}"


def unit_of(claim: Claim) -> str:
    """Return the unit in which the number of a claim is written."""
    return words_of_measure(claim.measure)[1] or claim.unit


def check_words(language: str, style: str) -> Wording:
    """Return the wording that was asked for.

    Raises
    ------
    UnknownNameError
        If there is no such language or style.
    OptionError
        If one is not a name at all.
    """
    for given in (language, style):
        if not isinstance(given, str):
            raise OptionError(
                f"{given!r} arrived; language is one of {', '.join(LANGUAGES)}, style one of "
                f"{', '.join(STYLES)}."
            )
    return Wording(language, style)  # type: ignore[arg-type]
