# SPDX-License-Identifier: Apache-2.0
"""``precordia benchmark few-shot``: answers after a handful of examples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from precordia.cli.options import Json, show
from precordia.cli.progress import watched

HELP = """Score answers after a few examples, on questions and patients never seen before.

Each line stands beside what the question alone gives: in episodes of the published design that is
most of it.

Example:  precordia benchmark few-shot --data DATA --no-mapper
"""


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    group.command("few-shot", help=HELP)(run)


def run(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of ecg-qa/ and ptbxl/ ($PRECORDIA_DATA).")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="The encoder, as in 'precordia embed --help'.")
    ] = None,
    episodes: Annotated[int, typer.Option("--episodes", help="Episodes of each kind.")] = 30,
    shots: Annotated[int, typer.Option("--shots", help="Answered questions of each class.")] = 5,
    mapper: Annotated[
        bool,
        typer.Option(
            "--mapper/--no-mapper",
            help="Learn a mapper before a language model too; needs precordia[language].",
        ),
    ] = True,
    steps: Annotated[int, typer.Option("--steps", help="Steps in which the mapper learns.")] = 20,
    language_model: Annotated[
        Path | None,
        typer.Option(
            "--language-model", help="Folder of a causal language model, in place of a tiny one."
        ),
    ] = None,
    first_order: Annotated[
        bool, typer.Option("--first-order", help="Do not look through the inner steps.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")] = 0,
    json: Json = False,
) -> None:
    """Score, print."""
    from precordia.benchmarking.few_shot import FewShotSettings, benchmark_few_shot
    from precordia.embedding.encode import TWELVE

    settings = FewShotSettings(
        n_episodes=episodes,
        n_shots=shots,
        n_queries=shots,
        mapper=mapper,
        steps=steps,
        first_order=first_order,
        language_model=language_model,
        seed=seed,
    )
    scores = benchmark_few_shot(data, model=model or TWELVE, settings=settings, watch=watched)
    show(scores, as_json=json)
