# SPDX-License-Identifier: Apache-2.0
"""``precordia dataset``: which public databases there are, what a folder or a store holds."""

from __future__ import annotations

import json as json_text
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from precordia.cli import dataset_build
from precordia.cli.loader_options import loader_options
from precordia.cli.options import Json, show
from precordia.cli.progress import watched

_WATCH = partial(watched, words="files and records")
HELP = """List, describe, verify and fetch public databases of recordings, and build stores of them.

Nothing is fetched without --yes.

Example:  precordia dataset describe ptbxl PTBXL_FOLDER --task rhythm
"""
_HELPS = {
    "list": "List the databases.\n\nExample:  precordia dataset list",
    "describe": (
        "Count what a folder holds of a database; without a folder, print its card.\n\n"
        "Given the folder of a store instead of a name, count what the store holds.\n\n"
        "Example:  precordia dataset describe mitdb mitdb --json"
    ),
    "verify": (
        "Compare the files with SHA256SUMS.txt, where it is there, and read every record.\n\n"
        "Given the folder of a store instead of a name, compare its files with its manifest.\n\n"
        "It leaves with 2 where a file is damaged or a record cannot be read.\n\n"
        "Example:  precordia dataset verify ludb ludb --limit 10"
    ),
    "fetch": (
        "Fetch a database: say what it would bring and, with --yes, fetch it.\n\n"
        "What broke off goes on from where it did. PRECORDIA_OFFLINE=1 forbids it.\n\n"
        "Example:  precordia dataset fetch ptbxl ptbxl --only 'records100/*' --yes"
    ),
    "build": dataset_build.HELP,
}

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the database, or a store.")]
Fetched = Annotated[str, typer.Argument(metavar="NAME", help="Name of the database.")]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of its files.")]
Task = Annotated[str | None, typer.Option("--task", help="Which labels; see its card.")]
Option = Annotated[
    list[str] | None,
    typer.Option("--option", help="NAME=VALUE for the loader, such as fs=500. May come again."),
]


def add_to(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None)
    for name, command in (
        ("list", list_all),
        ("describe", describe),
        ("verify", verify),
        ("fetch", fetch),
        ("build", dataset_build.build),
    ):
        group.command(name, help=_HELPS[name])(command)
    app.add_typer(group, name="dataset")


def list_all(json: Json = False) -> None:
    """List the databases."""
    from precordia.datasets.databases import dataset_card, list_datasets

    cards = [dataset_card(name) for name in list_datasets()]
    if json:
        told = {"databases": [card.to_dict() for card in cards]}
        typer.echo(json_text.dumps(told, ensure_ascii=False))
        return
    for card in cards:
        size = str(card.n_records or "–")
        typer.echo(f"{card.name:<16} {size:>7}  {card.title} ({card.licence})")


def describe(
    name: Name,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Folder of its files.")
    ] = None,
    task: Task = None,
    option: Option = None,
    json: Json = False,
) -> None:
    """Describe a folder, or the card alone."""
    from precordia.datasets.databases import dataset_card
    from precordia.datasets.dataset import load_dataset
    from precordia.datasets.describe import describe_dataset

    if folder is None and _is_store(name):
        from precordia.datasets.store import open_store
        from precordia.datasets.store_describe import describe_store

        show(describe_store(open_store(name)), as_json=json)
        return
    card = dataset_card(name)
    if folder is None:
        lines = [
            f"{card.title} {card.version}".rstrip(),
            f"{card.n_records} records, licence {card.licence}",
            f"{card.url}  {card.paper}",
            *(f"task   {task_name}: {words}" for task_name, words in card.tasks.items()),
            *(f"file   {words}" for words in card.layout),
            *(f"beware: {words}" for words in card.traps),
        ]
        show(card, as_json=json, text="\n".join(lines))
        return
    dataset = load_dataset(name, folder, task=task, **loader_options(option))
    show(describe_dataset(dataset), as_json=json)


def verify(
    name: Name,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Folder of its files.")
    ] = None,
    task: Task = None,
    option: Option = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Read only so many records.")] = None,
    json: Json = False,
) -> None:
    """Verify a folder or a store."""
    from precordia.datasets.databases import dataset_card
    from precordia.datasets.store_verify import verify_store
    from precordia.datasets.verify import verify_dataset

    if folder is None and _is_store(name):
        said: Any = verify_store(name, watch=_WATCH)
    elif folder is None:
        dataset_card(name)  # a wrong name is told first
        raise typer.BadParameter(f"the folder of {name} is needed as well.")
    else:
        options = loader_options(option)
        said = verify_dataset(name, folder, task=task, limit=limit, watch=_WATCH, **options)
    if json:
        typer.echo(json_text.dumps({**said.to_dict(), "ok": said.ok}, ensure_ascii=False))
    else:
        typer.echo(str(said))
    if not said.ok:
        raise typer.Exit(2)


def _is_store(name: str) -> bool:
    """Tell whether the folder of a store stands where a name may stand."""
    from precordia.datasets.databases import DATABASES
    from precordia.datasets.store_manifest import is_store

    return name not in DATABASES and (is_store(Path(name)) or Path(name).is_dir())


def fetch(
    name: Fetched,
    folder: Folder,
    yes: Annotated[bool, typer.Option("--yes", help="Say yes to the size and licence.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Pattern of paths, such as 'records100/*'. May come again."),
    ] = None,
    url: Annotated[str | None, typer.Option(help="Another address of the same files.")] = None,
    json: Json = False,
) -> None:
    """Fetch a database after a yes."""
    from precordia.datasets.fetch import fetch_dataset

    done = fetch_dataset(name, folder, confirmed=yes, only=tuple(only or ()), url=url, watch=_WATCH)
    show(done, as_json=json)
