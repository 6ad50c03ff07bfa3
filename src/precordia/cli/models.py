# SPDX-License-Identifier: Apache-2.0
"""``precordia models``: which networks there are, and what may be asked of each."""

from __future__ import annotations

import json as json_text
from typing import Annotated

import typer

from precordia.cli.options import Json, show

HELP = """List and describe the networks that load_model knows. Nothing is loaded for it.

Example:  precordia models show xresnet1d101
"""
_HELPS = {
    "list": "List the models.\n\nExample:  precordia models list",
    "show": (
        "Describe a model: paper, input, options, departures.\n\n"
        "Example:  precordia models show lead-agnostic --json"
    ),
}


def add_to(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help=_HELPS["list"])(list_all)
    group.command("show", help=_HELPS["show"])(describe)
    app.add_typer(group, name="models")


def list_all(json: Json = False) -> None:
    """List the models."""
    from precordia.models.architectures import list_models, model_card

    cards = [model_card(name) for name in list_models()]
    if json:
        models = [card.to_dict() for card in cards]
        typer.echo(json_text.dumps({"models": models}, ensure_ascii=False))
        return
    width = max(len(card.name) for card in cards)
    for card in cards:
        typer.echo(f"{card.name:<{width}} {card.parameters / 1e6:6.2f} M  {card.title}")


def describe(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the model.")],
    json: Json = False,
) -> None:
    """Print the card of a model."""
    from precordia.models.architectures import model_card

    card = model_card(name)
    lines = [
        f"{card.name}: {card.title}",
        f"paper      {card.paper}",
        f"code       {card.code}",
        f"licence    {card.licence}",
        f"input      {card.leads}, {card.seconds:g} s at {card.fs:g} Hz by default",
        f"           {card.advice}",
        f"size       {card.parameters:,} parameters with five outputs",
        f"tokens     {card.tokens}",
        f"embedding  {card.dim} numbers",
        *(f"option     {key} = {value}: {card.about[key]}" for key, value in card.options.items()),
        *(f"departure  {sentence}" for sentence in card.departures),
    ]
    show(card, as_json=json, text="\n".join(lines))
