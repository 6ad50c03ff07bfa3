# SPDX-License-Identifier: Apache-2.0
"""Sentences about the recording itself: what it is, of whom, how good, and how it was read."""

from __future__ import annotations

from precordia.core.claims import (
    FOUND,
    METHOD,
    NOT_FOUND,
    PATIENT,
    RECORD,
    UNDECIDED,
    Claim,
    quality_claim,
    statement_claim,
)
from precordia.core.quality import LeadQuality, QualityReason
from precordia.core.report import Sentence
from precordia.core.study import Study
from precordia.reporting.wording import Wording

#: ages above this one are not told, since few people reach them
_OLDEST_TOLD = 89.0
_ADULT = 18.0
#: what is said of single leads may be of others
_EXCHANGED = (
    QualityReason.LEAD_REVERSAL,
    QualityReason.LEAD_SWAP,
    QualityReason.LEADS_INCONSISTENT,
)


def recording_sentences(study: Study, words: Wording, *, identifiers: bool) -> list[Sentence]:
    """Return what kind of recording it is, and of whom as far as may be told.

    Parameters
    ----------
    study, words
        What is told, and how.
    identifiers
        Tell the patient's identifier and name too.

    Returns
    -------
    Sentences of the section "recording".
    """
    record = study.record
    claims = [
        _record("n_leads", float(record.n_leads)),
        _record("duration_s", record.duration_s, "s"),
        _record("fs", record.fs, "Hz"),
    ]
    key = {0: "beats_only", 1: "measured_one"}.get(record.n_leads, "measured")
    text = words.phrase(
        key,
        n_leads=str(record.n_leads),
        lead=record.leads[0] if record.leads else "",
        duration=words.number(record.duration_s),
        fs=words.number(record.fs),
    )
    if record.n_leads == 1:
        claims.append(Claim(measure=f"{RECORD}lead", relation=FOUND, lead=record.leads[0]))
    found = [_sentence(text, claims)]
    if record.origin != "measured":
        origin = Claim(measure=f"{RECORD}origin", text=record.origin)
        found.append(_sentence(words.phrase(record.origin), [origin]))
    found += _patient(study, words)
    if identifiers:
        for key, name in (("who", "patient_id"), ("name", "name")):
            if given := getattr(record.patient, name):
                claim = Claim(measure=f"{PATIENT}{name}", text=given)
                found.append(_sentence(words.phrase(key, **{name: given}), [claim]))
    return found


def _record(name: str, value: float, unit: str = "") -> Claim:
    return Claim(measure=f"{RECORD}{name}", value=value, unit=unit)


def _sentence(text: str, claims: list[Claim], section: str = "recording") -> Sentence:
    return Sentence(text=text, claims=tuple(claims), section=section)


def _patient(study: Study, words: Wording) -> list[Sentence]:
    patient = study.record.patient
    claims, slots, key = [], {}, ""
    age = patient.age_years
    if age == age:
        key = "old" if age > _OLDEST_TOLD else "age"
        slots["age"] = words.number(age)
        claims.append(
            Claim(measure=f"{PATIENT}age_years", relation=">", limit=_OLDEST_TOLD)
            if age > _OLDEST_TOLD
            else Claim(measure=f"{PATIENT}age_years", value=age, unit="years")
        )
    if patient.sex is not None:
        key = f"{key}_and_sex" if key else "sex"
        slots["sex"] = words.word(patient.sex)
        claims.append(Claim(measure=f"{PATIENT}sex", text=patient.sex))
    return [_sentence(words.phrase(key, **slots), claims)] if key else []


def quality_sentences(study: Study, words: Wording) -> list[Sentence]:
    """Return whether the recording can be read, and which leads cannot.

    Parameters
    ----------
    study, words
        What is told, and how.

    Returns
    -------
    Sentences of the section "quality".
    """
    quality = study.quality
    claims = [quality_claim("acceptable", FOUND if quality.acceptable else NOT_FOUND)]
    claims += [quality_claim(str(reason)) for reason in quality.reasons]
    key = "acceptable" if quality.acceptable else "unacceptable"
    reasons = words.joined([words.quality(reason) for reason in quality.reasons])
    text = words.phrase(f"{key}_with" if reasons else key, reasons=reasons)
    found = [_sentence(text, claims, "quality")]
    bad = {name: lead for name, lead in quality.leads.items() if not lead.usable}
    if bad:
        why: dict[str, list[str]] = {}
        for name, lead in bad.items():
            reasons = ", ".join(words.quality(reason) for reason in lead.reasons)
            why.setdefault(reasons, []).append(name)
        whole = len(bad) == len(quality.leads) > 1
        names = [_bad_leads(n, reasons, words, whole=whole) for reasons, n in why.items()]
        text = words.phrase("leads_unusable", leads="; ".join(names))
        about = [c for name, lead in bad.items() for c in _bad_lead_claims(name, lead)]
        found.append(_sentence(text, about, "quality"))
    return found


def _bad_leads(names: list[str], reasons: str, words: Wording, *, whole: bool) -> str:
    """Return leads with the reasons that they share; all leads in one word."""
    leads = words.word("all_leads") if whole and len(names) > 11 else ", ".join(names)
    return words.phrase("lead_with", lead=leads, reasons=reasons) if reasons else leads


def _bad_lead_claims(name: str, lead: LeadQuality) -> list[Claim]:
    why = [quality_claim(str(reason), lead=name) for reason in lead.reasons]
    return [quality_claim("usable", NOT_FOUND, lead=name), *why]


def withheld_sentence(study: Study, words: Wording) -> Sentence:
    """Return that nothing is said of what the recording shows.

    Parameters
    ----------
    study, words
        What is told, and how.

    Returns
    -------
    One sentence of the section "findings"; it claims of every statement that it is undecided.
    """
    claims = [statement_claim(code, UNDECIDED) for code in study.findings.undecided]
    if not study.quality.acceptable:
        claims.insert(0, quality_claim("acceptable", NOT_FOUND))
    return _sentence(words.phrase("withheld"), claims, "findings")


def doubt_sentences(study: Study, words: Wording) -> list[Sentence]:
    """Return what makes all that is said of times, or of single leads, doubtful.

    Parameters
    ----------
    study, words
        What is told, and how.

    Returns
    -------
    Sentences of the section "quality"; every style has them.
    """
    found = []
    reasons = study.quality.reasons
    if QualityReason.TIME_REVERSED in reasons:
        claim = quality_claim(str(QualityReason.TIME_REVERSED))
        found.append(_sentence(words.phrase("backwards"), [claim], "quality"))
    if exchanged := [reason for reason in reasons if reason in _EXCHANGED]:
        told = words.joined([words.quality(reason) for reason in exchanged])
        claims = [quality_claim(str(reason)) for reason in exchanged]
        found.append(_sentence(words.phrase("misplaced", reasons=told), claims, "quality"))
    return found


def caution_sentences(study: Study, words: Wording) -> list[Sentence]:
    """Return what makes the findings doubtful: a young patient, an unusual recording.

    Parameters
    ----------
    study, words
        What is told, and how.

    Returns
    -------
    Sentences of the section "undecided".
    """
    found = []
    age, distance = study.record.patient.age_years, study.findings.distance
    if age < _ADULT:
        claim = Claim(measure=f"{PATIENT}age_years", relation="<", limit=_ADULT, unit="years")
        found.append(_sentence(words.phrase("young"), [claim], "undecided"))
    if distance > 1:
        claim = Claim(measure=f"{METHOD}distance", value=distance, relation=">", limit=1.0)
        text = words.phrase("far", distance=words.number(distance, limit=1.0))
        found.append(_sentence(text, [claim], "undecided"))
    return found


def method_sentence(study: Study, words: Wording) -> Sentence:
    """Return with which methods and versions the study was made.

    Parameters
    ----------
    study, words
        What is told, and how.

    Returns
    -------
    One sentence of the section "method".
    """
    parts = ("study", "quality", "fiducials", "measurements", "findings")
    said = {name: str(_source_of(study, name)) for name in parts}
    claims = [Claim(measure=f"{METHOD}{name}", text=text) for name, text in said.items()]
    text = words.phrase("method", methods=", ".join(dict.fromkeys(said.values())))
    return _sentence(text, claims, "method")


def _source_of(study: Study, name: str) -> object:
    return study.source if name == "study" else getattr(study, name).source
