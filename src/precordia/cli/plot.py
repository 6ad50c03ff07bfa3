# SPDX-License-Identifier: Apache-2.0
"""``precordia plot``: the recording on ECG paper."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.options import File, Force, Json, Reading, load, reads

HELP = """Draw a recording on calibrated ECG paper, as SVG, PNG or PDF.

Example:  precordia plot ecg.dcm --output ecg.png --waves --layout 6x2 --speed 50
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plot", help=HELP)(reads(run))


def run(
    file: File,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where; the suffix decides the format.")
    ] = None,
    waves: Annotated[bool, typer.Option("--waves", help="Mark P, QRS and T.")] = False,
    layout: Annotated[str, typer.Option(help="auto, 3x4, 6x2, 12x1, stacked or strip.")] = "auto",
    order: Annotated[str, typer.Option(help="standard or cabrera.")] = "standard",
    rhythm: Annotated[
        list[str] | None, typer.Option(help="Lead at full length below; repeat for more.")
    ] = None,
    speed: Annotated[float, typer.Option(help="Paper speed, mm/s.")] = 25,
    gain: Annotated[float, typer.Option(help="Gain, mm/mV.")] = 10,
    start: Annotated[float, typer.Option(help="Start of the excerpt, s.")] = 0,
    seconds: Annotated[
        float, typer.Option(help="Length of the excerpt, or of each row of a strip, s.")
    ] = 10,
    force: Force = False,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Read, draw, save."""
    from precordia.plotting.plot import plot

    record = load(file, reading)
    marks = None
    if waves:
        from precordia.delineation.delineate import delineate

        marks = delineate(record)
    drawing = plot(
        record,
        marks=marks,
        layout=layout,  # type: ignore[arg-type]
        order=order,  # type: ignore[arg-type]
        rhythm=rhythm or None,
        speed_mm_s=speed,
        gain_mm_mv=gain,
        start_s=start,
        seconds=seconds,
        title=file.name,
    )
    target = drawing.save(output or Path(f"{file.stem}.svg"), overwrite=force)
    if json:
        page = drawing.page  # a tachogram is on no ECG paper
        size = {} if page is None else {"width_mm": page.width_mm, "height_mm": page.height_mm}
        typer.echo(json_text.dumps({"output": str(target), **size}))
    else:
        typer.echo(f"{target}")
