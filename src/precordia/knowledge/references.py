# SPDX-License-Identifier: Apache-2.0
"""Published works, by the keys that the tables of knowledge cite them with."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files


@cache
def list_references() -> dict[str, str]:
    """Return every work by its key.

    Examples
    --------
    >>> list_references()["udmi4"].split("doi:")[1]
    '10.1016/j.jacc.2018.08.1038'
    """
    text = files("precordia.knowledge").joinpath("references.toml").read_text("utf-8")
    return {key: str(work) for key, work in tomllib.loads(text).items()}


def find_reference(key: str) -> str:
    """Return a work by its key.

    Examples
    --------
    >>> find_reference("aha2").split("doi:")[1]
    '10.1161/CIRCULATIONAHA.106.180201'
    """
    return list_references()[key]
