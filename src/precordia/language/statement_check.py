# SPDX-License-Identifier: Apache-2.0
"""Check what a sentence says is there or not: statements, faults of the signal, the sex."""

from __future__ import annotations

from precordia.core.claims import (
    FOUND,
    NOT_FOUND,
    PATIENT,
    Claim,
    Of,
    quality_claim,
    statement_claim,
)
from precordia.core.quality import QualityReason
from precordia.knowledge.lookup import Match
from precordia.language.known_study import KnownStudy
from precordia.language.polarity import UnclearError
from precordia.questions.answer import answer
from precordia.questions.evidence import number_claim
from precordia.questions.study_facts import LEAD_CRITERIA, shows_in_lead

#: leads that a sentence names, and whether all of them are meant or any
Leads = tuple[tuple[str, ...], str]
_SUPERCLASS = "ptb-xl-superclass"


def statement_claims(
    matches: tuple[Match, ...],
    known: KnownStudy,
    *,
    negated: bool,
    leads: Leads | None = None,
    of: Of = "study",
    suspected: bool = False,
) -> tuple[Claim, ...]:
    """Return the true claims that a named statement makes.

    Parameters
    ----------
    matches
        All that the words may mean.
    known
        The study.
    negated
        Whether the sentence says that it is not there.
    leads
        Where it is said to show.
    of
        Of which recording.
    suspected
        Whether the sentence says that it is only suspected; it must where the finding is.

    Returns
    -------
    Claims that hold. One suffices where it is said to be there; where it is said not to be, every
    statement that the words may mean was looked for and not found.

    Raises
    ------
    UnclearError
        If what is said does not hold, or cannot be told.
    """
    said = matches[0].said
    suspected = suspected or any(word in said.lower() for word in ("suspected", "verdacht"))
    if not negated and suspected != _is_suspected(matches, known, of):
        raise UnclearError(f"'{said}' is {'not ' if suspected else ''}only suspected")
    if leads is not None:
        return _in_leads(matches, known, leads, negated, of)
    relation = NOT_FOUND if negated else FOUND
    claims = [statement_claim(code, relation, of=of) for code in _codes(matches)]
    true = tuple(claim for claim in claims if known.holds(claim))
    if not negated:
        if true:
            return true
        raise UnclearError(f"'{said}' was not found")
    found = [c for c in _codes(matches) if known.holds(statement_claim(c, FOUND, of=of))]
    if found:
        raise UnclearError(f"'{said}' was found")
    if true and (len(true) == len(claims) or _answered_no(said, known, of)):
        return true
    raise UnclearError(f"whether there is '{said}' was not decided")


def _codes(matches: tuple[Match, ...]) -> list[str]:
    codes: dict[str, None] = {}
    for match in matches:
        if match.scheme == _SUPERCLASS:
            codes[f"superclass:{match.code}"] = None
        codes |= dict.fromkeys(match.statements)
    return list(codes)


def _is_suspected(matches: tuple[Match, ...], known: KnownStudy, of: Of) -> bool:
    """Tell whether all that was found of what is named was found as a suspicion."""
    study = known.study if of == "study" else known.previous
    codes = {code for match in matches for code in match.statements}
    names = [f.name for f in study.findings.present if f.code in codes] if study else []
    return bool(names) and all("suspected" in name for name in names)


def _answered_no(said: str, known: KnownStudy, of: Of) -> bool:
    """Tell whether the question for a group of statements is answered with no."""
    study = known.study if of == "study" else known.previous
    return study is not None and answer(study, f"Is there {said}?").answers == ("no",)


def _in_leads(
    matches: tuple[Match, ...], known: KnownStudy, leads: Leads, negated: bool, of: Of
) -> tuple[Claim, ...]:
    names, which = leads
    held: list[Claim] = []
    shown: list[bool] = []
    for lead in names:
        told = [_in_lead(code, lead, known, of) for match in matches for code in match.statements]
        true = [claim for there, claim in told if there]
        if any(there is None for there, _ in told) and (negated or not true):
            shown.append(negated)
            continue
        shown.append(bool(true))
        held += true if not negated else [claim for _, claim in told]
    right = not any(shown) if negated else all(shown) if which == "all" else any(shown)
    if right and held:
        return tuple(held)
    words = "there" if not negated else "absent"
    raise UnclearError(f"'{matches[0].said}' is not known to be {words} in {', '.join(names)}")


def _in_lead(code: str, lead: str, known: KnownStudy, of: Of) -> tuple[bool | None, Claim]:
    """Return whether a statement shows in a lead, and the claim that tells."""
    numbers = known.now if of == "study" else known.then
    if numbers is None:
        return None, statement_claim(code, lead=lead, of=of)
    if code in LEAD_CRITERIA:
        measure, sign, limit = LEAD_CRITERIA[code]
        if numbers.of(measure, lead)[1]:
            return None, statement_claim(code, lead=lead, of=of)
        shows = shows_in_lead(numbers, code, lead)
        if shows:
            return True, number_claim(numbers, measure, lead, relation=sign, limit=limit, of=of)
        return False, number_claim(numbers, measure, lead, of=of)
    claim = statement_claim(code, lead=lead, of=of)
    holds = known.holds(claim)
    return holds, claim if holds else statement_claim(code, NOT_FOUND, lead=lead, of=of)


def quality_claims(
    reason: str, known: KnownStudy, *, negated: bool, leads: Leads | None = None, of: Of = "study"
) -> tuple[Claim, ...]:
    """Return the true claims that a named fault of the signal makes.

    Parameters
    ----------
    reason
        Name of the `QualityReason`.
    known, negated, leads, of
        As of `statement_claims`.

    Returns
    -------
    Claims that hold.

    Raises
    ------
    UnclearError
        If what is said does not hold.
    """
    study = known.study if of == "study" else known.previous
    if study is None:
        raise UnclearError("no earlier recording was given")
    words = str(QualityReason[reason])
    names = leads[0] if leads is not None else ("", *study.quality.leads)
    relation = NOT_FOUND if negated else FOUND
    claims = [quality_claim(words, relation, lead=lead, of=of) for lead in names]
    true = tuple(claim for claim in claims if known.holds(claim))
    needed = len(claims) if negated or (leads is not None and leads[1] == "all") else 1
    if len(true) < max(needed, 1):
        raise UnclearError(f"'{words}' is {'there' if negated else 'not there'}")
    return true


def acceptable_claims(known: KnownStudy, *, negated: bool, of: Of = "study") -> tuple[Claim, ...]:
    """Return the claim that the recording can be read, or cannot, if it holds.

    Raises
    ------
    UnclearError
        If it does not.
    """
    claim = quality_claim("acceptable", NOT_FOUND if negated else FOUND, of=of)
    if not known.holds(claim):
        raise UnclearError(f"the quality is {'' if negated else 'not '}acceptable")
    return (claim,)


def sex_claims(sex: str, known: KnownStudy) -> tuple[Claim, ...]:
    """Return the claim of the patient's sex, if it holds.

    Raises
    ------
    UnclearError
        If it does not.
    """
    claim = Claim(measure=f"{PATIENT}sex", text=sex)
    if not known.holds(claim):
        raise UnclearError(f"that the patient is {sex} is not known")
    return (claim,)
