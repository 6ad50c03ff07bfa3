# SPDX-License-Identifier: Apache-2.0
"""Every number that evidence may name reads as words with its unit."""

from __future__ import annotations

import dataclasses

import pytest

from precordia.core.claims import Claim
from precordia.core.measure_words import words_of_measure
from precordia.core.measurements import LeadMeasurements, Measurements


@pytest.mark.parametrize("table", [Measurements, LeadMeasurements])
def test_no_field_of_the_measurements_keeps_an_underscore(table):
    names = [f.name for f in dataclasses.fields(table)]
    assert not [name for name in names if "_" in words_of_measure(name)[0]]


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (Claim(measure="heart_rate_bpm", value=72.3, unit="/min"), "heart rate 72 bpm"),
        (
            Claim(measure="p_wave_percent", value=100.0, relation=">=", limit=60.0, unit="%"),
            "beats with a P wave 100 % (≥ 60 %)",
        ),
        (
            Claim(measure="p_axis_deg", value=43.97, relation="<=", limit=105.0),
            "P axis 44° (≤ 105°)",
        ),
        (
            Claim(measure="st_j_mv", value=0.214, relation=">=", limit=0.1, unit="mV", lead="V2"),
            "ST at J in V2 0.21 mV (≥ 0.1 mV)",
        ),
        (
            Claim(measure="n_ventricular_beats", value=3, relation=">=", limit=1),
            "ventricular beats 3 (≥ 1)",
        ),
        (
            Claim(measure="s_depth_mv", value=1.2, unit="mV", lead="V1", text="more than twice R"),
            "S depth in V1 1.2 mV, more than twice R",
        ),
        (Claim(measure="P axis", text="the P axis is not known"), "the P axis is not known"),
        (
            Claim(measure="qrs_ms", value=119.6, relation="<", limit=120.0, unit="ms"),
            "QRS duration 119.6 ms (< 120 ms)",
        ),
    ],
)
def test_a_claim_reads_as_words_with_units(claim, words):
    assert str(claim) == words
