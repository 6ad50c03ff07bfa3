# SPDX-License-Identifier: Apache-2.0
"""The report: sentences about a recording, each with the claims that it is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from precordia.core.claims import Claim
from precordia.core.source import Source
from precordia.core.value import Value

Style = Literal["short", "structured", "paragraph"]
Language = Literal["en", "de"]
STYLES: tuple[Style, ...] = ("short", "structured", "paragraph")
LANGUAGES: tuple[Language, ...] = ("en", "de")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence(Value):
    """One sentence and all that it claims.

    Attributes
    ----------
    text
        The words.
    claims
        What it says, ready to be checked.
    section
        Which part of the report it belongs to: recording, quality, rhythm, intervals, findings,
        undecided, comparison, conclusion or method.
    """

    text: str
    claims: tuple[Claim, ...]
    section: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Value):
    """What is said about a study.

    Attributes
    ----------
    sentences
        In the order in which they are read.
    style, language
        How it is written.
    headings
        Words of the sections, by their key; empty where the style has none.
    notice
        What every reader must know: not a medical device. It says nothing of the recording.
    source
        Method and version.

    Examples
    --------
    >>> claim = Claim(measure="qrs_ms", value=91.0, relation="is", unit="ms")
    >>> said = Sentence(text="The QRS lasts 91 ms.", claims=(claim,))
    >>> report = Report(sentences=(said,), style="short", language="en")
    >>> print(report)
    The QRS lasts 91 ms.
    >>> [claim.measure for claim in report.claims]
    ['qrs_ms']
    """

    sentences: tuple[Sentence, ...]
    style: Style
    language: Language
    headings: dict[str, str] = field(default_factory=dict)
    notice: str = ""
    source: Source = field(default_factory=Source)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All claims of all sentences."""
        return tuple(claim for sentence in self.sentences for claim in sentence.claims)

    def __repr__(self) -> str:
        return f"Report({len(self.sentences)} sentences, {self.style}, {self.language})"

    def __str__(self) -> str:
        if not self.headings:
            return "\n".join([" ".join(s.text for s in self.sentences), self.notice]).strip()
        lines: list[str] = []
        section = ""
        for sentence in self.sentences:
            if sentence.section != section:
                section = sentence.section
                lines.append(self.headings[section])
            lines.append(f"  {sentence.text}")
        return "\n".join([*lines, self.notice]).strip()
