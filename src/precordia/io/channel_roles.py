# SPDX-License-Identifier: Apache-2.0
"""Which channels of a recording of many kinds are ECG leads."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from precordia.core.errors import LeadError, OptionError
from precordia.core.leads import canonical_lead
from precordia.io.units import millivolts

_ECG = re.compile(r"(ecg|ekg|electrocardiogram)(?![a-z])", re.IGNORECASE)
#: what a channel in volts can be instead: brain, muscle, eye, and transducers that give volts
_OTHER = re.compile(
    r"(eeg|emg|eog|ecog|meg|erp|ppg|pcg|scg|gsr|eda|resp|pleth|pulse?|flow|therm|temp|snor|airway|"
    r"nasal|thor|chest|abdo|effort|acc|gyro|pos|light|mic|sound|sao2|spo2|pressure|press|abp|art|"
    r"cvp|pap|icp|nibp|event|mark|trig|status|stim|chin|leg|tib|mastoid|roc|loc)",
    re.IGNORECASE,
)
#: electrode sites of the 10-20 system, alone or against another
_SCALP = re.compile(
    r"((fp|af|f|fc|ft|c|cp|t|tp|p|po|o|a|m|x)(z|\d{1,2}))([-,:/](fp|af|f|fc|ft|c|cp|t|tp|p|po|o|a|"
    r"m|x|ref|av|avg|le)(z|\d{0,2}))?$",
    re.IGNORECASE,
)
#: sites whose names no ECG lead shares
_SCALP_ONLY = re.compile(r"(fp|af|fc|ft|cp|tp|po|f|t|p|o)(z|\d{1,2})([-,:/]|$)", re.IGNORECASE)


def ecg_channels(
    labels: Sequence[str],
    units: Sequence[str],
    *,
    name: str,
    chosen: Sequence[str] | None = None,
) -> list[int]:
    """Pick the ECG among the channels of a file.

    Parameters
    ----------
    labels, units
        As the file gives them.
    name
        Name of the file, for messages.
    chosen
        Labels that the user names instead, or None.

    Returns
    -------
    Indices of the ECG channels, in file order (in the user's order where they are named).

    Raises
    ------
    LeadError
        If no channel can be taken for an ECG.
    OptionError
        If a label the user names is not there.

    Notes
    -----
    A channel is an ECG if its label is that of a lead or says ECG, and its unit is a voltage or
    absent; C3 and its like are no leads beside scalp electrodes. Where no label says so, channels
    in volts that carry no other known kind of label are.

    Examples
    --------
    >>> ecg_channels(["EEG Fpz-Cz", "ECG II", "Resp"], ["uV", "mV", ""], name="a.edf")
    [1]
    """
    if chosen is not None:
        if isinstance(chosen, str):
            chosen = [chosen]
        missing = [label for label in chosen if label not in labels]
        if missing:
            raise OptionError(
                f"'{name}' has no channel '{missing[0]}'. It has {_listed(labels)}; name those "
                "that are ECG in channels=."
            )
        return [list(labels).index(label) for label in chosen]
    voltage = [not unit.strip() or millivolts(unit) is not None for unit in units]
    # C3 is a chest electrode among leads, and a scalp electrode among those of an EEG.
    brain = any("eeg" in label.lower() or _SCALP_ONLY.match(label) for label in labels)
    sure = [
        k
        for k, label in enumerate(labels)
        if voltage[k]
        and (
            _ECG.search(label)
            or (canonical_lead(label) is not None and not (brain and _SCALP.match(label)))
        )
    ]
    if sure:
        return sure
    perhaps = [
        k
        for k, label in enumerate(labels)
        if units[k].strip() and voltage[k] and not is_other_kind(label)
    ]
    if perhaps:
        return perhaps
    raise LeadError(
        f"'{name}' has no channel that says it is an ECG; it has {_listed(labels)}. Name those "
        "that are with channels=[...]."
    )


def is_other_kind(label: str) -> bool:
    """Tell whether a label says that a channel in volts is no ECG.

    Examples
    --------
    >>> is_other_kind("EEG Fpz-Cz"), is_other_kind("left arm")
    (True, False)
    """
    return bool(_OTHER.search(label) or _SCALP.match(label))


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(repr(label) for label in labels[:12])
    return shown + (", ..." if len(labels) > 12 else "") if labels else "none"


@functools.lru_cache(maxsize=4096)
def lead_of_label(label: str) -> str:
    """Return the lead that a channel's label names, or the label without the word ECG before it.

    Examples
    --------
    >>> lead_of_label("ECG II"), lead_of_label("ECG left arm"), lead_of_label("ECG 1")
    ('II', 'left arm', 'ECG 1')
    """
    # A channel number behind ECG counts channels; it says nothing about electrodes.
    if re.fullmatch(r"(ecg|ekg|ch|chan|channel)[ _#:.-]*\d+", label, re.IGNORECASE):
        return label
    return canonical_lead(label) or label.removeprefix("ECG ").strip() or label
