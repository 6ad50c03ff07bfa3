# SPDX-License-Identifier: Apache-2.0
"""What a model gets from a recording, and which part of the recording it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from precordia.core.errors import SignalError
from precordia.core.input_spec import InputSpec
from precordia.core.record import GIVEN
from precordia.core.source import Source
from precordia.core.value import Value, frozen_array


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared(Value):
    """Windows of one recording, ready for a model.

    Attributes
    ----------
    windows
        What the model gets, float32 and finite, in the scale that the spec leads to.
    fs
        Rate of the windows, Hz.
    leads
        Lead of each row.
    covers
        For each window the samples of the recording that it covers: first, and one beyond the
        last, at the recording's own rate.
    recorded
        For each window its own samples that come from the recording: first, and one beyond the
        last. The others lengthen a recording that was too short.
    filled
        Which part of the covered samples was missing and filled, from 0 to 1; 1 for leads that
        are absent.
    derived
        Leads that were computed from others, exactly.
    absent
        Leads that the recording lacks and that the model gets as zeros.
    steps
        What was done, a sentence each.
    spec
        What the model takes.
    source
        Method, fingerprint of the spec, origin of the recording; doubts as warnings.

    Raises
    ------
    SignalError
        If shapes disagree.
    """

    windows: Float[np.ndarray, "window lead sample"]
    fs: float
    leads: tuple[str, ...]
    covers: Int[np.ndarray, "window 2"]
    recorded: Int[np.ndarray, "window 2"]
    filled: Float[np.ndarray, "window lead"]
    derived: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    spec: InputSpec
    source: Source = GIVEN

    _packed = frozenset({"windows"})

    def __post_init__(self) -> None:
        n_windows = self.windows.shape[0]
        shapes = (
            (n_windows, len(self.leads), self.spec.n_samples),
            (n_windows, 2),
            (n_windows, 2),
            (n_windows, len(self.leads)),
        )
        for name, shape in zip(("windows", "covers", "recorded", "filled"), shapes, strict=True):
            array = np.asarray(getattr(self, name))
            if array.shape != shape:
                raise SignalError(f"{name} has shape {array.shape}; {shape} is needed.")
            object.__setattr__(self, name, frozen_array(array))

    @property
    def n_windows(self) -> int:
        """Number of windows."""
        return self.windows.shape[0]

    def __repr__(self) -> str:
        n_windows, n_leads, n_samples = self.windows.shape
        plural = "" if n_windows == 1 else "s"
        return (
            f"Prepared({n_windows} window{plural} of {n_leads} leads and {n_samples} samples "
            f"at {self.fs:g} Hz)"
        )
