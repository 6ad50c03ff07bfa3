# SPDX-License-Identifier: Apache-2.0
"""SCORE2 against the whole published model, whose worked examples are met first."""

from __future__ import annotations

import math

import pytest
import torch

from precordia.training.clinical_risk import score2, share_missing

#: age, smoker, pressure, cholesterol, HDL; products with age in the same order; survival; region
_TABLE = {
    1: ((0.3742, 0.6012, 0.2777, 0.1458, -0.2698), (-0.0755, -0.0255, -0.0281, 0.0426), 0.9605,
        (-0.5699, 0.7476)),
    0: ((0.4648, 0.7744, 0.3131, 0.1002, -0.2606), (-0.1088, -0.0277, -0.0226, 0.0613), 0.9776,
        (-0.7380, 0.7019)),
}  # fmt: skip


def _published(age, male, *, smoker=0, pressure=120.0, cholesterol=6.0, hdl=1.3) -> float:
    slopes, products, survival, (first, second) = _TABLE[male]
    a = (age - 60) / 5
    others = (smoker, (pressure - 120) / 20, cholesterol - 6, (hdl - 1.3) / 0.5)
    score = slopes[0] * a
    score += sum(x * (s + a * p) for x, s, p in zip(others, slopes[1:], products, strict=True))
    risk = 1 - survival ** math.exp(score)
    return 1 - math.exp(-math.exp(first + second * math.log(-math.log(1 - risk))))


def test_the_table_meets_the_worked_examples_of_the_paper():
    told = {"smoker": 1, "pressure": 140.0, "cholesterol": 5.5, "hdl": 1.3}
    assert round(100 * _published(50, 1, **told), 1) == 5.9
    assert round(100 * _published(50, 0, **told), 1) == 4.2


def test_age_and_sex_alone_give_the_risk_at_reference_values():
    for age in (40.0, 55.0, 69.0):
        for male in (0, 1):
            given = score2(torch.tensor([age]), torch.tensor([float(male)]))
            assert given.item() == pytest.approx(_published(age, male), rel=1e-5)


def test_an_unknown_sex_is_the_mean_and_an_unknown_age_is_unknown():
    unknown = float("nan")
    ages = torch.tensor([55.0, 55.0, 55.0, unknown])
    risks = score2(ages, torch.tensor([0.0, 1.0, unknown, 1.0]))
    assert risks[2].item() == pytest.approx((risks[0] + risks[1]).item() / 2, rel=1e-6)
    assert math.isnan(risks[3].item())
    assert share_missing(ages, torch.tensor([0.0, 1.0, unknown, 1.0])).tolist() == [0, 0, 0.5, 0.5]
