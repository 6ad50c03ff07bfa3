# SPDX-License-Identifier: Apache-2.0
"""Whether a file holds the weights that a model needs, and in which keys the two differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from precordia.core.errors import WeightsError

#: more keys than these make no sentence
_SHOWN = 3


def refuse_differences(
    arrived: Mapping[str, tuple[int, ...]],
    needed: Mapping[str, tuple[int, ...]],
    *,
    source: str,
    model: str,
) -> None:
    """Refuse weights whose keys or shapes are not those of a model.

    Parameters
    ----------
    arrived, needed
        Shape of every array, by its key.
    source, model
        Words for the sentence: the file, the model's name.

    Raises
    ------
    WeightsError
        Naming the first keys that are missing, extra and misshapen, and how many there are.

    Examples
    --------
    >>> refuse_differences({"a": (2,)}, {"a": (3,), "b": (1,)}, source="x", model="m")
    Traceback (most recent call last):
    precordia.core.errors.WeightsError: 'x' does not hold the weights of this m: 1 missing (b); ...
    """
    missing = [key for key in needed if key not in arrived]
    extra = [key for key in arrived if key not in needed]
    misshapen = [
        f"{key} {_shape(arrived[key])} for {_shape(needed[key])}"
        for key in needed
        if key in arrived and arrived[key] != needed[key]
    ]
    said = [
        f"{len(keys)} {kind} ({_first(keys)})"
        for kind, keys in (("missing", missing), ("extra", extra), ("misshapen", misshapen))
        if keys
    ]
    if said:
        raise WeightsError(
            f"'{source}' does not hold the weights of this {model}: {'; '.join(said)}. Use the "
            "name, options and leads that it was made with, or other weights."
        )


def _first(keys: Iterable[str]) -> str:
    keys = list(keys)
    return ", ".join(keys[:_SHOWN]) + (", ..." if len(keys) > _SHOWN else "")


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"
