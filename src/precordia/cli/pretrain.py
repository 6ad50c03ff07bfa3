# SPDX-License-Identifier: Apache-2.0
"""``precordia pretrain``: an encoder from recordings without labels, in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from precordia.cli.learning import learning, tell
from precordia.cli.options import Force, Json

HELP = """Train an encoder without labels and save it for embed, train and benchmark.

The folder gets the encoder (encoder), pretraining.json, log.jsonl, event files for TensorBoard and
a checkpoint. Ctrl-C saves it; --resume goes on from it as if nothing had happened. Without --list,
an objective, recordings, a length (--minutes, --steps or --epochs) and --out are needed.

Example:  precordia pretrain --objective jepa --data ptbxl.store --minutes 30 --out jepa
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("pretrain", help=HELP)(run)


def run(
    objective: Annotated[
        str, typer.Option("--objective", metavar="NAME", help="What is learned; see --list.")
    ] = "",
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="STORE",
            help="Store of recordings, or DATABASE:FOLDER. May come again.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where everything goes.")
    ] = None,
    model: Annotated[
        str,
        typer.Option("--model", help="Architecture, or folder of an encoder to begin with."),
    ] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="KEY=VALUE: an option of the objective, or training.lr, model.OPTION, "
            "input.seconds and the like. May come again.",
        ),
    ] = None,
    input_: Annotated[
        Path | None,
        typer.Option("--input", help="TOML file whose [input] says how windows are made."),
    ] = None,
    minutes: Annotated[float, typer.Option("--minutes", help="How long.")] = 0.0,
    steps: Annotated[int, typer.Option("--steps", help="Or: how many steps.")] = 0,
    epochs: Annotated[int, typer.Option("--epochs", help="Or: how many times over.")] = 0,
    batch_size: Annotated[int, typer.Option("--batch-size", help="Windows of a step.")] = 64,
    folds: Annotated[
        str,
        typer.Option(
            "--folds", help="Folds to learn from, between commas; those for training by default."
        ),
    ] = "",
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")] = 0,
    trust_scale: Annotated[
        bool,
        typer.Option("--trust-scale", help="Take recordings that have lost their millivolts too."),
    ] = False,
    cache: Annotated[
        str, typer.Option("--cache", help="Folder for what was prepared of the recordings.")
    ] = "",
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes that prepare them.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a pretraining that was interrupted.")
    ] = False,
    force: Force = False,
    list_: Annotated[
        bool, typer.Option("--list", help="List the objectives and what each needs.")
    ] = False,
    json: Json = False,
) -> None:
    """Pretrain, or list objectives."""
    import json as json_text

    from precordia.training.objective_table import list_objectives, objective_row

    if list_:
        rows = {name: objective_row(name) for name in list_objectives()}
        text = json_text.dumps({n: r.to_dict() for n, r in rows.items()}, ensure_ascii=False)
        typer.echo(text if json else "\n".join(f"{n:<12} {r}" for n, r in rows.items()))
        return
    if not objective:
        raise typer.BadParameter("--objective is missing; 'precordia pretrain --list' has them.")
    if not data:
        raise typer.BadParameter("--data is missing: a store ('precordia dataset build' makes one)")
    if out is None:
        raise typer.BadParameter("--out is missing: a folder for the encoder.")
    _pretrain(
        objective,
        list(data),
        json,
        folder=out,
        model=model,
        changes=set_ or (),
        input_spec=_input(input_),
        minutes=minutes,
        steps=steps,
        epochs=epochs,
        batch_size=batch_size,
        folds=[fold.strip() for fold in folds.split(",") if fold.strip()],
        seed=seed,
        trust_scale=trust_scale,
        cache=cache,
        n_jobs=jobs,
        resume=resume,
        overwrite=force,
    )


def _pretrain(objective: str, data: list[str], as_json: bool, **how: Any) -> None:
    from precordia.training.pretrain import pretrain
    from precordia.training.pretrain_request import read_request

    asked = ("model", "changes", "input_spec", "minutes", "steps", "epochs", "batch_size", "seed")
    read_request(objective, **{name: how[name] for name in asked})  # mistakes before PyTorch
    with learning() as watch:
        done = pretrain(objective, data, watch=watch, **how)
    tell(done, as_json=as_json)


def _input(file: Path | None) -> Any:
    if file is None:
        return None
    from precordia.core.errors import MissingFileError
    from precordia.core.input_spec import InputSpec

    if not file.is_file():
        raise MissingFileError(f"there is no file '{file}'; TOML with a table [input] is needed.")
    return InputSpec.from_toml(file.read_text(encoding="utf-8"))
