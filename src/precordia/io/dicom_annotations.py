# SPDX-License-Identifier: Apache-2.0
"""What a DICOM waveform file says about itself: measurements, statements, fiducials, median."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import numpy as np

from precordia.core.fiducials import Fiducials, empty_waves
from precordia.core.measurements import MedianBeat
from precordia.core.record import Carried
from precordia.core.source import Source
from precordia.core.statements import Statement
from precordia.io.dicom_dataset import Dataset

_ANNOTATIONS, _TEXT, _GROUP = 0x0040B020, 0x00700006, 0x0040A180
_CONCEPT, _CONCEPT_VALUE, _UNITS = 0x0040A043, 0x0040A168, 0x004008EA
_NUMBER, _CHANNELS = 0x0040A30A, 0x0040A0B0
_POSITIONS, _TIMES = 0x0040A132, 0x0040A138
_CODE, _SCHEME, _MEANING = 0x00080100, 0x00080102, 0x00080104

#: tags that annotations need, for the parser
ANNOTATION_TAGS = frozenset((
    _ANNOTATIONS, _TEXT, _GROUP, _CONCEPT, _CONCEPT_VALUE, _UNITS, _NUMBER, _CHANNELS, _POSITIONS,
    _TIMES, _CODE, _SCHEME, _MEANING,
))  # fmt: skip

# Codes of scheme SCPECG, PS3.16 context groups 3227 to 3229, and of LOINC; all others are
# recognised by the words of their meaning.
_MEASUREMENTS_BY_CODE = {
    "5.10.2.1-3": "rr_ms", "5.10.2.1-5": "pp_ms", "5.13.5-7": "pr_ms", "5.13.5-9": "qrs_ms",
    "5.13.5-11": "qt_ms", "5.10.2.5-5": "qtc_ms", "5.10.3-11": "p_axis_deg",
    "5.10.3-13": "qrs_axis_deg", "5.10.3-15": "t_axis_deg", "8867-4": "heart_rate_bpm",
    "8625-6": "pr_ms", "8633-0": "qrs_ms", "8634-8": "qt_ms", "8636-3": "qtc_ms",
    "8626-4": "p_axis_deg", "8632-2": "qrs_axis_deg", "8638-9": "t_axis_deg",
}  # fmt: skip
_MEASUREMENTS_BY_WORDS = (
    (r"qt\s*c.*baz|qtcb", "qtc_bazett_ms"),
    (r"qt\s*c.*fri|qtcf", "qtc_fridericia_ms"),
    (r"qt\s*c.*framing?", "qtc_framingham_ms"),
    (r"qt\s*c.*hod", "qtc_hodges_ms"),
    (r"qt\s*c|corrected qt", "qtc_ms"),
    (r"\bp[\s_-]?(wave )?(frontal )?axis|angle_p", "p_axis_deg"),
    (r"\bqrs[\s_-]?(frontal )?axis|angle_qrs", "qrs_axis_deg"),
    (r"\bt[\s_-]?(wave )?(frontal )?axis|angle_t", "t_axis_deg"),
    (r"atrial (heart )?rate", "atrial_rate_bpm"),
    (r"(heart|ventricular) ?rate|heart_rate|\bhr\b", "heart_rate_bpm"),
    (r"\b(pr|pq) ?(interval|duration)|pd_p[rq]", "pr_ms"),
    (r"\bqrs ?(interval|duration|width)|pd_qrs", "qrs_ms"),
    (r"\bqt ?(interval|duration)|pd_qt", "qt_ms"),
    (r"\brr ?(interval|duration)|pd_rr", "rr_ms"),
    (r"\bpp ?(interval|duration)|pd_pp", "pp_ms"),
    (r"\bp[\s_-]?(wave )?duration|pd_p\b", "p_ms"),
)
_FIDUCIALS_BY_CODE = {
    "5.10.3-1": "p_onset", "5.10.3-2": "p_offset", "5.10.3-3": "qrs_onset",
    "5.10.3-4": "qrs_offset", "5.10.3-5": "t_offset", "5.7.1-3": "r_peak",
}  # fmt: skip
_FIDUCIALS_BY_WORDS = (
    (r"\bp[\s_-]?(wave )?(onset|begin|start)", "p_onset"),
    (r"\bp[\s_-]?(wave )?(offset|end)", "p_offset"),
    (r"\bp[\s_-]?(wave )?peak", "p_peak"),
    (r"\bqrs[\s_-]?(onset|begin|start)", "qrs_onset"),
    (r"\bqrs[\s_-]?(offset|end)", "qrs_offset"),
    (r"\br[\s_-]?(wave )?peak|fiducial point", "r_peak"),
    (r"\bt[\s_-]?(wave )?(onset|begin|start)", "t_onset"),
    (r"\bt[\s_-]?(wave )?(offset|end)", "t_offset"),
    (r"\bt[\s_-]?(wave )?peak", "t_peak"),
)
#: SCP-ECG writes 29999 for a measurement that was not made
_NOT_MEASURED = 29999


@dataclass(slots=True)
class MedianGroup:
    """The multiplex group that holds a representative beat, and what DICOM says of it."""

    signal: np.ndarray
    fs: float
    leads: tuple[str, ...]
    trigger: int | None
    number: int


@dataclass(slots=True)
class _Points:
    """Fiducial points of one annotation group: name to 0-based position."""

    reference: int
    names: dict[str, float] = field(default_factory=dict)


def read_annotations(
    dataset: Dataset,
    *,
    fs: float,
    n_samples: int,
    first_sample: int,
    rhythm_number: int,
    median: MedianGroup | None,
    header: dict[str, str],
) -> Carried:
    """Sort the annotations of a waveform file under our names.

    Parameters
    ----------
    dataset
        The parsed file.
    fs, n_samples
        Sampling rate and length of the rhythm recording.
    first_sample
        Where its multiplex group begins in the record, samples.
    rhythm_number, median
        Number of the rhythm's multiplex group from 1, and the median beat, if there is one.
    header
        Other attributes to carry.

    Returns
    -------
    Measurements, statements, fiducials of the beats, and the median beat with its own fiducials.

    Notes
    -----
    An interval or a rate of 0 means that it was not measured, as does 29999; an axis of 0 is an
    axis. Points that belong to the median beat are told from those of the beats by the multiplex
    group they refer to; some devices refer all of them to the rhythm, and then the group of points
    whose fiducial point is the median's trigger position is the median's.
    """
    measurements: dict[str, float] = {}
    statements: list[Statement] = []
    groups: dict[tuple[int, int], _Points] = {}
    for k, item in enumerate(dataset.items(_ANNOTATIONS)):
        concept = item.items(_CONCEPT)[0] if item.items(_CONCEPT) else None
        text = item.text(_TEXT)
        if concept is None:
            if text:
                statements.append(Statement(code=text))
            continue
        code, meaning = concept.text(_CODE), concept.text(_MEANING)
        if _NUMBER in item:
            name = _named(code, meaning, _MEASUREMENTS_BY_CODE, _MEASUREMENTS_BY_WORDS)
            value = _measurement(item, name)
            if name and value is not None:
                measurements.setdefault(name, value)
            continue
        position = _position(item, fs)
        if position is not None:
            name = _named(code, meaning, _FIDUCIALS_BY_CODE, _FIDUCIALS_BY_WORDS)
            if name:
                reference = (item.integers(_CHANNELS, 2) or (rhythm_number,))[0]
                number = item.integer(_GROUP, 2)
                key = (reference, number if number is not None else -1 - k)
                groups.setdefault(key, _Points(reference)).names.setdefault(name, position)
            continue
        value = item.items(_CONCEPT_VALUE)[0] if item.items(_CONCEPT_VALUE) else None
        if value is not None:
            statements.append(_coded_statement(value))
        elif text:
            statements.append(Statement(code=text))
    of_median = _points_of_median(groups, median)
    beats = [
        points
        for points in groups.values()
        if points is not of_median and points.reference == rhythm_number
    ]
    return Carried(
        measurements=measurements,
        statements=tuple(statements),
        fiducials=_fiducials(beats, fs, n_samples, first_sample),
        median=_median_beat(median, of_median),
        header=header,
    )


def _named(
    code: str, meaning: str, by_code: dict[str, str], by_words: tuple[tuple[str, str], ...]
) -> str | None:
    known = by_code.get(code)
    if known is not None:
        return known
    words = meaning.lower()
    for pattern, name in by_words:
        if re.search(pattern, words):
            return name
    return None


def _measurement(item: Dataset, name: str | None) -> float | None:
    """Return a numeric annotation in our unit; None where it was not measured."""
    value = item.number(_NUMBER)
    if name is None or not math.isfinite(value) or value == _NOT_MEASURED:
        return None
    unit = ""
    for code in item.items(_UNITS)[:1]:
        unit = code.text(_CODE).lower()
    if name.endswith("_deg"):
        return value if -360 <= value <= 360 else None
    if value <= 0:
        return None
    if name.endswith("_ms"):
        factor = {"s": 1e3, "us": 1e-3, "ms": 1.0, "": 1.0}.get(unit)
        return value * factor if factor else None
    return value


def _position(item: Dataset, fs: float) -> float | None:
    """Return where an annotation points, in samples from 0."""
    samples = item.integers(_POSITIONS, 4)
    if samples:
        return float(samples[0]) - 1.0
    seconds = item.number(_TIMES)
    return seconds * fs if math.isfinite(seconds) else None


def _coded_statement(value: Dataset) -> Statement:
    scheme = value.text(_SCHEME)
    known = {"SCPECG": "scp-ecg", "SCT": "snomed-ct", "SRT": "snomed-rt", "MDC": "mdc"}
    code, meaning = value.text(_CODE), value.text(_MEANING)
    if not code:
        return Statement(code=meaning)
    own = known.get(scheme, scheme.lower().removeprefix("99") or "text")
    return Statement(code=code, scheme=own, name=meaning)


def _points_of_median(
    groups: dict[tuple[int, int], _Points], median: MedianGroup | None
) -> _Points | None:
    if median is None:
        return None
    for points in groups.values():
        if points.reference == median.number:
            return points
    if median.trigger is None or len(groups) < 2:
        return None
    length = median.signal.shape[1]
    for points in groups.values():
        at_trigger = points.names.get("r_peak") == median.trigger - 1
        if at_trigger and all(0 <= at < length for at in points.names.values()):
            return points
    return None


def _fiducials(
    beats: list[_Points], fs: float, n_samples: int, first_sample: int
) -> Fiducials | None:
    rows = []
    for points in beats:
        inside = {
            name: at + first_sample
            for name, at in points.names.items()
            if 0 <= at + first_sample < n_samples
        }
        if inside:
            rows.append((min(inside.values()), inside))
    if not rows:
        return None
    rows.sort(key=lambda row: row[0])
    waves = empty_waves(len(rows))
    columns = {name: getattr(waves, name) for name in waves.__dataclass_fields__}
    for k, (_, inside) in enumerate(rows):
        for name, at in inside.items():
            columns[name][k] = at
    return Fiducials(
        fs=fs, n_samples=n_samples, source=Source(method="carried by the file"), **columns
    )


def _median_beat(median: MedianGroup | None, points: _Points | None) -> MedianBeat | None:
    if median is None:
        return None
    places = {} if points is None else points.names
    if "r_peak" not in places and median.trigger:
        places = {**places, "r_peak": median.trigger - 1.0}
    kept = {n: at for n, at in places.items() if n != "p_peak"}
    return MedianBeat(signal=median.signal, fs=median.fs, leads=median.leads, **kept)
