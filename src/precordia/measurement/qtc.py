# SPDX-License-Identifier: Apache-2.0
"""Heart-rate correction of the QT interval."""

import numpy as np
from jaxtyping import Float

from precordia.core.errors import UnitError, unknown_name
from precordia.core.measurements import QTC_FORMULAS, QtcFormula


def qtc(
    qt_ms: Float[np.ndarray, " beat"],
    rr_ms: Float[np.ndarray, " beat"],
    *,
    formula: QtcFormula = "fridericia",
) -> Float[np.ndarray, " beat"]:
    """Correct QT intervals for heart rate.

    Use it on beats whose preceding RR interval is sinus; correction after an ectopic beat means
    little.

    Parameters
    ----------
    qt_ms
        QT interval of each beat, ms.
    rr_ms
        RR interval that *precedes* each beat, ms.
    formula
        Correction formula. Fridericia by default: Bazett over-corrects at fast rates.

    Returns
    -------
    Float[np.ndarray, " beat"]
        Corrected QT of each beat, ms. NaN where either input is NaN or RR is not positive.

    Raises
    ------
    UnitError
        If every RR is below 20: the values look like seconds.
    UnknownNameError
        If ``formula`` is none of the four.

    Notes
    -----
    With RR in seconds and HR = 60 / RR: Bazett QT / RR^(1/2); Fridericia QT / RR^(1/3);
    Framingham QT + 154 (1 - RR); Hodges QT + 1.75 (HR - 60). All four leave QT as it is at
    60 beats per minute. No departure from the formulas as published.

    References
    ----------
    Bazett HC. Heart 1920;7:353-370 (reprinted doi:10.1111/j.1542-474X.1997.tb00325.x).
    Fridericia LS. Acta Med Scand 1920;53:469-486. doi:10.1111/j.0954-6820.1920.tb18266.x
    Sagie A et al. (Framingham). Am J Cardiol 1992;70:797-801.
    doi:10.1016/0002-9149(92)90562-D
    Hodges M, Salerno D, Erlien D. J Am Coll Cardiol 1983;1:694 (abstract).

    Examples
    --------
    >>> qtc(np.array([400.0]), np.array([1000.0])).round()
    array([400.])
    >>> qtc(np.array([360.0]), np.array([640.0]), formula="bazett").round(1)
    array([450.])
    """
    if formula not in QTC_FORMULAS:
        raise unknown_name("formula", formula, QTC_FORMULAS, listing=", ".join(QTC_FORMULAS))
    qt = np.asarray(qt_ms, dtype=float)
    rr = np.asarray(rr_ms, dtype=float)
    known = rr[np.isfinite(rr)]
    if known.size and known.max() < 20:
        raise UnitError(
            f"the RR intervals are at most {known.max():g}, which looks like seconds; "
            "milliseconds are needed. Multiply them by 1000."
        )
    rr_s = np.where(rr > 0, rr, np.nan) / 1000.0
    if formula == "bazett":
        return qt / np.sqrt(rr_s)
    if formula == "fridericia":
        return qt / np.cbrt(rr_s)
    if formula == "framingham":
        return qt + 154.0 * (1.0 - rr_s)
    return qt + 1.75 * (60.0 / rr_s - 60.0)
