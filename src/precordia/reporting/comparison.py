# SPDX-License-Identifier: Apache-2.0
"""What a file says beside what was found: numbers, statements, beats, waves and median beat."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from precordia.core.fiducials import POSITIONS, Fiducials
from precordia.core.findings import Finding, Findings
from precordia.core.measurements import MedianBeat
from precordia.core.statements import Statement
from precordia.core.study import Study
from precordia.knowledge.statements import find_statement, list_statements

#: marks of one wave lie at most this far apart
_WINDOW_MS = 150.0
#: annotation codes that mark a beat
_BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkDifference:
    """How far the file's marks of one kind lie from ours.

    Attributes
    ----------
    name
        Such as ``"qrs_onset"``, or ``"beats"`` for annotated beats against R-peaks.
    n_file, n_here, n_both
        Marks in the file (within the recording), marks found, and pairs within 150 ms.
    mean_ms, sd_ms
        Ours minus theirs over the pairs, ms; NaN without pairs (the spread: below two).
    """

    name: str
    n_file: int
    n_here: int
    n_both: int
    mean_ms: float
    sd_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPair:
    """One statement and who makes it.

    Attributes
    ----------
    text
        In words.
    in_file, here
        Whether the file states it, and whether it was found. ``here`` is None where the file's
        words are of no statement that was judged, so that nothing can be said.
    """

    text: str
    in_file: bool
    here: bool | None


def compare_marks(study: Study) -> tuple[MarkDifference, ...]:
    """Compare the beats and wave boundaries of the file with those found.

    Returns
    -------
    One entry per kind of mark that the file has; empty where it has none.

    Notes
    -----
    Each mark of the file is paired with the nearest of ours, at most 150 ms away and each used
    once, in the order of their distances.
    """
    carried, ours = study.record.carried, study.fiducials
    per_ms = study.record.fs / 1000
    rows = []
    if carried.annotations is not None:
        beat = np.array([s in _BEATS for s in carried.annotations.symbol], bool)
        # A device may mark one beat in each lead.
        theirs = np.unique(carried.annotations.sample[beat]).astype(float)
        if theirs.size:
            peaks = ours.r_peak[np.isfinite(ours.r_peak)]
            rows.append(_difference("beats", theirs, peaks, per_ms))
    if isinstance(carried.fiducials, Fiducials):
        scale = study.record.fs / carried.fiducials.fs
        for name in POSITIONS:
            theirs = getattr(carried.fiducials, name) * scale
            theirs = theirs[np.isfinite(theirs)]
            if theirs.size:
                found = getattr(ours, name)
                rows.append(_difference(name, theirs, found[np.isfinite(found)], per_ms))
    return tuple(rows)


def _difference(
    name: str,
    theirs: Float[np.ndarray, " beat"],
    ours: Float[np.ndarray, " fiducial"],
    per_ms: float,
) -> MarkDifference:
    apart = _paired_ms(theirs / per_ms, ours / per_ms)
    return MarkDifference(
        name=name,
        n_file=int(theirs.size),
        n_here=int(ours.size),
        n_both=int(apart.size),
        mean_ms=float(apart.mean()) if apart.size else math.nan,
        sd_ms=float(apart.std(ddof=1)) if apart.size > 1 else math.nan,
    )


def _paired_ms(
    theirs: Float[np.ndarray, " beat"], ours: Float[np.ndarray, " fiducial"]
) -> Float[np.ndarray, " window"]:
    """Return ours minus theirs for pairs of neighbours, each mark in one pair."""
    theirs, ours = np.sort(theirs), np.sort(ours)
    first = np.searchsorted(ours, theirs - _WINDOW_MS)
    last = np.searchsorted(ours, theirs + _WINDOW_MS, "right")
    pairs = [(k, j) for k in range(theirs.size) for j in range(first[k], last[k])]
    pairs.sort(key=lambda pair: abs(ours[pair[1]] - theirs[pair[0]]))
    used_theirs, used_ours, apart = set(), set(), []
    for k, j in pairs:
        if k not in used_theirs and j not in used_ours:
            used_theirs.add(k)
            used_ours.add(j)
            apart.append(ours[j] - theirs[k])
    return np.array(apart, float)


def compare_statements(study: Study) -> tuple[StatementPair, ...]:
    """Set the statements of the file beside the findings.

    Returns
    -------
    The file's statements in its order, then what was found and is not among them; empty where the
    file states nothing.
    """
    said = study.record.carried.statements
    if not said:
        return ()
    found = {f.code for f in study.findings.present}
    judged = _judged(study.findings)
    names = _names()
    pairs, told = [], set()
    for statement in said:
        code = names.get(statement.code.strip().rstrip(".").lower())
        code = code or names.get(statement.name.strip().lower())
        here = None if code not in judged else _is_found(code, found)
        told |= {code} if code else set()
        pairs.append(StatementPair(text=_words(statement, code), in_file=True, here=here))
    pairs += [
        StatementPair(text=finding.name, in_file=False, here=True)
        for finding in _not_told(study.findings, told)
    ]
    return tuple(pairs)


def _words(statement: Statement, code: str | None) -> str:
    """Return a statement of the file in words, also where the file has its code alone."""
    if statement.scheme == "text" or statement.name or code is None:
        return str(statement)
    return f"{find_statement(code).name} [{statement.scheme} {statement.code}]"


def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for known in list_statements():
        for text in (known.code, known.name, known.snomed_ct):
            if text:
                names.setdefault(text.lower(), known.code)
    return names


def _judged(findings: Findings) -> set[str]:
    """Return the codes of the statements that some method could make."""
    return {s.code for s in list_statements() if s.by_rules or s.code in findings.probabilities}


def _is_found(code: str, found: set[str]) -> bool:
    """Tell whether a statement, or a more specific one, was found."""
    return code in found or any(s.implies == code and s.code in found for s in list_statements())


def _not_told(findings: Findings, told: set[str]) -> list[Finding]:
    implied = {s.code: s.implies for s in list_statements()}
    return [f for f in findings.present if f.code not in told and implied.get(f.code) not in told]


def median_likeness(theirs: MedianBeat, ours: MedianBeat | None) -> dict[str, float]:
    """Return how alike the file's median beat and ours are, lead by lead.

    Parameters
    ----------
    theirs, ours
        Median beats; of different lengths and rates perhaps.

    Returns
    -------
    Pearson's correlation of each lead that both have, at the best alignment of all leads
    together; empty where they cannot be compared.

    Notes
    -----
    The shorter window decides what is compared. Theirs is resampled to our rate by linear
    interpolation; the alignment is the shift with the largest summed covariance.
    """
    if ours is None or not ours.signal.size or not theirs.signal.size:
        return {}
    shared = [lead for lead in ours.leads if lead in theirs.leads]
    if not shared:
        return {}
    a = np.nan_to_num(ours.signal[[ours.leads.index(lead) for lead in shared]].astype(float))
    b = np.nan_to_num(theirs.signal[[theirs.leads.index(lead) for lead in shared]].astype(float))
    n = round(b.shape[1] * ours.fs / theirs.fs)
    if n < 10 or n > 100_000:
        return {}
    at = np.arange(n) * theirs.fs / ours.fs
    b = np.stack([np.interp(at, np.arange(b.shape[1]), row) for row in b])
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (a, b))
    size = a.shape[1] + b.shape[1]
    spectrum = (np.fft.rfft(a, size) * np.fft.rfft(b, size).conj()).sum(axis=0)
    shift = int(np.argmax(np.fft.irfft(spectrum, size)))
    shift = shift - size if shift >= a.shape[1] else shift
    start, stop = max(0, shift), min(a.shape[1], shift + b.shape[1])
    if stop - start < 10:
        return {}
    a, b = a[:, start:stop], b[:, start - shift : stop - shift]
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = (x - x.mean(axis=1, keepdims=True) for x in (a, b))
        r = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return {lead: float(value) for lead, value in zip(shared, r, strict=True)}
