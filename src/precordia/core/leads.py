# SPDX-License-Identifier: Apache-2.0
"""Lead names: the standard spelling, the vendors' spellings, and the identities between leads."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")
PRECORDIAL = ("V1", "V2", "V3", "V4", "V5", "V6")
#: the twelve standard leads in the order in which they are printed
STANDARD_12 = (*LIMB, *PRECORDIAL)
#: display order after Cabrera: the frontal plane from left to right, then the chest
CABRERA = ("aVL", "I", "-aVR", "II", "aVF", "III", *PRECORDIAL)
FRANK = ("X", "Y", "Z")
#: leads beyond the twelve that have a fixed meaning
FURTHER = (
    *("V3R", "V4R", "V5R", "V6R", "V7", "V8", "V9"),
    *FRANK,
    *("ES", "AS", "AI", "MCL1", "MCL5", "MCL6", "CM5", "CC5"),
)
#: rows: III, aVR, aVL, aVF; columns: I, II (Einthoven, Goldberger)
LIMB_FROM_I_II = np.array([[-1.0, 1.0], [-0.5, -0.5], [1.0, -0.5], [-0.5, 1.0]])

#: residuals of the identities below this are rounding
SMALL_RESIDUAL_MV = 0.02

_BY_FOLDED = {name.lower(): name for name in (*STANDARD_12, *FURTHER)}
_BY_FOLDED |= {"vx": "X", "vy": "Y", "vz": "Z", "ml2": "II", "mlii": "II", "ml1": "I", "mli": "I"}
_BY_FOLDED |= {"mliii": "III", "ml3": "III", "l1": "I", "l2": "II", "l3": "III"}
_BY_FOLDED |= {"1": "I", "2": "II", "3": "III", "d1": "I", "d2": "II", "d3": "III"}
_BY_FOLDED |= {"di": "I", "dii": "II", "diii": "III", "mv1": "V1", "mv2": "V2", "mv5": "V5"}
_BY_FOLDED |= {f"c{n}": f"V{n}" for n in range(1, 7)} | {"avrneg": "-aVR"}
_MODIFIED = re.compile(r"ml(i{1,3}|[123])$|mv\d$")
_PREFIX = re.compile(
    r"^(mdc_ecg_lead_|mdc_ecg_elec_potl_|ecg|ekg|lead|mdc|ch(annel)?\d*|ableitung|d[e\u00e9]rivation|"
    r"derivaci[o\u00f3]n|derivazione|deriva[c\u00e7][a\u00e3]o|avledning)[\s_:.-]*"
)
_SUFFIX = re.compile(r"[\s_:.-]*(\(.*\)|-ref|lead)$")
#: no lead has a longer name
_LONGEST = 200
#: counts channels and says nothing about electrodes
_CHANNEL = re.compile(r"(ecg|ekg|ch|chan|channel)[\s_#:.-]*\d+$")
#: the sign of a lead that is turned over
_MINUS = re.compile(r"(?:^|.*[\s:_])[-\u2212](?=[a-z])(.+)$|^[-\u2212]\s*(.+)$")
_TURNED = re.compile(r"[\s_(]*\b(?:inv|inverted|neg|negative|reversed)\b[\s.)]*")


@functools.lru_cache(maxsize=4096)
def canonical_lead(name: str) -> str | None:
    """Map a vendor's spelling of a lead to the standard one.

    Parameters
    ----------
    name
        What a file calls the lead: ``"avr"``, ``"MDC_ECG_LEAD_AVR"``, ``"ECG II"``, ``"MLII"``.

    Returns
    -------
    The standard name, or None where the name is not that of a known lead.

    Notes
    -----
    Modified limb leads (``MLII``) map to the limb lead that they imitate; use `is_modified_lead`
    to keep the difference in a remark. Of leads that are turned over, ``-aVR`` has a name. The
    difference of two leads (``I-II``) and the number of a channel (``ECG 2``) are no leads.

    Examples
    --------
    >>> canonical_lead("MDC_ECG_LEAD_AVF"), canonical_lead("v1 "), canonical_lead("PLETH")
    ('aVF', 'V1', None)
    >>> canonical_lead("Lead -aVR"), canonical_lead("-II"), canonical_lead("Channel 2")
    ('-aVR', None, None)
    """
    folded = name.strip().lower()
    if len(folded) > _LONGEST or _CHANNEL.match(folded):
        return None
    minus = _MINUS.match(folded)
    turned = (minus[1] or minus[2]) if minus else _TURNED.sub(" ", folded).strip()
    if turned != folded and turned:
        return "-aVR" if canonical_lead(turned) == "aVR" else None
    for _ in range(4):
        if folded in _BY_FOLDED:
            return _BY_FOLDED[folded]
        if _CHANNEL.match(folded):  # "ECG ECG 1", as EDF spells a signal that is called "ECG 1"
            return None
        shorter = _SUFFIX.sub("", _PREFIX.sub("", folded, count=1), count=1)
        if shorter == folded:
            break
        folded = shorter
    parts = re.split(r"[\s_.-]+", folded)
    if len(parts) > 1 and all(part in _BY_FOLDED for part in parts):
        return None
    return _BY_FOLDED.get("".join(parts))


def is_modified_lead(name: str) -> bool:
    """Tell whether a file's own name says that a lead is a monitoring variant, such as ``MLII``.

    Examples
    --------
    >>> is_modified_lead("MLII"), is_modified_lead("II")
    (True, False)
    """
    return bool(_MODIFIED.match(name.strip().lower()))


@functools.lru_cache(maxsize=64)
def _identity_matrix(leads: tuple[str, ...]) -> np.ndarray | None:
    """Rows that give zero for leads that obey Einthoven and Goldberger; None without any."""
    derived = [name for name in LIMB[2:] if name in leads]
    if "I" not in leads or "II" not in leads or not derived:
        return None
    matrix = np.zeros((len(derived), len(leads)), np.float32)
    for row, name in enumerate(derived):
        matrix[row, leads.index(name)] = 1
        matrix[row, leads.index("I")], matrix[row, leads.index("II")] = -LIMB_FROM_I_II[
            LIMB.index(name) - 2
        ]
    return matrix


def limb_leads_agree(signal: Float[np.ndarray, "lead sample"], leads: tuple[str, ...]) -> bool:
    """Tell at little cost whether every sample obeys the limb-lead identities within rounding.

    Parameters
    ----------
    signal
        Potential, mV.
    leads
        Name of each row.

    Returns
    -------
    True where they agree or where there is nothing to compare; False also where samples are
    missing, so that a closer look (`identity_residuals`) decides.

    Examples
    --------
    >>> limb_leads_agree(np.array([[1.0], [3.0], [2.0]]), ("I", "II", "III"))
    True
    """
    matrix = _identity_matrix(leads)
    if matrix is None or not signal.shape[1]:
        return True
    residual = matrix @ signal
    return bool(max(residual.max(), -residual.min()) <= SMALL_RESIDUAL_MV)


def identity_residuals(
    signal: Float[np.ndarray, "lead sample"], leads: Sequence[str], *, max_samples: int = 500
) -> dict[str, tuple[float, float, float]]:
    """Compare III, aVR, aVL and aVF with what leads I and II say they must be.

    Parameters
    ----------
    signal
        Potential, mV.
    leads
        Name of each row, standard spelling.
    max_samples
        Evenly spaced samples that are compared; the identities hold at every sample or at none.

    Returns
    -------
    For each derived lead that is present: root mean square of the residual, the same with the
    lead's sign turned, and root mean square of the lead itself, all in mV. Empty without I and II.

    References
    ----------
    Einthoven W. Pfluegers Arch 1912;150:275-315. Goldberger E. Am Heart J 1942;23:483-492.

    Examples
    --------
    >>> x = np.vstack([np.ones(50), 3 * np.ones(50), -2 * np.ones(50)])
    >>> identity_residuals(x, ["I", "II", "III"])
    {'III': (4.0, 0.0, 2.0)}
    """
    place = {name: row for row, name in enumerate(leads)}
    if "I" not in place or "II" not in place:
        return {}
    derived = [name for name in LIMB[2:] if name in place]
    if not derived:
        return {}
    step = max(1, signal.shape[1] // max_samples)
    seen = signal[:, ::step]
    rows = [LIMB.index(name) - 2 for name in derived]
    expected = LIMB_FROM_I_II[rows].astype(seen.dtype) @ seen[[place["I"], place["II"]]]
    found = seen[[place[name] for name in derived]]
    stats = np.stack([found - expected, found + expected, found])
    square = np.einsum("kls,kls->kl", stats, stats) / max(1, seen.shape[1])
    if not np.isfinite(square).all():
        held = np.isfinite(stats).all(axis=0)
        count = np.maximum(held.sum(axis=1), 1)
        square = np.where(held, stats, 0.0).__pow__(2).sum(axis=2) / count
    rms = np.sqrt(square)
    return {n: (float(a), float(b), float(c)) for n, (a, b, c) in zip(derived, rms.T, strict=True)}
