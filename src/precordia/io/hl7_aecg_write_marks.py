# SPDX-License-Identifier: Apache-2.0
"""Annotations of an HL7 aECG as text: beats, waves, measurements, statements."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import quoteattr

import numpy as np

from precordia.core.fiducials import CONFIDENCES, Fiducials, Waves
from precordia.core.measurements import MedianBeat
from precordia.core.record import Annotations
from precordia.core.statements import Statement
from precordia.io.hl7_aecg_codes import ACT_CODE, BEAT_OF_SYMBOL, CODE_OF_MEASUREMENT, MDC, SCHEMES
from precordia.io.hl7_aecg_markup import code, element, plain
from precordia.io.whole_steps import spell

_UNIT = {"_ms": "ms", "_bpm": "bpm", "_deg": "deg", "_mv": "mV"}
_OID = {scheme: oid for oid, scheme in SCHEMES.items()}
_WAVES = (
    ("MDC_ECG_WAVC_PWAVE", "p_onset", "p_offset", "p_peak"),
    ("MDC_ECG_WAVC_QRSWAVE", "qrs_onset", "qrs_offset", None),
    ("MDC_ECG_WAVC_QWAVE", None, None, "q_peak"),
    ("MDC_ECG_WAVC_RWAVE", None, None, "r_peak"),
    ("MDC_ECG_WAVC_SWAVE", None, None, "s_peak"),
    ("MDC_ECG_WAVC_TWAVE", "t_onset", "t_offset", "t_peak"),
)
#: a beat annotation belongs to a row of fiducials within this time
_SAME_BEAT_S = 0.15


def measurement_annotations(measurements: Mapping[str, float], lost: list[str]) -> list[str]:
    """Return measurements as annotations; those without a code of their own are lost."""
    found, missing = [], []
    for name, number in measurements.items():
        known = CODE_OF_MEASUREMENT.get(name)
        if known is None or not math.isfinite(number):
            missing.append(name)
            continue
        unit = _UNIT[name[name.rindex("_") :]]
        value = f'<value xsi:type="PQ" value="{spell(float(number))}" unit="{unit}"/>'
        found.append(element("annotation", code(known, MDC), value))
    if missing:
        lost.append("measurements without a code (" + ", ".join(missing) + ")")
    return found


def statement_annotations(statements: Sequence[Statement]) -> list[str]:
    """Return statements as annotations: rhythms on their own, others as interpretation."""
    rhythms, others = [], []
    for statement in statements:
        if not plain(statement.code):
            continue
        if statement.scheme == "text":
            value = f'<value xsi:type="ST">{plain(statement.code)}</value>'
        else:
            oid = _OID.get(statement.scheme)
            value = f'<value xsi:type="CE" code={_quoted(statement.code)}'
            value += f' codeSystem="{oid}"' if oid else ""
            value += f" codeSystemName={_quoted(statement.scheme)}"
            value += f" displayName={_quoted(statement.name)}" if statement.name else ""
            value += "/>"
        if statement.code.startswith("MDC_ECG_RHY"):
            rhythms.append(element("annotation", code("MDC_ECG_RHY", MDC), value))
        else:
            others.append(
                element("annotation", code("MDC_ECG_INTERPRETATION_STATEMENT", MDC), value)
            )
    if others:
        inner = [element("component", one) for one in others]
        rhythms.append(element("annotation", code("MDC_ECG_INTERPRETATION", MDC), *inner))
    return rhythms


def beat_annotations(
    fiducials: Fiducials | None,
    annotations: Annotations | None,
    *,
    fs: float,
    first: int,
    n_samples: int,
    lost: list[str],
) -> list[str]:
    """Return fiducials and kinds of beats as annotations.

    Parameters
    ----------
    fiducials, annotations
        What the record carries.
    fs
        Sampling rate, Hz.
    first, n_samples
        Which part of the record is written: positions count from its beginning.
    lost
        Takes what cannot be written.
    """
    clock = _Positions(fs, first, n_samples)
    kinds: dict[int, str] = {}
    alone: list[tuple[int, str]] = []
    if annotations is not None:
        rows = _row_places(fiducials)
        others = 0
        for at, symbol in zip(annotations.sample.tolist(), annotations.symbol, strict=True):
            kind = BEAT_OF_SYMBOL.get(symbol)
            if kind is None or not first <= at < first + n_samples:
                others += 1
                continue
            row = _nearest(rows, at, _SAME_BEAT_S * fs)
            if row is None or row in kinds:
                alone.append((at, kind))
            else:
                kinds[row] = kind
        if others:
            lost.append(f"{others} annotations that are no beats")
    found = []
    if fiducials is not None:
        if _has_confidences(fiducials):
            lost.append("confidences of the fiducials")
        for row in range(fiducials.n_cycles):
            waves = _waves_of_row(fiducials, row, None, clock)
            for lead, own in fiducials.leads.items():
                waves += _waves_of_row(own, row, lead, clock)
            if waves:
                found.append(_beat(kinds.get(row), "", waves))
    for at, kind in alone:
        found.append(_beat(kind, _region(None, single=clock.ms(float(at))), []))
    return found


def median_annotations(median: MedianBeat) -> list[str]:
    """Return the marks of a representative beat as annotations."""
    clock = _Positions(median.fs, 0, median.signal.shape[1])
    return _waves_of_row(median, None, None, clock)


class _Positions:
    """Positions of a record as milliseconds from the first sample that is written."""

    def __init__(self, fs: float, first: int, n_samples: int) -> None:
        self.fs, self.first, self.n_samples = fs, first, n_samples

    def ms(self, at: float) -> str | None:
        """Return a position as text; None where it is absent or not written."""
        place = at - self.first
        if not 0 <= place < self.n_samples:
            return None
        return f"{place / self.fs * 1000:.15g}"


def _row_places(fiducials: Fiducials | None) -> np.ndarray:
    if fiducials is None:
        return np.empty(0)
    return np.where(np.isfinite(fiducials.r_peak), fiducials.r_peak, fiducials.qrs_onset)


def _nearest(places: np.ndarray, at: float, within: float) -> int | None:
    distance = np.abs(places - at)
    if not np.isfinite(distance).any():
        return None
    row = int(np.nanargmin(distance))
    return row if distance[row] <= within else None


def _has_confidences(fiducials: Fiducials) -> bool:
    every: Iterable[Waves] = (fiducials, *fiducials.leads.values())
    return any(np.isfinite(getattr(waves, name)).any() for waves in every for name in CONFIDENCES)


def _waves_of_row(
    waves: Waves | MedianBeat, row: int | None, lead: str | None, clock: _Positions
) -> list[str]:
    def place(name: str | None) -> str | None:
        held = getattr(waves, name, None) if name else None
        if held is None:
            return None
        return clock.ms(float(held if row is None else held[row]))

    found = []
    for wave, onset, offset, peak in _WAVES:
        low, high, top = place(onset), place(offset), place(peak)
        if low is None and high is None and top is None:
            continue
        parts = [code("MDC_ECG_WAVC", MDC), code(wave, MDC, tag="value", kind="CE")]
        if low is not None or high is not None:
            parts.append(_region(lead, low=low, high=high))
        if top is not None:
            inner = element(
                "annotation",
                code("MDC_ECG_WAVC", MDC),
                code("MDC_ECG_WAVC_PEAK", MDC, tag="value", kind="CE"),
                _region(lead, single=top),
            )
            parts.append(element("component", inner))
        found.append(element("annotation", *parts))
    return found


def _beat(kind: str | None, region: str, waves: list[str]) -> str:
    value = code(f"MDC_ECG_BEAT_{kind}", MDC, tag="value", kind="CE") if kind else ""
    inner = [element("component", wave) for wave in waves]
    return element("annotation", code("MDC_ECG_BEAT", MDC), value, region, *inner)


def _region(
    lead: str | None,
    *,
    low: str | None = None,
    high: str | None = None,
    single: str | None = None,
) -> str:
    if single is not None:
        value = f'<value xsi:type="PQ" value="{single}" unit="ms"/>'
    else:
        ends = (("low", low), ("high", high))
        inner = "".join(f'<{tag} value="{at}" unit="ms"/>' for tag, at in ends if at is not None)
        value = f'<value xsi:type="IVL_PQ">{inner}</value>'
    parts = [element("component", element("boundary", code("TIME_RELATIVE", ACT_CODE), value))]
    if lead is not None:
        parts.append(element("component", element("boundary", code(lead_code(lead), MDC))))
    region = "".join((code("ROIPS", ACT_CODE), *parts))
    return f'<support><supportingROI classCode="ROIBND">{region}</supportingROI></support>'


def lead_code(lead: str) -> str:
    """Return the code of a lead.

    Examples
    --------
    >>> lead_code("aVR")
    'MDC_ECG_LEAD_AVR'
    """
    folded = {"aVR": "AVR", "aVL": "AVL", "aVF": "AVF"}.get(lead, lead)
    return "MDC_ECG_LEAD_" + folded


def _quoted(text: str) -> str:
    return quoteattr(plain(text, escaped=False))
