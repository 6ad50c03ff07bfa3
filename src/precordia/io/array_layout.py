# SPDX-License-Identifier: Apache-2.0
"""Which dimension of an array is lead, sample or record, and what its rows and values are."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from precordia.core.errors import LeadError, OptionError, SignalError, UnitError
from precordia.core.leads import STANDARD_12, canonical_lead, identity_residuals
from precordia.core.record import Remark
from precordia.io.units import millivolts

_AXES = ("record", "lead", "sample")
#: arrays with more rows are not taken for leads unless told
_MOST_LEADS = 32
#: peak to peak of a lead, mV, that some surface ECG has
_SMALLEST_MV, _LARGEST_MV = 0.2, 12.0
_LARGEST_VALUE = 1e12


def parse_axes(axes: str | Sequence[str], n_dimensions: int) -> tuple[str, ...]:
    """Return the meaning of each dimension that the user gave.

    Raises
    ------
    OptionError
        If it does not name every dimension once.

    Examples
    --------
    >>> parse_axes("sample lead", 2)
    ('sample', 'lead')
    """
    words = re.split(r"[\s,]+", axes.strip()) if isinstance(axes, str) else list(axes)
    if (
        len(words) != n_dimensions
        or len(set(words)) != len(words)
        or not set(words) <= set(_AXES)
        or "sample" not in words
    ):
        raise OptionError(
            f"axes={axes!r} arrived for an array of {n_dimensions} dimensions; one word of "
            "'record', 'lead', 'sample' for each is needed, such as axes='sample lead'."
        )
    return tuple(words)


def guess_axes(
    shape: tuple[int, ...], *, n_named: int | None, with_index: bool, name: str
) -> tuple[str, ...]:
    """Tell lead, sample and record apart by their lengths, where only one answer makes sense.

    Parameters
    ----------
    shape
        Lengths of the dimensions.
    n_named
        How many leads are named; None where none is.
    with_index
        Whether the user picks one record among several.
    name
        Name of the file, for messages.

    Raises
    ------
    OptionError
        If more than one answer makes sense.
    SignalError
        If the array has no dimension, or more than three.

    Examples
    --------
    >>> guess_axes((5000, 12), n_named=None, with_index=False, name="a.npy")
    ('sample', 'lead')
    """
    if len(shape) == 1:
        return ("sample",)
    if len(shape) == 2:
        found = _lead_and_sample(shape, n_named)
        if found is not None:
            return found
        if with_index:
            return ("record", "sample")
    elif len(shape) == 3:
        inner = _lead_and_sample(shape[1:], n_named)
        if inner is not None and not (shape[0] <= 16 < shape[1 + inner.index("lead")]):
            return ("record", *inner)
    else:
        raise SignalError(
            f"'{name}' holds an array of {len(shape)} dimensions; one to three are needed: "
            "samples, leads and records. Name another array with variable=."
        )
    raise OptionError(
        f"'{name}' holds an array of {' x '.join(map(str, shape))}, and its lengths do not tell "
        "leads from samples. Say what each dimension is with axes=, such as axes='lead sample'"
        + (" or axes='record sample'." if len(shape) == 2 else " or axes='record sample lead'.")
    )


def _lead_and_sample(shape: tuple[int, ...], n_named: int | None) -> tuple[str, ...] | None:
    first, second = shape
    if n_named is not None and (first == n_named) != (second == n_named):
        return ("lead", "sample") if first == n_named else ("sample", "lead")
    if (first == 1) != (second == 1):
        return ("lead", "sample") if first == 1 else ("sample", "lead")
    few, many = sorted(shape)
    if few <= _MOST_LEADS and many >= 100 and many >= 8 * few:
        return ("lead", "sample") if first == few else ("sample", "lead")
    return None


def require_index(index: object, n_records: int, *, name: str) -> int:
    """Return which record to read.

    Raises
    ------
    OptionError
        If there are several and none is named, or there is no such record.

    Examples
    --------
    >>> require_index(None, 1, name="a.npy"), require_index(-1, 10, name="a.npy")
    (0, 9)
    """
    if index is None:
        if n_records == 1:
            return 0
        raise OptionError(
            f"'{name}' holds {n_records} records. Say which to read with index=, from 0 to "
            f"{n_records - 1}."
        )
    if isinstance(index, bool) or not isinstance(index, (int, np.integer)):
        raise OptionError(f"index={index!r} arrived; a whole number is needed.")
    if not -n_records <= index < n_records:
        raise OptionError(
            f"index={index} arrived and '{name}' holds {n_records} records; 0 to {n_records - 1} "
            "are needed."
        )
    return int(index) % n_records


def to_millivolts(
    rows: np.ndarray, factor: float | Sequence[float], *, name: str, remarks: list[Remark]
) -> Float[np.ndarray, "lead sample"]:
    """Return rows of numbers in millivolts, as float32, NaN where a value is infinite.

    Raises
    ------
    UnitError
        If a value is beyond anything that an electrode gives.

    Examples
    --------
    >>> to_millivolts(np.array([[1000, -500]]), 0.001, name="a.npy", remarks=[])
    array([[ 1. , -0.5]], dtype=float32)
    """
    factors = np.broadcast_to(np.asarray(factor, np.float64), rows.shape[:1])
    if rows.dtype == np.float32 and (factors == 1.0).all():
        signal = np.array(rows, np.float32, order="C")
    else:
        signal = np.empty(rows.shape, np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            for into, row, each in zip(signal, rows, factors, strict=True):
                into[:] = row.astype(np.float64) * each
    infinite = np.isinf(signal)
    if infinite.any():
        signal[infinite] = np.nan
        remarks.append(
            Remark(
                code="infinite",
                text=f"{int(infinite.sum())} infinite values were taken for missing samples.",
            )
        )
    largest = float(np.nanmax(np.abs(signal), initial=0.0)) if signal.size else 0.0
    if not largest < _LARGEST_VALUE:
        raise UnitError(
            f"'{name}' holds a value of {largest:.3g} mV, which no electrode gives. Check the unit "
            "and the array that was read."
        )
    return signal


def unit_missing(rows: np.ndarray, *, name: str) -> UnitError:
    """Return the error for values without a unit, naming the units that they may have.

    Examples
    --------
    >>> x = np.sin(np.arange(500.0))[None] * 900
    >>> print(unit_missing(x, name="a.npy"))
    'a.npy' does not say the unit of its values. They span 1.8e+03, which an ECG could do in 'uV':
    give it with unit='uV', or a step of the converter such as unit='4.88 uV'.
    """
    seen = rows[:, :: max(1, rows.shape[1] // 5000)].astype(np.float64)
    finite = np.where(np.isfinite(seen), seen, np.nan)
    held = finite[~np.isnan(finite).all(axis=1)] if finite.size else finite
    spans = np.nanmax(held, axis=1) - np.nanmin(held, axis=1) if held.size else np.zeros(1)
    span = float(np.median(spans))
    fitting = [
        unit
        for unit in ("mV", "uV", "V", "nV")
        if _SMALLEST_MV <= span * (millivolts(unit) or 0.0) <= _LARGEST_MV
    ]
    said = f"'{name}' does not say the unit of its values. They span {span:.3g}"
    if not fitting:
        return UnitError(
            f"{said}, which no ECG does in V, mV, uV or nV. Give the step of the converter with "
            "unit=, such as unit='4.88 uV'; a signal that was normalised has lost its unit."
        )
    many = "' or '".join(fitting)
    return UnitError(
        f"{said}, which an ECG could do in '{many}': give it with unit='{fitting[0]}', or a step "
        "of the converter such as unit='4.88 uV'."
    )


def row_names(
    signal: Float[np.ndarray, "lead sample"], variable: str, remarks: list[Remark]
) -> tuple[str, ...]:
    """Name rows that the file does not name.

    Notes
    -----
    Twelve rows whose first six obey Einthoven's and Goldberger's equations in the order I, II,
    III, aVR, aVL, aVF are the standard leads in their order, with a remark; all others are
    numbered.

    Examples
    --------
    >>> row_names(np.zeros((2, 9)), "x", [])
    ('row 1', 'row 2')
    """
    n_rows = signal.shape[0]
    if n_rows == 1:
        lead = canonical_lead(variable)
        if lead is not None:
            return (lead,)
    if n_rows == 12 and _obeys_limb_order(signal):
        remarks.append(
            Remark(
                code="leads-assumed",
                text="The rows have no names. The first six obey the equations of I, II, III, aVR, "
                "aVL, aVF in this order, so the standard order was assumed; name them with "
                "leads= if V1 to V6 stand differently.",
            )
        )
        return STANDARD_12
    remarks.append(
        Remark(
            code="leads-unnamed",
            text="The rows have no names and were numbered. Name them with leads=.",
        )
    )
    return tuple(f"row {k + 1}" for k in range(n_rows))


def _obeys_limb_order(signal: np.ndarray) -> bool:
    found = identity_residuals(signal, STANDARD_12)
    return len(found) == 4 and all(
        own > 0.01 and residual < max(0.02 * own, 0.003) for residual, _, own in found.values()
    )


def split_names(leads: str | Sequence[str]) -> list[str]:
    """Return names that the user gave, alone or separated by commas.

    Raises
    ------
    LeadError
        If they are no names.

    Examples
    --------
    >>> split_names("I, II,V1"), split_names(["I"])
    (['I', 'II', 'V1'], ['I'])
    """
    names = leads.split(",") if isinstance(leads, str) else list(leads)
    names = [n.strip() for n in names if isinstance(n, str) and n.strip()]
    if not names:
        raise LeadError(f"leads={leads!r} arrived; names such as leads=['I', 'II'] are needed.")
    return names
