# SPDX-License-Identifier: Apache-2.0
"""The columns of PTB-XL as facts that questions are answered from."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from precordia.core.leads import STANDARD_12
from precordia.knowledge.statements import list_statements
from precordia.questions.facts import Facts

#: columns of noise, and what questions call it
NOISE_COLUMNS = {
    "baseline_drift": "baseline drift",
    "static_noise": "static noise",
    "burst_noise": "burst noise",
    "electrodes_problems": "electrodes problems",
}
_STAGES = {
    "Stadium I": ("early",),
    "Stadium I-II": ("middle",),
    "Stadium II": ("middle",),
    "Stadium II-III": ("old",),
    "Stadium III": ("old",),
    "unknown": ("unknown",),
}
_LEAD = re.compile(r"(?<![A-Z])(AVR|AVL|AVF|III|II|I|V[1-6!]|(?<=[,V\d.;\s-])[2-6])(?![A-Z!])")
_UPPER = [lead.upper() for lead in STANDARD_12]


def noise_leads(told: str) -> tuple[str, ...]:
    """Return the leads that one column of noise names.

    Parameters
    ----------
    told
        What the column says: ``" , I-AVF,  "``, ``"alles"``, ``"V1,V2"``.

    Returns
    -------
    Leads in their order; all of them for "alles", none where no lead is named.

    Examples
    --------
    >>> noise_leads(" , III,AVL-V1,  "), len(noise_leads("alles"))
    (('III', 'aVL', 'aVF', 'V1'), 12)
    """
    text = told.upper().replace("V!", "V1").replace("--", "-")
    text = re.sub(r"\s*-\s*", "-", text)
    text = re.sub(r"(V[1-6])(?=V[1-6])", r"\1-", text)
    if re.search(r"\bALLE", text):
        return STANDARD_12
    named: set[int] = set()
    before = None
    for match in _LEAD.finditer(text):
        word = match[1] if not match[1].isdigit() else f"V{match[1]}"
        place = _UPPER.index(word)
        gap = text[before[1] : match.start()] if before else ""
        if before and gap == "-":
            first, last = sorted((before[0], place))
            named |= set(range(first, last + 1))
        named.add(place)
        before = (place, match.end())
    return tuple(lead for k, lead in enumerate(STANDARD_12) if k in named)


def facts_of_labels(row: Mapping[str, str]) -> Facts:
    """Return the facts that a row of PTB-XL's table holds.

    Parameters
    ----------
    row
        The row, by column.

    Returns
    -------
    Statements with their likelihood, noise by lead, stages, extrasystoles. Axis, intervals and the
    leads of forms are in no column, so they are unknown.

    Notes
    -----
    A statement without a likelihood (0) is certain, since that is how PTB-XL writes form and
    rhythm, and leaves diagnoses whose likelihood is not known.

    References
    ----------
    Wagner P et al. PTB-XL. Sci Data 2020;7:154. doi:10.1038/s41597-020-0495-6
    """
    codes: dict[str, float] = ast.literal_eval(row["scp_codes"] or "{}")
    statements = {code: (value / 100.0 if value else 1.0) for code, value in codes.items()}
    if "NORM" in statements:  # ECG-QA answers "yes" however likely it is
        statements["NORM"] = 1.0
    for known in list_statements():
        if known.code in codes and known.superclass and known.superclass != "NORM":
            statements[known.superclass] = 1.0
    noise = {
        name: noise_leads(row[column]) for column, name in NOISE_COLUMNS.items() if row.get(column)
    }
    told = [row.get("infarction_stadium1", ""), row.get("infarction_stadium2", "")]
    stages = dict.fromkeys(s for column in told for s in _STAGES.get(column.strip(), ()))
    unknown = {"axis": "The axis is in no column."}
    unknown |= {name: f"{name} is in no column." for name in _INTERVALS}
    return Facts(
        statements=statements,
        noise={name: leads for name, leads in noise.items() if leads},
        stages=tuple(f"{stage} stage of myocardial infarction" for stage in stages),
        ectopy=extrasystoles(row.get("extra_beats", "")),
        unknown=unknown,
    )


_INTERVALS = (
    "rr interval", "p duration", "pr interval", "qrs duration", "qt interval", "qt corrected",
)  # fmt: skip


def extrasystoles(told: str) -> tuple[str, ...]:
    """Return the kinds of extrasystoles that PTB-XL's column names.

    Examples
    --------
    >>> extrasystoles("VES,SVES2,alles"), extrasystoles("1ES"), extrasystoles("")
    (('ventricular extrasystoles', 'supraventricular extrasystoles'), ('extrasystoles',), ())
    """
    kinds = []
    for part in re.split(r"[,;\s]+", told.upper()):
        if "SVES" in part:
            kinds.append("supraventricular extrasystoles")
        elif "VES" in part:
            kinds.append("ventricular extrasystoles")
        elif "ES" in part and "ALLES" not in part:
            kinds.append("extrasystoles")
    if told.strip() and not kinds and told.strip()[0].isdigit():
        kinds.append("extrasystoles")
    return tuple(dict.fromkeys(kinds))
