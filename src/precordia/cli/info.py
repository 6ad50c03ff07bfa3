# SPDX-License-Identifier: Apache-2.0
"""``precordia info``: what a file is and what it says, without measuring anything."""

from __future__ import annotations

import json as json_text
from typing import TYPE_CHECKING, Annotated

import typer

from precordia.cli.options import File, Json, Reading, load, reads

if TYPE_CHECKING:
    from precordia.core.record import Record

HELP = """Say what a file is: leads, rate, length, unit checks, and what it states itself.

Identifiers of the patient are printed only with --patient.

Example:  precordia info ecg.dcm
"""


def add_to(app: typer.Typer) -> None:
    """Add the command, under the name of the verb too."""
    app.command("info", help=HELP)(reads(run))
    app.command("read", help=HELP.replace("precordia info", "precordia read"))(reads(run))


def run(
    file: File,
    json: Json = False,
    patient: Annotated[bool, typer.Option("--patient", help="Print identifiers too.")] = False,
    *,
    reading: Reading,
) -> None:
    """Read and describe."""
    record = load(file, reading)
    facts = describe(record, with_patient=patient)
    if json:
        typer.echo(json_text.dumps(facts, allow_nan=False, ensure_ascii=False))
        return
    for name, value in facts.items():
        if isinstance(value, list):
            typer.echo(f"{name:<12}" + ("" if value else "–"))
            for item in value:
                typer.echo(f"  {item}")
        elif isinstance(value, dict):
            typer.echo(f"{name:<12}" + ", ".join(f"{k} {v:g}" for k, v in value.items()))
        else:
            typer.echo(f"{name:<12}{'–' if value is None else value}")


def describe(record: Record, *, with_patient: bool) -> dict[str, object]:
    """Return what there is to say of a record, ready for JSON."""
    who = record.patient
    facts: dict[str, object] = {
        "format": record.source.method,
        "leads": ", ".join(record.leads),
        "fs_hz": record.fs,
        "duration_s": round(record.duration_s, 3),
        "n_samples": record.n_samples,
        "start_time": record.start_time.isoformat() if record.start_time else None,
        "age_years": who.age_years if who.age_years == who.age_years else None,
        "sex": who.sex,
    }
    if with_patient:
        facts |= {"patient_id": who.patient_id, "name": who.name}
        facts["birth_date"] = who.birth_date.isoformat() if who.birth_date else None
    carried = record.carried
    facts["measurements"] = carried.measurements
    facts["statements"] = [str(s) for s in carried.statements]
    facts["annotations"] = len(carried.annotations) if carried.annotations is not None else 0
    facts["companions"] = [repr(c) for c in record.companions]
    facts["remarks"] = [*map(str, record.remarks), *record.source.warnings]
    return facts
