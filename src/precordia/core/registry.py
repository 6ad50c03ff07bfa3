# SPDX-License-Identifier: Apache-2.0
"""Names are declared in tables and loaded only when used."""

from __future__ import annotations

import importlib
from typing import Any

from precordia.core.errors import MissingExtraError


def load_object(path: str, *, extra: str | None = None, purpose: str = "this") -> Any:
    """Import the object that a table names as ``"module:object"``.

    Parameters
    ----------
    path
        Module and object, such as ``"precordia.io.wfdb:read_wfdb"``.
    extra
        Extra of the package that brings the module's dependencies.
    purpose
        Words for the error: ``"reading DICOM"``.

    Returns
    -------
    The object.

    Raises
    ------
    MissingExtraError
        If a dependency of the module is not installed.

    Examples
    --------
    >>> load_object("precordia.core.leads:canonical_lead")("avr")
    'aVR'
    """
    module, _, name = path.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "precordia":
            raise
        wanted = f'pip install "precordia[{extra}]"' if extra else f"pip install {error.name}"
        raise MissingExtraError(
            f"{purpose} needs {error.name}, which is not installed. Install it with: {wanted}"
        ) from error
