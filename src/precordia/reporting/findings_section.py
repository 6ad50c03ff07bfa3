# SPDX-License-Identifier: Apache-2.0
"""The findings of a page: what is made, by whom, on what evidence, and what is in doubt."""

from __future__ import annotations

from html import escape
from math import isnan

from precordia.core.findings import LEGEND, RULES, Finding, Findings, undecided_lines
from precordia.knowledge.statements import find_statement, list_statements

#: groups of statements in the order of a reader, with their headings
GROUPS = {
    "rhythm": "Rhythm",
    "conduction": "Conduction",
    "axis": "Axis",
    "chambers": "Chambers",
    "infarction": "Infarction",
    "repolarisation": "Repolarisation",
    "summary": "Summary",
}


def findings_section(findings: Findings) -> str:
    """Return the section of the findings as HTML.

    Parameters
    ----------
    findings
        What was found.

    Returns
    -------
    Cautions, superclasses in one line, the statements by group, what was withdrawn, and what was
    not judged.
    """
    parts = [_cautions(findings), _superclasses(findings), *_groups(findings)]
    if not findings.present:
        why = f"No finding is made: {findings.withheld}." if findings.withheld else ""
        parts.append(f'<p class="soft">{escape(why or "Nothing was found.")}</p>')
    withdrawn = [f for f in findings.disagreements if not f.present]
    if withdrawn:
        items = "".join(_finding(f) for f in withdrawn)
        parts.append(f'<h3>Not made</h3><div class="withdrawn">{items}</div>')
    parts += [_undecided(findings), _abstentions(findings)]
    return f"<section><h2>Findings</h2>{''.join(parts)}</section>"


def _cautions(findings: Findings) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in findings.source.warnings)
    return f'<div class="notice">With caution:<ul>{items}</ul></div>' if items else ""


def _superclasses(findings: Findings) -> str:
    classes = findings.superclasses.values()
    if not classes:
        return ""
    cells = "".join(
        f'<span class="{"bad" if f.present and f.code != "NORM" else ""}" '
        f'title="{escape(f.name)}, {_threshold(f)}">'
        f"{escape(f.name)} ({f.code}) {f.probability:.2f}"
        f'<i style="width:{100 * f.probability:.0f}%"></i></span>'
        for f in classes
    )
    doubt = " Nothing is concluded from these." if findings.withheld else ""
    legend = f"{LEGEND[0].upper()}{LEGEND[1:]}.{doubt}"
    return f'<div class="classes">{cells}</div><p class="code">{escape(legend)}</p>'


def _undecided(findings: Findings) -> str:
    """Return one line on the statements without a decision; each with its reason where opened."""
    lines = [] if findings.withheld else undecided_lines(findings)
    if not lines:
        return ""
    items = "".join(
        f"<li>{escape(find_statement(code).name)} ({escape(code)}): {escape(reason)}</li>"
        for code, reason in findings.undecided.items()
    )
    line = f"{lines[0][0].upper()}{lines[0][1:]}."
    return f"<details><summary>{escape(line)}</summary><ul>{items}</ul></details>"


def _groups(findings: Findings) -> list[str]:
    group_of = {s.code: s.group for s in list_statements()}
    parts = []
    for group, heading in GROUPS.items():
        members = [f for f in findings.present if group_of.get(f.code, "summary") == group]
        if members:
            parts.append(f"<h3>{heading}</h3>" + "".join(_finding(f) for f in members))
    return parts


def _finding(f: Finding) -> str:
    where = f" · {', '.join(f.leads)}" if f.leads else ""
    claims = "".join(f"<li>{escape(str(c))}</li>" for c in f.claims)
    return (
        f'<div class="finding"><b>{escape(f.name)}</b> <span class="code">{escape(f.scheme)} '
        f"{escape(f.code)}{escape(where)}</span>{_answers(f)}"
        + (f'<p class="bad">Disagreement: {escape(f.disagreement)}.</p>' if f.disagreement else "")
        + (f"<ul>{claims}</ul>" if claims else "")
        + (f'<p class="soft">{escape(f.criterion)}' if f.criterion else '<p class="soft">')
        + (f" <i>{escape(f.reference)}</i></p>" if f.reference else "</p>")
        + "</div>"
    )


def _answers(f: Finding) -> str:
    """Return what each method says, where a model was asked."""
    words = []
    for who, said in f.says.items():
        if who == RULES:
            words.append("rules: met" if said >= 1 else "rules: not met")
        else:
            words.append(f"{escape(who)}: {said:.2f}, {_threshold(f)}")
    if not words or set(f.says) == {RULES}:
        return ""
    return f'<p class="code">{" · ".join(words)}</p>'


def _threshold(f: Finding) -> str:
    return "without a threshold" if isnan(f.threshold) else f"found from {f.threshold:.2f} on"


def _abstentions(findings: Findings) -> str:
    parts = []
    for method in dict.fromkeys(a.method for a in findings.abstained):
        those = [a for a in findings.abstained if a.method == method]
        items = "".join(f"<li>{escape(str(a))}</li>" for a in those)
        by = "the rules" if method == RULES else escape(method)
        parts.append(
            f"<details><summary>Not judged by {by} ({len(those)})</summary>"
            f"<ul>{items}</ul></details>"
        )
    return "".join(parts)
