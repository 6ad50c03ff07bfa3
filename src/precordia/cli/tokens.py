# SPDX-License-Identifier: Apache-2.0
"""``precordia tokens``: a recording as symbols."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from precordia.cli.options import File, Force, Json, Reading, load, reads

if TYPE_CHECKING:
    from precordia.core.record import Record
    from precordia.core.tokens import Tokens

HELP = """Turn a recording into symbols, and say what that costs in bits and in likeness.

Tokenizers: abba, ecg-byte, fsq, rvq, beats; sax and pca are the controls. Each comes with a
codebook fitted on PTB-XL; a file that Tokenizer.save wrote is taken too.

Example:  precordia tokens ecg.dcm --tokenizer abba

Example:  precordia tokens ecg.dcm --tokenizer rvq --json

Example:  precordia tokens ecg.dcm --tokenizer beats --decoded back.hea
"""
_SHOWN = 24


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tokens", help=HELP)(reads(run))


def run(
    path: File,
    tokenizer: Annotated[
        str, typer.Option("--tokenizer", "-t", help="Name of a tokenizer, or a file of one.")
    ] = "abba",
    decoded: Annotated[
        Path | None,
        typer.Option("--decoded", help="Write here what comes back from the symbols."),
    ] = None,
    force: Force = False,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Encode one file."""
    from precordia.tokens.saved import load_tokenizer

    made = load_tokenizer(tokenizer)
    record = load(path, reading)
    tokens = made.encode(record)
    back = made.decode(tokens)
    lost = made.distortion(record, back)
    bits = {"fixed": made.rate(tokens), "entropy": made.rate(tokens, coding="entropy")}
    lost_in_file: list[str] = []
    if decoded is not None:
        lost_in_file = _written(back, decoded, force=force)
    if json:
        told = {
            "tokens": tokens.to_dict(),
            "bits_per_second_and_lead": bits,
            "distortion": lost.to_dict(),
            "decoded": str(decoded) if decoded else None,
            "lost_in_file": lost_in_file,
        }
        typer.echo(json_text.dumps(told, ensure_ascii=False, allow_nan=False))
        return
    typer.echo(
        f"{tokens}\n{bits['fixed']:.0f} bits a second and lead, {bits['entropy']:.0f} with an "
        f"ideal coder\nPRD {lost.prd_percent:.1f} %, RMSE {lost.rmse_mv:.4f} mV, R-peaks moved by "
        f"{lost.rpeak_ms:.1f} ms, {lost.n_lost} lost and {lost.n_extra} extra of {lost.n_rpeaks}"
    )
    for line in _in_words(tokens):
        typer.echo(line)
    for note in lost_in_file:
        typer.echo(f"note: {note}", err=True)


def _written(record: Record, path: Path, *, force: bool) -> list[str]:
    """Write what came back; return what the format could not hold."""
    import warnings

    from precordia.io.write import write

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write(record, path, overwrite=force)
    return [str(w.message) for w in caught]


def _in_words(tokens: Tokens) -> list[str]:
    lines = []
    for lead, name in [(-1, "all"), *enumerate(tokens.leads)]:
        said = tokens.symbols[tokens.lead == lead]
        if said.size:
            more = f" ... ({said.size})" if said.size > _SHOWN else ""
            lines.append(f"{name:>4}: {' '.join(map(str, said[:_SHOWN].tolist()))}{more}")
    return lines
