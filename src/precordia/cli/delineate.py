# SPDX-License-Identifier: Apache-2.0
"""``precordia delineate``: where the waves are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from precordia.cli.options import File, Json, Reading, load, reads, show

if TYPE_CHECKING:
    from precordia.core.fiducials import Fiducials
    from precordia.core.record import Record

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
    model: Annotated[
        str | None, typer.Option(help="Folder of a model of waves that 'precordia train' made.")
    ] = None,
    *,
    reading: Reading,
) -> None:
    """Read, delineate, print a table in milliseconds."""
    from precordia.core.errors import LeadError, OptionError
    from precordia.delineation.delineate import delineate

    if model is not None and method != "auto":
        raise OptionError(f"method is '{method}' and a model was named; leave one of them out.")
    record = load(file, reading)
    fiducials = delineate(record, method=method) if model is None else _by_model(model, record)
    if lead is not None and lead not in fiducials.leads:
        raise LeadError(
            f"lead {lead} is not in the recording; it has {', '.join(fiducials.leads)}."
        )
    show(fiducials, as_json=json, text=None if json else _table(fiducials, lead))


def _by_model(model: str, record: Record) -> Fiducials:
    from precordia.core.registry import load_object

    where = "precordia.training.predict_waves:predict_waves"
    return load_object(where, extra="train", purpose="a model of waves")(model, record)


def _table(fiducials: Fiducials, lead: str | None) -> str:
    waves = fiducials if lead is None else fiducials.leads[lead]
    lines = [f"{fiducials!r}, times in ms", "".join(f"{name:>12}" for name in COLUMNS)]
    for row in zip(*(getattr(waves, name) for name in COLUMNS), strict=True):
        cells = (f"{1000 * v / fiducials.fs:.0f}" if math.isfinite(v) else "–" for v in row)
        lines.append("".join(f"{cell:>12}" for cell in cells))
    return "\n".join(lines)
