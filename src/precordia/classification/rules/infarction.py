# SPDX-License-Identifier: Apache-2.0
"""Infarction: pathological Q waves and ST elevation, and the territory that they point to."""

from __future__ import annotations

from precordia.classification.case import Case, claim
from precordia.classification.contiguous import CHEST, LIMB, contiguous
from precordia.core.claims import Claim
from precordia.knowledge.criteria import Limit, choose_limit

_TERRITORIES = ("SMI", "ASMI", "AMI", "ALMI", "LMI", "IMI", "ILMI", "PMI")
_BARRED = ("CLBBB", "PACE", "WPW", "VTACH")
_Q_LEADS = ("I", "aVL", "II", "III", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
#: ST elevation at J in V2 and V3; 0.1 mV everywhere else
_ST_V2_V3 = (
    Limit(value=0.25, sex="male", below_age=40.0),
    Limit(value=0.20, sex="male", from_age=40.0),
    Limit(value=0.15, sex="female"),
)
_ST_OTHERS = (Limit(value=0.10),)
_RECIPROCAL_MV = -0.1
#: shortest Q wave that counts whatever its depth, and the share of R that a shorter one needs
_LONG_Q_MS, _SHARE_OF_R = 40.0, 0.25
_TINY_R_MV = 0.2


def judge_infarction(case: Case) -> None:
    """Judge pathological Q waves, ST elevation, and the territories of both.

    Notes
    -----
    *Q waves* (Universal Definition, table of prior infarction): longer than 20 ms or QS in V2 and
    V3; at least 30 ms and 0.1 mV, or QS, in two contiguous ones of I, aVL, II, aVF, V4 to V6 (and
    III). Departures: a Q wave shorter than 40 ms must be a quarter of R (septal Q waves of healthy
    people are not); in V2 and V3 it must reach 0.05 mV; QS in V1 and V2 alone counts in both only,
    and not with left ventricular hypertrophy; with QS in V2, an R wave up to 0.2 mV in V3 counts as
    none. Tall R in V1 and V2 names a posterior infarct only beside Q waves of the inferior or
    lateral wall, as four of 221 normal recordings of PTB-XL have it. *ST elevation*: at the J
    point in two contiguous leads, by sex and age in V2 and V3. It names a territory, as
    *suspected*, with reciprocal depression of 0.1 mV opposite (limb leads), or in V2 or V3 without
    left ventricular voltage. In flutter ST is not judged.
    """
    barrier = case.barrier(_BARRED)
    if barrier:
        why = f"means nothing with {barrier}"
        for code in ("QWAVE", "STE_", *_TERRITORIES):
            case.abstain(code, why)
        return
    _judge_q(case)
    _judge_posterior(case)
    if case.has("AFLT"):
        case.abstain("STE_", "flutter waves distort the ST segment")
    else:
        _judge_st(case)


def _judge_q(case: Case) -> None:
    seen: dict[str, Claim] = {}
    unknown = ""
    for lead in _Q_LEADS:
        depth, why = case.number("q_depth_mv", lead)
        if why:
            unknown = unknown or why
            continue
        length = case.value("q_ms", lead)
        large = length >= _LONG_Q_MS or depth >= _SHARE_OF_R * case.value("r_height_mv", lead)
        if case.has("ILBBB") and lead in ("V1", "V2", "V3"):
            continue  # goes with the block
        if case.value("qs_mv", lead) < 0:
            seen[lead] = case.claim("qs_mv", lead=lead, unit="mV", text="no R wave")
        elif lead in ("V1", "V2", "V3"):
            if length > 20.0 and depth >= 0.05 and lead != "V1" and large:
                seen[lead] = case.claim("q_ms", ">", 20.0, "ms", lead)
        elif length >= 30.0 and depth >= 0.1 and large:
            seen[lead] = case.claim("q_ms", ">=", 30.0, "ms", lead)
    tiny = case.value("r_height_mv", "V3")
    if case.value("qs_mv", "V2") < 0 and tiny <= _TINY_R_MV and not case.has("ILBBB"):
        seen.setdefault("V3", case.claim("r_height_mv", "<=", _TINY_R_MV, "mV", "V3", "tiny R"))
    leads = contiguous(seen)
    if case.has("VCLVH") and not {"V3", "V4"} & set(leads):
        leads = tuple(x for x in leads if x not in ("V1", "V2"))
    if not leads and unknown:
        for code in ("QWAVE", *_TERRITORIES):
            case.abstain(code, unknown)
        return
    if not leads:
        return
    words = "pathological Q waves or QS in contiguous leads"
    shown = tuple(seen[x] for x in leads)
    case.find("QWAVE", words, claims=shown, leads=leads, reference="udmi4")
    for code, where in _territories(set(leads)).items():
        named = tuple(x for x in leads if x in where)
        case.find(
            code,
            f"{words} of the territory",
            claims=tuple(seen[x] for x in named),
            leads=named,
            reference="udmi4",
        )


def _territories(leads: set[str]) -> dict[str, set[str]]:
    """Name the territories that a set of leads points to."""
    found: dict[str, set[str]] = {}
    septal, anterior = leads & {"V1", "V2"}, leads & {"V3", "V4"}
    low, side = leads & {"II", "III", "aVF"}, leads & {"I", "aVL", "V5", "V6"}
    chest_side = leads & {"V5", "V6"}
    if anterior and side and "V4" in leads:
        found["ALMI"] = septal | anterior | side
    elif septal and anterior:
        found["ASMI"] = septal | anterior
    elif anterior:
        found["AMI"] = anterior | chest_side
    elif septal == {"V1", "V2"}:
        found["SMI"] = septal
    if len(low) >= 2:
        lateral = len(chest_side) == 2 or {"I", "aVL"} <= side
        if lateral and "ALMI" not in found:
            found["ILMI"] = low | side
        else:
            found["IMI"] = low
    elif side and "ALMI" not in found and (len(chest_side) == 2 or {"I", "aVL"} <= side):
        found["LMI"] = side
    return found


def _judge_posterior(case: Case) -> None:
    """Broad tall R in V1 and V2 with upright T beside Q waves of the inferior or lateral wall."""
    if case.has("CRBBB", "IRBBB", "RVH"):
        case.abstain("PMI", "right ventricular conduction or hypertrophy explains R in V1")
        return
    if not case.has("IMI", "ILMI", "LMI"):
        return
    shown: list[Claim] = []
    for lead in ("V1", "V2"):
        for name, limit, unit in (("r_ms", 40.0, "ms"), ("r_to_s", 1.0, ""), ("t_mv", 0.0, "mV")):
            value, why = case.number(name, lead)
            if why:
                case.abstain("PMI", why)
                return
            met = value > limit if name == "t_mv" else value >= limit
            if not met:
                return
            shown.append(case.claim(name, ">" if name == "t_mv" else ">=", limit, unit, lead))
    case.find(
        "PMI",
        "R of at least 40 ms and not smaller than S in V1 and V2, with upright T, beside Q waves "
        "of the inferior or lateral wall",
        claims=tuple(shown),
        leads=("V1", "V2"),
        reference="udmi4",
    )


def _judge_st(case: Case) -> None:
    raised: dict[str, Claim] = {}
    unknown = ""
    for lead in (*LIMB, *CHEST):
        value, why = case.number("st_j_mv", lead)
        if why:
            unknown = unknown or why
            continue
        limits = _ST_V2_V3 if lead in ("V2", "V3") else _ST_OTHERS
        limit, note = choose_limit(limits, ">=", sex=case.sex, age_years=case.age_years)
        if value >= limit:
            raised[lead] = claim("st_j_mv", value, ">=", limit, "mV", lead, note)
    leads = contiguous(raised)
    if not leads:
        if unknown:
            case.abstain("STE_", unknown)
        return
    shown = tuple(raised[x] for x in leads)
    words = "ST elevation at the J point in contiguous leads"
    case.find("STE_", words, claims=shown, leads=leads, reference="udmi4")
    _name_st_territory(case, raised, set(leads))


def _name_st_territory(case: Case, raised: dict[str, Claim], leads: set[str]) -> None:
    low, high = leads & {"II", "III", "aVF"}, leads & {"I", "aVL"}
    front = leads & {"V1", "V2", "V3", "V4"}
    side = leads & {"I", "aVL", "V5", "V6"}
    named: dict[str, tuple[set[str], tuple[Claim, ...]]] = {}
    if low and (mirror := _depressed(case, ("aVL", "I"))):
        named["IMI"] = (low, mirror)
    if side and high and (mirror := _depressed(case, ("III", "aVF"))):
        named["LMI"] = (side, mirror)
    if len(front) >= 2 and not case.has("VCLVH", "CRBBB"):
        if not front & {"V2", "V3"} or named.get("LMI"):
            pass
        elif front & {"V3", "V4"}:
            named["AMI"] = (front, ())
        else:
            named["SMI"] = (front, ())
    for code, (where, mirror) in named.items():
        at = tuple(x for x in (*LIMB, *CHEST) if x in where)
        word = {"IMI": "inferior", "LMI": "lateral", "AMI": "anterior", "SMI": "septal"}[code]
        opposite = " with reciprocal depression" if mirror else ""
        case.find(
            code,
            f"ST elevation in {word} leads{opposite}",
            claims=(*(raised[x] for x in at), *mirror),
            leads=at,
            reference="udmi4",
            name="" if code in case.found else f"{word} infarction suspected from ST elevation",
        )


def _depressed(case: Case, leads: tuple[str, ...]) -> tuple[Claim, ...]:
    return tuple(
        case.claim("st_j_mv", "<=", _RECIPROCAL_MV, "mV", lead, "reciprocal")
        for lead in leads
        if case.value("st_j_mv", lead) <= _RECIPROCAL_MV
    )
