# SPDX-License-Identifier: Apache-2.0
"""The frontal axis against projections of a known vector."""

import math

import pytest

from precordia.measurement.axis import LEAD_ANGLES_DEG, axis_deg


def _leads(angle, size=1.0):
    """Einthoven and Goldberger leads of a vector, from potentials at the three corners."""
    one = size * math.cos(math.radians(angle))
    two = size * math.cos(math.radians(angle - 60))
    return {
        "I": one, "II": two, "III": two - one,
        "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2,
    }  # fmt: skip


@pytest.mark.parametrize("angle", range(-175, 181, 5))
@pytest.mark.parametrize("have", [("I", "aVF"), ("I", "II"), ("II", "III"), ("aVR", "aVL"), None])
def test_any_two_limb_leads_give_the_angle_of_the_vector(angle, have):
    leads = _leads(angle)
    net = leads if have is None else {name: leads[name] for name in have}
    assert math.cos(math.radians(axis_deg(net) - angle)) == pytest.approx(1.0)


def test_it_equals_the_corrected_formula_of_novosel():
    leads = _leads(-37.0, 8.0)
    expected = math.degrees(math.atan2(leads["aVF"] * 2 / math.sqrt(3), leads["I"]))
    assert axis_deg(leads) == pytest.approx(expected)


def test_one_lead_has_no_axis():
    assert math.isnan(axis_deg({"II": 1.0, "V1": 2.0}))


def test_a_vector_too_short_has_no_axis():
    assert math.isnan(axis_deg(_leads(10.0, 0.1), floor=0.5))


def test_missing_values_are_passed_over():
    leads = _leads(75.0) | {"I": math.nan}
    assert axis_deg(leads) == pytest.approx(75.0)


def test_all_limb_leads_have_an_angle():
    assert set(LEAD_ANGLES_DEG) == {"I", "II", "III", "aVR", "aVL", "aVF"}
