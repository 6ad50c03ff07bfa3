# SPDX-License-Identifier: Apache-2.0
"""Texts to the vectors that recordings are compared with: NumPy alone."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from precordia.core.errors import WeightsError
from precordia.embedding.text_pieces import content_words, text_pieces
from precordia.models.shipped import model_bytes, model_card

#: ending of the file beside a graph that holds its text side
ENDING = ".npz"
_ARRAYS = (
    "vectors", "strength", "first", "first_bias", "second", "second_bias", "words", "normal",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextEncoder:
    """The text side of a model that compares recordings with words.

    Attributes
    ----------
    model
        Whose.
    vectors, strength
        Vector and weight of every piece.
    first, first_bias, second, second_bias
        The two layers behind their mean.
    words
        Checksums of the words that it has learned from, sorted.
    normal
        Vectors of normal recordings, by which a likeness is ranked.
    """

    model: str
    vectors: Float[np.ndarray, "patch dim"]
    strength: Float[np.ndarray, " patch"]
    first: Float[np.ndarray, "_ dim"]
    first_bias: Float[np.ndarray, " _"]
    second: Float[np.ndarray, "_ _"]
    second_bias: Float[np.ndarray, " _"]
    words: np.ndarray
    normal: Float[np.ndarray, "batch _"]

    def __call__(self, texts: Sequence[str]) -> Float[np.ndarray, "statement dim"]:
        """Return a vector of length 1 for each text; zeros for a text without words.

        Raises
        ------
        OptionError
            If one is no text, or too long.
        """
        found = np.zeros((len(texts), len(self.second_bias)))
        for row, text in zip(found, texts, strict=True):
            pieces = text_pieces(text, len(self.vectors))
            if pieces.size:
                row[:] = self._vector(pieces)
        return found

    def knows(self, text: str) -> tuple[str, ...]:
        """Return the words of a text that it has learned from."""
        sums = np.array([word_number(word) for word in content_words(text)], np.uint32)
        there = np.isin(sums, self.words)
        return tuple(w for w, k in zip(content_words(text), there, strict=True) if k)

    def _vector(self, pieces: np.ndarray) -> np.ndarray:
        weight = np.logaddexp(0.0, self.strength[pieces])
        mean = weight @ self.vectors[pieces] / max(weight.sum(), 1e-6)
        inner = self.first @ mean + self.first_bias
        vector = self.second @ _gelu(inner) + self.second_bias
        return vector / max(float(np.linalg.norm(vector)), 1e-12)


def word_number(word: str) -> int:
    """Return the checksum by which a word is known.

    Examples
    --------
    >>> word_number("infarction")
    315666067
    """
    return zlib.crc32(word.encode())


@lru_cache(maxsize=4)
def load_text_encoder(model: str) -> TextEncoder:
    """Load the text side of a model.

    Parameters
    ----------
    model
        Name of a model that ships, or path of a graph (``.onnx``); its text side lies beside it.

    Raises
    ------
    UnknownNameError
        If there is no such model.
    WeightsError
        If it has no text side, or the file is damaged.
    """
    if "words" not in model_card(model).details:
        raise WeightsError(
            f"{model} has no text side: its card has no table [words]. Use precordia-words, or "
            "train one with benchmarks/zero_shot/train.py."
        )
    try:
        with np.load(io.BytesIO(model_bytes(model, ENDING)), allow_pickle=False) as held:
            arrays = {name: held[name] for name in _ARRAYS}
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(
            f"the text side of {model} cannot be read ({error}). Install precordia anew."
        ) from error
    wide = {n: a if n == "words" else a.astype(np.float64) for n, a in arrays.items()}
    n, dim = wide["vectors"].shape
    if wide["strength"].shape != (n,) or wide["first"].shape[1] != dim:
        raise WeightsError(
            f"the text side of {model} does not fit together: {n} pieces of {dim} numbers, weights "
            f"of shape {wide['strength'].shape}. Install precordia anew."
        )
    return TextEncoder(model=model, **wide)


def _gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
