# SPDX-License-Identifier: Apache-2.0
"""``precordia delineate``: where the waves are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from precordia.cli.options import File, Json, Reading, load, reads, show

if TYPE_CHECKING:
    from precordia.core.fiducials import Fiducials

COLUMNS = ("p_onset", "p_offset", "qrs_onset", "r_peak", "qrs_offset", "t_onset", "t_offset")
HELP = """Find P, QRS and T of every beat; a wave that is absent is a dash.

Example:  precordia delineate ecg.dcm --lead II
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("delineate", help=HELP)(reads(run))


def run(
    file: File,
    json: Json = False,
    lead: Annotated[str | None, typer.Option(help="One lead instead of all together.")] = None,
    method: Annotated[str, typer.Option(help="auto, network or rules.")] = "auto",
    *,
    reading: Reading,
) -> None:
    """Read, delineate, print a table in milliseconds."""
    from precordia.core.errors import LeadError
    from precordia.delineation.delineate import delineate

    fiducials = delineate(load(file, reading), method=method)
    if lead is not None and lead not in fiducials.leads:
        raise LeadError(
            f"lead {lead} is not in the recording; it has {', '.join(fiducials.leads)}."
        )
    show(fiducials, as_json=json, text=None if json else _table(fiducials, lead))


def _table(fiducials: Fiducials, lead: str | None) -> str:
    waves = fiducials if lead is None else fiducials.leads[lead]
    lines = [f"{fiducials!r}, times in ms", "".join(f"{name:>12}" for name in COLUMNS)]
    for row in zip(*(getattr(waves, name) for name in COLUMNS), strict=True):
        cells = (f"{1000 * v / fiducials.fs:.0f}" if math.isfinite(v) else "–" for v in row)
        lines.append("".join(f"{cell:>12}" for cell in cells))
    return "\n".join(lines)
