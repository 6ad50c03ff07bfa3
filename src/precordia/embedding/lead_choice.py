# SPDX-License-Identifier: Apache-2.0
"""The leads that a model takes, in its order, from the leads that a recording has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from precordia.core.errors import LeadError, OptionError
from precordia.core.finite import all_finite
from precordia.core.input_spec import ANY_LEAD, OF_ONE_MILLIVOLT, InputSpec
from precordia.core.leads import LIMB
from precordia.core.record import Record
from precordia.embedding.passage import model_name
from precordia.signal.lead_algebra import complete_limb_leads


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenLeads:
    """Rows for a model.

    Attributes
    ----------
    signal
        The rows that are there, in the unit of the spec, float64.
    leads
        Names of all rows of the model.
    rows
        Which of them are there.
    derived, absent
        Which were computed, and which are lacking.
    missing
        Where the rows that are there have no sample; None where all have every sample.
    """

    signal: Float[np.ndarray, "lead sample"]
    leads: tuple[str, ...]
    rows: tuple[int, ...]
    derived: tuple[str, ...]
    absent: tuple[str, ...]
    missing: Bool[np.ndarray, "lead sample"] | None


def choose_leads(record: Record, spec: InputSpec, *, lead: str | None = None) -> ChosenLeads:
    """Find, compute or miss every lead that a model takes.

    Parameters
    ----------
    record
        The recording. A lead without a single sample counts as absent.
    spec
        What the model takes.
    lead
        Which lead to give a model that takes any one.

    Returns
    -------
    The rows.

    Raises
    ------
    LeadError
        If a lead is absent and the spec does not allow it, or it is not said which to give.
    OptionError
        If a lead is named for a model that takes certain ones.

    Notes
    -----
    Limb leads follow exactly from two others (I and II where they are there), and aVR from -aVR.
    Chest leads follow from nothing and are never estimated here.

    Examples
    --------
    >>> from precordia.core.input_steps import Window
    >>> spec = InputSpec(leads=("III",), fs=500, seconds=1, steps=(Window(),))
    >>> record = Record(signal=np.ones((2, 500)), fs=500, leads=("I", "II"))
    >>> choose_leads(record, spec).derived
    ('III',)
    """
    held = [name for name, dead in zip(record.leads, _dead(record), strict=True) if not dead]
    leads = _wanted(held, spec, lead)
    if len(leads) > 1 or leads[0] not in held:
        source, derivable = _with_turned(record, held)
    else:
        source, derivable = None, ()
    derived = tuple(n for n in leads if n not in held and n in derivable)
    absent = tuple(n for n in leads if n not in held and n not in derived)
    if absent and (spec.missing_leads == "refuse" or len(absent) == len(leads)):
        raise _refusal(spec, leads, held, absent)
    keep = absent if spec.missing_leads == "zero" else ()
    names = [name for name in leads if name not in keep]
    places = [record.leads.index(name) if name in held else 0 for name in names]
    signal = record.signal[places].astype(np.float64)
    for row, name in enumerate(names):
        if name in derived and source is not None:
            signal[row] = source[name]
        elif name in absent:
            signal[row] = 0.0
    if spec.unit != "mV":
        signal *= OF_ONE_MILLIVOLT[spec.unit]
    rows = tuple(k for k, name in enumerate(leads) if name not in keep)
    return ChosenLeads(
        signal=signal,
        leads=leads,
        rows=rows,
        derived=derived,
        absent=absent,
        missing=None if all_finite(signal) else np.isnan(signal),
    )


def _dead(record: Record) -> list[bool]:
    first = record.signal[:, :1]
    if record.n_samples and not np.isnan(first).any():
        return [False] * record.n_leads
    return np.isnan(record.signal).all(axis=1).tolist()


def _wanted(held: list[str], spec: InputSpec, lead: str | None) -> tuple[str, ...]:
    if spec.leads != (ANY_LEAD,):
        if lead is not None and spec.leads != (lead,):
            raise OptionError(
                f"lead='{lead}' arrived; {model_name(spec)} takes {_listed(spec.leads)}. Leave "
                "lead out."
            )
        return spec.leads
    if lead is None and len(held) != 1:
        raise LeadError(
            f"{model_name(spec)} takes one lead of any name; this record has {len(held)} "
            f"({_listed(held)}). Say which: prepare(record, spec, lead='II')."
        )
    return (lead or held[0],)


def _with_turned(record: Record, held: list[str]) -> tuple[dict[str, np.ndarray] | None, tuple]:
    """Return every limb lead that follows from others, by name, and which these are."""
    limbs = [name for name in held if name in LIMB]
    rows = [record.signal[record.leads.index(name)] for name in limbs]
    if "-aVR" in held and "aVR" not in held:
        limbs.append("aVR")
        rows.append(-record.signal[record.leads.index("-aVR")])
    if len(limbs) < 2:
        return dict(zip(limbs, rows, strict=True)), tuple(limbs)
    if all(name in held for name in LIMB):
        return None, ()
    six = complete_limb_leads(np.stack(rows).astype(np.float64), limbs)
    return dict(zip(LIMB, six, strict=True)), LIMB


def _refusal(
    spec: InputSpec, leads: tuple[str, ...], held: list[str], absent: tuple[str, ...]
) -> LeadError:
    limb = any(name in LIMB for name in absent)
    follow = " Limb leads follow from any two limb leads;" if limb else ""
    chest = (
        " chest leads follow from no others." if follow else " Chest leads follow from no others."
    )
    if not any(name.startswith("V") for name in absent):
        chest = "" if not follow else " there are fewer here."
    return LeadError(
        f"{model_name(spec)} needs {_listed(leads)}; this record has {len(held)} leads "
        f"({_listed(held)}), and {_listed(absent)} cannot be computed from them.{follow}{chest} "
        "Choose a model for these leads, or, where the model learnt to do without some, a spec "
        "with missing_leads='zero'."
    )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names) if names else "none"
