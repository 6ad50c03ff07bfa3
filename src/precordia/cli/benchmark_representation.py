# SPDX-License-Identifier: Apache-2.0
"""``precordia benchmark representation``: what encoders make of the same records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.options import Force, Json, show

HELP = (
    "Audit embeddings: rank, neighbours, few labels, what a head rests on, likeness, a map.\n\n"
    "Each model is shown beside random weights and random numbers. Several --data are several "
    "sites.\n\n"
    "Example:  precordia benchmark representation --data ptbxl=PTBXL --task superclass "
    "--model precordia-12lead --model resnet1d --map MAP.png"
)


def add_to(group: typer.Typer) -> None:
    """Add the command to the group."""
    group.command("representation", help=HELP)(representation)


def representation(
    data: Annotated[
        list[str],
        typer.Option("--data", help="NAME=FOLDER of a database, or a store. May come again."),
    ],
    model: Annotated[
        list[str],
        typer.Option("--model", help="Shipped model, architecture or folder. May come again."),
    ],
    task: Annotated[str | None, typer.Option(help="Which labels; see the card.")] = None,
    folds: Annotated[
        str | None, typer.Option("--folds", help="Such as train=1-7,valid=8,test=9.")
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--labels", help="Share of patients whose labels are used. May come again."),
    ] = None,
    controls: Annotated[
        bool, typer.Option("--controls/--no-controls", help="Random weights beside.")
    ] = True,
    map: Annotated[
        Path | None, typer.Option("--map", help="Picture (png, svg, pdf) of each model's map.")
    ] = None,
    map_method: Annotated[str, typer.Option("--map-method", help="umap or pca.")] = "umap",
    seed: Annotated[int, typer.Option(help="Of random weights, labels and draws.")] = 0,
    force: Force = False,
    json: Json = False,
) -> None:
    """Audit encoders on one database or several."""
    from precordia.benchmarking.audit_models import audit_models
    from precordia.benchmarking.embedding_picture import save_maps
    from precordia.benchmarking.low_labels import read_share
    from precordia.benchmarking.representation_audit import group_of

    done = audit_models(
        data,
        model,
        task=task,
        folds=folds,
        shares=[read_share(share) for share in labels or ("1%", "10%", "100%")],
        controls=controls,
        seed=seed,
        watch=_say,
    )
    if map is not None:
        groups = group_of(done.records)
        save_maps(done.embeddings, groups, map, method=map_method, seed=seed, overwrite=force)
    show(done.scores, as_json=json)


def _say(words: str) -> None:
    """Say what is being done on stderr, where somebody looks."""
    if sys.stderr.isatty():
        typer.echo(words, err=True)
