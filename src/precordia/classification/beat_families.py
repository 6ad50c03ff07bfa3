# SPDX-License-Identifier: Apache-2.0
"""Families of QRS complexes within a recording, and which of them is the patient's usual one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from precordia.classification.beat_cuts import LAG, QRS

ALIKE = 0.88
MOST = 14
_SEEDS = 300
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Families:
    """Which beats look alike.

    Attributes
    ----------
    member
        Family of each beat; the one that it is most like where it is like none.
    fit
        Correlation of each beat with each family.
    lag
        By how many samples each beat comes late beside its family.
    usual
        The patient's usual family.
    templates
        Mean QRS complex of each family.
    """

    member: Int[np.ndarray, " beat"]
    fit: Float[np.ndarray, "beat dim"]
    lag: Int[np.ndarray, " beat"]
    usual: int
    templates: Float[np.ndarray, "dim lead sample"]


def find_families(
    cuts: Float[np.ndarray, "beat lead sample"], early: Float[np.ndarray, " beat"]
) -> Families:
    """Group the QRS complexes of a recording by shape.

    Parameters
    ----------
    cuts
        Beats in one scale, with the margin of `LAG`.
    early
        Interval before each beat as a share of those around.

    Returns
    -------
    The families, most frequent first among those found.

    Notes
    -----
    As in `precordia.measurement.beat_shapes`: the beat that most others are like (0.88) seeds a
    family, whose template is the mean of its likes; then the beats that are left, up to 14 times.
    The usual family is the most frequent, where families of early and of wide beats count less:
    half at an early median (below 0.85) and in proportion to the width of the narrowest.
    """
    n = len(cuts)
    width = QRS.stop - QRS.start
    wide = cuts[:, :, QRS.start : QRS.stop + 2 * LAG]
    units = _units(wide, width)
    best = np.full(n, -2.0)
    fits, lags, templates = [], [], []
    for _ in range(MOST):
        left = np.flatnonzero(best < ALIKE)
        if not left.size:
            break
        some = left[np.linspace(0, left.size - 1, min(_SEEDS, left.size)).astype(np.int64)]
        template = _seed(wide[some][:, :, LAG : LAG + width])
        fit, lag = _fit(units, template)
        fits.append(fit)
        lags.append(lag)
        templates.append(template)
        better = np.maximum(best, fit)
        if templates[1:] and not (fit[left] >= ALIKE).any():
            break
        best = better
    fit, lag = np.stack(fits, axis=1), np.stack(lags, axis=1)
    member = fit.argmax(axis=1)
    families = Families(
        member=member,
        fit=fit,
        lag=lag[np.arange(n), member],
        usual=_usual(member, early, np.stack(templates)),
        templates=np.stack(templates),
    )
    return families


def no_families(n_beats: int) -> Families:
    """Return one family of beats that nothing is known of.

    Examples
    --------
    >>> no_families(3).member.tolist()
    [0, 0, 0]
    """
    none = np.zeros(n_beats, np.int64)
    return Families(none, np.zeros((n_beats, 1)), none, 0, np.zeros((1, 0, 0)))


def _usual(member: np.ndarray, early: np.ndarray, templates: np.ndarray) -> int:
    count = np.bincount(member, minlength=len(templates)).astype(float)
    spread = np.array([width_ms(t[None])[0] for t in templates])
    worth = count * np.minimum(1.0, 1.25 * spread[count > 0].min() / np.maximum(spread, 1.0))
    for k in np.flatnonzero(count):
        known = early[member == k]
        known = known[np.isfinite(known)]
        if known.size and np.median(known) < 0.85:
            worth[k] *= 0.5
    return int(worth.argmax())


def width_ms(beats: Float[np.ndarray, "beat lead sample"]) -> Float[np.ndarray, " beat"]:
    """Return how long the middle nine tenths of the movement of a QRS complex last, ms.

    Examples
    --------
    >>> x = np.zeros((1, 1, 34))
    >>> x[0, 0, 10:21] = np.hanning(11)
    >>> bool(40 < width_ms(x)[0] < 90)
    True
    """
    speed = np.sqrt((np.diff(beats, axis=2) ** 2).sum(axis=1))
    # what moves everywhere is noise, not QRS
    speed = np.maximum(speed - np.quantile(speed, 0.25, axis=1, keepdims=True), 0.0)
    share = np.cumsum(speed, axis=1)
    share /= share[:, -1:] + _LEAST
    return 8.0 * (((share > 0.05) & (share < 0.95)).sum(axis=1) + 1.0)


def _seed(x: np.ndarray) -> np.ndarray:
    flat = (x - x.mean(axis=2, keepdims=True)).reshape(len(x), -1)
    unit = flat / (np.sqrt((flat**2).sum(axis=1, keepdims=True)) + _LEAST)
    alike = unit @ unit.T >= ALIKE
    members = alike[alike.sum(axis=1).argmax()]
    # beats of one size each, so that a single giant does not make the mean
    return unit[members | (not members.any())].mean(axis=0).reshape(x.shape[1:])


def _units(wide: np.ndarray, width: int) -> np.ndarray:
    """Lay out the QRS complexes at every lag, each centred and of length one."""
    out = np.empty((2 * LAG + 1, len(wide), wide.shape[1] * width), np.float32)
    for k, rows in enumerate(out):
        here = wide[:, :, k : k + width]
        rows[:] = (here - here.mean(axis=2, keepdims=True)).reshape(len(wide), -1)
        rows /= np.sqrt(np.einsum("bs,bs->b", rows, rows))[:, None] + _LEAST
    return out


def _fit(units: np.ndarray, template: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best correlation of each beat with a template, and the lag at which it is reached."""
    flat = template.ravel() / (np.sqrt((template**2).sum()) + _LEAST)
    found = units @ flat.astype(np.float32)
    # of equal fits the one that moves least
    found -= 0.002 * np.abs(np.arange(-LAG, LAG + 1, dtype=np.float32))[:, None]
    lag = found.argmax(axis=0)
    return found[lag, np.arange(units.shape[1])], lag - LAG
