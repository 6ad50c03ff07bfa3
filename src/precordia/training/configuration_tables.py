# SPDX-License-Identifier: Apache-2.0
"""Tables of a TOML file: read, changed by a word from outside, checked, and written."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from precordia.core.errors import FormatError, MissingFileError, OptionError, unknown_name

_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "list": "a list",
    "dict": "a table",
}


def read_tables(
    given: str | Path | Mapping[str, Any], *, example: str = "precordia train --example"
) -> dict[str, Any]:
    """Return the tables of a TOML file, or a copy of those that were given.

    Parameters
    ----------
    given
        Path of a TOML file, or its tables.
    example
        Command that prints one, for the error.

    Raises
    ------
    MissingFileError, FormatError
        If there is no such file, or it is no TOML.
    """
    if isinstance(given, Mapping):
        return json.loads(json.dumps(dict(given)))  # a copy of its own
    path = Path(given)
    if not path.is_file():
        raise MissingFileError(
            f"there is no file '{path}'; a configuration is needed. '{example}' prints one."
        )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"'{path}' is not TOML ({error}). Mend the line.") from error


def changed_tables(tables: dict[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """Replace what stands in tables, in place, by ``"key=value"`` with a dotted key.

    Raises
    ------
    OptionError
        If a change is none.

    Examples
    --------
    >>> changed_tables({"training": {"lr": 1}}, ["training.lr = 0.1"])
    {'training': {'lr': 0.1}}
    """
    for change in changes:
        key, equals, said = change.partition("=")
        path = [part.strip() for part in key.split(".")]
        if not equals or not all(path):
            raise OptionError(f"'{change}' is no key=value, such as training.lr=0.01.")
        at = tables
        for part in path[:-1]:
            at = at.setdefault(part, {})
            if not isinstance(at, dict):
                raise OptionError(f"'{key.strip()}' is no key: '{part}' is no table.")
        at[path[-1]] = toml_value(said.strip())
    return tables


def toml_value(said: str) -> Any:
    """Read a value as TOML writes it; what is none is a word without quotes.

    Examples
    --------
    >>> toml_value("0.01"), toml_value("[1, 2]"), toml_value("cosine")
    (0.01, [1, 2], 'cosine')
    """
    try:
        return tomllib.loads(f"value = {said}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return said  # a word without quotes


def toml_text(tables: Mapping[str, Any]) -> str:
    """Write tables as TOML; texts, numbers, truth values, lists and tables of them.

    Examples
    --------
    >>> print(toml_text({"output": "a", "model": {"options": {"width": 8}}}), end="")
    output = "a"
    <BLANKLINE>
    [model]
    options = { width = 8 }
    """
    plain = [f"{key} = {_toml(v)}\n" for key, v in tables.items() if not _is_room(v)]
    rooms = []
    for key, value in tables.items():
        if isinstance(value, dict):
            lines = "".join(f"{_key(k)} = {_toml(v)}\n" for k, v in value.items())
            rooms.append(f"\n[{key}]\n{lines}")
        elif _is_room(value):
            for table in value:
                lines = "".join(f"{_key(k)} = {_toml(v)}\n" for k, v in table.items())
                rooms.append(f"\n[[{key}]]\n{lines}")
    return "".join([*plain, *rooms])


def made_of_table(room: str, kind: type, table: Any) -> Any:
    """Make a dataclass of a table whose keys are its fields.

    Parameters
    ----------
    room
        Name of the table.
    kind
        The dataclass; its fields are texts, numbers, lists and tables.
    table
        What was read.

    Raises
    ------
    UnknownNameError
        If a key is unknown; the nearest is named.
    OptionError
        If a value is of the wrong kind.
    """
    known = {f.name: str(f.type).partition("[")[0] for f in fields(kind)}
    check_known_keys(f"[{room}]", check_table(room, table), known)
    for key, value in table.items():
        needed = known[key]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = number if needed == "float" else type(value).__name__ == needed
        if not fits:
            raise OptionError(f"{room}.{key} is {value!r}; {_WORDS[needed]} is needed.")
    return kind(**table)


def check_table(room: str, table: Any) -> dict[str, Any]:
    """Refuse what is no table."""
    if not isinstance(table, dict):
        raise OptionError(f"{room} is {table!r}; a table is needed, [{room}].")
    return table


def check_known_keys(
    what: str,
    table: Mapping[str, Any],
    known: Iterable[str],
    *,
    inside: Mapping[str, type] | None = None,
) -> None:
    """Refuse a key that is unknown, and name the nearest.

    Parameters
    ----------
    what, table, known
        What has the keys, those that came, and those that it may have.
    inside
        Tables in it and the dataclasses of their keys: a key that came without its table is told
        where it belongs; the last of several holds.

    Raises
    ------
    UnknownNameError
        If a key is unknown.
    """
    rooms = (inside or {}).items()
    placed = {f.name: f"{room}.{f.name}" for room, kind in rooms for f in fields(kind)}
    for key in table:
        if key not in known:
            listing = ", ".join(known)
            raise unknown_name(f"key of {what}", key, known, listing=listing, elsewhere=placed)


def _is_room(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)
    )


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() else json.dumps(key)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items())
        return "{ " + inside + " }" if inside else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else json.dumps(value)
