# SPDX-License-Identifier: Apache-2.0
"""A catalogue as one page: how much there is, how it is distributed, and the worst of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape

from precordia.cataloguing.summary import COUNTED, SCALES, Summary
from precordia.core.study import DISCLAIMER
from precordia.reporting.html_page import html_page

#: bars of a list of texts; more are told as a number
_MOST_BARS = 15
_STYLE = """
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(330px,1fr));gap:16px;
align-items:start;margin:16px 0}
.grid section{margin:0}.totals{display:flex;flex-wrap:wrap;gap:28px}
.totals div b{display:block;font-size:1.6rem;font-variant-numeric:tabular-nums}
.bars{display:grid;grid-template-columns:minmax(90px,auto) 1fr auto;gap:3px 10px;
align-items:center;font-size:.88rem}.bars i{display:block;height:12px;background:#7d93a6;
border-radius:2px;min-width:1px}.bars .v{text-align:right;font-variant-numeric:tabular-nums;
color:var(--soft)}.bars .l{overflow-wrap:anywhere}td.f{overflow-wrap:anywhere}
"""


def catalogue_page(summary: Summary, *, title: str, version: str) -> str:
    """Return the page of a catalogue as one HTML document without outside references.

    Parameters
    ----------
    summary
        What to show.
    title
        Name of the folder.
    version
        Version of precordia that made the rows.

    Returns
    -------
    HTML text.
    """
    body = [
        f'<h1>{escape(title)}</h1><p class="soft">{summary.n_files:,} recordings</p>',
        f'<p class="notice">{DISCLAIMER}</p>',
        _totals(summary),
        '<div class="grid">',
        *(_distribution(summary, name) for name in SCALES),
        *(_list(heading, summary.counts[name]) for name, heading in COUNTED.items()),
        "</div>",
        _problems(summary),
        _worst(summary),
        '<p class="soft">Made by precordia ' + escape(version) + ". Heart rate: 60 s over the "
        "median interval between detected R-peaks. Quality: score and verdict of "
        "<code>assess</code>, an estimate of what experts would call acceptable. Patients are "
        "told apart by keyed pseudonyms; statements are those of the files, as they stand "
        "there.</p>",
    ]
    return html_page(f"{title}: catalogue", body, style=_STYLE)


def _totals(summary: Summary) -> str:
    shown = [
        (f"{summary.n_files - summary.n_failed:,}", "recordings read"),
        (f"{summary.n_acceptable:,}", "acceptable"),
        (f"{summary.n_assessed - summary.n_acceptable:,}", "not acceptable"),
        (f"{summary.n_failed:,}", "could not be read"),
        (f"{summary.hours:,.1f}", "hours"),
        (f"{summary.n_beats:,}", "beats"),
    ]
    cells = "".join(f"<div><b>{number}</b>{escape(what)}</div>" for number, what in shown)
    return f'<section class="totals">{cells}</section>'


def _distribution(summary: Summary, name: str) -> str:
    scale, counts = SCALES[name], summary.classes[name]
    if not any(counts):
        return ""
    held = [k for k, n in enumerate(counts) if n]
    rows = list(zip(scale.labels(), counts, strict=True))[held[0] : held[-1] + 1]
    heading = scale.title + (f", {scale.unit}" if scale.unit else "")
    return f"<section><h2>{escape(heading)}</h2>{_bars(rows)}</section>"


def _list(heading: str, counter: Counter[str]) -> str:
    if not counter:
        return ""
    rows = counter.most_common(_MOST_BARS)
    more = len(counter) - len(rows)
    note = f'<p class="soft">and {more:,} more</p>' if more > 0 else ""
    return f"<section><h2>{escape(heading)}</h2>{_bars(rows)}{note}</section>"


def _bars(rows: Iterable[tuple[str, int]]) -> str:
    rows = list(rows)
    largest = max(n for _, n in rows)
    cells = "".join(
        f'<span class="l">{escape(label)}</span>'
        f'<i style="width:{100 * n / largest:.1f}%"></i><span class="v">{n:,}</span>'
        for label, n in rows
    )
    return f'<div class="bars">{cells}</div>'


def _problems(summary: Summary) -> str:
    if not summary.n_failed:
        return ""
    kinds = _bars(summary.problems.most_common(_MOST_BARS))
    rows = "".join(
        f'<tr><td class="f">{escape(file)}</td><td>{escape(problem)}</td></tr>'
        for file, problem in summary.failed
    )
    return (
        f"<section><h2>What could not be read, by kind</h2>{kinds}"
        f"<details><summary>The first {len(summary.failed)} files</summary><table>"
        f"<tr><th>File</th><th>Problem</th></tr>{rows}</table></details></section>"
    )


def _worst(summary: Summary) -> str:
    kinds = (
        ("Lowest quality", "score", "lowest_quality", "{:.2f}"),
        ("Lowest heart rates", "/min", "slowest", "{:.0f}"),
        ("Highest heart rates", "/min", "fastest", "{:.0f}"),
        ("Shortest recordings", "s", "shortest", "{:.1f}"),
    )
    tables = []
    for heading, unit, kind, form in kinds:
        worst = summary.least(kind)
        if not worst or (worst[0][0] == worst[-1][0] and len(worst) > 1):
            continue  # where all are alike, none is the worst
        rows = "".join(
            f'<tr><td class="f">{escape(file)}</td><td class="n">{form.format(value)}</td></tr>'
            for value, file in worst
        )
        tables.append(
            f'<section><h2>{heading}</h2><table><tr><th>File</th><th class="n">{unit}</th></tr>'
            f"{rows}</table></section>"
        )
    return '<div class="grid">' + "".join(tables) + "</div>"
