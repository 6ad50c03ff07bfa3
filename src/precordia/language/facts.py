# SPDX-License-Identifier: Apache-2.0
"""What a language model may see of a study: numbered facts in words, and nobody's name."""

from __future__ import annotations

from dataclasses import dataclass

from precordia.core.claims import (
    FOUND,
    NOT_FOUND,
    PATIENT,
    STATEMENT,
    UNDECIDED,
    Claim,
)
from precordia.core.errors import UnknownNameError
from precordia.core.measure_words import words_of_measure
from precordia.core.study import Study
from precordia.core.value import Value
from precordia.core.verify import verify
from precordia.language.identifiers import plain_leads
from precordia.reporting.report import report
from precordia.reporting.wording import Wording, unit_of

#: sections of a report that say nothing of the heart
_LEFT_OUT = frozenset({"method"})
#: as many facts are told of an answer's evidence
_MOST_EVIDENCE = 40
_BEFORE = {"en": "In the earlier recording: ", "de": "In der früheren Aufzeichnung: "}
#: what was decided of a statement, in words
_DECIDED = {
    FOUND: {"en": "found", "de": "gefunden"},
    NOT_FOUND: {"en": "not found", "de": "nicht gefunden"},
    UNDECIDED: {"en": "not decided", "de": "nicht entschieden"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Value):
    """One fact that a model may choose.

    Attributes
    ----------
    id
        ``"F1"``, ``"F2"``, ...
    text
        In words, with unit and lead.
    claims
        What it says, checked against the study.
    """

    id: str
    text: str
    claims: tuple[Claim, ...]

    def __str__(self) -> str:
        return f"{self.id}: {self.text}"


def facts_of(
    study: Study,
    previous: Study | None = None,
    *,
    language: str = "en",
    evidence: tuple[Claim, ...] = (),
) -> tuple[Fact, ...]:
    """Return the facts of a study, numbered.

    Parameters
    ----------
    study
        The recording, examined.
    previous
        An earlier one of the same patient.
    language
        ``"en"`` or ``"de"``.
    evidence
        Claims behind an answer, told besides.

    Returns
    -------
    Facts; each holds claims that are true of the study.

    Raises
    ------
    UnknownNameError
        If there is no such language.

    Notes
    -----
    They are the sentences of the report, numbers one by one, without its section on methods. What
    the file says in its own words (comments, statements, header) is not among them; nor are name,
    identifier, dates, place of the file or numbers of devices. Ages above 89 are "over 89", and a
    lead whose name is none of the standard ones is called by its number.

    Examples
    --------
    >>> from precordia.pipeline import examine
    >>> from precordia.generation.simulate import simulate
    >>> facts = facts_of(examine(simulate(heart_rate_bpm=75, seed=1)))
    >>> [fact.text for fact in facts if "QRS duration" in fact.text]
    ['QRS duration 89 ms.']
    """
    words = Wording(language, "paragraph")
    said: list[tuple[str, tuple[Claim, ...]]] = []
    for sentence in report(study, "paragraph", previous=previous, language=language).sentences:
        if sentence.section in _LEFT_OUT:
            continue
        if sentence.section == "intervals" and all(c.value == c.value for c in sentence.claims):
            said += [(f"{words_of_number(claim, words)}.", (claim,)) for claim in sentence.claims]
        else:
            said.append((sentence.text, sentence.claims))
    known = {_key(claim) for _, claims in said for claim in claims}
    for claim in evidence[:_MOST_EVIDENCE]:
        if _key(claim) in known or verify(claim, study, previous).holds is not True:
            continue
        known.add(_key(claim))
        if text := _of_claim(claim, words):
            said.append((text, (claim,)))
    return tuple(
        Fact(id=f"F{place}", text=plain_leads(text, study, previous), claims=_unnamed(claims))
        for place, (text, claims) in enumerate(said, start=1)
    )


def _key(claim: Claim) -> tuple[str, ...]:
    """Return what two claims share that say the same; NaN is not equal to itself."""
    numbers = (f"{claim.value:.6g}", f"{claim.limit:.6g}")
    return (claim.measure, claim.lead, claim.of, claim.relation, *numbers)


def words_of_number(claim: Claim, words: Wording) -> str:
    """Return a number with its words, unit and lead.

    Parameters
    ----------
    claim
        Of a number.
    words
        The language.

    Returns
    -------
    Such as ``"QRS duration 89 ms"``.
    """
    unit = unit_of(claim)
    name = words.measure(claim.measure) or words_of_measure(claim.measure)[0]
    where = f" in {claim.lead}" if claim.lead else ""
    return f"{name}{where} {words.number(claim.value, unit)}"


def _of_claim(claim: Claim, words: Wording) -> str:
    """Return the words of one claim; empty where it has none that may be told."""
    before = _BEFORE[words.language] if claim.of == "previous" else ""
    if claim.measure.startswith(STATEMENT):
        code = claim.measure.removeprefix(STATEMENT)
        try:
            name = words.statement(code.removeprefix("superclass:"))
        except UnknownNameError:
            return ""
        lead = f" in {claim.lead}" if claim.lead else ""
        return f"{before}{name}{lead}: {_DECIDED[claim.relation][words.language]}."
    if ":" in claim.measure or claim.value != claim.value or claim.of == "change":
        return ""
    text = words_of_number(claim, words)
    if claim.limit == claim.limit and claim.relation != "is":
        sign = {">=": "≥", "<=": "≤", "==": "="}.get(claim.relation, claim.relation)
        text += f" ({sign} {words.number(claim.limit, unit_of(claim))})"
    return f"{before}{text}."


def _unnamed(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """Leave out claims of who the patient is."""
    return tuple(c for c in claims if c.measure not in (f"{PATIENT}patient_id", f"{PATIENT}name"))
