# SPDX-License-Identifier: Apache-2.0
"""Options of models: known by their card, checked before anything is built."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from precordia.core.errors import OptionError
from precordia.models.model_card import ModelCard


def complete_options(card: ModelCard, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return every option of a model: those given, the card's default for the others.

    Raises
    ------
    OptionError
        If an option is unknown or of another kind than its default.

    Examples
    --------
    >>> from precordia.models.architectures import model_card
    >>> complete_options(model_card("resnet1d"), {"size": 34})["size"]
    34
    >>> complete_options(model_card("resnet1d"), {"widht": 34})
    Traceback (most recent call last):
    precordia.core.errors.OptionError: resnet1d has no option 'widht'. Did you mean 'width'? ...
    """
    for name, value in given.items():
        if name not in card.options:
            near = difflib.get_close_matches(name, [*card.options, *_STANDARD], n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            if name in _STANDARD:
                hint = " It is told beside the options."
            known = ", ".join(card.options) or "none"
            raise OptionError(f"{card.name} has no option '{name}'.{hint} Its options: {known}.")
        _check_kind(card.name, name, value, card.options[name])
    return {**card.options, **given}


#: what every model may be told
_STANDARD = ("n_outputs", "n_leads", "leads", "n_samples", "seconds", "fs", "weights", "seed")


def _check_kind(model: str, name: str, value: Any, usual: Any) -> None:
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
    kind = type(usual)
    right = isinstance(value, (int, float) if kind is float else kind)
    if kind is not bool and isinstance(value, bool):
        right = False
    if kind in kinds and not right:
        raise OptionError(
            f"{name} of {model} is {value!r}; {kinds[kind]} such as {usual!r} is needed."
        )


def check_one_of(name: str, value: Any, known: Sequence[Any]) -> None:
    """Refuse a value that is none of those known.

    Examples
    --------
    >>> check_one_of("size", 18, (18, 34, 50))
    """
    if value not in known:
        raise OptionError(f"{name} is {value!r}; one of {', '.join(map(str, known))} is needed.")


def check_odd(name: str, value: int) -> None:
    """Refuse a kernel that has no middle sample.

    Examples
    --------
    >>> check_odd("kernel", 3)
    """
    if value < 1 or value % 2 == 0:
        raise OptionError(f"{name} is {value!r}; an odd number of samples such as 3 is needed.")


def check_share(name: str, value: float) -> None:
    """Refuse a share that is not within 0 and 1.

    Examples
    --------
    >>> check_share("dropout", 0.1)
    """
    if not 0 <= value < 1:
        raise OptionError(f"{name} is {value!r}; a number from 0 to below 1 is needed.")


def check_positive(name: str, value: int) -> None:
    """Refuse a count below one.

    Examples
    --------
    >>> check_positive("layers", 4)
    """
    if value < 1:
        raise OptionError(f"{name} is {value!r}; a whole number of at least 1 is needed.")
