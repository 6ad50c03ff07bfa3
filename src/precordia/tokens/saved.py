# SPDX-License-Identifier: Apache-2.0
"""A tokenizer as one file: arrays, and the options as JSON text. Nothing in it is executed."""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from precordia.core.errors import MissingFileError, PrecordiaError, WeightsError
from precordia.core.output import write_whole
from precordia.tokens.tokenizer import Tokenizer, single
from precordia.tokens.tokenizers import TOKENIZERS, tokenizer_named

_ABOUT = "about"
_PRICES = "prices"
_DAMAGE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, IndexError, AttributeError),
    *(zipfile.BadZipFile, zlib.error, PrecordiaError),
)
_SHIPPED = Path(__file__).with_name("tokenizers.npz")


def write_tokenizer(
    tokenizer: Tokenizer, path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Write a fitted tokenizer."""
    return _write(_arrays(tokenizer, ""), path, overwrite=overwrite)


def write_shipped(
    tokenizers: Iterable[Tokenizer], path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Write several fitted tokenizers to one file, each under its name."""
    held: dict[str, np.ndarray] = {}
    for tokenizer in tokenizers:
        held |= _arrays(tokenizer, f"{tokenizer.name}/")
    return _write(held, path, overwrite=overwrite)


def _arrays(tokenizer: Tokenizer, prefix: str) -> dict[str, np.ndarray]:
    about = json.dumps({"tokenizer": tokenizer.name, "options": tokenizer.options})
    arrays = {_ABOUT: np.frombuffer(about.encode(), np.uint8), **tokenizer.state()}
    if tokenizer.prices is not None:
        arrays[_PRICES] = tokenizer.prices
    return {prefix + key: single(value) for key, value in arrays.items()}


def _write(arrays: dict[str, np.ndarray], path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    buffer = io.BytesIO()
    named: dict[str, Any] = dict(arrays)
    np.savez_compressed(buffer, **named)
    write_whole({path: buffer.getvalue()}, overwrite=overwrite)
    return Path(path)


def load_tokenizer(name: str | os.PathLike[str]) -> Tokenizer:
    """Load a fitted tokenizer.

    Parameters
    ----------
    name
        One of `list_tokenizers`, for the one that comes with the package, or a file of
        `Tokenizer.save`.

    Raises
    ------
    UnknownNameError
        If it is neither.
    WeightsError
        If the file is no tokenizer, or damaged.

    Examples
    --------
    >>> load_tokenizer("abba").fitted
    True
    """
    given = os.fspath(name)
    if given in TOKENIZERS:
        return _read(_SHIPPED, f"{given}/")
    path = Path(given)
    if path.suffix != ".npz" and not path.exists():
        tokenizer_named(given)  # names the nearest
    if not path.exists():
        raise MissingFileError(f"there is no file '{path}'. Check the path.")
    return _read(path)


def _read(path: Path, prefix: str = "") -> Tokenizer:
    try:
        with np.load(path, allow_pickle=False) as held:
            mine = [key for key in held.files if key.startswith(prefix)]
            arrays = {key.removeprefix(prefix): held[key] for key in mine}
        about = json.loads(arrays.pop(_ABOUT).tobytes())
        prices = arrays.pop(_PRICES, None)
        tokenizer = tokenizer_named(about["tokenizer"])(**_as_given(about["options"]))
        tokenizer.restore_state(arrays)
        if prices is not None and len(prices) == tokenizer.n_symbols:
            tokenizer.prices = prices.astype(float)
        return tokenizer
    except _DAMAGE as error:
        # NumPy advises to load what it takes for pickled objects unsafely; nobody should.
        why = "it is no .npz file of arrays" if "pickle" in str(error) else error
        raise WeightsError(
            f"'{path}' is no tokenizer that can be used ({why}). Give a file that "
            "Tokenizer.save wrote, or a name of list_tokenizers()."
        ) from error


def _as_given(options: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
