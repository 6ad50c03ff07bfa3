# SPDX-License-Identifier: Apache-2.0
"""Beats: where each is, which of the five AAMI classes it belongs to, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from precordia.core.errors import SignalError, unknown_name
from precordia.core.source import Source
from precordia.core.value import Value

#: the classes of ANSI/AAMI EC57, and what they stand for
BEAT_CLASSES = {
    "N": "normal, bundle branch block, or escape from above the ventricles",
    "S": "supraventricular ectopic",
    "V": "ventricular ectopic",
    "F": "fusion of ventricular and normal",
    "Q": "paced, or not classified",
}
#: those that have a probability; Q is what is left unjudged
JUDGED = ("N", "S", "V", "F")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beats(Value):
    """The beats of a record with their classes.

    Attributes
    ----------
    fs, n_samples
        Sampling rate, Hz, and length of the record that they belong to.
    sample
        Sample index of each beat, ascending.
    label
        Class of each: N, S, V, F or Q.
    probability
        Of N, S, V and F, a row per beat; NaN where a beat was not judged.
    abstained
        Why a beat was not judged; empty where it was.
    source
        What made them.

    Examples
    --------
    >>> beats = Beats(fs=360, n_samples=900, sample=[100, 400], label=("N", "V"),
    ...               probability=[[0.9, 0.1, 0, 0], [0, 0.1, 0.9, 0]])
    >>> beats
    Beats(2: 1 N, 1 V)
    """

    fs: float
    n_samples: int
    sample: Int[np.ndarray, " beat"]
    label: tuple[str, ...]
    probability: Float[np.ndarray, "beat 4"]
    abstained: tuple[str, ...] = ()
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        n = len(self.label)
        sample = np.asarray(self.sample, np.int64).reshape(-1)
        probability = np.asarray(self.probability, float).reshape(-1, len(JUDGED))
        if sample.size != n or len(probability) != n or len(self.abstained) not in (0, n):
            raise SignalError(
                f"{n} classes, {sample.size} places, {len(probability)} rows of probabilities and "
                f"{len(self.abstained)} reasons arrived; one of each per beat is needed."
            )
        strange = next((k for k in self.label if k not in BEAT_CLASSES), None)
        if strange is not None:
            raise unknown_name("class of beats", strange, BEAT_CLASSES, listing="N, S, V, F, Q")
        object.__setattr__(self, "sample", sample)
        object.__setattr__(self, "probability", probability)
        object.__setattr__(self, "abstained", tuple(self.abstained) or ("",) * n)
        object.__setattr__(self, "fs", float(self.fs))

    def __len__(self) -> int:
        return len(self.label)

    def count(self, label: str) -> int:
        """Return how many beats are of a class."""
        return self.label.count(label)

    def of(self, label: str) -> Bool[np.ndarray, " beat"]:
        """Tell for each beat whether it is of a class."""
        return np.array([k == label for k in self.label], dtype=bool)

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.count(k)} {k}" for k in BEAT_CLASSES if k in self.label)
        return f"Beats({len(self)}{': ' if counts else ''}{counts})"
