# SPDX-License-Identifier: Apache-2.0
"""QT correction against the published formulas, worked out by hand."""

import numpy as np
import pytest

from precordia.core.errors import UnitError, UnknownNameError
from precordia.measurement.qtc import QTC_FORMULAS, qtc


@pytest.mark.parametrize("formula", QTC_FORMULAS)
def test_every_formula_leaves_qt_alone_at_sixty_per_minute(formula):
    assert qtc(np.array([412.0]), np.array([1000.0]), formula=formula)[0] == pytest.approx(412.0)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("bazett", 360 / 0.8),
        ("fridericia", 360 / 0.64 ** (1 / 3)),
        ("framingham", 360 + 154 * 0.36),
        ("hodges", 360 + 1.75 * (93.75 - 60)),
    ],
)
def test_formulas_at_an_rr_of_640_ms(formula, expected):
    assert qtc(np.array([360.0]), np.array([640.0]), formula=formula)[0] == pytest.approx(expected)


def test_absent_inputs_give_absent_results():
    out = qtc(np.array([400.0, np.nan, 400.0]), np.array([np.nan, 800.0, 0.0]))
    assert np.isnan(out).all()


def test_seconds_are_refused():
    with pytest.raises(UnitError, match="look"):
        qtc(np.array([400.0]), np.array([0.8]))


def test_unknown_formula_names_the_known_ones():
    with pytest.raises((UnknownNameError, TypeError), match="fridericia"):  # the latter if checked
        qtc(np.array([400.0]), np.array([800.0]), formula="friderica")  # type: ignore[arg-type]
