# SPDX-License-Identifier: Apache-2.0
"""Tables of results, built from rows and nothing else."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Sequence
from html import escape

from precordia.benchmarking.contamination import UNKNOWN
from precordia.benchmarking.low_labels import read_share
from precordia.benchmarking.own_control import leads_over
from precordia.benchmarking.published_classification import best_published
from precordia.benchmarking.result_rows import ResultRow, latest_rows, told_apart
from precordia.benchmarking.summaries import DIFFERENCE, MEAN
from precordia.core.errors import OptionError, unknown_name

FORMATS = ("text", "markdown", "html", "csv")
PUBLISHED = "published, not run"
#: stands behind a model whose training data hold recordings of the test database
MARK = "‡"
#: the number that a kind of task is told by
_HEADLINES = ("macro_auroc", "r2", "concordance", "f1_10ms")
_LIKE_PUBLISHED = ("macro_auroc", "macro_auroc_all")
_HEAD = ("model", "how", "labels", "macro AUROC [95 %]", "minus control", "runs")
_METRICS = {
    "macro_auroc": "macro AUROC",
    "macro_auroc_all": "macro AUROC, all classes",
    "macro_auprc": "macro AUPRC",
    "macro_f1": "macro F1",
    "macro_brier": "macro Brier",
    "macro_ece_width": "macro ECE, equal width",
    "macro_ece_mass": "macro ECE, equal mass",
    "macro_ece_mass_debiased": "macro ECE, debiased",
    "pooled_ece_mass": "ECE of all decisions",
    "pooled_ece_mass_debiased": "ECE of all decisions, debiased",
    "challenge": "challenge score",
    "r2": "R2",
    "mean_absolute_error": "mean absolute error",
    "correlation": "correlation",
    "concordance": "concordance",
    "f1_10ms": "F1 at 10 ms",
    "ppv_10ms": "positive predictive value at 10 ms",
    "se_10ms": "sensitivity at 10 ms",
    "f1_75ms": "F1 at 75 ms",
    "ppv_75ms": "positive predictive value at 75 ms",
    "se_75ms": "sensitivity at 75 ms",
}


def render_table(
    rows: Sequence[ResultRow],
    *,
    format: str = "text",
    metric: str = "macro_auroc",
    published: bool = True,
) -> str:
    """Return a table of rows.

    Parameters
    ----------
    rows
        From `read_rows`.
    format
        ``"text"``, ``"markdown"``, ``"html"``, or ``"csv"`` for every row with every column.
    metric
        Which number; means of seeds and differences exist for macro AUROC, other numbers are
        averaged over runs here and have the interval of a run where there is one only.
    published
        Also published figures of the same task, marked as not run.

    Raises
    ------
    UnknownNameError, OptionError
        If there is no such format, or no row of the metric.
    """
    if format not in FORMATS:
        raise unknown_name("format", format, FORMATS, listing=", ".join(FORMATS))
    if format == "csv":
        return _csv(rows)
    blocks = _blocks(rows, metric, published)
    if not blocks and any(row.metric == metric for row in rows):
        raise OptionError(unfinished(rows))
    if not blocks:
        known = sorted({row.metric for row in rows})
        raise OptionError(
            f"no row has the metric '{metric}'; there are {', '.join(known) or 'no rows at all'}."
        )
    render = {"text": _text, "markdown": _markdown, "html": _html}[format]
    return render(blocks, metric)


def unfinished(rows: Sequence[ResultRow]) -> str:
    """Say that a benchmark was interrupted before means and differences were taken.

    Examples
    --------
    >>> unfinished([ResultRow(run="a", metric="macro_auroc", value=1)])[:60]
    'the benchmark did not come to its end: 1 run is there, and n'
    """
    n = len({row.run for row in rows})
    return (
        f"the benchmark did not come to its end: {n} {'run is' if n == 1 else 'runs are'} there, "
        "and no mean or difference of them. Give the same command again; it goes on from there."
    )


def table_as_text(rows: Sequence[ResultRow]) -> str:
    """Return the tables of macro AUROC, R2, concordance and F1 as text, of what there is."""
    there = {row.metric for row in rows}
    shown = [metric for metric in _HEADLINES if metric in there] or list(_HEADLINES[:1])
    return "\n\n".join(render_table(rows, metric=metric) for metric in shown)


@dataclasses.dataclass(frozen=True)
class _Block:
    title: str
    lines: list[tuple[str, ...]]
    foot: list[str]


def _blocks(rows: Sequence[ResultRow], metric: str, published: bool) -> list[_Block]:
    found = []
    rows = told_apart(latest_rows(rows))
    for key in dict.fromkeys(r.division for r in rows):
        here = [r for r in rows if r.division == key]
        heads = _heads(here, metric)
        if not heads:
            continue
        heads.sort(key=lambda r: (read_share(r.labels), -_sortable(r.value)))
        references: list[ResultRow] = []
        if published and metric in _LIKE_PUBLISHED:
            references = best_published(key[0], key[1], {r.mode for r in heads})
        first = heads[0]
        version = f" {first.database_version}" if first.database_version else ""
        title = (
            f"{first.database}{version}, {first.task}: {first.split}; tested on "
            f"{first.n_records} records of {first.n_patients} patients"
        )
        lines = [_line(row, here, metric) for row in heads]
        lines += [
            (row.model, f"{row.mode}; {PUBLISHED}", row.labels, str(row), "", "")
            for row in references
        ]
        found.append(_Block(title, lines, _foot(heads, references)))
    return found


def _heads(rows: Sequence[ResultRow], metric: str) -> list[ResultRow]:
    """One row a method and share of labels."""
    if metric == "macro_auroc":
        return [r for r in rows if r.kind == MEAN and r.metric == metric]
    groups: dict[tuple[str, ...], list[ResultRow]] = {}
    for row in rows:
        if row.metric == metric and row.subject == "all" and row.kind == "measured":
            groups.setdefault(row.method, []).append(row)
    heads = []
    for held in groups.values():
        one = held[0]
        if len(held) > 1:
            values = [row.value for row in held]
            one = dataclasses.replace(
                one, value=sum(values) / len(values), low=math.nan, high=math.nan
            )
        heads.append(one)
    return heads


def _line(row: ResultRow, rows: Sequence[ResultRow], metric: str) -> tuple[str, ...]:
    mine = [r for r in rows if r.method == row.method]
    twins = {r.settings for r in rows if (r.model, r.mode) == (row.model, row.mode)}
    how = f"{row.mode}, {row.settings}" if len(twins) > 1 and row.settings else row.mode
    runs = {r.run for r in mine if r.kind == "measured"}
    apart = {r.subject: r for r in mine if r.kind == DIFFERENCE and metric == "macro_auroc"}
    heads = [r for r in rows if r.kind == MEAN and r.metric == metric]
    own = next((name for name in leads_over(row, heads) if name in apart), None)
    shown = f"{apart[own]} {own}" if own else ""
    spread = next((r for r in mine if r.metric == "macro_auroc_sd_of_seeds"), None)
    n_runs = str(len(runs))
    if metric == "macro_auroc" and spread is not None and math.isfinite(spread.value):
        n_runs += f", SD {spread.value:.3f}"
    mark = f" {MARK}" if row.contaminated else ""
    labels = f"{row.labels} ({row.n_labelled})"
    return (row.model + mark, how, labels, str(row), shown, n_runs)


def _foot(heads: Sequence[ResultRow], references: Sequence[ResultRow]) -> list[str]:
    foot = ["Intervals over patients, the same draws for all; labels in training records."]
    foot += sorted(
        {part.strip() for row in heads for part in row.note.split(";") if "left out" in part}
    )
    seen = {row.contaminated for row in heads if row.contaminated}
    if seen:
        what = "; ".join(sorted(seen - {UNKNOWN}))
        if what:
            foot.append(f"{MARK} the weights were trained on what holds this database: {what}.")
        if UNKNOWN in seen:
            foot.append(f"{MARK} the weights do not name what they were trained on.")
    if references:
        notes = "; ".join(sorted({row.note for row in references}))
        foot.append(f"'{PUBLISHED}': for orientation only, other test records ({notes}).")
    where = sorted({", ".join(filter(None, (r.hardware, r.date, r.commit))) for r in heads})
    return foot + where[:3]


def _sortable(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def _titles(metric: str) -> list[str]:
    titles = list(_HEAD)
    titles[3] = f"{_METRICS.get(metric, metric)} [95 %]"
    return titles


def _text(blocks: Sequence[_Block], metric: str) -> str:
    parts = []
    for block in blocks:
        table = [_titles(metric), *block.lines]
        widths = [max(len(line[k]) for line in table) for k in range(len(_HEAD))]
        lines = [
            "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
            for line in table
        ]
        parts.append("\n".join([block.title, *lines, *block.foot]))
    return "\n\n".join(parts)


def _markdown(blocks: Sequence[_Block], metric: str) -> str:
    parts = []
    for block in blocks:
        lines = [f"**{block.title}**", "", f"| {' | '.join(_titles(metric))} |"]
        lines.append("|---" * len(_HEAD) + "|")
        lines += [f"| {' | '.join(c.replace('|', '/') for c in line)} |" for line in block.lines]
        parts.append("\n".join([*lines, "", *(f"{words}  " for words in block.foot)]).rstrip())
    return "\n\n".join(parts) + "\n"


def _html(blocks: Sequence[_Block], metric: str) -> str:
    from precordia.reporting.html_page import html_page

    body = ["<h1>Benchmark of classifiers</h1>"]
    for block in blocks:
        cells = "".join(f"<th>{escape(title)}</th>" for title in _titles(metric))
        lines = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>"
            for line in block.lines
        )
        foot = "".join(f'<p class="soft">{escape(words)}</p>' for words in block.foot)
        body.append(
            f"<section><h2>{escape(block.title)}</h2><table><tr>{cells}</tr>{lines}</table>{foot}"
            "</section>"
        )
    return html_page("Benchmark of classifiers", body)


def _csv(rows: Sequence[ResultRow]) -> str:
    names = [f.name for f in dataclasses.fields(ResultRow)]
    text = io.StringIO()
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    for row in rows:
        cells = {name: getattr(row, name) for name in names}
        blank = {k: "" for k, v in cells.items() if isinstance(v, float) and not math.isfinite(v)}
        table.writerow(cells | blank)
    return text.getvalue()
