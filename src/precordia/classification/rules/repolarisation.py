# SPDX-License-Identifier: Apache-2.0
"""Repolarisation: ST depression, T waves, early repolarisation."""

from __future__ import annotations

from precordia.classification.case import Case, claim
from precordia.classification.contiguous import CHEST, LIMB, contiguous
from precordia.core.claims import Claim

_BARRED = ("CLBBB", "PACE", "WPW", "VTACH", "AFLT")
_DEPRESSED_MV, _INVERTED_MV, _EARLY_MV = -0.05, 0.1, 0.1
_T_LEADS = ("I", "II", "III", "aVL", "aVF", "V2", "V3", "V4", "V5", "V6")


def judge_repolarisation(case: Case) -> None:
    """Judge ST depression, T inversion, flat T waves and early repolarisation.

    Notes
    -----
    *Depression*: at least 0.05 mV at J and 60 ms later, not rising in between by more than half,
    in two contiguous leads. *T inversion*: more than 0.1 mV deep, and larger than the upright
    part, in two contiguous leads of which R is larger than S. *Flat T*: below a tenth of R and
    0.1 mV, in two of I, II, V4, V5, V6. *Early repolarisation*: J at 0.1 mV or more in two
    contiguous inferior or lateral leads with upright T and no ST depression opposite; notches and
    slurs, which the consensus asks for, are not judged.
    """
    barrier = case.barrier(_BARRED)
    if barrier:
        why = f"means nothing with {barrier}"
        for code in ("STD_", "INVT", "LOWT", "EREPOL"):
            case.abstain(code, why)
        return
    _judge_depression(case)
    _judge_inversion(case)
    _judge_flat_t(case)
    _judge_early(case)


def _judge_depression(case: Case) -> None:
    low: dict[str, Claim] = {}
    unknown = ""
    for lead in (*LIMB, *CHEST):
        if case.has("CRBBB") and lead in ("V1", "V2", "V3"):
            continue  # goes with the block
        j, why = case.number("st_j_mv", lead)
        later, why_later = case.number("st_j60_mv", lead)
        if why or why_later:
            unknown = unknown or why or why_later
        elif j <= _DEPRESSED_MV and later <= _DEPRESSED_MV and later <= 0.5 * j:
            low[lead] = case.claim("st_j60_mv", "<=", _DEPRESSED_MV, "mV", lead)
    leads = contiguous(low)
    if leads:
        case.find(
            "STD_",
            "ST depression of at least 0.05 mV at J and 60 ms later in contiguous leads",
            claims=tuple(low[x] for x in leads),
            leads=leads,
            reference="udmi4",
        )
        _judge_posterior(case, low, leads)
    elif unknown:
        case.abstain("STD_", unknown)


def _judge_posterior(case: Case, low: dict[str, Claim], leads: tuple[str, ...]) -> None:
    """ST depression of V1 to V3 with upright T, and nowhere else, mirrors the posterior wall."""
    front = tuple(x for x in leads if x in ("V1", "V2", "V3"))
    upright = any(case.value("t_positive_mv", x) > 0.1 for x in front)
    if len(front) >= 2 and upright and not set(leads) & {"V5", "V6"} and not case.has("RVH"):
        case.find(
            "PMI",
            "ST depression in V1 to V3 and not in V5 or V6, T with an upright part",
            claims=tuple(low[x] for x in front),
            leads=front,
            reference="udmi4",
            name="posterior infarction suspected from ST depression in V1 to V3",
        )


def _judge_inversion(case: Case) -> None:
    down: dict[str, Claim] = {}
    unknown = ""
    for lead in _T_LEADS:
        if case.has("CRBBB") and lead in ("V2", "V3"):
            continue  # goes with the block
        depth, why = case.number("t_depth_mv", lead)
        if why:
            unknown = unknown or why
        elif (
            depth > _INVERTED_MV and case.value("t_mv", lead) < 0 and case.value("r_to_s", lead) > 1
        ):
            down[lead] = claim("t_mv", -depth, "<", -_INVERTED_MV, "mV", lead)
    leads = contiguous(down)
    if leads:
        case.find(
            "INVT",
            "T inverted by more than 0.1 mV in contiguous leads with R above S",
            claims=tuple(down[x] for x in leads),
            leads=leads,
            reference="udmi4",
        )
    elif unknown:
        case.abstain("INVT", unknown)


def _judge_flat_t(case: Case) -> None:
    flat: list[Claim] = []
    unknown = ""
    for lead in ("I", "II", "V4", "V5", "V6"):
        t, why = case.number("t_mv", lead)
        r, why_r = case.number("r_height_mv", lead)
        if why or why_r:
            unknown = unknown or why or why_r
        elif r >= 0.3 and abs(t) < min(0.1, 0.1 * r):
            flat.append(claim("t_size_mv", abs(t), "<", min(0.1, 0.1 * r), "mV", lead))
    if len(flat) >= 2:
        case.find(
            "LOWT",
            "T below a tenth of R and below 0.1 mV in at least two of I, II, V4, V5, V6",
            claims=tuple(flat),
            leads=tuple(c.lead for c in flat),
            reference="aha4",
        )
    elif unknown:
        case.abstain("LOWT", unknown)


def _judge_early(case: Case) -> None:
    raised: dict[str, Claim] = {}
    unknown = ""
    for lead in ("I", "aVL", "II", "III", "aVF", "V4", "V5", "V6"):
        j, why = case.number("st_j_mv", lead)
        if why:
            unknown = unknown or why
        elif j >= _EARLY_MV and case.value("t_mv", lead) > j:
            raised[lead] = case.claim("st_j_mv", ">=", _EARLY_MV, "mV", lead)
    leads = contiguous(raised)
    suspected = case.has("AMI", "IMI", "LMI", "SMI", "ASMI", "ALMI", "ILMI", "QWAVE")
    if leads and not suspected and not case.has("STD_", "CRBBB", "IVCD"):
        case.find(
            "EREPOL",
            "J point at 0.1 mV or more in contiguous inferior or lateral leads, T upright, no ST "
            "depression, no sign of infarction",
            claims=tuple(raised[x] for x in leads),
            leads=leads,
            reference="erp",
        )
    elif not leads and unknown:
        case.abstain("EREPOL", unknown)
