# SPDX-License-Identifier: Apache-2.0
"""Annotations of a DICOM waveform: what a record carries as items of the annotation sequence."""

from __future__ import annotations

import math
from typing import Any

from precordia.core.fiducials import CONFIDENCES, POSITIONS, Fiducials
from precordia.core.measurements import MedianBeat
from precordia.core.record import Record
from precordia.core.statements import Statement
from precordia.io.dicom_elements import Elements, code_item, decimal_text, plain_text
from precordia.io.dicom_write_groups import OWN_SCHEME

#: points beyond this number are left out: every point is an item of its own
_MOST_POINTS = 50_000
_FINDING = code_item("121071", "DCM", "Finding")
_UNITS = {
    "ms": code_item("ms", "UCUM", "millisecond"),
    "deg": code_item("deg", "UCUM", "degree"),
    "bpm": code_item("/min", "UCUM", "per minute"),
}
# PS3.16, context groups 3227 to 3229 (ISO/IEEE 11073-10102) and LOINC; the standard gives one code
# to two formulas of QTc each, so that only Bazett's is written with it.
_MEASUREMENTS = {
    "heart_rate_bpm": ("8867-4", "LN", "Heart rate"),
    "atrial_rate_bpm": ("ATRIAL-RATE", OWN_SCHEME, "Atrial rate"),
    "rr_ms": ("2:16168", "MDC", "RR interval global"),
    "pp_ms": ("2:16140", "MDC", "PP interval global"),
    "p_ms": ("2:16184", "MDC", "P duration global"),
    "pr_ms": ("2:15872", "MDC", "PR interval global"),
    "qrs_ms": ("2:16156", "MDC", "QRS duration global"),
    "qt_ms": ("2:16160", "MDC", "QT interval global"),
    "qtc_ms": ("2:15876", "MDC", "QTc interval global"),
    "qtc_bazett_ms": ("2:15880", "MDC", "QTc global using Bazett formula"),
    "qtc_fridericia_ms": ("QTC-FRIDERICIA", OWN_SCHEME, "QTc global using Fridericia formula"),
    "qtc_framingham_ms": ("QTC-FRAMINGHAM", OWN_SCHEME, "QTc global using Framingham formula"),
    "qtc_hodges_ms": ("QTC-HODGES", OWN_SCHEME, "QTc global using Hodges formula"),
    "p_axis_deg": ("2:16128", "MDC", "P axis"),
    "qrs_axis_deg": ("2:16132", "MDC", "QRS axis"),
    "t_axis_deg": ("2:16136", "MDC", "T axis"),
}
_POINTS = {
    "p_onset": ("5.10.3-1", "SCPECG", "P onset"),
    "p_peak": ("P-PEAK", OWN_SCHEME, "P peak"),
    "p_offset": ("5.10.3-2", "SCPECG", "P offset"),
    "qrs_onset": ("5.10.3-3", "SCPECG", "QRS onset"),
    "r_peak": ("5.7.1-3", "SCPECG", "Fiducial point"),
    "qrs_offset": ("5.10.3-4", "SCPECG", "QRS offset"),
    "t_onset": ("T-ONSET", OWN_SCHEME, "T onset"),
    "t_peak": ("T-PEAK", OWN_SCHEME, "T peak"),
    "t_offset": ("5.10.3-5", "SCPECG", "T offset"),
}
_SCHEMES = {"scp-ecg": "SCPECG", "snomed-ct": "SCT", "snomed-rt": "SRT", "mdc": "MDC"}


def annotation_items(
    record: Record, *, median_number: int | None, lost: list[str]
) -> list[Elements]:
    """Return what a record carries as items of the annotation sequence.

    Parameters
    ----------
    record
        The record; its signal is multiplex group 1.
    median_number
        Number of the multiplex group that holds its median beat; None where none does.
    lost
        Receives the names of what the sequence has no place for.

    Returns
    -------
    One item for each measurement, statement and point.
    """
    carried = record.carried
    items = _measurement_items(carried.measurements, lost)
    items += _statement_items(carried.statements, lost)
    if carried.annotations is not None and len(carried.annotations):
        lost.append("annotations")
    number = 1
    if carried.fiducials is not None:
        points, number = _fiducial_items(carried.fiducials, record, lost)
        items += points
    if carried.median is not None and median_number is not None:
        items += _median_items(carried.median, median_number, number)
    return items


def _measurement_items(measurements: dict[str, float], lost: list[str]) -> list[Elements]:
    items, unplaced = [], []
    for name, value in measurements.items():
        known = _MEASUREMENTS.get(name)
        if known is None and name == "rr_mean_ms" and "rr_ms" not in measurements:
            known = _MEASUREMENTS["rr_ms"]
        if known is None or not _is_held(name, value):
            unplaced.append(name)
            continue
        items.append({
            **_all_channels(1),
            0x0040A043: ("SQ", [code_item(*known)]),
            0x004008EA: ("SQ", [_UNITS[name.rpartition("_")[2]]]),
            0x0040A30A: ("DS", decimal_text(value)),
        })  # fmt: skip
    if unplaced:
        lost.append("measurements (" + ", ".join(unplaced[:6]) + ("...)" if unplaced[6:] else ")"))
    return items


def _is_held(name: str, value: float) -> bool:
    """Tell whether a value is one that a reader does not take for a missing one."""
    if not math.isfinite(value):
        return False
    return -360 <= value <= 360 if name.endswith("_deg") else value > 0


def _statement_items(statements: tuple[Statement, ...], lost: list[str]) -> list[Elements]:
    items = []
    cut = graded = False
    for statement in statements:
        graded |= statement.likelihood == statement.likelihood
        code = plain_text(statement.code, 1024)
        if not code:
            continue
        if statement.scheme == "text" or len(code) > 16:
            text = code if statement.scheme == "text" else plain_text(str(statement), 1024)
            cut |= len(statement.code) > 1024
            items.append({**_all_channels(1), 0x00700006: ("ST", text)})
            continue
        scheme = _SCHEMES.get(statement.scheme) or "99" + statement.scheme.upper()[:14]
        items.append({
            **_all_channels(1),
            0x0040A043: ("SQ", [_FINDING]),
            0x0040A168: ("SQ", [code_item(code, scheme, statement.name or code)]),
        })  # fmt: skip
    if graded:
        lost.append("likelihoods of statements")
    if cut:
        lost.append("the end of long statements")
    return items


def _fiducial_items(
    fiducials: Fiducials, record: Record, lost: list[str]
) -> tuple[list[Elements], int]:
    """Return the points of all beats and the first number that no beat has taken."""
    if fiducials.leads:
        lost.append("fiducials of single leads")
    if fiducials.fs != record.fs:
        lost.append("fiducials (another sampling rate)")
        return [], 1
    if any(_any_number(getattr(fiducials, name)) for name in CONFIDENCES):
        lost.append("confidences of fiducials")
    others = [n for n in POSITIONS if n not in _POINTS and _any_number(getattr(fiducials, n))]
    if others:
        lost.append("fiducials " + ", ".join(others))
    columns = {name: getattr(fiducials, name).tolist() for name in _POINTS}
    n_points = sum(at == at for column in columns.values() for at in column)
    if n_points > _MOST_POINTS or fiducials.n_cycles > 65_000:
        lost.append(f"fiducials ({n_points:,} points)")
        return [], 1
    items = []
    for beat in range(fiducials.n_cycles):
        for name, column in columns.items():
            at = column[beat]
            if 0 <= at < record.n_samples:
                items.append(_point(name, at, record.fs, group=1, number=beat + 1))
    return items, fiducials.n_cycles + 1


def _any_number(values: Any) -> bool:
    return bool((values == values).any())


def _median_items(median: MedianBeat, group: int, number: int) -> list[Elements]:
    length = median.signal.shape[1]
    return [
        _point(name, at, median.fs, group=group, number=number)
        for name in _POINTS
        if 0 <= (at := getattr(median, name, math.nan)) < length
    ]


def _point(name: str, at: float, fs: float, *, group: int, number: int) -> Elements:
    """Return a point: at its sample from 1, or in seconds where it lies between samples."""
    if at == int(at):
        place = {0x0040A132: ("UL", int(at) + 1)}
    else:
        place = {0x0040A138: ("DS", decimal_text(at / fs))}
    return {
        **_all_channels(group),
        **place,
        0x0040A130: ("CS", "POINT"),
        0x0040A043: ("SQ", [code_item(*_POINTS[name])]),
        0x0040A180: ("US", number),
    }


def _all_channels(group: int) -> dict[int, tuple[str, Any]]:
    return {0x0040A0B0: ("US", (group, 0))}
