# SPDX-License-Identifier: Apache-2.0
"""Each limit from both sides, on numbers made by hand. The limits are those of the sources."""

import math

import pytest

from precordia.core.leads import STANDARD_12
from precordia.core.measurements import BeatKind

LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")
CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")
WIDE = {"qrs_ms": 140.0}


def test_normal_numbers_are_a_normal_ecg(findings_of):
    found = findings_of()
    assert [f.code for f in found] == ["SR", "NORM"]


@pytest.mark.parametrize(
    ("code", "met", "missed"),
    [
        ("SBRAD", {"heart_rate_bpm": 59.9}, {"heart_rate_bpm": 60.0}),
        ("STACH", {"heart_rate_bpm": 100.1}, {"heart_rate_bpm": 100.0}),
        ("1AVB", {"pr_ms": 201.0}, {"pr_ms": 200.0}),
        ("LAD", {"qrs_axis_deg": -31.0}, {"qrs_axis_deg": -30.0}),
        ("LAD", {"qrs_axis_deg": -90.0}, {"qrs_axis_deg": -91.0}),
        ("RAD", {"qrs_axis_deg": 91.0}, {"qrs_axis_deg": 90.0}),
        ("RAD", {"qrs_axis_deg": 180.0}, {"qrs_axis_deg": -179.0}),
        ("RAD", {"qrs_axis_deg": 121.0, "age": 5.0}, {"qrs_axis_deg": 119.0, "age": 5.0}),
        ("XAD", {"qrs_axis_deg": -91.0}, {"qrs_axis_deg": -90.0}),
        ("LNGQT", {"qtc_fridericia_ms": 450.0}, {"qtc_fridericia_ms": 449.0}),
        (
            "LNGQT",
            {"qtc_fridericia_ms": 460.0, "sex": "female"},
            {"qtc_fridericia_ms": 459.0, "sex": "female"},
        ),
        (
            "LNGQT",
            {"qtc_fridericia_ms": 460.0, "sex": None},
            {"qtc_fridericia_ms": 459.0, "sex": None},
        ),
        ("SHTQT", {"qtc_fridericia_ms": 350.0}, {"qtc_fridericia_ms": 351.0}),
        (
            "SHTQT",
            {"qtc_fridericia_ms": 360.0, "sex": "female"},
            {"qtc_fridericia_ms": 361.0, "sex": "female"},
        ),
        ("WPW", {"pr_ms": 119.0, "qrs_ms": 120.0}, {"pr_ms": 120.0, "qrs_ms": 120.0}),
        ("WPW", {"pr_ms": 110.0, "qrs_ms": 121.0}, {"pr_ms": 110.0, "qrs_ms": 119.0}),
        ("IVCD", {"qrs_ms": 120.0}, {"qrs_ms": 119.0}),
        ("EATR", {"p_axis_deg": -31.0}, {"p_axis_deg": -30.0}),
        ("EATR", {"p_axis_deg": 106.0}, {"p_axis_deg": 105.0}),
        ("PAUSE", {"n_pauses": 1, "rr_max_ms": 2000.0}, {"n_pauses": 0, "rr_max_ms": 1999.0}),
    ],
)
def test_numbers_of_the_record_meet_their_limits(findings_of, code, met, missed):
    assert code in findings_of(**met)
    assert code not in findings_of(**missed)


def test_qt_with_a_wide_qrs_loses_half_of_the_qrs(findings_of):
    # QT 480, QRS 160, RR 1000: 480 - 77.6 = 402 ms, below 450; QT 540 gives 462
    numbers = {"qrs_ms": 160.0, "rr_mean_ms": 1000.0, "qtc_fridericia_ms": 480.0}
    assert "LNGQT" not in findings_of(**numbers, qt_ms=480.0)
    assert "LNGQT" in findings_of(**numbers, qt_ms=540.0)


@pytest.mark.parametrize(("sex", "aVL", "code"), [("male", 2.01, True), ("male", 2.0, False)])
def test_cornell_in_men(findings_of, sex, aVL, code):
    assert ("VCLVH" in findings_of({"aVL": {"r_mv": aVL}}, sex=sex)) == code


def test_cornell_in_women_and_where_sex_is_unknown(findings_of):
    leads = {"aVL": {"r_mv": 1.3}}  # and S in V3 of 0.8 mV: 2.1 mV
    assert "VCLVH" in findings_of(leads, sex="female")
    assert "VCLVH" not in findings_of(leads, sex="male")
    assert "VCLVH" not in findings_of(leads, sex=None)


def test_sokolow_lyon_takes_the_larger_r_and_a_higher_limit_in_the_young(findings_of):
    leads = {"V1": {"s_mv": -1.5}, "V6": {"r_mv": 2.0}}
    assert "VCLVH" in findings_of(leads)
    assert "VCLVH" not in findings_of({"V1": {"s_mv": -1.49}, "V6": {"r_mv": 2.0}})
    assert "VCLVH" not in findings_of(leads, age=30.0)
    assert "VCLVH" not in findings_of(leads, age=math.nan)


def test_voltage_is_hypertrophy_only_with_a_second_sign(findings_of):
    voltage = {"V1": {"s_mv": -1.6}, "V6": {"r_mv": 2.0}}
    assert "LVH" not in findings_of(voltage)
    strain = {"V5": {"t_mv": -0.3, "t_negative_mv": -0.3}}
    strain["V6"] = {"r_mv": 2.0, "t_mv": -0.3, "t_negative_mv": -0.3}
    assert "LVH" in findings_of(voltage | strain)
    assert "LVH" in findings_of(voltage | {"aVL": {"r_mv": 2.1}})


def test_low_voltage_needs_all_limb_or_all_chest_leads(findings_of):
    low = {name: {"qrs_peak_to_peak_mv": 0.49} for name in LIMB}
    assert "LVOLT" in findings_of(low)
    assert "LVOLT" not in findings_of(low | {"II": {"qrs_peak_to_peak_mv": 0.5}})
    low = {name: {"qrs_peak_to_peak_mv": 0.99} for name in CHEST}
    assert "LVOLT" in findings_of(low)
    assert "LVOLT" not in findings_of(low | {"V2": {"qrs_peak_to_peak_mv": 1.0}})


def test_atria(findings_of):
    assert "RAO/RAE" in findings_of({"II": {"p_mv": 0.251}})
    assert "RAO/RAE" not in findings_of({"II": {"p_mv": 0.25}})
    left = {"V1": {"p_terminal_mv_ms": -4.0}}
    assert "LAO/LAE" in findings_of(left, p_ms=120.0)
    assert "LAO/LAE" not in findings_of(left, p_ms=119.0)
    assert "LAO/LAE" not in findings_of({"V1": {"p_terminal_mv_ms": -3.9}}, p_ms=130.0)


def test_right_ventricular_hypertrophy_needs_the_axis(findings_of):
    leads = {"V1": {"r_mv": 0.7, "s_mv": -0.3}}
    assert "RVH" in findings_of(leads, qrs_axis_deg=100.0)
    assert "RVH" not in findings_of(leads, qrs_axis_deg=90.0)
    assert "RVH" not in findings_of({"V1": {"r_mv": 0.69, "s_mv": -0.3}}, qrs_axis_deg=100.0)


RIGHT = {
    "V1": {"r_mv": 0.2, "s_mv": -0.3, "r_prime_mv": 0.6, "r_prime_ms": 60.0},
    "I": {"s_ms": 45.0},
    "V6": {"s_ms": 45.0},
}
LEFT = {
    "V1": {"r_mv": math.nan, "s_mv": math.nan, "qs_mv": -1.5, "q_mv": -1.5, "q_ms": 120.0},
    **{k: {"r_peak_time_ms": 70.0} for k in ("I", "aVL", "V5", "V6")},
}


@pytest.mark.parametrize(
    ("qrs_ms", "right", "left"),
    [(120.0, "CRBBB", "CLBBB"), (119.0, "IRBBB", "ILBBB"), (110.0, "IRBBB", "ILBBB")],
)
def test_bundle_branch_blocks_by_duration(findings_of, qrs_ms, right, left):
    assert right in findings_of(RIGHT, qrs_ms=qrs_ms)
    assert left in findings_of(LEFT, qrs_ms=qrs_ms)
    for found in (findings_of(RIGHT, qrs_ms=qrs_ms), findings_of(LEFT, qrs_ms=qrs_ms)):
        assert "IVCD" not in found


def test_a_q_wave_in_lead_i_speaks_against_left_bundle_branch_block(findings_of):
    leads = LEFT | {"I": {"r_peak_time_ms": 70.0, "q_mv": -0.06, "q_ms": 20.0}}
    found = findings_of(leads, **WIDE)
    assert "CLBBB" not in found
    assert "IVCD" in found


@pytest.mark.parametrize(("axis", "met"), [(-44.0, False), (-45.0, True), (-90.0, True)])
def test_left_anterior_fascicular_block_by_axis(findings_of, axis, met):
    leads = {"II": {"r_mv": 0.3, "s_mv": -0.8}, "III": {"r_mv": 0.1, "s_mv": -1.0}}
    assert ("LAFB" in findings_of(leads, qrs_axis_deg=axis)) == met
    assert "LAFB" not in findings_of(qrs_axis_deg=axis)  # R in II


@pytest.mark.parametrize(("axis", "met"), [(100.0, False), (101.0, True), (180.0, True)])
def test_left_posterior_fascicular_block_by_axis(findings_of, axis, met):
    leads = {
        "I": {"r_mv": 0.2, "s_mv": -0.6},
        "III": {"q_mv": -0.1, "q_ms": 20.0, "r_mv": 1.0},
    }
    assert ("LPFB" in findings_of(leads, qrs_axis_deg=axis)) == met


def q(ms, mv):
    return {"q_ms": ms, "q_mv": mv}


@pytest.mark.parametrize(
    ("leads", "code"),
    [
        ({"II": q(40.0, -0.1), "aVF": q(40.0, -0.1)}, "IMI"),
        ({"III": q(40.0, -0.3), "aVF": q(30.0, -0.3)}, "IMI"),
        ({"I": q(40.0, -0.2), "aVL": q(40.0, -0.2)}, "LMI"),
        ({"V2": q(30.0, -0.3), "V3": q(30.0, -0.3)}, "ASMI"),
        ({"V3": q(30.0, -0.3), "V4": q(40.0, -0.4)}, "AMI"),
        ({"V4": q(40.0, -0.4), "V5": q(40.0, -0.4)}, "ALMI"),
        ({"V1": {"qs_mv": -1.0}, "V2": {"qs_mv": -1.0}}, "SMI"),
        (
            {"II": q(40.0, -0.3), "III": q(40.0, -0.3), "V5": q(40.0, -0.4), "V6": q(40.0, -0.4)},
            "ILMI",
        ),
    ],
)
def test_q_waves_name_their_territory(findings_of, leads, code):
    found = findings_of(leads)
    assert code in found
    assert "QWAVE" in found
    assert set(found["QWAVE"].leads) == set(leads)
    assert "NORM" not in found


@pytest.mark.parametrize(
    "leads",
    [
        {"II": q(29.0, -0.4), "aVF": q(29.0, -0.4)},  # too short
        {"II": q(40.0, -0.09), "aVF": q(40.0, -0.09)},  # too shallow
        {"II": q(40.0, -0.2), "V6": q(40.0, -0.2)},  # not contiguous
        {"I": q(30.0, -0.15), "aVL": q(30.0, -0.09)},  # septal Q waves
        {"V2": q(20.0, -0.3), "V3": q(20.0, -0.3)},  # at the limit, not above it
        {"V1": {"qs_mv": -1.0}},  # may be normal
    ],
)
def test_other_q_waves_are_not_pathological(findings_of, leads):
    assert "QWAVE" not in findings_of(leads)


def test_qs_in_v2_with_a_tiny_r_in_v3_is_an_anteroseptal_infarct(findings_of):
    gone = {"r_mv": math.nan, "s_mv": math.nan, "qs_mv": -1.2, "q_mv": -1.2}
    assert "ASMI" in findings_of({"V2": gone, "V3": {"r_mv": 0.2}})
    assert "QWAVE" not in findings_of({"V2": gone, "V3": {"r_mv": 0.21}})


def test_tall_r_in_v1_is_posterior_only_beside_an_inferior_infarct(findings_of):
    tall = {k: {"r_mv": 1.0, "s_mv": -0.9, "r_ms": 40.0, "t_mv": 0.3} for k in ("V1", "V2")}
    inferior = {"II": q(40.0, -0.3), "aVF": q(40.0, -0.3)}
    assert "PMI" in findings_of(tall | inferior)
    assert "PMI" not in findings_of(tall)
    assert "PMI" not in findings_of(inferior)


def st(*leads, mv):
    return {name: {"st_j_mv": mv, "st_j60_mv": mv} for name in leads}


@pytest.mark.parametrize(
    ("sex", "age", "limit"),
    [("male", 50.0, 0.2), ("male", 30.0, 0.25), ("female", 50.0, 0.15), (None, math.nan, 0.25)],
)
def test_st_elevation_in_v2_and_v3_by_sex_and_age(findings_of, sex, age, limit):
    found = findings_of(st("V2", "V3", mv=limit), sex=sex, age=age)
    assert found["STE_"].leads == ("V2", "V3")
    assert "AMI" in found
    below = findings_of(st("V2", "V3", mv=limit - 0.001), sex=sex, age=age)
    assert "STE_" not in below
    assert "AMI" not in below


def test_st_elevation_needs_contiguous_leads(findings_of):
    assert "STE_" in findings_of(st("V5", "V6", mv=0.1))
    assert "STE_" not in findings_of(st("V5", "V6", mv=0.099))
    assert "STE_" not in findings_of(st("V4", "V6", mv=0.15))
    assert "STE_" not in findings_of(st("I", "II", mv=0.15))


def test_limb_lead_elevation_is_suspected_infarction_only_with_depression_opposite(findings_of):
    inferior = st("II", "III", "aVF", mv=0.2)
    assert "IMI" not in findings_of(inferior)
    found = findings_of(inferior | st("aVL", mv=-0.1))
    assert "IMI" in found
    assert "suspected" in found["IMI"].name


def test_depression_in_contiguous_leads(findings_of):
    assert "STD_" in findings_of(st("V5", "V6", mv=-0.05))
    assert "STD_" not in findings_of(st("V5", "V6", mv=-0.049))
    assert "STD_" not in findings_of(st("V4", "V6", mv=-0.1))
    rising = {k: {"st_j_mv": -0.12, "st_j60_mv": -0.05} for k in ("V5", "V6")}
    assert "STD_" not in findings_of(rising)


def t(*leads, mv):
    return {
        k: {"t_mv": mv, "t_negative_mv": min(mv, 0.0), "t_positive_mv": max(mv, 0.0)} for k in leads
    }


def test_t_inversion_needs_contiguous_leads_and_a_dominant_r(findings_of):
    assert "INVT" in findings_of(t("V5", "V6", mv=-0.11))
    assert "INVT" not in findings_of(t("V5", "V6", mv=-0.1))
    assert "INVT" not in findings_of(t("V4", "V6", mv=-0.3))
    assert "INVT" not in findings_of(t("V1", "V2", mv=-0.3))  # S above R


def test_flat_and_tall_t(findings_of):
    assert "LOWT" in findings_of(t("V5", "V6", mv=0.09))
    assert "LOWT" not in findings_of(t("V5", mv=0.09))
    assert "HIGHT" in findings_of(t("V3", "V4", mv=1.41))
    assert "HIGHT" not in findings_of(t("V3", "V4", mv=1.4))
    assert "HIGHT" in findings_of(t("V3", "V4", mv=1.01), sex="female")


def test_early_repolarisation_gives_way_to_signs_of_infarction(findings_of):
    leads = st("II", "III", "aVF", mv=0.12) | {"III": {"st_j_mv": 0.12, "t_mv": 0.3}}
    assert "EREPOL" in findings_of(leads)
    assert "EREPOL" not in findings_of(leads | st("aVL", mv=-0.1))


def test_poor_r_wave_progression(findings_of):
    assert "PRWP" in findings_of({"V2": {"r_mv": 0.2}, "V3": {"r_mv": 0.2}})
    assert "PRWP" not in findings_of({"V2": {"r_mv": 0.2}, "V3": {"r_mv": 0.21}})


@pytest.mark.parametrize("block", [LEFT, None])
def test_nothing_is_read_from_voltage_q_and_st_in_left_bundle_block_and_pre_excitation(
    findings_of, block
):
    leads = st("V2", "V3", mv=0.5) | t("V5", "V6", mv=-0.5) | {"II": q(60.0, -0.5)}
    leads |= {"aVF": q(60.0, -0.5), "aVL": {"r_mv": 4.0, "r_peak_time_ms": 70.0}}
    if block:
        leads = {k: block.get(k, {}) | leads.get(k, {}) for k in STANDARD_12}
        found = findings_of(leads, qrs_ms=150.0)
        assert "CLBBB" in found
    else:
        found = findings_of(leads, pr_ms=100.0, qrs_ms=130.0)
        assert "WPW" in found
    forbidden = {"STE_", "STD_", "INVT", "QWAVE", "VCLVH", "LVH", "IMI", "AMI", "LOWT"}
    assert not {f.code for f in found} & forbidden
    reasons = {a.code: a.reason for a in found.abstained}
    assert "means nothing with" in reasons["QWAVE"]
    assert "means nothing with" in reasons["VCLVH"]


IRREGULAR = [800, 650, 950, 700, 1000, 620, 880, 760, 990, 640, 820]


@pytest.mark.parametrize(
    ("share", "rr", "code"),
    [
        (0.0, IRREGULAR, "AFIB"),
        (39.0, IRREGULAR, "AFIB"),
        (100.0, IRREGULAR, None),
        (0.0, [800.0] * 11, "JUNC"),
        (0.0, [500.0] * 11, "AFLT"),
        (0.0, [330.0] * 11, "SVTAC"),
    ],
)
def test_rhythm_without_p_waves(findings_of, share, rr, code):
    rate = 60000.0 / (sum(rr) / len(rr))
    absent = {} if share else {"pr_ms": math.nan, "p_ms": math.nan, "p_axis_deg": math.nan}
    numbers = {"p_wave_percent": share, "heart_rate_bpm": rate, "rr_mean_ms": 60000.0 / rate}
    numbers["rr_sd_ms"] = 150.0 if rr is IRREGULAR else 1.0
    found = findings_of(rr_ms=rr, **numbers, **absent)
    rhythms = {f.code for f in found} & {"AFIB", "AFLT", "SVTAC", "JUNC", "SR"}
    assert rhythms == ({code} if code else {"SR"})


def test_regular_wide_beats_without_p_waves_get_no_rhythm_but_a_reason(findings_of):
    found = findings_of(
        p_wave_percent=0.0, pr_ms=math.nan, p_ms=math.nan, p_axis_deg=math.nan, **WIDE
    )
    assert not {f.code for f in found} & {"SR", "JUNC", "AFIB", "AFLT", "SVTAC"}
    assert "wide beats without P waves" in {a.code: a.reason for a in found.abstained}["SR"]


def test_sinus_arrhythmia_by_range_and_spread(findings_of):
    swaying = [720, 760, 830, 900, 930, 900, 830, 760, 720, 760, 830]
    assert "SARRH" in findings_of(rr_ms=swaying)
    assert "NORM" in findings_of(rr_ms=swaying)
    assert "SARRH" not in findings_of(rr_ms=[760, 820] * 5 + [790])


def test_early_beats_are_named_with_their_rows(findings_of):
    rr = [800, 800, 800, 560, 1000, 800, 800, 800, 800, 800, 800]
    kinds = [BeatKind.NORMAL] * 12
    kinds[4] = BeatKind.SUPRAVENTRICULAR
    found = findings_of(rr_ms=rr, kinds=kinds)
    assert found["PAC"].beats == (4,)
    kinds[4] = BeatKind.VENTRICULAR
    found = findings_of(rr_ms=rr, kinds=kinds)
    assert found["PVC"].beats == (4,)
    assert "PAC" not in found
    assert "NORM" not in found


def test_paced_beats_make_a_paced_rhythm_and_little_else(findings_of):
    found = findings_of(kinds=[BeatKind.PACED] * 12, qrs_ms=160.0)
    assert [f.code for f in found] == ["PACE"]
    assert "paced rhythm" in {a.code: a.reason for a in found.abstained}["SR"]


def test_fast_ventricular_beats_in_a_row_are_tachycardia(findings_of):
    rr = [800, 800, 400, 400, 400, 900, 800, 800, 800, 800, 800]
    kinds = [BeatKind.NORMAL] * 12
    kinds[3:6] = [BeatKind.VENTRICULAR] * 3
    found = findings_of(rr_ms=rr, kinds=kinds, longest_ventricular_run=3)
    assert "run of" in found["VTACH"].name
    assert "SR" in found
    slow = [800, 800, 700, 700, 700, 900, 800, 800, 800, 800, 800]
    assert "VTACH" not in findings_of(rr_ms=slow, kinds=kinds, longest_ventricular_run=3)
