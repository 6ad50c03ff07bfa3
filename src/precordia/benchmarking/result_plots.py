# SPDX-License-Identifier: Apache-2.0
"""Pictures of a benchmark, drawn from its rows and answers and nothing else."""

from __future__ import annotations

import io
import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from precordia.benchmarking.low_labels import read_share
from precordia.benchmarking.predictions import read_predictions
from precordia.benchmarking.published_classification import best_published
from precordia.benchmarking.reliability import reliability
from precordia.benchmarking.result_rows import ResultRow, latest_rows, read_rows, told_apart
from precordia.benchmarking.result_tables import MARK, unfinished
from precordia.benchmarking.stress import LEAD_SUBSETS
from precordia.benchmarking.summaries import MEAN
from precordia.core.errors import FormatError, OptionError, OutputError, unknown_name
from precordia.core.output import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = ("png", "svg", "pdf")
#: colours that remain apart for those who see red and green alike (Okabe and Ito)
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D1F", "#555555")
_SHAPES = "os^DvPX*"
_SOFT, _GRID = "#5d6870", "#d9dfe3"
METRIC = "macro_auroc"
#: a class with fewer has no curve of calibration
_LEAST_POSITIVE = 10


def plot_results(
    place: str | Path, folder: str | Path, *, kind: str = "png", overwrite: bool = False
) -> list[Path]:
    """Draw scores, label efficiency, calibration, robustness, subgroups: what rows have of them.

    Parameters
    ----------
    place
        Folder of the rows, or ``rows.jsonl``.
    folder
        Where pictures go; made where it is not there.
    kind
        ``"png"``, ``"svg"`` or ``"pdf"``.
    overwrite
        Replace pictures that are there.

    Returns
    -------
    The files.

    Raises
    ------
    FormatError, OptionError
        If there are no rows, or none of macro AUROC.
    OutputError
        If a picture is there already.
    """
    if kind not in KINDS:
        raise unknown_name("format", kind, KINDS, listing=", ".join(KINDS))
    rows = told_apart(latest_rows(read_rows(place)))
    home = Path(place) if Path(place).is_dir() else Path(place).parent
    if not any(row.metric == METRIC for row in rows):
        raise OptionError(f"'{place}' has no row of {METRIC}; there is nothing to draw.")
    if not _means(rows):
        raise OptionError(unfinished(rows))
    files = {}
    for key in dict.fromkeys(r.division for r in rows):
        here = [r for r in rows if r.division == key]
        for name, figure in _figures(here, home):
            stem = "-".join(re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_") for word in key)
            held = io.BytesIO()
            extra = {"metadata": {"Date": None}} if kind == "svg" else {}
            figure.savefig(held, format=kind, dpi=150, **extra)
            files[Path(folder) / f"{stem}-{name}.{kind}"] = held.getvalue()
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder '{folder}' could not be made ({error.strerror}). Choose another."
        ) from error
    write_whole(files, overwrite=overwrite)
    return list(files)


def _figures(rows: Sequence[ResultRow], home: Path) -> Iterator[tuple[str, Figure]]:
    yield "scores", plot_scores(rows)
    if len({row.labels for row in rows if row.kind == MEAN}) > 1:
        yield "labels", plot_label_efficiency(rows)
    calibrated = plot_calibration(rows, home)
    if calibrated is not None:
        yield "calibration", calibrated
    for prefix, name in (("leads: ", "leads"), ("noise: ", "noise")):
        if any(row.subject.startswith(prefix) for row in rows):
            yield name, plot_stress(rows, prefix)
    if any(row.subject.startswith(("sex: ", "age: ", "device: ")) for row in rows):
        yield "subgroups", plot_subgroups(rows)


def plot_scores(rows: Sequence[ResultRow]) -> Figure:
    """Draw macro AUROC and interval of each method with most labels, beside published ones."""
    labels = _most_labels(rows)
    heads = [r for r in _means(rows) if r.labels == labels and math.isfinite(r.value)]
    heads.sort(key=lambda r: r.value)
    published = best_published(rows[0].database, rows[0].task, {r.mode for r in heads}, most=1)
    published = published[::-1]
    shown = [*heads, *published]
    figure, (axes,) = _figure(7.2, 1.5 + 0.36 * max(len(shown), 3), 1)
    for place, row in enumerate(shown):
        measured = row.kind == MEAN
        colour = COLOURS[0] if measured else _SOFT
        _bar(axes, row, place, colour, "o" if measured else "D", filled=measured)
    axes.set_yticks(range(len(shown)), [_named(r) for r in shown])
    if published:
        axes.axhline(len(heads) - 0.5, color=_GRID, lw=1)
    _coin(axes, upright=True)
    axes.set_xlabel("macro AUROC, 95 % interval over patients")
    _title(figure, rows, f"{labels} of labels")
    return figure


def plot_label_efficiency(rows: Sequence[ResultRow]) -> Figure:
    """Draw macro AUROC over the number of labelled training records."""
    figure, (axes,) = _figure(6.8, 4.6, 1)
    methods = _by_method(_means(rows))
    for k, held in enumerate(methods):
        held = sorted((r for r in held if math.isfinite(r.value)), key=lambda r: r.n_labelled)
        if not held:
            continue
        at = np.array([r.n_labelled for r in held]) * 1.03 ** (k - (len(methods) - 1) / 2)
        _curve(axes, at, held, k)
    axes.set_xscale("log")
    ticks = sorted({r.n_labelled for r in _means(rows)})
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.minorticks_off()
    axes.set_xlabel("labelled training records")
    axes.set_ylabel("macro AUROC")
    _coin(axes)
    _legend(figure, axes)
    _title(figure, rows)
    return figure


def plot_calibration(rows: Sequence[ResultRow], home: Path) -> Figure | None:
    """Draw what was said against what was so, a panel a method, a line a class; None without."""
    labels = _most_labels(rows)
    heads = [
        r
        for r in rows
        if r.metric == METRIC and r.kind == "measured" and r.subject == "all" and r.labels == labels
    ]
    panels = []
    for held in _by_method(heads):
        try:
            answers = read_predictions(home, held[0].run)
        except FormatError:
            continue
        if answers.probabilities is not None:
            panels.append((held[0], answers))
    targets = panels[0][1].targets if panels else np.zeros((0, 0))
    shown = np.flatnonzero((targets == 1).sum(axis=0) >= _LEAST_POSITIVE)[: len(COLOURS)]
    if not shown.size:
        return None
    figure, grid = _figure(3.1 * min(len(panels), 4), 3.6 * math.ceil(len(panels) / 4), len(panels))
    figure.set_layout_engine("constrained", hspace=0.1, h_pad=0.08)  # titles have two lines
    for place, (axes, (row, answers)) in enumerate(zip(grid, panels, strict=True)):
        axes.plot([0, 1], [0, 1], color=_SOFT, lw=0.8, ls="--")
        for style, k in enumerate(shown):
            curve = reliability(answers.targets[:, k], answers.probabilities[:, k], n_bins=5)
            look = {"color": COLOURS[style], "label": answers.classes[k]}
            axes.plot(curve.said, curve.so, f"{_SHAPES[style]}-", ms=4, clip_on=False, **look)
            axes.vlines(curve.said, curve.low, curve.high, color=COLOURS[style], lw=1, alpha=0.6)
        axes.set_title(textwrap.fill(_named(row), 28), fontsize=9, loc="left")
        axes.set_aspect("equal")
        axes.set(xlim=(0, 1), ylim=(0, 1))
        if place + 4 >= len(panels):  # nothing is below it
            axes.set_xlabel("probability given")
        if place % 4 == 0:
            axes.set_ylabel("share that is positive")
    _legend(figure, grid[0])
    words = f"calibration, five bins of equal mass, {labels} of labels, first seed"
    n_classes = targets.shape[1]
    if shown.size < n_classes:
        words += f"\n{shown.size} of {n_classes} classes; the others have fewer than "
        words += f"{_LEAST_POSITIVE} positive records"
        words += " or would be a ninth curve" if shown.size == len(COLOURS) else ""
    _title(figure, rows, words)
    return figure


def plot_stress(rows: Sequence[ResultRow], prefix: str) -> Figure:
    """Draw macro AUROC over fewer leads, or more noise."""
    figure, (axes,) = _figure(6.4, 4.4, 1)
    labels = _most_labels(rows)
    held = [r for r in rows if r.subject.startswith(prefix) and r.labels == labels]
    found = {row.subject.removeprefix(prefix) for row in held}
    if prefix == "leads: ":
        order = [name for name in LEAD_SUBSETS if name in found]
    else:
        order = sorted(found, key=lambda name: -float(name.split()[0]))
    methods = _by_method(held)
    step = min(0.05, 0.6 / len(methods))
    for k, group in enumerate(methods):
        spots = [[r for r in group if r.subject == prefix + name] for name in order]
        means = [float(np.mean([r.value for r in s])) if s else math.nan for s in spots]
        at = np.arange(len(order)) + step * (k - (len(methods) - 1) / 2)
        axes.plot(at, means, label=_named(group[0]), **_look(k))
        lows = [_edge(s, "low") for s in spots]
        highs = [_edge(s, "high") for s in spots]
        axes.vlines(at, lows, highs, color=COLOURS[k % len(COLOURS)], lw=1, alpha=0.6)
    axes.set_xticks(range(len(order)), order)
    axes.set_ylabel("macro AUROC")
    axes.set_xlabel("leads of the test records" if prefix == "leads: " else "noise added, SNR")
    _coin(axes)
    _legend(figure, axes)
    _title(figure, rows, f"{labels} of labels")
    return figure


def plot_subgroups(rows: Sequence[ResultRow]) -> Figure:
    """Draw macro AUROC in each subgroup; those too small are named without a mark."""
    labels = _most_labels(rows)
    held = [
        r
        for r in rows
        if r.subject.startswith(("sex: ", "age: ", "device: ")) and r.labels == labels
    ]
    groups = list(dict.fromkeys(r.subject for r in held))
    methods = _by_method(held)
    told = {r.subject for r in held if math.isfinite(r.value)}
    # from the top, in inches: a group takes as much as it shows
    heights = [0.26 + 0.11 * len(methods) if name in told else 0.3 for name in groups]
    middles = np.cumsum(heights) - np.array(heights) / 2
    figure, (axes,) = _figure(7.2, 1.4 + sum(heights), 1)
    n_records = {}
    for k, of_method in enumerate(methods):
        look, shown = _look(k), False
        for middle, subject in zip(middles, groups, strict=True):
            spot = [r for r in of_method if r.subject == subject]
            n_records.setdefault(subject, spot[0].n_records if spot else 0)
            values = [r.value for r in spot if math.isfinite(r.value)]
            if not values:
                continue
            y = middle + (k - (len(methods) - 1) / 2) * 0.11
            axes.hlines(y, _edge(spot, "low"), _edge(spot, "high"), color=look["color"], lw=1.2)
            look |= {"ls": "", "ms": 5, "label": "" if shown else _named(spot[0])}
            axes.plot(np.mean(values), y, **look)
            shown = True
    for middle, subject in zip(middles, groups, strict=True):
        if subject not in told:
            across = axes.get_yaxis_transform()
            axes.text(0.01, middle, "too few", transform=across, color=_SOFT, va="center")
    axes.set_yticks(middles, [f"{name} (n = {n_records[name]})" for name in groups])
    axes.set_ylim(sum(heights), 0)
    axes.set_xlabel("macro AUROC, 95 % interval over patients")
    _coin(axes, upright=True)
    _legend(figure, axes)
    _title(figure, rows, f"{labels} of labels")
    return figure


def _figure(width: float, height: float, n_panels: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    across = min(n_panels, 4)
    panels = figure.subplots(math.ceil(n_panels / across), across, squeeze=False).ravel()
    for axes in panels:
        axes.grid(color=_GRID, lw=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[n_panels:]:
        axes.set_visible(False)
    return figure, list(panels[:n_panels])


def _bar(
    axes: Axes, row: ResultRow, place: float, colour: str, shape: str, *, filled: bool
) -> None:
    if math.isfinite(row.low) and math.isfinite(row.high):
        axes.hlines(place, row.low, row.high, color=colour, lw=1.6)
    inside = colour if filled else "white"
    axes.plot(row.value, place, shape, color=colour, mfc=inside, ms=6)


def _curve(axes: Axes, at: np.ndarray, rows: Sequence[ResultRow], k: int) -> None:
    look = _look(k)
    axes.plot(at, [r.value for r in rows], label=_named(rows[0]), **look)
    ends = [r.low for r in rows], [r.high for r in rows]
    axes.vlines(at, *ends, color=look["color"], lw=1, alpha=0.6)


def _look(k: int) -> dict[str, Any]:
    """Return colour, mark and line of a method; each pair of colour and mark comes once in 64."""
    again = k // len(COLOURS)
    return {
        "color": COLOURS[k % len(COLOURS)],
        "marker": _SHAPES[(k + 3 * again) % len(_SHAPES)],
        "ls": "--" if again % 2 else "-",
    }


def _coin(axes: Axes, *, upright: bool = False) -> None:
    """Draw the line of chance where it is in sight."""
    low, high = axes.get_xlim() if upright else axes.get_ylim()
    if low < 0.52 < high:
        (axes.axvline if upright else axes.axhline)(0.5, color=_SOFT, lw=0.8, ls=":")


def _legend(figure: Figure, axes: Axes) -> None:
    if axes.get_legend_handles_labels()[1]:
        figure.legend(
            *axes.get_legend_handles_labels(),
            loc="outside lower center",
            ncols=2,
            frameon=False,
            fontsize=8,
        )


def _title(figure: Figure, rows: Sequence[ResultRow], more: str = "") -> None:
    first = rows[0]
    version = f" {first.database_version}" if first.database_version else ""
    words = f"{first.database}{version}, {first.task}" + (f"; {more}" if more else "")
    figure.suptitle(words, fontsize=10, x=0.01, ha="left")


def _named(row: ResultRow) -> str:
    if row.kind.startswith("published"):
        return f"{row.model} ({row.mode}; published, not run)"
    return f"{row.model} ({row.mode}){f' {MARK}' if row.contaminated else ''}"


def _means(rows: Sequence[ResultRow]) -> list[ResultRow]:
    return [r for r in rows if r.kind == MEAN and r.metric == METRIC]


def _by_method(rows: Sequence[ResultRow]) -> list[list[ResultRow]]:
    groups: dict[tuple[str, ...], list[ResultRow]] = {}
    for row in rows:
        groups.setdefault((row.model, row.mode, row.settings, row.input), []).append(row)
    return list(groups.values())


def _most_labels(rows: Sequence[ResultRow]) -> str:
    shares = {row.labels: read_share(row.labels) for row in rows if row.labels}
    return max(shares, key=lambda name: shares[name])


def _edge(rows: Sequence[ResultRow], name: str) -> float:
    """Mean end of the intervals of several seeds."""
    ends = [getattr(row, name) for row in rows if math.isfinite(getattr(row, name))]
    return float(np.mean(ends)) if ends else math.nan
