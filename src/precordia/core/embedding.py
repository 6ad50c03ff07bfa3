# SPDX-License-Identifier: Apache-2.0
"""Embedding: a record as a point in the space of an encoder."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import SignalError
from precordia.core.source import Source
from precordia.core.value import Value, frozen_array


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding(Value):
    """What an encoder makes of a record: one vector, and one for each window.

    Attributes
    ----------
    vector
        The record: the mean over its windows.
    model
        The encoder; vectors of different encoders cannot be compared.
    windows
        The vector of each window.
    covers
        For each window the samples of the record that it covers: first, and one beyond the last.
    leads
        Leads that the encoder saw.
    source
        Method, version of the weights, and what makes the vector doubtful as warnings.

    Raises
    ------
    SignalError
        If shapes disagree or a number is not finite.

    Examples
    --------
    >>> Embedding(vector=np.zeros(3), model="a-model", windows=np.zeros((1, 3)), covers=[[0, 10]])
    Embedding(3 numbers of a-model, from 1 window)
    """

    vector: Float[np.ndarray, " dim"]
    model: str
    windows: Float[np.ndarray, "window dim"]
    covers: Int[np.ndarray, "window 2"]
    leads: tuple[str, ...] = ()
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        vector, windows = (np.asarray(a, np.float32) for a in (self.vector, self.windows))
        covers = np.asarray(self.covers, np.int64)
        if windows.ndim != 2 or vector.shape != windows.shape[1:]:
            raise SignalError(
                f"a vector of shape {vector.shape} and windows of shape {windows.shape} arrived; "
                "(dim,) and (window, dim) are needed."
            )
        if covers.shape != (len(windows), 2):
            raise SignalError(
                f"covers has shape {covers.shape}; {(len(windows), 2)} is needed: first and last "
                "sample of each window."
            )
        if not (np.isfinite(vector).all() and np.isfinite(windows).all()):
            raise SignalError("an embedding holds finite numbers; some that arrived are not.")
        for name, array in (("vector", vector), ("windows", windows), ("covers", covers)):
            object.__setattr__(self, name, frozen_array(array))

    @property
    def dim(self) -> int:
        """Length of the vector."""
        return self.vector.size

    def __repr__(self) -> str:
        n_windows = len(self.windows)
        plural = "" if n_windows == 1 else "s"
        return f"Embedding({self.dim} numbers of {self.model}, from {n_windows} window{plural})"

    def __str__(self) -> str:
        return repr(self)
