# SPDX-License-Identifier: Apache-2.0
"""``--option NAME=VALUE``: what the loader of a database is told."""

from __future__ import annotations

from typing import Any

import typer


def loader_options(given: list[str] | None) -> dict[str, Any]:
    """Turn NAME=VALUE into arguments; whole numbers become numbers, ``{...}`` a table of TOML."""
    import tomllib

    said: dict[str, Any] = {}
    for pair in given or ():
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier() or key in ("task", "check_files", "watch"):
            raise typer.BadParameter(f"'{pair}' is no NAME=VALUE of a loader, such as fs=500.")
        said[key] = int(value) if value.isdecimal() else value
        if value.startswith("{"):
            try:
                said[key] = tomllib.loads(f"value = {value}")["value"]
            except tomllib.TOMLDecodeError as error:
                raise typer.BadParameter(
                    f"'{value}' is no table such as {{unit = \"uV\"}} ({error})."
                ) from error
    return said
