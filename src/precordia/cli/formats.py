# SPDX-License-Identifier: Apache-2.0
"""``precordia formats``: what is read and written."""

from __future__ import annotations

import json as json_text

import typer

from precordia.cli.options import Json


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("formats", help="List the file formats.\n\nExample:  precordia formats")(formats)


def formats(json: Json = False) -> None:
    """List the formats that are read, written, or recognised."""
    from precordia.io.formats import FORMATS

    rows = [
        {
            "name": f.name,
            "title": f.title,
            "suffixes": list(f.suffixes),
            "read": f.reader is not None,
            "write": f.writer is not None,
        }
        for f in FORMATS
    ]
    if json:
        typer.echo(json_text.dumps({"formats": rows}, ensure_ascii=False))
        return
    for row in rows:
        able = " ".join(word for word in ("read", "write") if row[word]) or "recognised only"
        typer.echo(f"{row['name']:<14} {able:<16} {row['title']}")
