# SPDX-License-Identifier: Apache-2.0
"""Reach the readers and writers that the table of formats names."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from precordia.core.errors import OptionError
from precordia.io.formats import Format

#: what an option of one of these kinds cannot be given as: a word
_NEEDED = {"bool": "true or false", "int": "a whole number", "float": "a number"}


@functools.cache
def load_function(where: str) -> Callable[..., Any]:
    """Return the function that a ``"module:function"`` of the table names.

    Examples
    --------
    >>> load_function("precordia.io.units:millivolts")("uV")
    0.001
    """
    module, _, function = where.partition(":")
    return getattr(importlib.import_module(module), function)


def check_options(
    doing: str, row: Format, function: Callable[..., Any], options: Mapping[str, Any]
) -> None:
    """Refuse options that a reader or writer does not take, and words where it wants numbers.

    Raises
    ------
    OptionError
        Naming the options that it takes, or what the option should be.
    """
    known = {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    unknown = [name for name in options if name not in known]
    if unknown:
        taken = f"It takes {', '.join(known)}." if known else "It takes none."
        raise OptionError(
            f"{doing} {row.title} has no option '{unknown[0]}'. {taken} Leave it out, or name "
            "another format with format=."
        )
    for name, value in options.items():
        wanted = str(known[name].annotation).removesuffix(" | None")
        if isinstance(value, str) and wanted in _NEEDED:
            raise OptionError(f"{name}={value!r} arrived; {_NEEDED[wanted]} was needed.")
