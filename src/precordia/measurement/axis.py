# SPDX-License-Identifier: Apache-2.0
"""Electrical axis in the frontal plane."""

from collections.abc import Mapping
from math import atan2, cos, degrees, hypot, nan, radians, sin, sqrt

LEAD_ANGLES_DEG = {"I": 0.0, "II": 60.0, "III": 120.0, "aVF": 90.0, "aVL": -30.0, "aVR": -150.0}
_HALF_SQRT_3 = sqrt(3.0) / 2.0
_DIRECTIONS = {
    lead: (
        cos(radians(angle)) * (_HALF_SQRT_3 if lead.startswith("aV") else 1.0),
        sin(radians(angle)) * (_HALF_SQRT_3 if lead.startswith("aV") else 1.0),
    )
    for lead, angle in LEAD_ANGLES_DEG.items()
}


def axis_deg(net: Mapping[str, float], *, floor: float = 0.0) -> float:
    """Compute the frontal-plane axis from what a wave amounts to in the limb leads.

    Give the net area (or net amplitude) of one wave in any two or more limb leads. The direction
    of the heart vector that explains them best comes back.

    Parameters
    ----------
    net
        Lead name to net area or net amplitude, all in one unit. Names that are no limb lead and
        values that are NaN are passed over.
    floor
        Smallest length of the frontal vector, in the unit of ``net``, that still has a direction.

    Returns
    -------
    float
        Axis in degrees, -180 < axis <= 180, positive downwards (clockwise, as printed). NaN where
        fewer than two limb leads are known or the vector is not longer than ``floor``.

    Notes
    -----
    Lead I measures the vector's component along 0 deg, II and III along 60 and 120 deg. The
    augmented leads measure along -30, 90 and -150 deg with sqrt(3)/2 of that gain, which is where
    the factor 2/sqrt(3) on aVF comes from. The vector is the least-squares solution over all limb
    leads given. For leads that obey Einthoven's law this equals
    atan2((2 / sqrt 3) aVF, I) and atan2(I + 2 III, sqrt(3) I) exactly, whichever leads are given;
    with noise in single leads it averages over them.

    References
    ----------
    Novosel D, Noll G, Luescher TF. Corrected formula for the calculation of the electrical heart
    axis. Croat Med J 1999;40:77-79.

    Examples
    --------
    >>> round(axis_deg({"I": 1.0, "aVF": 3**0.5 / 2}), 3)
    45.0
    >>> round(axis_deg({"I": 1.0, "II": 2.0, "III": 1.0}), 3)
    60.0
    """
    # Normal equations of the two-unknown fit, written out: six leads at most.
    xx = xy = yy = bx = by = 0.0
    n = 0
    for lead, (x, y) in _DIRECTIONS.items():
        value = float(net.get(lead, nan))
        if value != value:
            continue
        xx, xy, yy = xx + x * x, xy + x * y, yy + y * y
        bx, by = bx + x * value, by + y * value
        n += 1
    det = xx * yy - xy * xy
    if n < 2 or det < 1e-9:
        return nan
    east, south = (yy * bx - xy * by) / det, (xx * by - xy * bx) / det
    if not hypot(east, south) > floor:
        return nan
    angle = degrees(atan2(south, east))
    return 180.0 if angle == -180.0 else angle
