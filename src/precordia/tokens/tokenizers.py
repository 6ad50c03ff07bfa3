# SPDX-License-Identifier: Apache-2.0
"""The table of tokenizers."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from precordia.core.errors import unknown_name
from precordia.core.registry import load_object

if TYPE_CHECKING:
    from precordia.tokens.tokenizer import Tokenizer

#: name: where it is
TOKENIZERS = {
    "abba": "precordia.tokens.abba:AbbaTokenizer",
    "sax": "precordia.tokens.sax:SaxTokenizer",
    "ecg-byte": "precordia.tokens.ecg_byte:EcgByteTokenizer",
    "fsq": "precordia.tokens.fsq:FsqTokenizer",
    "rvq": "precordia.tokens.rvq:RvqTokenizer",
    "pca": "precordia.tokens.pca:PcaTokenizer",
    "beats": "precordia.tokens.beats:BeatTokenizer",
}


def list_tokenizers() -> tuple[str, ...]:
    """Return the names of all tokenizers.

    Examples
    --------
    >>> "rvq" in list_tokenizers()
    True
    """
    return tuple(TOKENIZERS)


def tokenizer_named(name: str) -> type[Tokenizer]:
    """Return the class of a tokenizer.

    Raises
    ------
    UnknownNameError
        If there is no such tokenizer.
    """
    if name not in TOKENIZERS:
        raise unknown_name("tokenizer", name, TOKENIZERS, listing="list_tokenizers()")
    return load_object(TOKENIZERS[name])


def make_tokenizer(name: str, **options: Any) -> Tokenizer:
    """Make a tokenizer that is to be fitted.

    Parameters
    ----------
    name
        One of `list_tokenizers`.
    **options
        What it takes, such as ``fs=100`` or, for ``"rvq"``, ``stages=4``.

    Returns
    -------
    The tokenizer, without a codebook.

    Raises
    ------
    UnknownNameError
        If there is no such tokenizer, or it takes no such option.
    OptionError
        If an option has a value that makes no sense.

    Examples
    --------
    >>> make_tokenizer("rvq", stages=2)
    RvqTokenizer(fs=100, patch=16, stages=2, codebook=256, seed=0; not fitted)
    """
    kind = tokenizer_named(name)
    taken = list(inspect.signature(kind).parameters)
    for option in options:
        if option not in taken:
            raise unknown_name(f"option of '{name}'", option, taken, listing=", ".join(taken))
    return kind(**options)
