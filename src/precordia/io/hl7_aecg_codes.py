# SPDX-License-Identifier: Apache-2.0
"""Codes of HL7 aECG annotations, under our names."""

from __future__ import annotations

#: object identifiers of coding schemes, and what we call the schemes
SCHEMES = {
    "2.16.840.1.113883.6.24": "mdc",
    "2.16.840.1.113883.6.96": "snomed-ct",
    "2.16.840.1.113883.6.1": "loinc",
    "2.16.840.1.113883.6.3": "icd-10",
    "2.16.840.1.113883.6.90": "icd-10-cm",
}
MDC = "2.16.840.1.113883.6.24"
ACT_CODE = "2.16.840.1.113883.5.4"
LOINC = "2.16.840.1.113883.6.1"
#: LOINC: reported age
AGE = "21612-7"

#: measurements by their code, folded to upper case and without a final _GL (global)
MEASUREMENTS = {
    "MDC_ECG_HEART_RATE": "heart_rate_bpm",
    "MDC_ECG_HEART_RATE_VENT": "heart_rate_bpm",
    "MDC_ECG_ATRIAL_RATE": "atrial_rate_bpm",
    "MDC_ECG_HEART_RATE_ATRIAL": "atrial_rate_bpm",
    "MDC_ECG_TIME_PD_RR": "rr_ms",
    "MDC_ECG_TIME_PD_PP": "pp_ms",
    "MDC_ECG_TIME_PD_P": "p_ms",
    "MDC_ECG_TIME_PD_PR": "pr_ms",
    "MDC_ECG_TIME_PD_PQ": "pr_ms",
    "MDC_ECG_TIME_PD_QRS": "qrs_ms",
    "MDC_ECG_TIME_PD_QT": "qt_ms",
    "MDC_ECG_TIME_PD_QTC": "qtc_ms",
    "MDC_ECG_TIME_PD_QTCB": "qtc_bazett_ms",
    "MDC_ECG_TIME_PD_QTC_BAZETT": "qtc_bazett_ms",
    "MDC_ECG_TIME_PD_QTCF": "qtc_fridericia_ms",
    "MDC_ECG_TIME_PD_QTC_FREDERICA": "qtc_fridericia_ms",
    "MDC_ECG_TIME_PD_QTC_FRIDERICIA": "qtc_fridericia_ms",
    "MDC_ECG_TIME_PD_QTC_FRAMINGHAM": "qtc_framingham_ms",
    "MDC_ECG_TIME_PD_QTC_HODGES": "qtc_hodges_ms",
    "MDC_ECG_ANGLE_P_FRONT": "p_axis_deg",
    "MDC_ECG_ANGLE_QRS_FRONT": "qrs_axis_deg",
    "MDC_ECG_ANGLE_T_FRONT": "t_axis_deg",
    "MINDRAY_ECG_TIME_PD_QTCH": "qtc_hodges_ms",
    "MINDRAY_ECG_TIME_PD_QTCB": "qtc_bazett_ms",
    "MINDRAY_ECG_TIME_PD_QTCF": "qtc_fridericia_ms",
    "MINDRAY_ECG_P_AXIS": "p_axis_deg",
    "MINDRAY_ECG_QRS_AXIS": "qrs_axis_deg",
    "MINDRAY_ECG_T_AXIS": "t_axis_deg",
    "MINDRAY_ECG_RV5": "rv5_mv",
    "MINDRAY_ECG_SV1": "sv1_mv",
}
#: how measurements are written: the first code of each name, QTc as devices spell it
CODE_OF_MEASUREMENT = {
    **{name: code for code, name in reversed(MEASUREMENTS.items()) if code.startswith("MDC")},
    "qtc_ms": "MDC_ECG_TIME_PD_QTc",
    "qtc_bazett_ms": "MDC_ECG_TIME_PD_QTcB",
    "qtc_fridericia_ms": "MDC_ECG_TIME_PD_QTcF",
}
#: units of measurements by the end of our name, and what one of each is in it
UNITS = {
    "_ms": {"ms": 1.0, "s": 1e3, "us": 1e-3, "min": 6e4},
    "_bpm": {
        **dict.fromkeys(("bpm", "bmp", "/min", "1/min", "{beats}/min", "{beat}/min"), 1.0),
        "beats/min": 1.0,
        "{h.b.}/min": 1.0,
        "hz": 60.0,
        "/s": 60.0,
    },
    "_deg": {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "°": 1.0, "rad": 57.29577951308232},
    "_mv": {"mv": 1.0, "uv": 1e-3, "v": 1e3, "nv": 1e-6},
}
#: waves whose beginning and end are positions of ours
WAVES = {
    "MDC_ECG_WAVC_PWAVE": ("p_onset", "p_offset"),
    "MDC_ECG_WAVC_QRSWAVE": ("qrs_onset", "qrs_offset"),
    "MDC_ECG_WAVC_TWAVE": ("t_onset", "t_offset"),
    "MDC_ECG_WAVC_QRSTWAVE": ("qrs_onset", "t_offset"),
    "MDC_ECG_WAVC_PQSEG": ("p_offset", "qrs_onset"),
    "MDC_ECG_WAVC_STSEG": ("qrs_offset", "t_onset"),
}
#: waves whose peak is a position of ours
PEAKS = {
    "MDC_ECG_WAVC_PWAVE": "p_peak",
    "MDC_ECG_WAVC_QRSWAVE": "r_peak",
    "MDC_ECG_WAVC_QWAVE": "q_peak",
    "MDC_ECG_WAVC_RWAVE": "r_peak",
    "MDC_ECG_WAVC_SWAVE": "s_peak",
    "MDC_ECG_WAVC_TWAVE": "t_peak",
}
#: kinds of beats, as annotation symbols of WFDB
BEATS = {
    "NORMAL": "N",
    "DOMINANT": "N",
    "ABNORMAL": "Q",
    "SV_P_C": "S",
    "ATR_P_C": "A",
    "JUNC_P_C": "J",
    "ATR_P_C_ABERR": "a",
    "ATR_PWAVE_BLK": "x",
    "V_P_C": "V",
    "V_P_C_FUSION": "F",
    "V_P_C_RONT": "r",
    "SV_ESC": "n",
    "ATR_ESC": "e",
    "JUNC_ESC": "j",
    "V_ESC": "E",
    "BB_BLK": "B",
    "LBB_BLK_COMP": "L",
    "LBB_BLK_INCOMP": "L",
    "RBB_BLK_COMP": "R",
    "RBB_BLK_INCOMP": "R",
    "PACED": "/",
    "PACED_FUS": "f",
    "LEARN": "?",
    "UNKNOWN": "Q",
}
BEAT_OF_SYMBOL = {symbol: kind for kind, symbol in reversed(BEATS.items())} | {
    "r": "V_P_C_RonT",
    "Q": "UNKNOWN",
}
