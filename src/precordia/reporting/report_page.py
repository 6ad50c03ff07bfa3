# SPDX-License-Identifier: Apache-2.0
"""A study as one self-contained HTML page: drawing, verdict, numbers, findings, evidence."""

from __future__ import annotations

import math
from html import escape

from precordia.core.measurements import Absence, Measurements
from precordia.core.quality import Quality
from precordia.core.study import DISCLAIMER, Study
from precordia.reporting.comparison import (
    compare_marks,
    compare_statements,
    median_likeness,
)
from precordia.reporting.findings_section import findings_section
from precordia.reporting.html_page import html_page

#: the numbers of the first table: label, field, unit, digits
NUMBERS = (
    ("Heart rate", "heart_rate_bpm", "/min", 0),
    ("Atrial rate", "atrial_rate_bpm", "/min", 0),
    ("P duration", "p_ms", "ms", 0),
    ("PR interval", "pr_ms", "ms", 0),
    ("QRS duration", "qrs_ms", "ms", 0),
    ("QT interval", "qt_ms", "ms", 0),
    ("QTc (Fridericia)", "qtc_fridericia_ms", "ms", 0),
    ("QTc (Bazett)", "qtc_bazett_ms", "ms", 0),
    ("QTc (Framingham)", "qtc_framingham_ms", "ms", 0),
    ("QTc (Hodges)", "qtc_hodges_ms", "ms", 0),
    ("P axis", "p_axis_deg", "°", 0),
    ("QRS axis", "qrs_axis_deg", "°", 0),
    ("T axis", "t_axis_deg", "°", 0),
    ("RR mean", "rr_mean_ms", "ms", 0),
    ("SDNN", "sdnn_ms", "ms", 1),
    ("RMSSD", "rmssd_ms", "ms", 1),
)
#: names under which files carry a number where they do not say which kind it is
ALSO_CARRIED_AS = {"rr_mean_ms": "rr_ms"}
PER_LEAD = (
    ("P", "p_mv", 2),
    ("Q", "q_mv", 2),
    ("R", "r_mv", 2),
    ("S", "s_mv", 2),
    ("T", "t_mv", 2),
    ("ST J", "st_j_mv", 2),
    ("ST J+60", "st_j60_mv", 2),
    ("ST J+80", "st_j80_mv", 2),
)


def report_page(study: Study, *, title: str, drawing_svg: str = "") -> str:
    """Return the report of a study as one HTML document without outside references.

    Parameters
    ----------
    study
        What to report.
    title
        Heading, usually the file's name. Nothing of the patient but age and sex is printed.
    drawing_svg
        The ECG as SVG text.

    Returns
    -------
    HTML text.
    """
    record = study.record
    patient = record.patient
    age = f"{patient.age_years:.0f} years" if patient.age_years == patient.age_years else ""
    who = ", ".join(filter(None, [age, patient.sex]))
    made = "" if record.origin == "measured" else f"{record.origin}, "
    recorded = f"{made}{record.n_leads} leads, {record.duration_s:.4g} s at {record.fs:g} Hz"
    body = [
        f'<h1>{escape(title)}</h1><p class="soft">{escape(recorded)}'
        + (f" · {escape(who)}" if who else "")
        + f" · {escape(study.record.source.method.removeprefix('read:'))}</p>",
        f'<p class="notice">{DISCLAIMER}</p>',
        f'<section class="ecg">{drawing_svg}</section>' if drawing_svg else "",
        f'<div class="cols">{findings_section(study.findings)}{_numbers(study)}</div>',
        _file_beside_ours(study),
        _quality(study),
        _lead_table(study.measurements),
        _beat_table(study.measurements),
        _provenance(study),
    ]
    return html_page(title, body)


def _number(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return ""
    shown = f"{value:.{digits}f}"
    return shown.lstrip("-") if not float(shown) else shown.replace("-", "−")


def _numbers(study: Study) -> str:
    numbers, carried = study.measurements, study.record.carried.measurements
    head = '<tr><th></th><th class="n">measured</th><th></th>'
    head += '<th class="n">in the file</th><th class="n">difference</th>' if carried else ""
    rows = []
    for label, name, unit, digits in NUMBERS:
        value = getattr(numbers, name)
        if math.isfinite(value):
            cells = f'<td class="n">{_number(value, digits)}</td><td>{unit}</td>'
        else:
            reason = numbers.absent.get(name, Absence.NOT_MEASURED)
            cells = f'<td class="n">–</td><td class="soft">{escape(reason)}</td>'
        if carried:
            given = carried.get(name, carried.get(ALSO_CARRIED_AS.get(name, ""), math.nan))
            apart = value - given
            cells += f'<td class="n">{_number(given, digits)}</td>'
            cells += f'<td class="n">{_number(apart, digits)}</td>'
        rows.append(f"<tr><td>{label}</td>{cells}</tr>")
    shown = {name for _, name, _, _ in NUMBERS} | set(ALSO_CARRIED_AS.values())
    for name in sorted(set(carried) - shown):
        label = {"qtc_ms": "QTc (formula not stated)"}.get(name, escape(name))
        given = _number(carried[name], 2).rstrip("0").rstrip(".")
        rows.append(
            f'<tr><td>{label}</td><td></td><td></td><td class="n">{given}</td><td></td></tr>'
        )
    return f"<section><h2>Measurements</h2><table>{head}</tr>{''.join(rows)}</table></section>"


def _file_beside_ours(study: Study) -> str:
    """Return what the file states beside what was found; empty where it states nothing."""
    parts = [_statements_beside(study), _marks_beside(study), _median_beside(study)]
    if not any(parts):
        return ""
    return f"<section><h2>What the file itself says</h2>{''.join(parts)}</section>"


def _statements_beside(study: Study) -> str:
    pairs = compare_statements(study)
    if not pairs:
        return ""
    here = {True: "found", False: "not found", None: "cannot be compared"}
    rows = "".join(
        f"<tr><td>{escape(p.text)}</td><td>{'stated' if p.in_file else '–'}</td>"
        f'<td class="{"soft" if p.here is None else ""}">{here[p.here]}</td></tr>'
        for p in pairs
    )
    return f"<table><tr><th>Statement</th><th>in the file</th><th>here</th></tr>{rows}</table>"


def _marks_beside(study: Study) -> str:
    marks = compare_marks(study)
    rows = "".join(
        f"<tr><td>{escape(m.name.replace('_', ' '))}</td>"
        f'<td class="n">{m.n_file}</td><td class="n">{m.n_here}</td><td class="n">{m.n_both}</td>'
        f'<td class="n">{_number(m.mean_ms, 1)}</td><td class="n">{_number(m.sd_ms, 1)}</td></tr>'
        for m in marks
    )
    head = "<th>Mark</th>" + "".join(
        f'<th class="n">{text}</th>'
        for text in ("in the file", "here", "both", "difference, ms", "SD, ms")
    )
    return f"<table><tr>{head}</tr>{rows}</table>" if rows else ""


def _median_beside(study: Study) -> str:
    theirs = study.record.carried.median
    if theirs is None:
        return ""
    alike = median_likeness(theirs, study.measurements.median)
    shown = ", ".join(f"{lead} {_number(r, 3)}" for lead, r in alike.items() if r == r)
    text = f"Correlation with ours: {shown}." if shown else "It cannot be compared with ours."
    return (
        f"<p>The file holds a median beat of {theirs.signal.shape[0]} leads, "
        f"{1000 * theirs.signal.shape[1] / theirs.fs:.0f} ms. {escape(text)}</p>"
    )


def _quality(study: Study) -> str:
    quality: Quality = study.quality
    verdict = (
        '<span class="ok">acceptable</span>'
        if quality.acceptable
        else '<span class="bad">not acceptable</span>'
    )
    reasons = f" – {escape(', '.join(quality.reasons))}" if quality.reasons else ""
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="n">{lead.score:.2f}</td>'
        f"<td>{'usable' if lead.usable else 'not usable'}</td>"
        f"<td>{escape(', '.join(lead.reasons))}</td></tr>"
        for name, lead in quality.leads.items()
    )
    remarks = [*study.record.remarks, *quality.remarks]
    notes = "".join(f"<li>{escape(text)}</li>" for text in dict.fromkeys(map(str, remarks)))
    return (
        f"<section><h2>Signal quality</h2><p>{verdict}, score {quality.score:.2f}{reasons}</p>"
        + (f"<ul>{notes}</ul>" if notes else "")
        + "<details><summary>Lead by lead</summary><table><tr><th>lead</th>"
        f'<th class="n">score</th><th></th><th></th></tr>{rows}</table></details></section>'
    )


def _lead_table(numbers: Measurements) -> str:
    if not numbers.leads:
        return ""
    head = "".join(f'<th class="n">{label}</th>' for label, _, _ in PER_LEAD)
    rows = []
    for name, lead in numbers.leads.items():
        cells = []
        for _, attribute, digits in PER_LEAD:
            value = getattr(lead, attribute)
            why = lead.absent.get(attribute, "")
            shown = _number(value, digits) or "–"
            cells.append(f'<td class="n" title="{escape(why)}">{shown}</td>')
        rows.append(f"<tr><td>{escape(name)}</td>{''.join(cells)}</tr>")
    return (
        "<section><h2>Amplitudes and ST by lead, mV</h2>"
        f"<table><tr><th>lead</th>{head}</tr>{''.join(rows)}</table></section>"
    )


def _beat_table(numbers: Measurements) -> str:
    beats = numbers.beats
    if not len(beats):
        return ""
    shown = min(len(beats), 60)
    rows = "".join(
        f'<tr><td class="n">{k + 1}</td><td class="n">{_number(beats.rr_ms[k], 0)}</td>'
        f"<td>{escape(beats.kind[k])}</td>"
        f'<td class="n">{_number(beats.pr_ms[k], 0)}</td>'
        f'<td class="n">{_number(beats.qrs_ms[k], 0)}</td>'
        f'<td class="n">{_number(beats.qt_ms[k], 0)}</td></tr>'
        for k in range(shown)
    )
    more = f", first {shown}" if shown < len(beats) else ""
    return (
        f"<section><details><summary>Beat by beat ({len(beats)} beats{more})</summary><table>"
        '<tr><th class="n">beat</th><th class="n">RR ms</th><th>kind</th><th class="n">PR ms</th>'
        f'<th class="n">QRS ms</th><th class="n">QT ms</th></tr>{rows}</table></details></section>'
    )


def _provenance(study: Study) -> str:
    parts = {
        "signal": study.record.source,
        "quality": study.quality.source,
        "waves": study.fiducials.source,
        "measurements": study.measurements.source,
        "findings": study.findings.source,
        "pipeline": study.source,
    }
    rows = "".join(
        f"<tr><td>{name}</td><td>{escape(str(source))}</td><td class='soft'>"
        f"{escape('; '.join(source.warnings))}</td></tr>"
        for name, source in parts.items()
    )
    return (
        f"<section><details><summary>Methods and versions</summary><table>{rows}</table>"
        "</details></section>"
    )
