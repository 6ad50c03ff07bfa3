# SPDX-License-Identifier: Apache-2.0
"""A record that tells everything that nobody should learn from it."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest

from precordia.core.record import Annotations, Carried, Companion, Patient, Record, Remark
from precordia.core.statements import Statement

NAME, NUMBER, WARD = "Wilhelmina Quastenflosser", "PAT-0815-4711", "Kardiologie Nord 7b"


@pytest.fixture
def told():
    """Return a maker of such records; its arguments replace fields."""
    return _told


def _told(**changes) -> Record:
    rng = np.random.default_rng(1)
    held = {
        "signal": (rng.normal(size=(3, 2000)).cumsum(axis=1) * 0.01).astype(np.float32),
        "fs": 500.0,
        "leads": ("I", "II", "electrode of Quastenflosser"),
        "patient": Patient(
            patient_id=NUMBER, name=NAME, birth_date=date(1931, 7, 9), age_years=93.0, sex="female"
        ),
        "start_time": datetime(2024, 11, 5, 13, 37, 21),
        "companions": (
            Companion(name="RESP", signal=np.zeros(500), fs=125.0, unit="mV"),
            Companion(name="Schlauch Quastenflosser", signal=np.ones(500), fs=125.0, unit="mV"),
        ),
        "remarks": (
            Remark(code="a", text=f"The header was made in {WARD}."),
            Remark(code="b", text="Lead III was rebuilt."),
        ),
        "carried": Carried(
            measurements={"heart_rate_bpm": 61.0, "pr_ms": 160.0},
            statements=(
                Statement(code=f"discussed with Dr Zwiebelfisch, {WARD}"),
                Statement(code="sinus rhythm"),
                Statement(code="426783006", scheme="snomed-ct"),
            ),
            annotations=Annotations(
                sample=np.array([100, 600]), symbol=("N", "+"), aux=("call Zwiebelfisch", "(AFIB")
            ),
            header={
                "institution": WARD,
                "technician": "Zwiebelfisch",
                "device_model": "ELI 250",
                "study_uid": "1.2.840.99.1.2.3",
                "comment": "pain since\nTuesday evening",
            },
        ),
    }
    return Record(**(held | changes))
