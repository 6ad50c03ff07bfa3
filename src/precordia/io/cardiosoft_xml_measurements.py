# SPDX-License-Identifier: Apache-2.0
"""What a GE CardioSoft XML file says about its ECG: measurements, wave boundaries, statements."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element

from precordia.core.statements import Statement
from precordia.io.xml_text import number_at, text_at

_NAMES = {
    "VentricularRate": "heart_rate_bpm", "AtrialRate": "atrial_rate_bpm", "PQInterval": "pr_ms",
    "PRInterval": "pr_ms", "PDuration": "p_ms", "QRSDuration": "qrs_ms", "QTInterval": "qt_ms",
    "QTCInterval": "qtc_ms", "RRInterval": "rr_ms", "PPInterval": "pp_ms", "PAxis": "p_axis_deg",
    "RAxis": "qrs_axis_deg", "TAxis": "t_axis_deg",
}  # fmt: skip
_MARKS = {
    "POnset": "p_onset", "POffset": "p_offset", "QOnset": "qrs_onset", "QOffset": "qrs_offset",
    "TOffset": "t_offset",
}  # fmt: skip
_UNITS = {
    "ms": {"ms": 1.0, "msec": 1.0, "s": 1e3, "sec": 1e3, "": 1.0},
    "bpm": {"bpm": 1.0, "1/min": 1.0, "/min": 1.0, "": 1.0},
    "deg": {"degrees": 1.0, "degree": 1.0, "deg": 1.0, "°": 1.0, "": 1.0},
}


def read_measurements(root: Element) -> dict[str, float]:
    """Return the measurements of the device under our names.

    Notes
    -----
    An interval or a rate of zero or below means that it was not measured; an axis of 0 is an axis.
    A QTc is one of an unknown formula. A measurement in a unit that is not known is left out.
    """
    found: dict[str, float] = {}
    block = root.find("RestingECGMeasurements")
    for element in () if block is None else block:
        name = _NAMES.get(element.tag)
        if name is None:
            continue
        factor = _UNITS[name.rpartition("_")[2]].get(element.get("units", "").strip().lower())
        value = math.nan if factor is None else number_at(element) * factor
        if -360 <= value <= 360 if name.endswith("_deg") else 0 < value < 1e5:
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
    block = root.find("RestingECGMeasurements")
    if block is None:
        return {}
    elements = {tag: found for tag in _MARKS if (found := block.find(tag)) is not None}
    units = {element.get("units", "").strip().lower() for element in elements.values()}
    if units == {"ms"}:
        scale: float | None = fs / 1000
    elif units == {"samples"}:
        scale = 1.0
    else:
        scale = _scale_of(block, read_measurements(root).get("qrs_ms", math.nan), fs)
    if scale is None:
        return {}
    at = {_MARKS[tag]: number_at(element) * scale for tag, element in elements.items()}
    return {name: sample for name, sample in at.items() if 0 < sample < n_samples}


def _scale_of(block: Element, qrs_ms: float, fs: float) -> float | None:
    """Return samples per unit of the boundaries, from how long the QRS complex is."""
    held = number_at(block, "QOffset") - number_at(block, "QOnset")
    for scale in (fs / 1000, 1.0):
        # A boundary lies on a sample.
        if abs(held * scale - qrs_ms * fs / 1000) <= 1:
            return scale
    return None


def read_statements(root: Element) -> tuple[Statement, ...]:
    """Return the lines of the diagnosis and of the conclusion, each once."""
    paths = ("Interpretation/Diagnosis/DiagnosisText", "Interpretation/Conclusion/ConclusionText")
    lines = [text_at(element) for path in paths for element in root.iterfind(path)]
    return tuple(Statement(code=line) for line in dict.fromkeys(lines) if line)
