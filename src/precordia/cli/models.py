# SPDX-License-Identifier: Apache-2.0
"""``precordia models``: which networks there are, and what may be asked of each."""

from __future__ import annotations

import json as json_text
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from precordia.cli.options import Json, show
from precordia.core.errors import unknown_name

HELP = """List and describe models: networks that load_model knows, and those that ship trained.

No network is loaded for it.

Example:  precordia models show xresnet1d101
"""
_HELPS = {
    "list": "List the models.\n\nExample:  precordia models list",
    "show": (
        "Describe a model: paper, input, options, departures; of one that ships: data, licence, "
        "scores, intended use, failures.\n\n"
        "Example:  precordia models show precordia-12lead"
    ),
}
#: entries of a card that fill pages
_LONG = ("calibration", "thresholds", "steps")


def add_to(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help=_HELPS["list"])(list_all)
    group.command("show", help=_HELPS["show"])(describe)
    app.add_typer(group, name="models")


def list_all(json: Json = False) -> None:
    """List the models."""
    from precordia.models.architectures import list_models, model_card
    from precordia.models.shipped import CARDS, shipped_card

    cards = [model_card(name) for name in list_models()]
    shipped = {name: shipped_card(name) for name in CARDS}
    if json:
        told = {
            "models": [card.to_dict() for card in cards],
            "shipped": {name: card.to_dict() for name, card in shipped.items()},
        }
        typer.echo(json_text.dumps(told, ensure_ascii=False))
        return
    width = max(map(len, (*list_models(), *shipped)))
    for card in cards:
        typer.echo(f"{card.name:<{width}} {card.parameters / 1e6:6.2f} M  {card.title}")
    for name, card in shipped.items():
        typer.echo(f"{name:<{width}}  trained  {card.task}")


def describe(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the model.")],
    json: Json = False,
) -> None:
    """Print the card of a model."""
    from precordia.models.architectures import list_models, model_card
    from precordia.models.shipped import CARDS, shipped_card

    if name in CARDS:
        trained = shipped_card(name)
        show(trained, as_json=json, text="\n".join(_lines(trained.to_dict())))
        return
    if name not in list_models():
        known = (*list_models(), *CARDS)
        raise unknown_name("model", name, known, listing="'precordia models list'")
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
        f"scores     one a class for each {card.outputs}",
        *(f"option     {key} = {value}: {card.about[key]}" for key, value in card.options.items()),
        *(f"departure  {sentence}" for sentence in card.departures),
    ]
    show(card, as_json=json, text="\n".join(lines))


def _lines(table: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Yield the entries of a card that ships, tables within it further in."""
    for key, value in table.items():
        if key in _LONG:
            yield f"{indent}{key}: {len(value)} entries; see --json"
        elif isinstance(value, Mapping):
            yield f"{indent}{key}"
            yield from _lines(value, indent + "  ")
        elif isinstance(value, (list, tuple)):
            yield f"{indent}{key}: {', '.join(map(str, value))}"
        elif value not in ("", None):
            yield f"{indent}{key}: {value}"
