# SPDX-License-Identifier: Apache-2.0
"""Units of the channels that recordings hold, and what one of them is in millivolts."""

from __future__ import annotations

import functools
import math
import re

from precordia.core.errors import UnitError

_VOLT = {
    "v": 1e3, "volt": 1e3, "volts": 1e3,
    "mv": 1.0, "millivolt": 1.0, "millivolts": 1.0,
    "uv": 1e-3, "mcv": 1e-3, "microvolt": 1e-3, "microvolts": 1e-3,
    "nv": 1e-6, "nanovolt": 1e-6, "nanovolts": 1e-6,
    "pv": 1e-9, "picovolt": 1e-9,
}  # fmt: skip
_NUMBER = re.compile(r"^\s*(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)\s*\*?\s*(.+)$")


@functools.lru_cache(maxsize=1024)
def millivolts(unit: str) -> float | None:
    """Return what one of a unit is in millivolts.

    A number may stand before the unit: ``"4.88 uV"`` is the step of a converter.

    Parameters
    ----------
    unit
        A unit as files spell it: ``uV``, ``µV``, ``mV``, ``V``, ``nV``, ``microvolt``.

    Returns
    -------
    Millivolts in one of the unit; None where it is no voltage.

    Examples
    --------
    >>> millivolts("uV"), millivolts("mcV")
    (0.001, 0.001)
    >>> millivolts("mmHg") is None
    True
    """
    spelled = unit.strip()
    # MV is megavolt to the letter and millivolt in every ECG file that has it; M alone is neither.
    plain = spelled.replace("µ", "u").replace("\u03bc", "u").replace(" ", "").lower()
    known = _VOLT.get(plain)
    if known is not None:
        return known
    counted = _NUMBER.match(spelled)
    if counted is None:
        return None
    inner = millivolts(counted.group(2))
    number = float(counted.group(1))
    if inner is None or not math.isfinite(number) or number <= 0:
        return None
    return number * inner


def require_millivolts(unit: str) -> float:
    """Return what one of a unit given by the user is in millivolts.

    Raises
    ------
    UnitError
        If it is no voltage.

    Examples
    --------
    >>> require_millivolts("mV")
    1.0
    """
    factor = millivolts(unit)
    if factor is None:
        raise UnitError(
            f"unit={unit!r} is no unit of voltage. Use one of 'uV', 'mV', 'V' or 'nV', or a step "
            "of the converter such as '4.88 uV'."
        )
    return factor
