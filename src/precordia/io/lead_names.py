# SPDX-License-Identifier: Apache-2.0
"""Lead names as files give them: codes, spellings, and names that occur twice."""

from __future__ import annotations

import re
from collections.abc import Sequence

from precordia.core.leads import canonical_lead
from precordia.core.record import Remark

#: leads by their identifier in SCP-ECG (EN 1064, table of lead identification)
SCP_LEADS = {
    1: "I", 2: "II", 3: "V1", 4: "V2", 5: "V3", 6: "V4", 7: "V5", 8: "V6", 9: "V7", 10: "V2R",
    11: "V3R", 12: "V4R", 13: "V5R", 14: "V6R", 15: "V7R", 16: "X", 17: "Y", 18: "Z", 61: "III",
    62: "aVR", 63: "aVL", 64: "aVF", 65: "-aVR", 66: "V8", 67: "V9", 68: "V8R", 69: "V9R",
}  # fmt: skip


def lead_of_code(code: str, scheme: str) -> str | None:
    """Return the lead that a code of SCP-ECG or IEEE 11073 stands for.

    Parameters
    ----------
    code
        Such as ``"5.6.3-9-61"`` (SCPECG), ``"2:61"`` or ``"131389"`` (MDC).
    scheme
        Designator of the coding scheme: ``"SCPECG"`` or ``"MDC"``.

    Returns
    -------
    The lead, or None where the code stands for none.

    Notes
    -----
    DICOM writes the lead identifier N of SCP-ECG as 5.6.3-9-N. IEEE 11073-10102 keeps the numbers
    within partition 2: 2:N or 131072 + N, and 256 more for the potentials of the same leads.

    Examples
    --------
    >>> lead_of_code("5.6.3-9-61", "SCPECG"), lead_of_code("131329", "MDC")
    ('III', 'I')
    """
    try:
        if code.startswith("5.6.3-9-"):
            return SCP_LEADS.get(int(code[8:]))
        if scheme.upper().startswith("MDC"):
            number = int(code[2:]) if code.startswith("2:") else int(code) - 131072
            return SCP_LEADS.get(number - 256 if number > 256 else number)
    except ValueError:
        pass
    return None


def lead_of_spelling(spelled: str) -> str | None:
    """Return the lead of a free spelling such as ``"Lead I (Einthoven)"``; None if it is none.

    Examples
    --------
    >>> lead_of_spelling("Lead I (Einthoven)"), lead_of_spelling("Arterial pressure")
    ('I', None)
    >>> lead_of_spelling("aVR, augmented voltage, right")
    'aVR'
    """
    text = re.split("[(,]", spelled)[0].strip()
    return canonical_lead(text) if text else None


def unique_leads(leads: Sequence[str], remarks: list[Remark]) -> tuple[str, ...]:
    """Give leads that share a name a number, and say so in the remarks.

    Examples
    --------
    >>> unique_leads(["I", "II", "II"], [])
    ('I', 'II', 'II #2')
    """
    if len(set(leads)) == len(leads):
        return tuple(leads)
    seen: dict[str, int] = {}
    taken = set(leads)
    names = []
    for lead in leads:
        seen[lead] = seen.get(lead, 0) + 1
        name = lead
        while seen[lead] > 1 and (name := f"{lead} #{seen[lead]}") in taken:
            seen[lead] += 1
        taken.add(name)
        names.append(name)
    twice = tuple(lead for lead, n in seen.items() if n > 1)
    remarks.append(
        Remark(
            code="lead-twice",
            text="Leads of one name were numbered: " + ", ".join(twice) + ".",
            leads=twice,
        )
    )
    return tuple(names)
