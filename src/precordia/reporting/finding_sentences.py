# SPDX-License-Identifier: Apache-2.0
"""Sentences about what was found and measured, each made of claims that hold."""

from __future__ import annotations

from collections.abc import Iterable

from precordia.core.claims import (
    ABSENT,
    FOUND,
    NOT_FOUND,
    PROBABILITY,
    UNDECIDED,
    Claim,
    statement_claim,
)
from precordia.core.findings import RULES, Finding
from precordia.core.measure_words import words_of_measure
from precordia.core.measurements import Absence
from precordia.core.report import Sentence
from precordia.core.study import Study
from precordia.core.study_numbers import number_of
from precordia.core.verify import verify
from precordia.knowledge.exclusions import contradictions
from precordia.knowledge.statements import find_statement, list_statements
from precordia.reporting.wording import Wording

#: statements that say where the beat begins, and how fast
RHYTHMS = (
    *("AFIB", "AFLT", "PSVT", "SVTAC", "SVARR", "PACE", "JUNC", "EATR"),
    *("SBRAD", "STACH", "SARRH", "SR"),
)
#: a sinus rhythm that has a name of its own is not called sinus rhythm beside it
_SINUS = ("SBRAD", "STACH", "SARRH")
NORMAL = ("NORM", "SR")
NUMBERS = ("pr_ms", "qrs_ms", "qt_ms", "qtc_fridericia_ms", "qrs_axis_deg")
MORE_NUMBERS = ("p_axis_deg", "t_axis_deg")
_MOST_EVIDENCE = 6


def abnormal_codes(study: Study) -> tuple[str, ...]:
    """Return the codes of what was found beyond a normal ECG and sinus rhythm.

    Parameters
    ----------
    study
        What was found.

    Returns
    -------
    Codes, most important first.
    """
    return tuple(f.code for f in study.findings.present if f.code not in NORMAL)


def rhythm_codes(study: Study) -> tuple[str, ...]:
    """Return the statements that name the rhythm."""
    found = {f.code for f in study.findings.present}
    codes = [code for code in RHYTHMS if code in found]
    return tuple(c for c in codes if c != "SR" or not found.intersection(_SINUS))


def rhythm_sentences(study: Study, words: Wording) -> list[Sentence]:
    """Return the rhythm and the rate.

    Parameters
    ----------
    study, words
        What is told, and how.

    Returns
    -------
    Sentences of the section "rhythm".
    """
    codes = rhythm_codes(study)
    rate, why = number_of(study, "heart_rate_bpm")
    claims = [statement_claim(code) for code in codes]
    names = words.joined([words.statement(code, study.findings) for code in codes])
    if not why:
        claims.append(Claim(measure="heart_rate_bpm", value=rate, unit="/min"))
    key = "rhythm" if codes else "rate_only"
    if why:
        key = "rhythm_only" if codes else ""
    if not key:
        open_ = [c for c in RHYTHMS if c in study.findings.undecided]
        claims = [statement_claim(c, UNDECIDED) for c in open_]
        return [_sentence(words.phrase("rhythm_unknown"), claims, "rhythm")] if claims else []
    shown = words.number(rate) if not why else ""
    return [_sentence(words.phrase(key, names=names, rate=shown), claims, "rhythm")]


def _sentence(text: str, claims: list[Claim], section: str) -> Sentence:
    return Sentence(text=text, claims=tuple(claims), section=section)


def number_sentences(study: Study, words: Wording, names: tuple[str, ...]) -> list[Sentence]:
    """Return intervals and axes, and which of them cannot be measured.

    Parameters
    ----------
    study, words
        What is told, and how.
    names
        Names of the numbers.

    Returns
    -------
    Sentences of the section "intervals".
    """
    told, absent, claims, missing = [], [], [], []
    for name in names:
        value, why = number_of(study, name)
        unit = words_of_measure(name)[1]
        if why:
            missing.append(Claim(measure=name, relation=ABSENT, text=why))
            absent.append(_absent(study, words, name))
            continue
        claims.append(Claim(measure=name, value=value, unit=unit))
        told.append(f"{words.measure(name)} {words.number(value, unit)}")
    found = []
    if told:
        found.append(_sentence(words.phrase("numbers", numbers=", ".join(told)), claims, _SPANS))
    if absent:
        text = words.phrase("absent", measures=", ".join(absent))
        found.append(_sentence(text, missing, _SPANS))
    return found


_SPANS = "intervals"


def _absent(study: Study, words: Wording, name: str) -> str:
    reason = study.measurements.absent.get(name)
    if isinstance(reason, Absence):
        return words.phrase(
            "absent_because", measure=words.measure(name), reason=words.reason(reason)
        )
    return words.measure(name)


def finding_sentences(study: Study, words: Wording) -> list[Sentence]:
    """Return what was found, each with leads and numbers, and where the model doubts it.

    Parameters
    ----------
    study, words
        What is told, and how.

    Returns
    -------
    Sentences of the section "findings". Numbers that do not verify are left out; so are those for
    which the language has no words.
    """
    found: list[Sentence] = []
    rhythm = rhythm_codes(study)
    for finding in study.findings.present:
        if finding.code == "NORM" or (finding.code == "SR" and "SR" not in rhythm):
            continue
        if finding.code in rhythm and words.style == "paragraph":
            found += _rhythm_evidence(study, words, finding)
        else:
            found.append(_finding(study, words, finding))
        found += _model(study, words, finding)
    return [*found, *_withdrawn(study, words), *_conflicts(study, words)]


def _finding(study: Study, words: Wording, finding: Finding) -> Sentence:
    claims = [statement_claim(finding.code)]
    claims += [statement_claim(finding.code, lead=lead) for lead in finding.leads]
    shown, evidence = _evidence(study, words, finding)
    key = "finding" + ("_in" if finding.leads else "") + ("_by" if shown else "")
    text = words.phrase(
        key,
        name=words.statement(finding.code, study.findings),
        leads=", ".join(finding.leads),
        evidence=", ".join(shown),
    )
    return _sentence(text, [*claims, *evidence], "findings")


def _rhythm_evidence(study: Study, words: Wording, finding: Finding) -> list[Sentence]:
    shown, evidence = _evidence(study, words, finding)
    if not shown:
        return []
    claims = [statement_claim(finding.code), *evidence]
    return [_sentence(words.phrase("rests_on", evidence=", ".join(shown)), claims, "findings")]


def _evidence(study: Study, words: Wording, finding: Finding) -> tuple[list[str], list[Claim]]:
    """Return the numbers of a finding that verify, in words and as claims."""
    shown: list[str] = []
    held: list[Claim] = []
    for claim in dict.fromkeys(map(_Key, finding.claims)):
        text = words.evidence(claim.claim)
        if text and len(shown) < _MOST_EVIDENCE and verify(claim.claim, study).holds:
            shown.append(text)
            held.append(claim.claim)
    return shown, held


class _Key:
    """A claim that is equal to another of the same number; two criteria may rest on it."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self._key = (claim.measure, claim.lead, claim.value, claim.limit, claim.relation)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def _model(study: Study, words: Wording, finding: Finding) -> list[Sentence]:
    """Return what the model says of a finding, where it judged it."""
    code, probability = finding.code, finding.probability
    if finding.method == RULES or code not in study.findings.probabilities:
        return []
    doubts = RULES in finding.method and probability < finding.threshold
    claim = Claim(
        measure=f"{PROBABILITY}{code}",
        value=probability,
        relation="<" if doubts else "is",
        limit=finding.threshold if doubts else float("nan"),
    )
    text = words.phrase(
        "model_doubts" if doubts else "model_says",
        name=words.statement(code, study.findings),
        probability=words.probability(probability, finding.threshold),
        threshold=words.probability(finding.threshold),
    )
    return [_sentence(text, [statement_claim(code), claim], "findings")]


def _withdrawn(study: Study, words: Wording) -> list[Sentence]:
    """Return that a normal ECG, which the model would say, was withdrawn."""
    for finding in study.findings.disagreements:
        code = finding.code
        if code == "NORM" and not finding.present and code in study.findings.probabilities:
            if study.findings.decisions.get(code) != NOT_FOUND:
                continue
            claims = [
                statement_claim(code, NOT_FOUND),
                Claim(measure=f"{PROBABILITY}{code}", value=finding.probability),
                *(statement_claim(other) for other in abnormal_codes(study)),
            ]
            shown = words.probability(finding.probability)
            text = words.phrase("normal_withdrawn", probability=shown)
            return [_sentence(text, claims, "findings")]
    return []


def _conflicts(study: Study, words: Wording) -> list[Sentence]:
    """Return which findings exclude each other, as where rule and model disagree."""
    found = []
    for one, other in exclusive_pairs(f.code for f in study.findings.present):
        names = {"one": words.statement(one), "other": words.statement(other)}
        claims = [statement_claim(one), statement_claim(other)]
        found.append(_sentence(words.phrase("conflict", **names), claims, "findings"))
    return found


def exclusive_pairs(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Return those pairs of statements that cannot both be true; unknown codes are left out.

    Sinus bradycardia and tachycardia are cases of sinus rhythm here, since rules find both.

    Parameters
    ----------
    codes
        Codes of what was found.

    Returns
    -------
    Pairs of codes.

    Examples
    --------
    >>> exclusive_pairs(["SR", "SBRAD", "AFIB", "no-such-code"])
    [('AFIB', 'SBRAD'), ('AFIB', 'SR')]
    """
    known = {s.code for s in list_statements()}
    pairs = (e.codes for e in contradictions([c for c in codes if c in known]))
    return sorted(pair for pair in pairs if set(pair) not in ({"SR", "SBRAD"}, {"SR", "STACH"}))


def undecided_sentences(study: Study, words: Wording) -> list[Sentence]:
    """Return what the rules would have judged and could not.

    Parameters
    ----------
    study, words
        What is told, and how.

    Returns
    -------
    One sentence of the section "undecided", or none. What no rule and no model knows is not told;
    ``study.findings.decisions`` names it.
    """
    undecided = study.findings.undecided
    abstained = dict.fromkeys(a.code for a in study.findings.abstained)
    codes = [c for c in abstained if c in undecided and _is_judged(c)]
    if not codes:
        return []
    text = words.phrase("undecided", names="; ".join(words.statement(c) for c in codes))
    return [_sentence(text, [statement_claim(c, UNDECIDED) for c in codes], "undecided")]


def _is_judged(code: str) -> bool:
    from precordia.core.errors import UnknownNameError

    try:
        return find_statement(code).by_rules
    except UnknownNameError:
        return False


def conclusion_sentence(study: Study, words: Wording) -> Sentence:
    """Return all in one sentence: normal, what was found, or that nothing was.

    Parameters
    ----------
    study, words
        What is told, and how.

    Returns
    -------
    One sentence of the section "conclusion".
    """
    codes = abnormal_codes(study)
    if codes:
        names = "; ".join(words.statement(c, study.findings) for c in codes)
        claims = [statement_claim(c) for c in codes]
        return _sentence(words.phrase("abnormal", names=names), claims, "conclusion")
    if "NORM" in study.findings:
        return _sentence(words.phrase("normal"), [statement_claim("NORM")], "conclusion")
    judged = [c for c, said in study.findings.decisions.items() if said == NOT_FOUND]
    claims = [statement_claim(c, NOT_FOUND) for c in judged if c not in NORMAL]
    claims += [statement_claim(f.code, FOUND) for f in study.findings.present]
    return _sentence(words.phrase("nothing"), claims, "conclusion")
