# SPDX-License-Identifier: Apache-2.0
"""Names of leads, signals, units and statements with no word of anybody's own in them."""

from __future__ import annotations

import functools
import re

from precordia.core.leads import canonical_lead
from precordia.core.statements import Statement
from precordia.io.units import millivolts
from precordia.knowledge.statements import list_statements

#: words that channels of polygraphs, monitors and Holters are named with
_TEXT_WORDS = """
    abd abdo abdomen abdominal abp acc accel accelerometer activity air airflow airway ambient angle
    annotation annotations anterior aorta aortic arm arterial art atrial aux axis battery bcg beat
    beats belt body bp bpm breath breathing c cal calibration calf ch channel chest chin co2 cuff
    cvp d dia diastolic distal e ecg ecog eda effort egm eeg ekg emg eog erp etco2 event events eye
    fetal fhr filtered flow foot force fp g gsr gyro h hand heart his horizontal hr hrv icg icp
    impedance invasive ir l lat lead leads left leg level light loc lvp m mag magnitude mark marker
    marks mastoid maternal mean meg mic microphone mq movement n nasal nbp neck nibp noise nu o2 of
    oral orp pap pcg pcwp ph phase phono pleth plethysmogram plethysmograph pos position ppg press
    pressure proximal pulse pulsatile qrs quality r ra rate raw red ref rem resp respiration
    respiratory rest rhythm right rip roc rr rv rvp s sao2 scg scl sensor signal skin snore snoring
    sound spo2 st stage standard status stim stimulus submental sv svo2 sys systolic t tcd temp
    temperature therm thermistor thor thoracic thorax throat tib tibia tibialis time tracheal trig
    trigger uc uterine v valve velocity ventricular vertical volume w x y z
"""
_WORDS = frozenset(_TEXT_WORDS.split())
_PRESSURE = re.compile(r"(ni?bp|[apc]bp|abp|art|pap|cvp|icp|spo2|sao2)_?(sys|dias?|mean|[smd])?\d?")
_SITE = re.compile(r"(fp|af|fc|ft|cp|tp|po|f|c|t|p|o|a|m|g)(z|\d{1,2})", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_TEXT_UNITS = """
    % mmhg kpa pa hpa bar mbar cmh2o psi bpm /min 1/min l/min ml/min l/s ml/s ml l ohm kohm mohm nu
    g mg m/s2 m/s^2 m/s² mm/s cm/s m/s rad deg ° deg/s dps degc degf °c °f c k lux lx hz khz s ms us
    kg n pm adu au a.u. arb counts count units unit bool steps na ua ma us/cm usiemens µs μs db
    celsius
"""
_UNITS = frozenset(_TEXT_UNITS.split())
#: what codes of a scheme look like; another code may be anybody's word
_CODES = {
    "scp-ecg": r"[A-Z0-9_/+-]{1,8}",
    "snomed-ct": r"\d{6,18}",
    "snomed-rt": r"[A-Z]\d?-[A-Z0-9]{3,8}",
    "mdc": r"MDC_[A-Z0-9_]{1,60}|\d{1,7}",
    "aha": r"\d{1,4}([.+,-]\d{1,4})*",
    "minnesota": r"\d{1,2}(-\d{1,2}){0,3}",
    "philips": r"[A-Z0-9_+<>-]{1,10}",
    "cinc2017": r"[ANO~]",
}
#: rhythms, signal qualities and episodes that annotations of public databases name
_TEXT_RHYTHMS = """
    AB AFIB AFL AFLUT AF AT ASYS ATR B BI BII BIII BBB CU EB HGEA IVR J JR N NOD NOISE NSR P PACE
    PAT PM PREX SAB SAO SBR SBRAD SR SSS ST STACH SVT SVTA T TS VER VF VFIB VFL VT
"""
_RHYTHMS = frozenset(_TEXT_RHYTHMS.split())


def plain_leads(leads: tuple[str, ...]) -> tuple[str, ...]:
    """Return lead names, numbered where a word in them is not known.

    Examples
    --------
    >>> plain_leads(("I", "V1 #2", "II (Jane)", "Jane", "ECG 2"))
    ('I', 'V1 #2', 'II', 'unknown-4', 'ECG 2')
    """
    named: list[str] = []
    for k, lead in enumerate(leads, start=1):
        stem, _, copy = lead.partition(" #")
        bare = stem.removeprefix("-")
        words = _WORD.findall(stem)
        told = canonical_lead(bare) == bare or (words and all(map(_is_known_word, words)))
        if told and (not copy or copy.isdecimal()):
            plain = lead
        else:
            plain = canonical_lead(stem) or f"unknown-{k}"
        taken = plain in named or (plain != lead and plain in leads)
        named.append(f"unknown-{k}" if taken else plain)
    return tuple(named)


def plain_signals(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names of other signals: known words stay, a name without any is numbered.

    Examples
    --------
    >>> plain_signals(("ABP", "Resp Jane", "EEG Fpz-Cz", "Jane"))
    ('ABP', 'Resp', 'EEG Fpz-Cz', 'signal 4')
    """
    named: list[str] = []
    for k, name in enumerate(names, start=1):
        kept = _WORD.sub(lambda m: m[0] if _is_known_word(m[0]) else "\0", name)
        # Signs beside a word that goes go too.
        kept = re.sub(r"[^\w\0]*\0[^\w\0]*", " ", kept) if "\0" in kept else kept
        kept = kept.strip(" _-,.:;()[]")
        if not kept or kept in named or (kept != name and kept in names):
            kept = f"signal {k}"
        named.append(kept)
    return tuple(named)


def plain_unit(unit: str) -> str:
    """Return a unit, or nothing where it is no known one.

    Examples
    --------
    >>> plain_unit("mmHg"), plain_unit("uV"), plain_unit("of Jane")
    ('mmHg', 'uV', '')
    """
    said = unit.strip()
    known = said.lower() in _UNITS or (len(said) <= 4 and millivolts(said) is not None)
    return unit if known else ""


def plain_statement(statement: Statement) -> Statement | None:
    """Return what is a code or a known phrase in a statement; None where nothing is.

    The words beside a code are free text in most formats: of these only a known phrase stays.

    Examples
    --------
    >>> plain_statement(Statement(code="SB", scheme="philips", name="see Dr Jane"))
    Statement(code='SB', scheme='philips', name='', likelihood=nan)
    >>> plain_statement(Statement(code="sinus rhythm")).code
    'sinus rhythm'
    >>> plain_statement(Statement(code="see Dr Jane")) is None
    True
    """
    if statement.scheme == "text":
        return statement if _is_known_phrase(statement.code) else None
    name = statement.name
    if not _is_known_phrase(name):
        name = name.partition(":")[0]
    name = name if _is_known_phrase(name) else ""
    if re.fullmatch(_CODES.get(statement.scheme, r"(?!)"), statement.code):
        return Statement(
            code=statement.code, scheme=statement.scheme, name=name, likelihood=statement.likelihood
        )
    return Statement(code=name) if name else None


def is_rhythm_mark(text: str) -> bool:
    """Tell whether the text of an annotation names a rhythm, such as ``(AFIB``.

    Examples
    --------
    >>> is_rhythm_mark("(AFIB"), is_rhythm_mark("(JANE")
    (True, False)
    """
    return text.startswith("(") and text[1:] in _RHYTHMS


def _is_known_word(word: str) -> bool:
    said = word.lower()
    return (
        said in _WORDS
        or bool(_PRESSURE.fullmatch(said) or _SITE.fullmatch(said))
        or bool(re.fullmatch(r"\d{1,2}|[xyz]\d", said))
        or re.sub(r"\d$", "", said) in _WORDS
        or (len(said) <= 4 and canonical_lead(word) is not None)
    )


def _is_known_phrase(text: str) -> bool:
    return text.strip().lower() in _known_phrases()


@functools.lru_cache(maxsize=1)
def _known_phrases() -> frozenset[str]:
    known = list_statements()
    return frozenset(t.lower() for s in known for t in (s.code, s.name, s.snomed_ct) if t)
