# SPDX-License-Identifier: Apache-2.0
"""Tables of docs/accuracy.md: from the cards of the weights and from benchmarks/results."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS, PACKAGE, RESULTS = ROOT / "docs", ROOT / "src" / "precordia", ROOT / "benchmarks" / "results"


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]] | list[tuple[str, ...]]) -> str:
    """Lay out a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


@cache
def card(path: str) -> dict[str, Any]:
    """Read the card of some weights."""
    return tomllib.loads(PACKAGE.joinpath(path).read_text(encoding="utf-8"))


def entry(scores: dict[str, Any], name: str) -> Any:
    """Follow a dotted name into the scores of a card."""
    for part in name.split("."):
        scores = scores[part]
    return scores


def plain(value: float) -> str:
    """Print a number with three digits and no exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def number(value: float, unit: str = "") -> str:
    """Print a number as the tables do."""
    return f"{value:.2f}" if unit == "%" else f"{value:.1f}" if unit else f"{value:.3f}"


def goals() -> str:
    """Set goals beside cross-validated figures."""
    rows, n_reached = [], 0
    entries = tomllib.loads((DOCS / "goals.toml").read_text(encoding="utf-8"))["goal"]
    for g in entries:
        scores, unit, scale = card(g["card"])["scores"], g.get("unit", ""), g.get("scale", 1)
        value = scale * entry(scores, g["entry"])
        low, high = (scale * end for end in entry(scores, g["interval"]))
        fewer = g.get("best", "high") == "low"
        reached = value <= g["goal"] if fewer else value >= g["goal"]
        n_reached += reached
        sign = "at most" if fewer else "at least"
        rows.append((
            f"{g['what']}{f', {unit}' if unit else ''}",
            f"{number(value, unit)} [{number(low, unit)}, {number(high, unit)}]",
            f"{sign} {g['goal']:g}",
            "reached" if reached else "**not reached**",
        ))  # fmt: skip
    head = ("what", "cross-validated, with 95 % interval", "goal", "")
    return f"{n_reached} of {len(entries)} goals are reached.\n\n" + table(head, rows)


@cache
def results(name: str) -> list[dict[str, str]]:
    """Read a table of results; empty where there is none."""
    path = RESULTS / name
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def peers() -> str | None:
    """Set cross-validated R-peaks beside other libraries; None where those were not measured."""
    known = card("delineation/rpeaks.toml")["scores"]
    columns = tuple((metric, window) for window in (150, 20) for metric in ("se", "ppv"))
    ours = {}
    for metric, window in columns:
        low, high = known[f"{metric}_{window}_ms_interval"]
        ours[metric, window] = _percent(100 * known[f"{metric}_{window}_ms"], 100 * low, 100 * high)
    cells = {"precordia, cross-validated": ours}
    for r in results("rpeaks.csv"):
        key = (r["metric"], int(r["subject"][:-3])) if r["subject"].endswith(" ms") else None
        if key in columns and "other library" in r["note"]:
            shown = _percent(float(r["value"]), float(r["low"]), float(r["high"]))
            cells.setdefault(r["method"], {})[key] = shown
    head = ("method", *(f"{metric} % in {window} ms" for metric, window in columns))
    rows = [(name, *(row.get(c, "–") for c in columns)) for name, row in cells.items()]
    return table(head, rows) if len(rows) > 1 else None


def _percent(value: float, low: float, high: float) -> str:
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def speed() -> str | None:
    """Print how fast the stages are; None where that was not measured."""
    rows = [
        (r["subject"], f"{plain(float(r['value']))} {r['unit']}".strip())
        for r in results("speed.csv")
        if r["method"] == "precordia" and not r["note"]
    ]
    return table(("what", "value"), rows) if rows else None


def reading_speed() -> str | None:
    """Print how long reading takes, beside the peer in the same run; None if not measured."""
    held: dict[str, dict[str, float]] = {}
    for r in results("speed.csv"):
        if r["note"] and r["subject"].startswith("read ") and r["unit"] == "ms":
            held.setdefault(r["subject"].removeprefix("read "), {})[r["method"]] = float(r["value"])
    rows = [
        (
            subject,
            f"{times['precordia']:.2g} ms",
            f"{times['ecgdatakit']:.2g} ms" if "ecgdatakit" in times else "–",
        )
        for subject, times in held.items()
    ]
    return table(("recording", "precordia", "ECGDataKit 2.0"), rows) if rows else None


def rule_scores() -> str | None:
    """Print the scores of the rules on databases that they were not looked at on; None if none."""
    rows = []
    for r in results("classification_rules.csv"):
        if r["part"] == "ptbxl 1-8" or int(r["positive"]) < 5:
            continue
        shares = (
            f"{100 * float(r[m]):.0f} [{100 * float(r[m + '_low']):.0f}, "
            f"{100 * float(r[m + '_high']):.0f}]" if r[m] not in ("", "nan") else "–"
            for m in ("se", "sp", "ppv")
        )  # fmt: skip
        rows.append((r["part"], r["statement"], r["positive"], r["negative"], *shares))
    head = ("database", "statement", "with", "without", "se %", "sp %", "ppv %")
    return table(head, rows) if rows else None


def cards() -> str:
    """Print what the cards say of data, method and limits."""
    parts = []
    for path in sorted(PACKAGE.rglob("*.toml")):
        if "knowledge" in path.parts or not card(str(path.relative_to(PACKAGE))).get("data"):
            continue
        known = card(str(path.relative_to(PACKAGE)))
        name = known.get("version", known["name"])
        parts.append(f"### {name}\n\n{known['task']}. Card: `{path.relative_to(ROOT)}`.\n")
        parts.append("Data:\n\n" + "".join(f"- {d}\n" for d in known["data"]))
        if "how" in known["scores"]:
            parts.append(f"How it was scored: {known['scores']['how']}\n")
        parts.append(table(("score", "value"), list(score_rows(known["scores"]))))
        limits = known.get("limits", {})
        if limits:
            parts.append("Limits:\n\n" + "".join(f"- {k}: {v}\n" for k, v in limits.items()))
        parts.append(f"Rebuild: `{known['rebuild']}`\n")
    return "\n".join(parts)


def score_rows(scores: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Walk through the scores of a card; intervals stand beside what they belong to."""
    for name, value in scores.items():
        stem = next((s for s in ("_interval", "_95") if name.endswith(s)), None)
        if name == "how" or (stem and isinstance(value, list)):
            continue
        shown = f"{above} {name}".strip()
        if isinstance(value, dict):
            yield from score_rows(value, shown)
            continue
        ends = next((scores[k] for k in (f"{name}_interval", f"{name}_95") if k in scores), None)
        ends = ends or (scores.get("sd_interval") if name == "sd_ms" else None)
        interval = f" [{ends[0]:g}, {ends[1]:g}]" if ends else ""
        yield shown, f"{value:g}{interval}" if isinstance(value, (int, float)) else str(value)
