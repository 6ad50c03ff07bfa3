# SPDX-License-Identifier: Apache-2.0
"""Cards of published encoders: whose weights they are, and how they are used. No PyTorch needed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal, get_args

from precordia.core.errors import FormatError, PrecordiaError, unknown_name
from precordia.core.input_spec import InputSpec
from precordia.core.value import Value

#: what a file of numbers is of
FixtureKind = Literal["network", "input", "sentence", "generator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile(Value):
    """Where the authors publish weights.

    Attributes
    ----------
    address
        Page on which the file is.
    file
        Its name; empty where it is not known.
    """

    address: str
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixture(Value):
    """What one file of numbers of the authors' own code differs in from the card.

    Attributes
    ----------
    kind
        ``"network"``: outputs of the network for weights and an input by rule. ``"input"``: what
        the preparation makes of a recording by rule. ``"sentence"``: what a tokeniser of beats
        makes of one. ``"generator"``: what a network that makes signals gives for noisy signals,
        steps and statements by rule.
    n_outputs, leads, n_samples, fs, options
        Where the network of the fixture is not the card's. Options are added to the card's.
    input
        The preparation, where it is not the card's.
    steps
        How many steps of the preparation the fixture has, where it stops before the last, and
        then takes all of the recording, ten seconds at 500 Hz.
    each_lead
        Whether each lead of the recording is prepared by itself.
    tolerance
        Largest difference, as a part of the largest expected number. 1e-5 holds for the same
        operations in another order; 1e-4 where attention or convolution is computed another way.
    """

    kind: FixtureKind = "network"
    n_outputs: int | None = None
    leads: tuple[str, ...] = ()
    n_samples: int | None = None
    fs: float | None = None
    options: dict[str, Any] = field(default_factory=dict)
    input: InputSpec | None = None
    steps: int | None = None
    each_lead: bool = False
    tolerance: float = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedCard(Value):
    """What is known of published weights before any of them is loaded.

    Attributes
    ----------
    name, title
        Our name, family and variant (``"ecg-founder.12lead"``); what it is in a few words.
    paper, code
        Where it was published (DOI or arXiv), and the authors' code.
    licence
        Licence of the weights.
    training_data
        Databases that the weights were made from.
    architecture
        Name of the model that takes the weights, one of `list_models`; empty where none does.
    weights
        Where the authors publish them.
    makes
        ``"embeddings"``, or ``"signals"``: such a network is no encoder.
    convertible, reason
        Whether the weights may be converted and used to embed, and why where they may not.
    n_outputs, classes
        Number of scores that the weights have, and what these are called, where it is known.
    embedding
        Which output is the embedding.
    options
        Options of the architecture.
    input
        How a recording becomes the input; None where nothing is converted.
    lead
        Which lead an encoder of one lead gets where nobody says.
    fixtures
        Files of numbers that the authors' own code gave, by their stems.
    departures
        Sentences: where this implementation leaves the paper or its code.
    """

    name: str
    title: str
    paper: str
    code: str
    licence: str
    training_data: tuple[str, ...]
    weights: PublishedFile
    architecture: str = ""
    makes: Literal["embeddings", "signals"] = "embeddings"
    convertible: bool = True
    reason: str = ""
    n_outputs: int = 0
    classes: tuple[str, ...] = ()
    embedding: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    input: InputSpec | None = None
    lead: str = ""
    fixtures: dict[str, Fixture] = field(default_factory=dict)
    departures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.convertible and not (self.architecture and self.input and self.embedding):
            raise FormatError("convertible weights need architecture, embedding and [input]")
        if self.makes not in ("embeddings", "signals"):
            raise FormatError(f"a published network makes {self.makes!r}")
        if not self.convertible and not self.reason:
            raise FormatError("weights that are not convertible need a reason")
        if self.classes and len(self.classes) != self.n_outputs:
            raise FormatError(f"{len(self.classes)} classes for {self.n_outputs} outputs")

    def __str__(self) -> str:
        return f"{self.name}: {self.title}"

    @property
    def standing(self) -> Literal["published", "withheld", "generator"]:
        """What may become of the weights: embed, nothing, or make signals."""
        if self.makes == "signals":
            return "generator"
        return "published" if self.convertible else "withheld"


@cache
def list_published() -> tuple[str, ...]:
    """Return the names of published encoders that have a card.

    Examples
    --------
    >>> "ecg-founder.12lead" in list_published()
    True
    """
    folder = files("precordia.models") / "published"
    return tuple(
        sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml"))
    )


@cache
def published_card(name: str) -> PublishedCard:
    """Return the card of a published encoder.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    FormatError
        If the card is damaged.

    Examples
    --------
    >>> published_card("ecg-founder.12lead").architecture
    'net1d'
    """
    if name not in list_published():
        listing = "'precordia models list'"
        raise unknown_name("published encoder", str(name), list_published(), listing=listing)
    return read_published_card(files("precordia.models") / "published" / f"{name}.toml")


def read_published_card(path: Traversable) -> PublishedCard:
    """Read a card from its TOML file.

    Raises
    ------
    FormatError
        If it is not TOML, or an entry is missing, unknown or impossible.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        _check_names("the card", entries, PublishedCard)
        if entries["name"] != path.name.removesuffix(".toml"):
            raise ValueError(f"its name is {entries['name']}")
        for key in ("training_data", "departures", "classes"):
            entries[key] = tuple(entries.get(key, ()))
        entries["weights"] = PublishedFile(**entries["weights"])
        entries["input"] = _input(entries, entries["name"])
        fixtures = entries.get("fixtures", {})
        entries["fixtures"] = {
            stem: _fixture(table, entries["name"]) for stem, table in fixtures.items()
        }
        return PublishedCard(**entries)
    except (OSError, ValueError, KeyError, TypeError, PrecordiaError) as error:
        raise FormatError(
            f"the card '{path.name}' cannot be read ({error}); it needs the entries of "
            "PublishedCard. Reinstall the package."
        ) from error


def _fixture(table: Mapping[str, Any], model: str) -> Fixture:
    _check_names("a fixture", table, Fixture)
    changes = {**table, "leads": tuple(table.get("leads", ())), "input": _input(table, model)}
    if table.get("kind", "network") not in get_args(FixtureKind):
        raise ValueError(f"the kind of a fixture is {table['kind']!r}")
    return Fixture(**changes)


def _input(table: Mapping[str, Any], model: str) -> InputSpec | None:
    return InputSpec.from_table(table["input"], model=model) if "input" in table else None


def _check_names(what: str, table: Mapping[str, Any], kind: type) -> None:
    if unknown := sorted(set(table) - {f.name for f in fields(kind)}):
        raise TypeError(f"{what} has unknown entries {', '.join(unknown)}")
