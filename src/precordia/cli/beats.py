# SPDX-License-Identifier: Apache-2.0
"""``precordia beats``: which class each beat belongs to."""

from __future__ import annotations

import csv as table
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from precordia.cli.options import File, Force, Json, Reading, load, reads, show

if TYPE_CHECKING:
    from precordia.core.beats import Beats

HELP = """Tell the class of every beat: N normal, S supraventricular, V ventricular, F fusion,
Q paced or not judged.

--csv prints a row for each beat; --annotations writes a WFDB annotation file. Research software.

Example:  precordia beats holter.edf --annotations holter.atr
"""
_COLUMNS = ("sample", "seconds", "class", "p_n", "p_s", "p_v", "p_f", "abstained")
_SHOWN_FROM_S = 600.0


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("beats", help=HELP)(reads(run))


def run(
    file: File,
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a row for each beat.")] = False,
    annotations: Annotated[
        Path | None, typer.Option(help="Write the classes to this WFDB annotation file.")
    ] = None,
    force: Force = False,
    *,
    reading: Reading,
) -> None:
    """Read, classify the beats, print how many are of each class."""
    from precordia.classification.beats import beat_annotations, classify_beats
    from precordia.cli.progress import progress
    from precordia.io.wfdb_annotation import write_annotations

    if json and csv:
        raise typer.BadParameter("--json and --csv were both given; choose one of them.")
    record = load(file, reading)
    short = record.n_samples < _SHOWN_FROM_S * record.fs
    with progress("classifying beats", None, quiet=short) as bar:
        beats = classify_beats(record, progress=lambda done, total: bar(note=f"{done} of {total}"))
    if annotations is not None:
        marks = beat_annotations(beats)
        place = write_annotations(marks, annotations, fs=record.fs, overwrite=force)
        typer.echo(f"written: {place}", err=True)
    text = None if json else (_rows(beats) if csv else _summary(beats))
    show(beats, as_json=json, text=text)


def _rows(beats: Beats) -> str:
    text = io.StringIO()
    writer = table.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for place, label, shares, why in zip(
        beats.sample.tolist(), beats.label, beats.probability.tolist(), beats.abstained, strict=True
    ):
        known = [f"{p:.4f}" if p == p else "" for p in shares]
        writer.writerow([place, f"{place / beats.fs:.3f}", label, *known, why])
    return text.getvalue().rstrip("\n")


def _summary(beats: Beats) -> str:
    from precordia.core.beats import BEAT_CLASSES

    lines = [f"{len(beats)} beats in {beats.n_samples / beats.fs:.1f} s"]
    lines += [
        f"{beats.count(k):8} {k}  {words}" for k, words in BEAT_CLASSES.items() if beats.count(k)
    ]
    lines += [f"none: {why}" for why in beats.source.warnings]
    for why in dict.fromkeys(why for why in beats.abstained if why):
        lines.append(f"not judged: {beats.abstained.count(why)} ({why})")
    return "\n".join(lines)
