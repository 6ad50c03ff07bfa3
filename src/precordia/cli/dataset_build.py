# SPDX-License-Identifier: Apache-2.0
"""``precordia dataset build``: the recordings of a database in one store."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from precordia.cli.loader_options import loader_options
from precordia.cli.options import Force, Json, show
from precordia.cli.progress import progress

HELP = """Write the recordings of a database into a store: Parquet files that open at once.

What is in the store already stays; only what is new is added. A run that was ended, by whatever,
goes on where it stopped when the same command is given again. It leaves with 2 where no recording
could be stored.

Example:  precordia dataset build ptbxl PTBXL_FOLDER --to ptbxl.store --fs 100 --jobs 2
"""


def build(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the database.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of its files.")],
    to: Annotated[Path, typer.Option("--to", metavar="STORE", help="Folder of the store.")],
    task: Annotated[str | None, typer.Option("--task", help="Which labels; see its card.")] = None,
    fs: Annotated[
        float | None, typer.Option("--fs", help="Bring all to this sampling rate, Hz.")
    ] = None,
    leads: Annotated[
        str | None, typer.Option("--leads", help="Leads to keep, between commas.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="Cut recordings into pieces of this length.")
    ] = None,
    codec: Annotated[
        str | None, typer.Option("--codec", help="zstd (small, the default) or lz4 (faster).")
    ] = None,
    quality: Annotated[
        bool, typer.Option("--quality/--no-quality", help="Assess the quality of each recording.")
    ] = True,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", help="Key file to replace patients by pseudonyms; made if it is new."
        ),
    ] = None,
    called: Annotated[
        str | None, typer.Option("--as", help="Name of the data set in the store.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="NAME=VALUE for the loader of the database. May come again."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many records.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes.")] = 1,
    force: Force = False,
    json: Json = False,
) -> None:
    """Build a store or add to it."""
    from precordia.datasets.dataset import load_dataset
    from precordia.datasets.store_build import build_store
    from precordia.datasets.store_columns import require_pyarrow
    from precordia.datasets.store_settings import check_settings

    require_pyarrow()
    names = None if leads is None else [lead.strip() for lead in leads.split(",")]
    check_settings(fs=fs, leads=names, seconds=seconds, codec=codec)
    options = loader_options(option)
    dataset = load_dataset(name, folder, task=task, **_native_rate(name, fs, options))
    if limit is not None:
        dataset = replace(dataset, items=dataset.items[:limit])
    built = build_store(
        dataset,
        to,
        fs=fs,
        leads=names,
        seconds=seconds,
        codec=codec,
        quality=_assess() if quality else None,
        pseudonym=_pseudonym(key),
        name=called,
        n_jobs=jobs,
        overwrite=force,
        watch=_watch,
    )
    show(built, as_json=json)
    if built.left_out and not built.n_added + built.n_before:
        raise typer.Exit(2)  # every recording was refused: the store is empty


def _assess() -> Any:
    from precordia.quality.assess import assess

    return assess


def _pseudonym(key: Path | None) -> Any:
    if key is None:
        return None
    from precordia.deidentification.pseudonyms import Pseudonyms, load_key

    return Pseudonyms(load_key(key)).patient


def _native_rate(name: str, fs: float | None, options: dict[str, Any]) -> dict[str, Any]:
    """Choose the files of a database that has them at several rates: never below what is wanted.

    PTB-XL has each record at 100 and at 500 Hz.
    """
    from precordia.core.registry import load_object
    from precordia.datasets.databases import DATABASES, dataset_card

    if fs is None or "fs" in options or name not in DATABASES:
        return options
    if "fs" not in inspect.signature(load_object(DATABASES[name])).parameters:
        return options
    rates = sorted(dataset_card(name).fs_hz)
    return options | {"fs": int(next((rate for rate in rates if rate >= fs), rates[-1]))}


def _watch(items: Sequence[Any]) -> Iterable[Any]:
    """Give the items and draw a bar with the time left, where somebody looks."""

    def drawn() -> Iterator[Any]:
        with contextlib.ExitStack() as stack:
            bar = stack.enter_context(progress("storing", len(items)))
            for item in items:
                yield item
                bar()

    return drawn()
