# SPDX-License-Identifier: Apache-2.0
"""``precordia adapt``: show recordings to a language model, and ask it about one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.learning import learning, tell
from precordia.cli.options import Force, Json
from precordia.core.registry import load_object

HELP = """Train an adapter that shows recordings to a local language model, or ask one.

The folder gets the adapter (its own weights alone), a card that names the language model, and
metrics.json: exact match beside a twin that saw no recording. Nothing is fetched.
--answer FOLDER asks an adapter about a file; what it says is not verified.

Example:  precordia adapt --example > adapting.toml; precordia adapt adapting.toml
          precordia adapt --answer adapted ecg.dcm "Does this ECG show left bundle block?"
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("adapt", help=HELP)(run)


def run(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="CONFIG|FILE", help="The TOML file; with --answer, a recording."),
    ] = None,
    question: Annotated[
        str | None, typer.Argument(help="With --answer: the question.", show_default=False)
    ] = None,
    answer: Annotated[
        Path | None, typer.Option("--answer", help="Folder of an adapter that is to answer.")
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option("--base", help="Folder of its language model, if that was moved."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where everything goes, instead of output.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a training that was interrupted.")
    ] = False,
    force: Force = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE, such as training.lr=0.01. May come again."),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Print a configuration that runs as it is.")
    ] = False,
    json: Json = False,
) -> None:
    """Train an adapter, ask one, or print an example."""
    import json as json_text

    from precordia.language.adapt_configuration import EXAMPLE

    if example:
        typer.echo(json_text.dumps({"example": EXAMPLE}) if json else EXAMPLE, nl=json)
        return
    if answer is not None:
        _answer(answer, path, question, base, as_json=json)
        return
    if path is None or question is not None:
        raise typer.BadParameter(
            "CONFIG alone is needed; 'precordia adapt --example' prints one. To ask an adapter "
            'about a recording: precordia adapt --answer FOLDER FILE "question".'
        )
    _check_extra()
    from precordia.language.adapt import adapt

    with learning() as watch:
        done = adapt(
            path,
            folder=folder,
            resume=resume,
            overwrite=force,
            changes=set_ or (),
            watch=watch,
        )
    tell(done, as_json=json)


def _answer(
    folder: Path, file: Path | None, question: str | None, base: Path | None, *, as_json: bool
) -> None:
    import json as json_text

    from precordia.io.read import read

    if file is None or question is None:
        raise typer.BadParameter('--answer needs a recording and a question: FILE "question".')
    _check_extra()
    from precordia.language.adapted import answer_with_adapter

    told = answer_with_adapter(folder, read(file), question, base=base)
    typer.echo(json_text.dumps(told.to_dict(), ensure_ascii=False) if as_json else str(told))


def _check_extra() -> None:
    """Name the one extra that brings everything, before a part of it is missed."""
    for brick in ("torch:Tensor", "transformers:AutoConfig"):
        load_object(brick, extra="language", purpose="an adapter")
