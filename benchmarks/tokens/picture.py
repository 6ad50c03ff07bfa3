# SPDX-License-Identifier: Apache-2.0
"""The curves of rate and distortion as a picture.

python benchmarks/tokens/picture.py benchmarks/results/tokens.csv \\
    benchmarks/results/tokens_gain.csv docs/images/rate-distortion.svg
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

TICKS = (20, 50, 100, 200)
TOLD = {
    "abba": ("ABBA, fixed chain", "#0b6e99", "o-"),
    "ecg-byte": ("ECG-Byte", "#b45f06", "s-"),
    "fsq": ("FSQ", "#38761d", "^-"),
    "rvq": ("residual VQ", "#741b47", "D-"),
    "beats": ("beat events", "#cc0000", "v-"),
    "sax": ("SAX, length of ABBA", "#999999", "o--"),
    "pca": ("PCA, rate of residual VQ", "#555555", "D--"),
}


def draw(rows: list[dict], gains: list[dict], path: Path) -> None:
    """Draw unlikeness over the rate, with fixed codes and an ideal coder, and over gain bits."""
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "precordia"})
    figure, axes = pyplot.subplots(1, 3, figsize=(12, 4.2), layout="constrained", sharey=True)
    for name, (label, colour, style) in TOLD.items():
        mine = [row for row in rows if row["tokenizer"] == name]
        mine.sort(key=lambda row: float(row["bits_per_s"]))
        for axis, key in zip(axes[:2], ("bits_per_s", "entropy_bits_per_s"), strict=True):
            x = [float(row[key]) for row in mine]
            y = [float(row["prd_percent"]) for row in mine]
            axis.plot(x, y, style, color=colour, label=label, markersize=4, linewidth=1.2)
        held = [row for row in gains if row["tokenizer"] == name]
        x = [int(row["gain_bits"]) for row in held]
        y = [float(row["prd_percent"]) for row in held]
        axes[2].plot(x, y, style, color=colour, markersize=4, linewidth=1.2)
    for axis, words in zip(axes[:2], ("fixed codes", "ideal coder"), strict=True):
        axis.set(xscale="log", xlabel=f"bits per second and lead, {words}")
        axis.set_xticks(TICKS, [str(tick) for tick in TICKS])
        axis.minorticks_off()
    axes[2].set(xlabel="bits of the amplitude of a lead (10 s)", xticks=range(0, 11, 2))
    for axis in axes:
        axis.grid(alpha=0.3)
        axis.set_ylim(0, 90)
    axes[0].set_ylabel("PRD, %")
    axes[0].legend(fontsize=7, loc="lower left")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def read(path: str) -> list[dict]:
    """Read a table."""
    with Path(path).open(newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


if __name__ == "__main__":
    draw(read(sys.argv[1]), read(sys.argv[2]), Path(sys.argv[3]))
