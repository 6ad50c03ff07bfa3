# SPDX-License-Identifier: Apache-2.0
"""Fiducials: where the waves of every beat begin, peak and end."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from precordia.core.errors import SignalError
from precordia.core.source import Source
from precordia.core.value import Value

#: positions in the order in which they occur in a beat
POSITIONS = (
    *("p_onset", "p_peak", "p_offset"),
    *("qrs_onset", "q_peak", "r_peak", "s_peak", "qrs_offset"),
    *("t_onset", "t_peak", "t_offset"),
)
CONFIDENCES = ("p_confidence", "qrs_confidence", "t_confidence")


def _positions(name: str, value: object, n: int | None) -> np.ndarray:
    array = np.asarray(value, float)
    if array.ndim != 1 or (n is not None and array.size != n):
        raise SignalError(
            f"'{name}' has shape {array.shape}; one number per beat is needed"
            + (f", {n} of them" if n is not None else "")
            + ". Use NaN for a wave that is absent."
        )
    return array


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves(Value):
    """Fiducials of one lead, or of all leads together: one row per cardiac cycle.

    Every field is a float array of one length. Positions are sample indices at the record's
    sampling rate, with fractions where the method resolves them; NaN means that the wave is
    absent or could not be seen. Confidences lie between 0 and 1 and are NaN with the wave.

    A P wave that no QRS follows (blocked conduction) is a row whose QRS and T fields are NaN.
    """

    p_onset: Float[np.ndarray, " beat"]
    p_peak: Float[np.ndarray, " beat"]
    p_offset: Float[np.ndarray, " beat"]
    qrs_onset: Float[np.ndarray, " beat"]
    q_peak: Float[np.ndarray, " beat"]
    r_peak: Float[np.ndarray, " beat"]
    s_peak: Float[np.ndarray, " beat"]
    qrs_offset: Float[np.ndarray, " beat"]
    t_onset: Float[np.ndarray, " beat"]
    t_peak: Float[np.ndarray, " beat"]
    t_offset: Float[np.ndarray, " beat"]
    p_confidence: Float[np.ndarray, " beat"]
    qrs_confidence: Float[np.ndarray, " beat"]
    t_confidence: Float[np.ndarray, " beat"]

    def __post_init__(self) -> None:
        n = None
        for name in (*POSITIONS, *CONFIDENCES):
            array = _positions(name, getattr(self, name), n)
            n = array.size
            object.__setattr__(self, name, array)

    @property
    def n_cycles(self) -> int:
        """Rows: beats and blocked P waves."""
        return int(self.r_peak.size)

    @property
    def j_point(self) -> Float[np.ndarray, " beat"]:
        """End of the QRS complex, where the ST segment begins."""
        return self.qrs_offset

    def __repr__(self) -> str:
        return f"Waves({_tally(self)})"


def _tally(waves: Waves) -> str:
    seen = {w: int(np.isfinite(getattr(waves, f"{w}_peak")).sum()) for w in "pt"}
    qrs = int((np.isfinite(waves.r_peak) | np.isfinite(waves.qrs_onset)).sum())
    return f"{qrs} QRS, {seen['p']} P, {seen['t']} T"


def empty_waves(n: int = 0) -> Waves:
    """Return waves of ``n`` rows in which everything is absent.

    Examples
    --------
    >>> empty_waves(3)
    Waves(0 QRS, 0 P, 0 T)
    """
    return Waves(**{name: np.full(n, np.nan) for name in (*POSITIONS, *CONFIDENCES)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fiducials(Waves):
    """Fiducials of a record: globally (its own fields) and lead by lead (``leads``).

    Attributes
    ----------
    fs
        Sampling rate of the positions, Hz.
    n_samples
        Length of the record, samples.
    leads
        The same rows for every lead.
    source
        Method and version.

    Examples
    --------
    >>> from dataclasses import fields
    >>> absent = {f.name: np.full(2, np.nan) for f in fields(Waves)}
    >>> waves = Fiducials(fs=500, n_samples=1000, **{**absent, "r_peak": np.array([200.0, 640.0])})
    >>> waves.n_beats, waves.r_peak.tolist(), waves.p_onset.tolist()
    (2, [200.0, 640.0], [nan, nan])
    """

    fs: float
    n_samples: int
    leads: dict[str, Waves] = field(default_factory=dict)
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        Waves.__post_init__(self)
        object.__setattr__(self, "fs", float(self.fs))
        if not self.fs > 0:
            raise SignalError(f"fs is {self.fs}; a positive sampling rate in Hz is needed.")
        for name, waves in self.leads.items():
            if waves.n_cycles != self.n_cycles:
                raise SignalError(
                    f"lead {name} has {waves.n_cycles} rows, the record has {self.n_cycles}; "
                    "all leads share the rows of the record. Use NaN where a lead shows no wave."
                )

    @property
    def has_qrs(self) -> Bool[np.ndarray, " beat"]:
        """Rows that hold a QRS complex; the others are blocked P waves."""
        return np.isfinite(self.r_peak) | np.isfinite(self.qrs_onset)

    @property
    def n_beats(self) -> int:
        """Number of QRS complexes."""
        return int(self.has_qrs.sum())

    def __repr__(self) -> str:
        return (
            f"Fiducials({_tally(self)} in {self.n_samples / self.fs:g} s, "
            f"{len(self.leads)} leads, {self.source})"
        )
