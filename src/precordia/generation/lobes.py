# SPDX-License-Identifier: Apache-2.0
"""Waves as sums of lobes: smooth in between, exactly zero outside."""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from precordia.core.leads import STANDARD_12
from precordia.signal.lead_algebra import DOWER, INDEPENDENT_8, LIMB_FROM_I_II


class Lobe(NamedTuple):
    """One movement of the heart vector: out along a direction and back.

    Times are fractions of the wave that the lobe belongs to. The vector is what the lobe reaches
    at its peak, in millivolts: ``left`` is its deflection in lead I, ``down`` that along +90
    degrees (2/sqrt(3) of aVF), ``anterior`` the part towards the chest (minus Frank's Z).

    ``rise`` and ``fall`` are powers of the sine that leads to and from the peak: at 1 a lobe leaves
    the baseline with a corner, at 2 smoothly. ``plateau`` is how long the peak lasts.
    """

    onset: float
    peak: float
    offset: float
    left: float
    down: float
    anterior: float
    rise: float = 1.1
    fall: float = 1.1
    plateau: float = 0.0


Wave = tuple[Lobe, ...]


def _frame_to_leads() -> np.ndarray:
    """Build the matrix from (left, down, anterior) to the standard twelve leads."""
    dower = DOWER.coefficients
    limb, z = dower[:2, :2], dower[:2, 2]
    # I = left; II = left / 2 + sqrt(3)/2 down: solve Dower's rows I and II for X and Y
    wanted = np.array([[1.0, 0.0, 0.0], [0.5, np.sqrt(0.75), 0.0]])
    frame_z = np.array([0.0, 0.0, -1.0])
    xy = np.linalg.solve(limb, wanted - np.outer(z, frame_z))
    eight = dower @ np.vstack([xy, frame_z])
    eight[:2] = wanted
    rows = [
        np.array(LIMB_FROM_I_II[name]) @ eight[:2]
        if name in LIMB_FROM_I_II
        else eight[INDEPENDENT_8.index(name)]
        for name in STANDARD_12
    ]
    return np.array(rows)


#: standard twelve leads from (left, down, anterior)
FRAME_TO_LEADS = _frame_to_leads()


@functools.lru_cache(maxsize=1024)
def vectors(wave: Wave) -> Float[np.ndarray, "dim 3"]:
    """Return the vectors of the lobes of a wave, one row each.

    Examples
    --------
    >>> vectors((Lobe(0, 0.5, 1, 1.0, 0.5, 0.0),)).tolist()
    [[1.0, 0.5, 0.0]]
    """
    rows = np.array([[lobe.left, lobe.down, lobe.anterior] for lobe in wave]).reshape(-1, 3)
    rows.flags.writeable = False  # kept for the next call
    return rows


def evaluate(wave: Wave, fractions: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Evaluate every lobe of a wave, each with peak one.

    Parameters
    ----------
    wave
        The lobes.
    fractions
        Times as fractions of the wave, any shape.

    Returns
    -------
    Values in [0, 1], one leading row per lobe; exactly zero outside a lobe's onset and offset.

    Examples
    --------
    >>> evaluate((Lobe(0, 0.5, 1, 1.0, 0.0, 0.0),), np.array([0.0, 0.5, 1.0])).round(6).tolist()
    [[0.0, 1.0, 0.0]]
    """
    values = np.empty((len(wave), *np.shape(fractions)))
    quarter = np.pi / 2
    for k, lobe in enumerate(wave):
        up = quarter / max(lobe.peak - lobe.onset, 1e-9)
        down = quarter / max(lobe.offset - lobe.peak - lobe.plateau, 1e-9)
        rising = np.minimum(np.maximum((fractions - lobe.onset) * up, 0.0), quarter)
        falling = np.minimum(np.maximum((lobe.offset - fractions) * down, 0.0), quarter)
        if lobe.rise == lobe.fall:  # one of the two is always one
            both = np.sin(rising) * np.sin(falling)
            values[k] = both if lobe.rise == 1 else both**lobe.rise
        else:
            values[k] = np.sin(rising) ** lobe.rise * np.sin(falling) ** lobe.fall
    return values


@functools.lru_cache(maxsize=1024)
def net_direction_deg(wave: Wave) -> float:
    """Compute the frontal direction of the net area of a wave, degrees.

    Parameters
    ----------
    wave
        The lobes.

    Returns
    -------
    The axis, -180 < axis <= 180; NaN where the net frontal area vanishes.

    Examples
    --------
    >>> net_direction_deg((Lobe(0, 0.5, 1, 0.0, 1.0, 0.0),))
    90.0
    """
    left, down, _ = vectors(wave).T @ _areas(wave)
    if np.hypot(left, down) < 1e-12:
        return float("nan")
    return float(np.degrees(np.arctan2(down, left)))


def turn(wave: Wave, degrees: float) -> Wave:
    """Turn a wave in the frontal plane, clockwise as seen on the printed page.

    Parameters
    ----------
    wave
        The lobes.
    degrees
        Angle that is added to the axis.

    Returns
    -------
    The turned lobes.

    Examples
    --------
    >>> turned = turn((Lobe(0, 0.5, 1, 1.0, 0.0, 0.0),), 90)
    >>> round(net_direction_deg(turned), 6)
    90.0
    """
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return tuple(
        lobe._replace(
            left=float(cosine * lobe.left - sine * lobe.down),
            down=float(sine * lobe.left + cosine * lobe.down),
        )
        for lobe in wave
    )


def scale(wave: Wave, factor: float) -> Wave:
    """Multiply the vectors of a wave.

    Examples
    --------
    >>> scale((Lobe(0, 0.5, 1, 1.0, 0.0, 0.0),), 2.0)[0].left
    2.0
    """
    return tuple(
        lobe._replace(
            left=factor * lobe.left, down=factor * lobe.down, anterior=factor * lobe.anterior
        )
        for lobe in wave
    )


def _areas(wave: Wave) -> np.ndarray:
    """Integrate each lobe over its wave (a fine midpoint rule; the lobes are smooth)."""
    grid = (np.arange(500) + 0.5) / 500
    return evaluate(wave, grid).mean(axis=-1)
