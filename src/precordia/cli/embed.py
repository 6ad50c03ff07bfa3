# SPDX-License-Identifier: Apache-2.0
"""``precordia embed``: recordings as vectors."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from precordia.cli.options import Force, Json, Reading, load, reads, show
from precordia.cli.problems import say_problems
from precordia.cli.progress import progress

if TYPE_CHECKING:
    from precordia.core.embedding import Embedding

HELP = """Turn recordings into vectors of an encoder: near to each other lie those that look alike.

One file is printed. Several files, or a folder, are written to one table; what was embedded before
is taken from the cache, so an interrupted run goes on where it stopped.

Examples:  precordia embed ecg.dcm --json
           precordia embed archive/ -o vectors.npz --jobs 2
           precordia embed archive/ --model ecg-founder.12lead -o vectors.parquet
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("embed", help=HELP)(reads(run))


def run(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Recordings or folders.")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="precordia-12lead (the default for tables), precordia-any-lead, a graph (.onnx) "
            "with its card, a published encoder of 'precordia models list', or a folder of "
            "weights.",
        ),
    ] = None,
    lead: Annotated[
        str | None, typer.Option("--lead", help="Which lead an encoder of one lead gets.")
    ] = None,
    half: Annotated[
        bool,
        typer.Option(
            "--half",
            help="Multiply with 16 bits: faster, vectors differ by about a hundredth. Published "
            "encoders and folders.",
        ),
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The table: .npz or .parquet.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes.")] = 1,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Keep nothing in the cache and take nothing from it.")
    ] = False,
    force: Force = False,
    json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Embed one file or many."""
    from precordia.io.zarr_store import is_store

    if len(paths) == 1 and output is None and (not paths[0].is_dir() or is_store(paths[0])):
        from precordia.embedding.embed import embed

        embedding = embed(load(paths[0], reading), model=model, lead=lead, half=half)
        show(embedding, as_json=json, text=_in_words(embedding))
        return
    table = output or Path("vectors.npz")
    _many(
        paths,
        table,
        model,
        jobs,
        lead=lead,
        half=half,
        cache=not no_cache,
        force=force,
        as_json=json,
        options=reading,
    )


def _in_words(embedding: Embedding) -> str:
    first = " ".join(f"{x:.3g}" for x in embedding.vector[:8])
    cautions = "".join(f"\ncaution: {text}" for text in embedding.source.warnings)
    return f"{embedding}\n{first} ...{cautions}"


def _many(
    paths: list[Path],
    output: Path,
    model: str | None,
    n_jobs: int,
    *,
    lead: str | None,
    half: bool,
    cache: bool,
    force: bool,
    as_json: bool,
    options: dict[str, object],
) -> None:
    from precordia.batch import recordings_of
    from precordia.core.errors import FormatError, OutputError
    from precordia.embedding.embed_files import embed_files
    from precordia.embedding.encode import TWELVE
    from precordia.embedding.vector_table import vector_writer

    write = vector_writer(output)
    if output.exists() and not force:
        raise OutputError(
            f"'{output}' exists and was left as it is. Choose another name with --output, or "
            "overwrite with --force."
        )
    files = [p for p in recordings_of(paths) if p.resolve() != output.resolve()]
    if not files:
        raise FormatError(
            f"no recording was found in {', '.join(map(str, paths))}. "
            "Name files, or a folder that holds some; 'precordia formats' lists what is read."
        )
    rows: list[tuple[str, Embedding]] = []
    problems: list[dict[str, str]] = []
    n_cached = 0
    with progress("embedding", len(files), quiet=as_json) as advance:
        made_all = embed_files(
            files,
            model=model or TWELVE,
            lead=lead,
            half=half,
            n_jobs=n_jobs,
            cache=cache,
            options=options,
        )
        for made in made_all:
            if made.embedding is None:
                problems.append({"file": str(made.path), "problem": made.problem})
            else:
                rows.append((str(made.path), made.embedding))
            n_cached += made.cached
            advance(failed=made.embedding is None)
    if rows:
        write(rows, output, force)
    _conclude(rows, problems, n_cached, output, as_json=as_json)


def _conclude(
    rows: list[tuple[str, Embedding]],
    problems: list[dict[str, str]],
    n_cached: int,
    output: Path,
    *,
    as_json: bool,
) -> None:
    cautions = [(name, text) for name, e in rows for text in e.source.warnings]
    if as_json:
        told = {
            "embedded": len(rows),
            "from_cache": n_cached,
            "failed": len(problems),
            "model": rows[0][1].model if rows else "",
            "dim": rows[0][1].dim if rows else 0,
            "output": str(output) if rows else None,
            "problems": problems,
            "cautions": [{"file": name, "caution": text} for name, text in cautions],
        }
        typer.echo(json_text.dumps(told, ensure_ascii=False))
    else:
        say_problems((p["file"], p["problem"]) for p in problems)
        say_problems((name, f"caution: {text}") for name, text in cautions)
        where = f" Table: {output}" if rows else ""
        typer.echo(
            f"{len(rows)} embedded, {n_cached} of them were in the cache, {len(problems)} could "
            f"not be.{where}"
        )
    if not rows:
        raise typer.Exit(2)
