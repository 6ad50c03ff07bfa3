# SPDX-License-Identifier: Apache-2.0
"""The toy record: a simulated 12-lead ECG that ships with the package and knows its own truth."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

_FOLDER = files("precordia.datasets") / "toy_data"


def toy_record() -> Path:
    """Return the path of the toy record: 12 leads, 10 s, 500 Hz, WFDB.

    It is synthetic: a sinus rhythm with respiratory variability and recorded-like noise made by
    ``simulate``; ``toy_data/toy.toml`` names the arguments.

    Examples
    --------
    >>> from precordia.io.read import read
    >>> read(toy_record()).leads[:3]
    ('I', 'II', 'III')
    """
    return Path(str(_FOLDER / "toy.hea"))


def toy_truth() -> dict[str, float]:
    """Return what is true of the toy record by construction, under the names of `Measurements`.

    Examples
    --------
    >>> toy_truth()["pr_ms"]
    158.0
    """
    return json.loads((_FOLDER / "truth.json").read_text(encoding="utf-8"))
