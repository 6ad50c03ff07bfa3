# SPDX-License-Identifier: Apache-2.0
"""``precordia models``: which networks there are, and what may be asked of each."""

from __future__ import annotations

import json as json_text
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from precordia.cli.models_parity import HELP as PARITY_HELP
from precordia.cli.models_parity import parity
from precordia.cli.options import Json, show
from precordia.core.errors import unknown_name

if TYPE_CHECKING:
    from precordia.models.published_card import PublishedCard

HELP = """List and describe models.

Networks that load_model knows, models that ship trained, and published encoders, whose weights
their authors publish.

No network is loaded for it.

Example:  precordia models show xresnet1d101
"""
_HELPS = {
    "list": "List the models.\n\nExample:  precordia models list",
    "show": (
        "Describe a model: paper, input, options, departures; of one that ships: data, licence, "
        "scores, intended use, failures; of a published encoder: where its weights are, how "
        "they are used, and the fixtures that it is compared with.\n\n"
        "Example:  precordia models show ecg-founder.12lead"
    ),
    "parity": PARITY_HELP,
}
#: entries of a card that fill pages
_LONG = ("calibration", "thresholds", "steps")


def add_to(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help=_HELPS["list"])(list_all)
    group.command("show", help=_HELPS["show"])(describe)
    group.command("parity", help=_HELPS["parity"])(parity)
    app.add_typer(group, name="models")


def list_all(json: Json = False) -> None:
    """List the models."""
    from precordia.models.architectures import list_models, model_card
    from precordia.models.published_card import list_published, published_card
    from precordia.models.shipped import CARDS, shipped_card

    cards = [model_card(name) for name in list_models()]
    shipped = {name: shipped_card(name) for name in CARDS}
    published = [published_card(name) for name in list_published()]
    if json:
        told = {
            "models": [card.to_dict() for card in cards],
            "shipped": {name: card.to_dict() for name, card in shipped.items()},
            "published": [card.to_dict() for card in published],
        }
        typer.echo(json_text.dumps(told, ensure_ascii=False))
        return
    width = max(map(len, (*list_models(), *shipped, *list_published())))
    for card in cards:
        typer.echo(f"{card.name:<{width}} {card.parameters / 1e6:6.2f} M  {card.title}")
    for name, card in shipped.items():
        typer.echo(f"{name:<{width}}  trained  {card.task}")
    for card in published:
        typer.echo(
            f"{card.name:<{width}}  {card.standing:<9}  {card.title}; {_taken(card)}; "
            f"licence {card.licence}; learned from {', '.join(card.training_data)}; "
            f"{_compared(card)}"
        )


def describe(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the model.")],
    json: Json = False,
) -> None:
    """Print the card of a model."""
    from precordia.models.architectures import list_models, model_card
    from precordia.models.published_card import list_published, published_card
    from precordia.models.shipped import CARDS, shipped_card

    if name in list_published():
        published = published_card(name)
        show(published, as_json=json, text="\n".join(_about_published(published)))
        return
    if name in CARDS:
        trained = shipped_card(name)
        show(trained, as_json=json, text="\n".join(_lines(trained.to_dict())))
        return
    if name not in list_models():
        known = (*list_models(), *CARDS, *list_published())
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


def _about_published(card: PublishedCard) -> Iterator[str]:
    yield f"{card.name}: {card.title}"
    yield f"paper      {card.paper}"
    yield f"code       {card.code}"
    yield f"licence    {card.licence}"
    yield f"data       {', '.join(card.training_data)}"
    yield f"weights    {' '.join((card.weights.address, card.weights.file)).strip()}"
    if not card.convertible:
        yield f"{card.standing:<10} {card.reason}"
    else:
        file = card.weights.file or "FILE"
        yield f"convert    precordia convert-weights {file} --model {card.name}"
        yield f"model      {card.architecture} {_options(card)}".rstrip()
        yield f"input      {_taken(card)}: {', '.join(card.input.leads)}"
        yield from (f"step       {_step(step)}" for step in card.input.to_table()["steps"])
        yield f"embedding  {card.embedding}"
        yield f"outputs    {card.n_outputs or 'none'}"
    yield from (f"departure  {sentence}" for sentence in card.departures)
    yield f"parity     {_compared(card)}"


def _taken(card: PublishedCard) -> str:
    """Say in words what a published encoder takes."""
    if card.input is None:
        return "no input"
    table = card.input.to_table()
    leads = table["leads"]
    if leads == ["any"]:
        leads = "any lead"
    elif not isinstance(leads, str):
        leads = ", ".join(leads) if len(leads) < 4 else f"{len(leads)} leads in an order of its own"
    return f"{leads}, {card.input.seconds:g} s at {card.input.fs:g} Hz"


def _compared(card: PublishedCard) -> str:
    return f"compared with {', '.join(card.fixtures)}" if card.fixtures else "compared with nothing"


def _step(step: Mapping[str, Any]) -> str:
    words = [f"{key} {value}" for key, value in step.items() if key != "step"]
    return f"{step['step']}: {', '.join(words)}" if words else str(step["step"])


def _options(card: PublishedCard) -> str:
    return ", ".join(f"{key}={value}" for key, value in card.options.items())


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
