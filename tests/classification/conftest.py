# SPDX-License-Identifier: Apache-2.0
"""A normal ECG as numbers, to be changed number by number."""

from dataclasses import fields

import numpy as np
import pytest

from precordia.classification.by_rules import judge_by_rules
from precordia.core.fiducials import Fiducials, Waves, empty_waves
from precordia.core.findings import Findings
from precordia.core.leads import STANDARD_12
from precordia.core.measurements import (
    Absence,
    BeatKind,
    BeatTable,
    LeadMeasurements,
    Measurements,
)
from precordia.core.quality import Quality
from precordia.core.record import Patient, Record

FS, SECONDS = 500.0, 10.0
NORMAL = {
    "heart_rate_bpm": 75.0,
    "rr_mean_ms": 800.0,
    "rr_sd_ms": 10.0,
    "rr_max_ms": 820.0,
    "p_wave_percent": 100.0,
    "atrial_rate_bpm": 75.0,
    "p_ms": 100.0,
    "pr_ms": 160.0,
    "qrs_ms": 90.0,
    "qt_ms": 380.0,
    "qtc_fridericia_ms": 409.0,
    "p_axis_deg": 50.0,
    "qrs_axis_deg": 45.0,
    "t_axis_deg": 40.0,
}
#: r, s, t of every lead, mV
SIZES = {
    "I": (0.8, 0.1, 0.3),
    "II": (1.0, 0.1, 0.35),
    "III": (0.4, 0.1, 0.1),
    "aVR": (0.1, 0.8, -0.3),
    "aVL": (0.4, 0.1, 0.15),
    "aVF": (0.7, 0.1, 0.2),
    "V1": (0.2, 0.8, -0.1),
    "V2": (0.5, 1.2, 0.5),
    "V3": (0.8, 0.8, 0.6),
    "V4": (1.4, 0.5, 0.5),
    "V5": (1.4, 0.2, 0.4),
    "V6": (1.1, 0.1, 0.3),
}
WAVES = ("q_mv", "q_ms", "r_prime_mv", "r_prime_ms", "s_prime_mv", "qs_mv", "p_terminal_mv_ms")


def lead(name, changes):
    r, s, t = SIZES[name]
    numbers = {
        "p_mv": 0.12,
        "r_mv": r,
        "s_mv": -s,
        "t_mv": t,
        "t_positive_mv": max(t, 0.0),
        "t_negative_mv": min(t, 0.0),
        "qrs_peak_to_peak_mv": r + s,
        "r_ms": 45.0,
        "s_ms": 30.0,
        "r_peak_time_ms": 40.0,
        "st_j_mv": 0.0,
        "st_j60_mv": 0.0,
    }
    numbers |= changes
    absent = {k: Absence.NO_WAVE for k in WAVES if k not in numbers}
    absent |= {k: Absence.NO_WAVE for k, v in numbers.items() if v != v}
    return LeadMeasurements(**numbers, absent=absent)


def beat_table(rr_ms, kinds, pr_ms):
    rr = np.array([np.nan, *rr_ms])
    at = 300.0 + np.concatenate([[0.0], np.cumsum(rr_ms)]) * FS / 1000.0
    middle = float(np.median(rr_ms))
    n = len(rr)
    return BeatTable(
        r_peak=at,
        rr_ms=rr,
        kind=tuple(kinds or [BeatKind.NORMAL] * n),
        prematurity=rr / middle,
        pr_ms=np.full(n, 160.0) if pr_ms is None else np.asarray(pr_ms, float),
        qrs_ms=np.full(n, 90.0),
        qt_ms=np.full(n, 380.0),
        template_correlation=np.ones(n),
    )


def waves_of(table, p_before_ms):
    waves = {f.name: getattr(empty_waves(len(table)), f.name) for f in fields(Waves)}
    onset = table.r_peak - 20.0
    p = onset - np.asarray(table.pr_ms) * FS / 1000.0
    p = np.where(p_before_ms > 0, p, np.nan)
    waves |= {
        "p_onset": p,
        "p_peak": p + 25,
        "p_offset": p + 50,
        "qrs_onset": onset,
        "r_peak": table.r_peak,
        "qrs_offset": onset + 45,
        "p_confidence": np.where(np.isfinite(p), 0.95, np.nan),
    }
    return waves


@pytest.fixture
def findings_of():
    """Classify a normal ECG in which the given numbers are changed."""

    def build(
        leads=None, *, sex="male", age=50.0, rr_ms=None, kinds=None, pr_each_ms=None, **numbers
    ) -> Findings:
        rr = [800.0] * 11 if rr_ms is None else rr_ms
        table = beat_table(rr, kinds, pr_each_ms)
        n_samples = int(table.r_peak[-1] + 400)
        record = Record(
            signal=np.zeros((12, n_samples)),
            fs=FS,
            leads=STANDARD_12,
            patient=Patient(sex=sex, age_years=age),
        )
        flat = NORMAL | numbers
        counts = {
            "n_supraventricular_beats": table.count(BeatKind.SUPRAVENTRICULAR),
            "n_ventricular_beats": table.count(BeatKind.VENTRICULAR),
            "n_paced_beats": table.count(BeatKind.PACED),
        }
        changed = leads or {}
        measurements = Measurements(
            n_beats=len(table),
            beats=table,
            leads={name: lead(name, changed.get(name, {})) for name in STANDARD_12},
            absent={k: Absence.NO_P_WAVE for k, v in flat.items() if v != v},
            **(counts | flat),
        )
        waves = waves_of(table, flat["p_wave_percent"])
        fiducials = Fiducials(fs=FS, n_samples=n_samples, **waves)
        good = Quality(acceptable=True, score=1.0)
        return judge_by_rules(record, quality=good, fiducials=fiducials, measurements=measurements)

    return build
