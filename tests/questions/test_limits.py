# SPDX-License-Identifier: Apache-2.0
"""Limits learned from answers: beside trying every pair one by one."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.errors import OptionError
from precordia.questions.limits import Comparison, fit_limits

_STATES = {
    "normalized": (False, True),
    "deviated": (True, False),
    "abnormal": (False, False),
    "normal": (True, True),
}
_NAME = "qt interval"


def _drawn(seed, low, high, wrong):
    rng = np.random.default_rng(seed)
    values = {str(i): {_NAME: float(v)} for i, v in enumerate(rng.uniform(280, 480, 60))}
    said = []
    for change, state in _STATES.items():
        for _ in range(25):
            pair = [str(i) for i in rng.integers(0, 60, 2)]
            normal = tuple(low <= values[i][_NAME] <= high for i in pair)
            holds = (normal == state) != (rng.random() < wrong)
            said.append(Comparison(pair[0], pair[1], change, frozenset([_NAME] if holds else [])))
    return values, said


def _share(values, said, low, high):
    right = 0
    for one in said:
        pair = (values[one.before][_NAME], values[one.after][_NAME])
        holds = tuple(low <= v <= high for v in pair) == _STATES[one.change]
        right += holds == (_NAME in one.names)
    return right / len(said)


@pytest.mark.parametrize("seed", range(6))
def test_no_pair_of_round_limits_gives_back_more(seed):
    values, said = _drawn(seed, 330, 430, 0.15)
    fitted = fit_limits(values, said, step_ms=10)
    low, high = fitted.normal[_NAME]
    assert low % 10 == 0
    assert high % 10 == 0
    grid = np.arange(280, 490, 10)
    best = max(_share(values, said, a, b) for a in grid for b in grid if a <= b)
    assert fitted.agreement[_NAME] == pytest.approx(best)
    assert _share(values, said, low, high) == pytest.approx(best)


def test_limits_behind_the_answers_are_found_to_the_step():
    values, said = _drawn(7, 330, 430, 0.0)
    assert fit_limits(values, said, step_ms=10).normal[_NAME] == (330.0, 430.0)
    low, high = fit_limits(values, said).normal[_NAME]
    assert low == pytest.approx(330, abs=8)
    assert high == pytest.approx(430, abs=8)


def test_rounder_limits_are_taken_where_several_are_as_good():
    values = {"a": {_NAME: 385.0}, "b": {_NAME: 455.0}}
    said = [Comparison("a", "b", "deviated", frozenset([_NAME]))]
    assert fit_limits(values, said, step_ms=10).normal[_NAME][1] in (400.0, 450.0)


def test_a_step_of_nothing_is_refused():
    with pytest.raises(OptionError, match="step_ms"):
        fit_limits({}, [], step_ms=0)
