# SPDX-License-Identifier: Apache-2.0
"""Sentences about what was found and measured, each made of claims that hold."""

from __future__ import annotations

from collections.abc import Iterable

from precordia.core.claims import (
    ABSENT,
    FOUND,
    NOT_FOUND,
    PROBABILITY,
    Claim,
    statement_claim,
)
from precordia.core.findings import RULES, Finding
from precordia.core.leads import STANDARD_12
from precordia.core.measure_words import words_of_measure
from precordia.core.measurements import Absence
from precordia.core.report import Sentence
from precordia.core.study import Study
from precordia.core.study_numbers import number_of
from precordia.knowledge.exclusions import contradictions
from precordia.knowledge.statements import list_statements
from precordia.reporting.borne_out import DEFINED, not_borne_out
from precordia.reporting.evidence import told_evidence
from precordia.reporting.rhythm_sentences import SINUS, rhythm_codes
from precordia.reporting.wording import Wording

NORMAL = ("NORM", "SR")
NUMBERS = ("pr_ms", "qrs_ms", "qt_ms", "qtc_fridericia_ms", "qrs_axis_deg")
MORE_NUMBERS = ("p_axis_deg", "t_axis_deg")


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
    told, claims, missing = [], [], []
    absent: dict[str, list[str]] = {}
    for name in names:
        value, why = number_of(study, name)
        unit = words_of_measure(name)[1]
        if why:
            missing.append(Claim(measure=name, relation=ABSENT, text=why))
            absent.setdefault(_why_absent(study, words, name), []).append(words.measure(name))
            continue
        claims.append(Claim(measure=name, value=value, unit=unit))
        told.append(f"{words.measure(name)} {words.number(value, unit)}")
    found = []
    if told:
        found.append(_sentence(words.phrase("numbers", numbers=", ".join(told)), claims, _SPANS))
    if absent:
        told = [_absent(words, reason, names) for reason, names in absent.items()]
        text = words.phrase("absent", measures="; ".join(told))
        found.append(_sentence(text, missing, _SPANS))
    return found


_SPANS = "intervals"


def _why_absent(study: Study, words: Wording, name: str) -> str:
    reason = study.measurements.absent.get(name)
    return words.reason(reason) if isinstance(reason, Absence) else ""


def _absent(words: Wording, reason: str, names: list[str]) -> str:
    measure = words.joined(names)
    return words.phrase("absent_because", measure=measure, reason=reason) if reason else measure


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
    rhythm, denied = rhythm_codes(study), not_borne_out(study)
    for finding in study.findings.present:
        if finding.code == "NORM" or (finding.code == "SR" and "SR" not in rhythm):
            continue
        if finding.code in denied:
            found.append(_denied(study, words, finding, denied[finding.code]))
        elif finding.code in rhythm and words.style == "paragraph":
            found += _of_rhythm(study, words, finding)
        else:
            found.append(_finding(study, words, finding))
    found += [_class_alone(words, one) for one in classes_alone(study)]
    return [*found, *_withdrawn(study, words), *conflict_sentences(study, words)]


def classes_alone(study: Study) -> tuple[Finding, ...]:
    """Return the superclasses that a model finds without any statement of them.

    Parameters
    ----------
    study
        What was found.

    Returns
    -------
    The superclasses, without that of a normal ECG.
    """
    if study.findings.withheld:
        return ()
    made = {f.code for f in study.findings.present}
    named = {s.superclass for s in list_statements() if s.code in made}
    return tuple(
        held
        for code, held in study.findings.superclasses.items()
        if held.present and code not in (*NORMAL, *named)
    )


def _class_alone(words: Wording, held: Finding) -> Sentence:
    text = words.phrase(
        "class_alone",
        name=words.statement(held.code),
        probability=words.probability(held.probability, held.threshold),
    )
    about = Claim(measure=f"{PROBABILITY}{held.code}", value=held.probability)
    return _sentence(text, [statement_claim(f"superclass:{held.code}"), about], "findings")


def _finding(study: Study, words: Wording, finding: Finding) -> Sentence:
    """Return one finding: where, on what evidence, and what the model says of it."""
    leads = sorted(finding.leads, key=_place)
    claims = [statement_claim(finding.code)]
    claims += [statement_claim(finding.code, lead=lead) for lead in leads]
    shown, evidence = told_evidence(study, words, finding)
    key = "finding" + ("_in" if leads else "") + ("_by" if shown else "")
    text = words.phrase(
        key,
        name=words.statement(finding.code, study.findings),
        leads=words.word("in_all_leads") if set(leads) == set(STANDARD_12) else ", ".join(leads),
        evidence="; ".join(shown),
    )
    said, slots, about = _model(study, words, finding)
    if said:
        text = words.phrase(f"and_{said}", sentence=text.removesuffix("."), **slots)
    return _sentence(text, [*claims, *evidence, *about], "findings")


def _place(lead: str) -> int:
    return STANDARD_12.index(lead) if lead in STANDARD_12 else len(STANDARD_12)


def _of_rhythm(study: Study, words: Wording, finding: Finding) -> list[Sentence]:
    """Return what a rhythm that was named already rests on, and what the model says of it."""
    found: list[Sentence] = []
    shown, evidence = told_evidence(study, words, finding)
    if shown:
        text = words.phrase("rests_on", evidence="; ".join(shown))
        found.append(_sentence(text, [statement_claim(finding.code), *evidence], "findings"))
    said, slots, about = _model(study, words, finding)
    if said:
        text = words.phrase(said, name=words.statement(finding.code, study.findings), **slots)
        found.append(_sentence(text, [statement_claim(finding.code), *about], "findings"))
    return found


def _model(
    study: Study, words: Wording, finding: Finding
) -> tuple[str, dict[str, str], list[Claim]]:
    """Return the phrase for what the model says of a finding, its slots, and the claim."""
    code, probability = finding.code, finding.probability
    if finding.method == RULES or code not in study.findings.probabilities:
        return "", {}, []
    doubts = RULES in finding.method and probability < finding.threshold
    claim = Claim(
        measure=f"{PROBABILITY}{code}",
        value=probability,
        relation="<" if doubts else "is",
        limit=finding.threshold if doubts else float("nan"),
    )
    slots = {"probability": words.probability(probability, finding.threshold)}
    if doubts:
        slots["threshold"] = words.probability(finding.threshold)
    return ("model_doubts" if doubts else "model_says"), slots, [claim]


def _denied(study: Study, words: Wording, finding: Finding, claim: Claim) -> Sentence:
    """Return that the model says what the number that defines it denies, withdrawn or not."""
    limit = f"{words.measure(claim.measure)} {words.number(claim.value, claim.unit, claim.limit)}"
    said, slots, about = _model(study, words, finding)
    text = words.phrase(
        "not_borne_out" if said else "finding",
        name=words.statement(finding.code),
        evidence=words.phrase("evidence_with", evidence=limit, limits=words.limit(claim)),
        **slots,
    )
    decided = statement_claim(finding.code, FOUND if finding.present else NOT_FOUND)
    return _sentence(text, [decided, *about, claim], "findings")


def _withdrawn(study: Study, words: Wording) -> list[Sentence]:
    """Return what the model would say and was withdrawn: for a number, or a normal ECG."""
    told = []
    for finding in study.findings.disagreements:
        code = finding.code
        if finding.present or study.findings.decisions.get(code) != NOT_FOUND:
            continue
        if code == "NORM" and code in study.findings.probabilities:
            claims = [
                statement_claim(code, NOT_FOUND),
                Claim(measure=f"{PROBABILITY}{code}", value=finding.probability),
                *(statement_claim(other) for other in abnormal_codes(study)),
            ]
            shown = words.probability(finding.probability)
            text = words.phrase("normal_withdrawn", probability=shown)
            told.append(_sentence(text, claims, "findings"))
        elif code in DEFINED:
            told.append(_denied(study, words, finding, finding.claims[0]))
    return told


def conflict_sentences(study: Study, words: Wording) -> list[Sentence]:
    """Return which findings exclude each other, as where rule and model disagree.

    Parameters
    ----------
    study, words
        What is told, and how.

    Returns
    -------
    Sentences of the section "findings": one for findings that are against the same others.
    """
    codes = [f.code for f in study.findings.present]
    if set(codes).intersection(SINUS):
        codes = [code for code in codes if code != "SR"]
    against: dict[str, list[str]] = {}
    for one, other in exclusive_pairs(codes):
        against.setdefault(one, []).append(other)
        against.setdefault(other, []).append(one)
    found, told = [], set()
    for code in sorted(against, key=lambda c: (-len(against[c]), codes.index(c))):
        others = [c for c in against[code] if frozenset((code, c)) not in told]
        ones = [c for c in against if set(against[c]) == set(against[code])]
        if not others:
            continue
        told |= {frozenset((one, other)) for one in ones for other in others}
        sides = [
            [words.statement(c, study.findings) for c in codes if c in side]
            for side in (ones, others)
        ]
        names = [words.joined(side) for side in sides]
        key = "conflict_of_two" if all(len(side) == 1 for side in sides) else "conflict"
        claims = [statement_claim(c) for c in codes if c in (*ones, *others)]
        text = words.phrase(key, one=names[0], other=names[1])
        found.append(_sentence(text, claims, "findings"))
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
    codes, classes = abnormal_codes(study), classes_alone(study)
    if codes or classes:
        told = [words.phrase("class_named", name=words.statement(f.code)) for f in classes]
        names = "; ".join([*_concluded(study, words, codes), *told])
        claims = [statement_claim(c) for c in codes]
        claims += [statement_claim(f"superclass:{f.code}") for f in classes]
        return _sentence(words.phrase("abnormal", names=names), claims, "conclusion")
    if "NORM" in study.findings:
        return _sentence(words.phrase("normal"), [statement_claim("NORM")], "conclusion")
    judged = [c for c, said in study.findings.decisions.items() if said == NOT_FOUND]
    claims = [statement_claim(c, NOT_FOUND) for c in judged if c not in NORMAL]
    claims += [statement_claim(f.code, FOUND) for f in study.findings.present]
    return _sentence(words.phrase("nothing"), claims, "conclusion")


def _concluded(study: Study, words: Wording, codes: tuple[str, ...]) -> list[str]:
    """Return names; none whose name is the beginning of that of a case of it, doubts beside it."""
    denied, wider = not_borne_out(study), {s.code: s.implies for s in list_statements()}
    names = {code: words.statement(code, study.findings) for code in codes}
    said = {wider[c] for c in codes if c in wider and wider[c] in names
            and names[c].startswith(names[wider[c]])}  # fmt: skip
    return [
        words.phrase("doubted", name=name) if code in denied else name
        for code, name in names.items()
        if code not in said
    ]
