# SPDX-License-Identifier: Apache-2.0
"""Which signals of a WFDB record are ECG leads, which are companions, and on what clock."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from precordia.core.errors import LeadError
from precordia.core.leads import canonical_lead, is_modified_lead
from precordia.core.record import Remark
from precordia.io.lead_names import unique_leads
from precordia.io.units import millivolts
from precordia.io.wfdb_header import SignalLine

#: first words of the names of signals that are no ECG, whatever their unit
_OTHER = re.compile(
    r"(resp|pleth|ppg|abp|art|pap|cvp|icp|lap|rap|bp|nbp|spo2|sao2|so2|eeg|emg|eog|ecog|pcg|scg|"
    r"pulse|hr|co2|etco2|temp|flow|airway|snore|chest|abdo|thor|imp|acc|gyro|gsr|eda|angle|light|"
    r"position|trigger|marker|status|event)(?![a-z])|(resp|pleth|flow|pulse|temp|snor|abdom|thorac|"
    r"acceler|pressure|heart ?sound|nasal)",
    re.IGNORECASE,
)
#: two scalp sites of the 10-20 system
_SCALP = re.compile(
    r"(fp|af|f|fc|c|cp|t|tp|p|po|o|a|m)(z|\d{1,2})-(fp|af|f|fc|c|cp|t|tp|p|po|o|a|m)(z|\d{1,2})$",
    re.IGNORECASE,
)
#: a channel number, which says nothing about where the electrodes were
_NUMBERED = re.compile(r"(ecg|ekg|ch|chan|channel|signal|sig)?[ _#:.-]*\d+$", re.IGNORECASE)


class Roles(NamedTuple):
    """What becomes of every signal of a header.

    ``lead_rows`` and ``companion_rows`` hold indices into the header's signals; ``per_frame`` is
    the number of samples that a lead has in one frame; ``scales`` turns the unit of each signal
    into that of the record (mV for leads).
    """

    leads: tuple[str, ...]
    lead_rows: tuple[int, ...]
    companion_rows: tuple[int, ...]
    per_frame: int
    scales: tuple[float, ...]
    remarks: tuple[Remark, ...]


@functools.lru_cache(maxsize=1024)
def _role(name: str, unit: str) -> tuple[str | None, float, bool]:
    """Return the lead (None for a companion), the scale to mV, and whether the unit is known."""
    scale = millivolts(unit) if unit else 1.0  # without a unit the standard means millivolts
    lead = None if _NUMBERED.match(name) else canonical_lead(name)
    if lead is None:
        if scale is None or _OTHER.match(name) or _SCALP.match(name):
            return None, 1.0, True
        lead = name
    return lead, 1.0 if scale is None else scale, scale is not None


def assign_roles(
    signals: Sequence[SignalLine], name: str, unit_scale: float | None = None
) -> Roles:
    """Decide for every signal whether it is an ECG lead or a companion.

    Parameters
    ----------
    signals
        The signals of a header, or of a layout.
    name
        What error messages call the header.
    unit_scale
        Millivolts in one unit of every lead, where the user knows better than the header.

    Returns
    -------
    The roles.

    Raises
    ------
    LeadError
        If no signal is an ECG lead.

    Notes
    -----
    A signal is a lead if its name is that of one (see `canonical_lead`), or if its unit is a
    voltage and its name is not that of another kind of signal; it then keeps its own name. A
    channel number (``ECG 1``) is not taken for a lead. Where leads have different rates the rate
    that most of them share is the record's, the higher one on a tie; the others become companions
    at their own rate, since bringing them onto one clock would be an estimate. A name that
    occurs twice is numbered.
    """
    leads: list[str] = []
    rows: list[int] = []
    others: list[int] = []
    scales: list[float] = []
    remarks: list[Remark] = []
    doubtful: list[str] = []
    rates: dict[int, int] = {}
    for index, line in enumerate(signals):
        lead, scale, known = _role(line.name, line.unit)
        if lead is None:
            others.append(index)
        else:
            if unit_scale is not None:
                scale, known = unit_scale, True
            leads.append(lead or f"signal {index + 1}")
            rows.append(index)
            rates[line.samples_per_frame] = rates.get(line.samples_per_frame, 0) + 1
            if not known:
                doubtful.append(leads[-1])
        scales.append(scale)
    if not rows:
        held = ", ".join(line.name or "without a name" for line in signals[:8]) or "none at all"
        raise LeadError(
            f"'{name}' holds no ECG: its signals are {held[:120]}. A signal with the name of a "
            "lead or in a unit of voltage is needed; correct the header if one of them is an ECG."
        )
    per_frame = signals[rows[0]].samples_per_frame
    if len(rates) > 1:
        per_frame = max(rates, key=lambda rate: (rates[rate], rate))
        slower = [i for i in rows if signals[i].samples_per_frame != per_frame]
        kept = [k for k, i in enumerate(rows) if i not in slower]
        remarks.append(Remark(
            code="lead-rates-differ",
            text="Leads have different sampling rates; those at another rate than most are kept "
            "as companions: " + ", ".join(signals[i].name for i in slower) + ".",
        ))  # fmt: skip
        leads, rows = [leads[k] for k in kept], [rows[k] for k in kept]
        others = sorted(others + slower)
    if len(set(leads)) != len(leads):
        # a monitoring variant beside the lead that it imitates keeps its own name
        own = [signals[i].name if is_modified_lead(signals[i].name) else n
               for n, i in zip(leads, rows, strict=True)]  # fmt: skip
        leads = list(unique_leads(own, remarks))
    modified = [
        (lead, signals[i].name) for lead, i in zip(leads, rows, strict=True)
        if lead != signals[i].name and is_modified_lead(signals[i].name)
    ]  # fmt: skip
    if modified:
        remarks.append(Remark(
            code="lead-modified",
            text="Monitoring leads are kept under the name of the lead that they imitate: "
            + ", ".join(f"{own} as {lead}" for lead, own in modified) + ".",
            leads=tuple(lead for lead, _ in modified),
        ))  # fmt: skip
    if doubtful:
        remarks.append(Remark(
            code="unit-unknown",
            text="The unit of these leads is no voltage and was taken as millivolts; amplitudes "
            "may be meaningless: " + ", ".join(doubtful) + ". Give it with unit=.",
            leads=tuple(name for name in doubtful if name in leads),
        ))  # fmt: skip
    raw = [n for n, i in zip(leads, rows, strict=True) if not signals[i].calibrated]
    if raw:
        remarks.append(uncalibrated(tuple(raw)))
    return Roles(tuple(leads), tuple(rows), tuple(others), per_frame, tuple(scales), tuple(remarks))


def uncalibrated(leads: tuple[str, ...]) -> Remark:
    """Return the remark on leads whose gain was taken from the standard, not from the file."""
    return Remark(
        code="uncalibrated",
        text="The header gives no gain for these leads; the WFDB default of 200 steps per mV was "
        "used, so that amplitudes are not calibrated: " + ", ".join(leads) + ".",
        leads=leads,
    )
