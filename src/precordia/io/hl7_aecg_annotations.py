# SPDX-License-Identifier: Apache-2.0
"""Annotations of an HL7 aECG: measurements, statements, and marks of beats and waves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from xml.etree.ElementTree import Element

from precordia.core.statements import Statement
from precordia.io.hl7_aecg_codes import BEATS, MEASUREMENTS, PEAKS, SCHEMES, UNITS, WAVES
from precordia.io.hl7_aecg_sequences import SECONDS, lead_of
from precordia.io.hl7_time import parse_moment, seconds_between

#: SCP-ECG writes 29999 for a measurement that was not made, and devices carry it along
_NOT_MEASURED = 29999
_PEAK = "MDC_ECG_WAVC_PEAK"
_WAVE_CODES = ("MDC_ECG_WAVC", "MDC_ECG_WAVC_TYPE")
#: annotations nest this deep at most; deeper ones are no annotations of an ECG
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Mark:
    """One position in the signal.

    Attributes
    ----------
    position
        Name of the position, as in ``Waves``.
    at
        Sample index, with fractions.
    lead
        Lead in which it was seen; None for all leads together.
    beat
        Number of the beat that the file puts it in; None where it stands alone.
    """

    position: str
    at: float
    lead: str | None
    beat: int | None


@dataclass(slots=True)
class Said:
    """What annotations say.

    Attributes
    ----------
    measurements
        Numbers under our names.
    statements, comments
        Interpretation, and remarks about it.
    marks
        Positions of waves.
    beats
        Per beat: code of its kind, and where the file itself puts it (NaN where it does not).
    annotators
        Persons who annotated.
    left_out
        Measurements whose unit was not understood.
    """

    measurements: dict[str, float] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    beats: list[tuple[str, float]] = field(default_factory=list)
    annotators: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Clock:
    """How moments of annotations become samples of a signal."""

    fs: float
    first_sample: datetime | None
    head_s: float

    def sample(self, value: Element | None) -> float:
        """Return the sample index of a boundary; NaN where it tells none."""
        if value is None:
            return math.nan
        text = value.get("value", "")
        moment = parse_moment(text)
        if moment is not None and not value.get("unit"):
            if self.first_sample is None:
                return math.nan
            seconds = seconds_between(self.first_sample, moment)
            return math.nan if seconds is None else round(seconds * self.fs, 6)
        seconds = _number(text) * SECONDS.get(value.get("unit", ""), math.nan) - self.head_s
        return round(seconds * self.fs, 6) if math.isfinite(seconds) else math.nan


def read_annotations(series: Element, clock: Clock) -> Said:
    """Read the annotation sets of a series.

    Parameters
    ----------
    series
        A ``series`` or ``derivedSeries`` element; those derived from it are not looked into.
    clock
        Of its signal.

    Notes
    -----
    An interval, a rate or an amplitude of 0 was not measured, nor was 29999; an axis of 0 is an
    axis. Where beats have measurements of their own, a number that is the same for all of them is
    the recording's, and others are left out. Tables of measurements by lead, as some devices add
    them, are not read.
    """
    said = Said()
    by_beat: dict[str, dict[int, float]] = {}
    for annotation_set in series.findall("subjectOf/annotationSet"):
        name = annotation_set.findtext(
            "author/assignedEntity/assignedAuthorType/assignedPerson/name"
        )
        if name and name.strip():
            said.annotators.append(name.strip())
        for annotation in annotation_set.findall("component/annotation"):
            _read(annotation, clock, said, by_beat, beat=None, wave="", depth=0)
    for name, numbers in by_beat.items():
        if len(set(numbers.values())) == 1:
            said.measurements.setdefault(name, next(iter(numbers.values())))
    return said


def _read(
    annotation: Element,
    clock: Clock,
    said: Said,
    by_beat: dict[str, dict[int, float]],
    *,
    beat: int | None,
    wave: str,
    depth: int,
) -> None:
    head, value = annotation.find("code"), annotation.find("value")
    code = "" if head is None else head.get("code", "")
    kind = "" if value is None else value.get("code", "")
    leads, low, high, single = _region(annotation, clock)
    if code == "MDC_ECG_BEAT" and beat is None:
        beat = len(said.beats)
        said.beats.append((kind, single if single == single else low))
    elif code in _WAVE_CODES or code in WAVES or code in PEAKS:
        named = kind or code
        if named == _PEAK or named in _WAVE_CODES:
            named = wave
        _mark(said, named, leads, low, high, single, beat)
        wave = named
    elif value is not None:
        if leads and code.startswith(("MDC_ECG_TIME", "MDC_ECG_ANGLE")):
            return  # of one lead only
        if not _measurement(code, value, said, by_beat, beat) and not leads:
            _statement(code, kind, value, said)
    if leads and not code.startswith(("MDC_ECG_WAVC", "MDC_ECG_BEAT")):
        return  # a table of one lead
    if depth < _DEEPEST:
        for child in _along(annotation, "component", "annotation"):
            _read(child, clock, said, by_beat, beat=beat, wave=wave, depth=depth + 1)


def _along(element: Element, *path: str) -> list[Element]:
    """Return what stands at the end of a path; ElementTree's own search takes much longer."""
    found = [element]
    for tag in path:
        found = [child for parent in found for child in parent if child.tag == tag]
    return found


def _region(annotation: Element, clock: Clock) -> tuple[list[str], float, float, float]:
    """Return leads, beginning, end and single position of what an annotation is about."""
    leads: list[str] = []
    low = high = single = math.nan
    for boundary in _along(annotation, "support", "supportingROI", "component", "boundary"):
        head, value = boundary.find("code"), boundary.find("value")
        code = "" if head is None else head.get("code", "")
        if not code.startswith("TIME_"):
            if code:
                leads.append(lead_of(code))
            continue
        if value is None:
            continue
        if value.get("value") is not None:
            single = clock.sample(value)
        else:
            low, high = clock.sample(value.find("low")), clock.sample(value.find("high"))
            if low != low and high != high:
                single = clock.sample(value.find("center"))
    return leads, low, high, single


def _mark(
    said: Said, wave: str, leads: list[str], low: float, high: float, single: float,
    beat: int | None,
) -> None:  # fmt: skip
    found: list[tuple[str, float]] = []
    if wave in WAVES:
        onset, offset = WAVES[wave]
        found += [(onset, low), (offset, high)]
    if wave in PEAKS:
        found.append((PEAKS[wave], single))
    for position, at in found:
        if at == at:
            said.marks.extend(Mark(position, at, lead, beat) for lead in leads or [None])


def _measurement(
    code: str, value: Element, said: Said, by_beat: dict[str, dict[int, float]], beat: int | None
) -> bool:
    """Take a number; tell whether the annotation was one."""
    text = value.get("value")
    if text is None:
        return value.get("type", "") in ("PQ", "INT", "REAL")
    name = MEASUREMENTS.get(code.upper().removesuffix("_GL"))
    if name is None:
        return True
    number = _number(text)
    unit = value.get("unit", "").strip()
    if not math.isfinite(number) or number == _NOT_MEASURED:
        return True
    ending = name[name.rindex("_") :]
    factor = UNITS[ending].get(unit.lower())
    if factor is None:
        said.left_out.append(f"{name} (unit '{unit[:12]}')")
        return True
    number = round(number * factor, 9)
    if ending == "_deg":
        if not -360 <= number <= 360:
            return True
    elif number <= 0:
        return True
    if beat is None:
        said.measurements.setdefault(name, number)
    else:
        by_beat.setdefault(name, {})[beat] = number
    return True


def _statement(code: str, kind: str, value: Element, said: Said) -> None:
    if kind:
        scheme = SCHEMES.get(value.get("codeSystem", ""))
        scheme = scheme or value.get("codeSystemName", "").lower() or "text"
        shown = value.get("displayName", "")
        if scheme == "text":
            said.statements.append(Statement(code=shown or kind))
        else:
            said.statements.append(Statement(code=kind, scheme=scheme, name=shown))
        return
    text = " ".join("".join(value.itertext()).split())
    if text:
        if code.endswith("COMMENT"):
            said.comments.append(text)
        else:
            said.statements.append(Statement(code=text))


def _number(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return math.nan


def kind_of_beat(code: str) -> str | None:
    """Return the annotation symbol of a kind of beat; None where the file states no kind.

    Examples
    --------
    >>> kind_of_beat("MDC_ECG_BEAT_V_P_C"), kind_of_beat("")
    ('V', None)
    """
    if not code:
        return None
    return BEATS.get(code.upper().removeprefix("MDC_ECG_BEAT_"), "Q")
