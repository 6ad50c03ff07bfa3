# SPDX-License-Identifier: Apache-2.0
"""What a Philips XML file says about its ECG: measurements and statements."""

from __future__ import annotations

import html
import math
from xml.etree.ElementTree import Element

from precordia.core.statements import Statement
from precordia.io.xml_text import number_at, text_at

_NAMES = {
    "heartrate": "heart_rate_bpm", "atrialrate": "atrial_rate_bpm", "rrint": "rr_ms",
    "pdur": "p_ms", "print": "pr_ms", "meanprint": "pr_ms", "qrsdur": "qrs_ms",
    "meanqrsdur": "qrs_ms", "qtint": "qt_ms", "meanqtint": "qt_ms", "meanqtc": "qtc_ms",
    "qtcb": "qtc_bazett_ms", "qtcf": "qtc_fridericia_ms", "pfrontaxis": "p_axis_deg",
    "qrsfrontaxis": "qrs_axis_deg", "tfrontaxis": "t_axis_deg", "meanventrate": "heart_rate_bpm",
}  # fmt: skip
_FORMULAS = {"framingham": "qtc_framingham_ms", "hodges": "qtc_hodges_ms"}
#: interpretations of versions 1.04 and 1.03, then what the analysis program alone found
_BLOCKS = ("globalmeasurements", "interpretationmeasurements")
_PROGRAM = ("internalmeasurements/crossleadmeasurements", "measurements/globalmeasurements")


def read_measurements(root: Element) -> dict[str, float]:
    """Return the measurements of all leads together under our names.

    Notes
    -----
    Words such as ``Failed`` and ``Indeterminate`` mean that there is no number, and so does 0 for a
    duration or a rate; an axis of 0 is an axis.
    """
    block = _last_interpretation(root)
    held = [block.find(path) for path in _BLOCKS] if block is not None else []
    blocks = [one for one in held if one is not None] or [
        one for path in _PROGRAM if (one := root.find(path)) is not None
    ]
    found: dict[str, float] = {}
    for element in (one for block in blocks for one in block):
        name, value = _NAMES.get(element.tag), number_at(element)
        if element.tag == "qtco":
            name = _FORMULAS.get(element.get("methodname", "").lower())
        if name is None or math.isnan(value):
            continue
        if -360 <= value <= 360 if name.endswith("_deg") else 0 < value < 1e5:
            found.setdefault(name, value)
    return found


def read_statements(root: Element) -> tuple[Statement, ...]:
    """Return the statements of the last interpretation, its severity after them."""
    block = _last_interpretation(root)
    if block is None:
        return ()
    found = []
    for element in block.iterfind("statement"):
        code = _plain(element, "statementcode")
        words = ": ".join(
            filter(None, (_plain(element, "leftstatement"), _plain(element, "rightstatement")))
        )
        if code:
            found.append(Statement(code=code, scheme="philips", name=words))
        elif words:
            found.append(Statement(code=words))
    severity = _plain(block, "severity").strip("- ")
    if severity:
        found.append(Statement(code=severity))
    return tuple(found)


def _last_interpretation(root: Element) -> Element | None:
    blocks = root.findall("interpretations/interpretation")
    return max(blocks, key=lambda b: (b.get("date", ""), b.get("time", "")), default=None)


def _plain(element: Element, path: str) -> str:
    """Return a text in which devices escaped signs once more than XML does."""
    return html.unescape(text_at(element, path))
