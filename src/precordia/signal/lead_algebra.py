# SPDX-License-Identifier: Apache-2.0
"""Leads from leads: the exact identities of the limb leads and the published transfer matrices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from precordia.core.errors import LeadError, unknown_name
from precordia.core.leads import FRANK, LIMB, PRECORDIAL, STANDARD_12
from precordia.core.record import Remark

#: the leads that carry all the information of the standard twelve
INDEPENDENT_8 = ("I", "II", *PRECORDIAL)
ELECTRODES_9 = ("RA", "LA", "LL", "C1", "C2", "C3", "C4", "C5", "C6")

#: each limb lead as a combination of I and II (Einthoven 1912, Goldberger 1942): exact
LIMB_FROM_I_II = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}

#: attach to a record whose limb electrodes sat on the torso
MASON_LIKAR = Remark(
    code="mason-likar",
    text=(
        "Limb electrodes were placed on the torso (Mason-Likar). The limb leads are not standard "
        "limb leads: the frontal axis turns to the right by some 10 to 20 degrees and inferior Q "
        "waves may vanish, so axis and infarct criteria do not apply as they stand "
        "(doi:10.1016/0002-8703(66)90182-7)."
    ),
    leads=LIMB,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadMatrix:
    """A published linear map from some leads to others.

    Attributes
    ----------
    name
        Name under which `transform_leads` finds it.
    outputs, inputs
        Leads (or electrodes) of its rows and columns.
    coefficients
        One row per output, one column per input.
    reference
        Where the numbers were published.
    """

    name: str
    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    coefficients: Float[np.ndarray, "lead dim"]
    reference: str


def _matrix(
    name: str, outputs: Sequence[str], inputs: Sequence[str], rows: list, reference: str
) -> LeadMatrix:
    coefficients = np.array(rows, dtype=float)
    coefficients.flags.writeable = False
    return LeadMatrix(
        name=name,
        outputs=tuple(outputs),
        inputs=tuple(inputs),
        coefficients=coefficients,
        reference=reference,
    )


DOWER = _matrix(
    "dower",
    INDEPENDENT_8,
    FRANK,
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ],
    "Dower GE et al. Clin Cardiol 1980;3:87-95. doi:10.1002/clc.1980.3.2.87",
)

INVERSE_DOWER = _matrix(
    "inverse-dower",
    FRANK,
    INDEPENDENT_8,
    [
        [0.156, -0.010, -0.172, -0.074, 0.122, 0.231, 0.239, 0.194],
        [-0.227, 0.887, 0.057, -0.019, -0.106, -0.022, 0.041, 0.048],
        [0.022, 0.102, -0.229, -0.310, -0.246, -0.063, 0.055, 0.108],
    ],
    "Edenbrandt L, Pahlm O. J Electrocardiol 1988;21:361-367. doi:10.1016/0022-0736(88)90113-6",
)

KORS = _matrix(
    "kors",
    FRANK,
    INDEPENDENT_8,
    [
        [0.38, -0.07, -0.13, 0.05, -0.01, 0.14, 0.06, 0.54],
        [-0.07, 0.93, 0.06, -0.02, -0.05, 0.06, -0.17, 0.13],
        [0.11, -0.23, -0.43, -0.06, -0.14, -0.20, -0.11, 0.31],
    ],
    "Kors JA et al. Eur Heart J 1990;11:1083-1092. doi:10.1093/oxfordjournals.eurheartj.a059647",
)

EASI = _matrix(
    "easi",
    STANDARD_12,
    ("ES", "AS", "AI"),
    [
        [0.026, -0.174, 0.701],
        [-0.002, 1.098, -0.763],
        [-0.028, 1.272, -1.464],
        [-0.012, -0.462, 0.031],
        [0.027, -0.723, 1.082],
        [-0.015, 1.185, -1.114],
        [0.641, -0.391, 0.080],
        [1.229, -1.050, 1.021],
        [0.947, -0.539, 0.987],
        [0.525, 0.004, 0.841],
        [0.179, 0.278, 0.630],
        [-0.043, 0.431, 0.213],
    ],
    "Feild DQ et al. J Electrocardiol 2002;35 Suppl:23-33. doi:10.1054/jelc.2002.37150",
)

FRANK_NETWORK = _matrix(
    "frank",
    FRANK,
    ("A", "C", "E", "F", "H", "I", "M"),
    [
        [0.610, 0.171, 0.0, 0.0, 0.0, -0.781, 0.0],
        [0.0, 0.0, 0.0, 0.655, -1.000, 0.0, 0.345],
        [0.133, -0.231, -0.374, 0.0, 0.0, -0.264, 0.736],
    ],
    "Frank E. Circulation 1956;13:737-749. doi:10.1161/01.CIR.13.5.737",
)

_CENTRAL = [-1 / 3, -1 / 3, -1 / 3]
ELECTRODES = _matrix(
    "electrodes",
    STANDARD_12,
    ELECTRODES_9,
    [
        [-1, 1, 0, *[0] * 6],
        [-1, 0, 1, *[0] * 6],
        [0, -1, 1, *[0] * 6],
        [1, -0.5, -0.5, *[0] * 6],
        [-0.5, 1, -0.5, *[0] * 6],
        [-0.5, -0.5, 1, *[0] * 6],
        *([*_CENTRAL, *(float(k == n) for k in range(6))] for n in range(6)),
    ],
    "Wilson FN et al. Am Heart J 1934;9:447-458. doi:10.1016/S0002-8703(34)90093-4",
)

_MATRICES = {
    matrix.name: matrix for matrix in (DOWER, INVERSE_DOWER, KORS, EASI, FRANK_NETWORK, ELECTRODES)
}


def list_lead_matrices() -> tuple[str, ...]:
    """Return the names of the matrices that `transform_leads` knows.

    Examples
    --------
    >>> "kors" in list_lead_matrices()
    True
    """
    return tuple(_MATRICES)


def transform_leads(
    signal: Float[np.ndarray, "lead sample"],
    leads: Sequence[str],
    matrix: str | LeadMatrix,
) -> Float[np.ndarray, "..."]:
    """Derive other leads with a published matrix.

    Derived leads are estimates except for ``"electrodes"`` and ``"frank"``, which are the
    definitions of their leads.

    Parameters
    ----------
    signal
        Potential, mV.
    leads
        Name of each row.
    matrix
        ``"dower"`` (X, Y, Z to 8 leads), ``"inverse-dower"`` and ``"kors"`` (8 leads to X, Y, Z),
        ``"easi"`` (ES, AS, AI to 12 leads), ``"frank"`` (electrodes to X, Y, Z), ``"electrodes"``
        (9 electrodes to 12 leads), or a `LeadMatrix`.

    Returns
    -------
    One row per output of the matrix; NaN where an input that it uses is NaN.

    Raises
    ------
    LeadError
        If an input lead is missing, or names and rows differ in number.
    UnknownNameError
        If there is no such matrix.

    Examples
    --------
    >>> transform_leads(np.ones((3, 2)), ("X", "Y", "Z"), "dower").shape
    (8, 2)
    """
    if isinstance(matrix, str):
        if matrix not in _MATRICES:
            raise unknown_name("lead matrix", matrix, _MATRICES, listing="list_lead_matrices()")
        matrix = _MATRICES[matrix]
    rows = _rows(signal, leads, matrix.inputs, f"matrix '{matrix.name}'")
    return (matrix.coefficients @ rows).astype(rows.dtype, copy=False)


def complete_limb_leads(
    signal: Float[np.ndarray, "lead sample"], leads: Sequence[str]
) -> Float[np.ndarray, "..."]:
    """Compute all six limb leads from any two of them.

    Parameters
    ----------
    signal
        Potential, mV.
    leads
        Name of each row; I and II are used where present, else the first two limb leads.

    Returns
    -------
    I, II, III, aVR, aVL, aVF.

    Raises
    ------
    LeadError
        If fewer than two limb leads are there.

    Notes
    -----
    Exact: III = II - I, aVR = -(I + II)/2, aVL = I - II/2, aVF = II - I/2.

    Examples
    --------
    >>> complete_limb_leads(np.array([[1.0], [0.5]]), ("I", "aVF"))[1].tolist()
    [1.0]
    """
    held = [name for name in LIMB if name in leads]
    if len(held) < 2:
        raise LeadError(
            f"{len(held)} limb leads arrived ({', '.join(held) or 'none'}); two of "
            f"{', '.join(LIMB)} were needed, for the others follow from any two."
        )
    pair = ("I", "II") if {"I", "II"} <= set(held) else tuple(held[:2])
    rows = _rows(signal, leads, pair, "the limb leads")
    to_pair = np.array([LIMB_FROM_I_II[name] for name in pair])
    matrix = np.array([LIMB_FROM_I_II[name] for name in LIMB]) @ np.linalg.inv(to_pair)
    return (np.round(matrix, 12) @ rows).astype(rows.dtype, copy=False)


def complete_standard_12(
    signal: Float[np.ndarray, "lead sample"], leads: Sequence[str]
) -> Float[np.ndarray, "..."]:
    """Build the standard twelve leads from V1 to V6 and any two limb leads.

    Parameters
    ----------
    signal
        Potential, mV.
    leads
        Name of each row.

    Returns
    -------
    The leads in the order of ``core.leads.STANDARD_12``. Leads already present other than the two
    used are recomputed, so the identities hold exactly.

    Raises
    ------
    LeadError
        If a precordial lead is missing or fewer than two limb leads are there.

    Examples
    --------
    >>> complete_standard_12(np.ones((8, 4)), INDEPENDENT_8).shape
    (12, 4)
    """
    chest = _rows(signal, leads, PRECORDIAL, "the standard 12 leads")
    return np.concatenate([complete_limb_leads(signal, leads), chest])


def independent_leads(
    signal: Float[np.ndarray, "lead sample"], leads: Sequence[str]
) -> Float[np.ndarray, "..."]:
    """Keep the eight leads that carry the information: I, II and V1 to V6.

    Parameters
    ----------
    signal
        Potential, mV.
    leads
        Name of each row; I and II are computed where two other limb leads are there.

    Returns
    -------
    The leads in the order of ``INDEPENDENT_8``.

    Raises
    ------
    LeadError
        As `complete_standard_12`.

    Examples
    --------
    >>> independent_leads(np.ones((12, 4)), STANDARD_12).shape
    (8, 4)
    """
    return complete_standard_12(signal, leads)[[STANDARD_12.index(name) for name in INDEPENDENT_8]]


def _rows(
    signal: np.ndarray, leads: Sequence[str], wanted: Sequence[str], purpose: str
) -> Float[np.ndarray, "..."]:
    array = np.asarray(signal)
    array = array if array.dtype.kind == "f" else array.astype(float)
    if array.ndim != 2 or array.shape[0] != len(leads):
        raise LeadError(
            f"{len(leads)} lead names arrived for a signal of shape {array.shape}; one name per "
            "row of a (lead, sample) array is needed."
        )
    missing = [name for name in wanted if name not in leads]
    if missing:
        raise LeadError(
            f"{purpose} needs {', '.join(wanted)}; {', '.join(missing)} did not arrive. This "
            f"signal has {', '.join(leads)}."
        )
    return array[[list(leads).index(name) for name in wanted]]
