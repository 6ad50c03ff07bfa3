# SPDX-License-Identifier: Apache-2.0
"""What a GE MUSE XML file says about its ECG: measurements, wave boundaries, statements."""

from __future__ import annotations

import math
import re
from xml.etree.ElementTree import Element

from precordia.core.statements import Statement
from precordia.io.xml_text import number_at, text_at

_NAMES = {
    "VentricularRate": "heart_rate_bpm", "AtrialRate": "atrial_rate_bpm", "PRInterval": "pr_ms",
    "QRSDuration": "qrs_ms", "QTInterval": "qt_ms", "QTCorrected": "qtc_bazett_ms",
    "QTcFrederica": "qtc_fridericia_ms", "QTcFridericia": "qtc_fridericia_ms",
    "QTcFramingham": "qtc_framingham_ms", "QTcHodges": "qtc_hodges_ms", "PAxis": "p_axis_deg",
    "RAxis": "qrs_axis_deg", "TAxis": "t_axis_deg",
}  # fmt: skip
_MARKS = {
    "POnset": "p_onset", "POffset": "p_offset", "QOnset": "qrs_onset", "QOffset": "qrs_offset",
    "TOnset": "t_onset", "TOffset": "t_offset",
}  # fmt: skip
#: the confirmed block first
_MEASURED = ("RestingECGMeasurements", "OriginalRestingECGMeasurements")
_DIAGNOSED = ("Diagnosis", "OriginalDiagnosis")
#: lines of a report that name the staff
_SIGNATURE = re.compile(
    r"(electronically )?(confirmed|overread|over-read|read|reviewed|referred|signed|edited) by\b",
    re.IGNORECASE,
)


def read_measurements(root: Element) -> dict[str, float]:
    """Return the measurements of the device under our names.

    Notes
    -----
    An interval or a rate of zero or below means that it was not measured; an axis of 0 is an axis.
    The original measurements are taken only where there are no confirmed ones at all: one that an
    editor removed stays removed.
    """
    block = _first_filled(root, _MEASURED)
    found: dict[str, float] = {}
    for element in () if block is None else block:
        name, value = _NAMES.get(element.tag), number_at(element)
        if name is None or math.isnan(value):
            continue
        if -360 <= value <= 360 if name.endswith("_deg") else 0 < value < 1e5:
            found[name] = value
    for name, path in (
        ("rr_ms", "QRSTimesTypes/GlobalRR"),
        ("pp_ms", "PharmaData/PharmaPPinterval"),
    ):
        value = number_at(root, path)
        if 0 < value < 1e5:
            found[name] = value
    return found


def read_marks(root: Element, *, fs: float, n_samples: int) -> dict[str, float]:
    """Return the wave boundaries within the median beat.

    Parameters
    ----------
    root
        The file.
    fs, n_samples
        Sampling rate and length of the median beat.

    Returns
    -------
    Sample index by the name of the boundary; what is absent or lies outside is left out.
    """
    block = _first_filled(root, _MEASURED)
    if block is None:
        return {}
    base, exponent = number_at(block, "ECGSampleBase"), number_at(block, "ECGSampleExponent")
    counted = base * 10 ** (exponent if -12 <= exponent <= 12 else 0)
    scale = fs / counted if counted > 0 else 1.0
    found = {}
    for tag, name in _MARKS.items():
        at = number_at(block, tag) * scale
        if 0 < at < n_samples:
            found[name] = at
    return found


def read_statements(root: Element) -> tuple[tuple[Statement, ...], str]:
    """Return the lines of the diagnosis, and those that name who confirmed it.

    Notes
    -----
    A line may come in several pieces; the flag ``ENDSLINE`` marks the last of them.
    """
    block = _first_filled(root, _DIAGNOSED)
    lines: list[str] = []
    pieces: list[str] = []
    for element in () if block is None else block.iterfind("DiagnosisStatement"):
        text = text_at(element, "StmtText")
        if text:
            pieces.append(text)
        if any(text_at(flag).upper() == "ENDSLINE" for flag in element.iterfind("StmtFlag")):
            lines.append(" ".join(pieces))
            pieces = []
    lines.append(" ".join(pieces))
    told = [line for line in lines if line]
    signed = [line for line in told if _SIGNATURE.match(line)]
    statements = tuple(Statement(code=line) for line in told if line not in signed)
    return statements, "; ".join(signed)


def _first_filled(root: Element, tags: tuple[str, ...]) -> Element | None:
    for tag in tags:
        block = root.find(tag)
        if block is not None and any(text_at(element) for element in block.iter()):
            return block
    return None
