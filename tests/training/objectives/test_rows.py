# SPDX-License-Identifier: Apache-2.0
"""What the table of objectives says is what their classes are."""

from __future__ import annotations

import inspect

import pytest

from precordia.core.registry import load_object
from precordia.models.architectures import ARCHITECTURES
from precordia.training.objective import Objective
from precordia.training.objective_table import OBJECTIVES


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_a_row_says_what_the_class_is(name):
    row = OBJECTIVES[name]
    made = load_object(row.path, extra="train", purpose="objective")
    assert issubclass(made, Objective)
    told = inspect.signature(made.__init__).parameters.values()
    keywords = {p.name: p.default for p in told if p.kind is inspect.Parameter.KEYWORD_ONLY}
    assert dict(row.options) == keywords
    assert (row.grouping, set(row.needs)) == (made.grouping, set(made.needs))
    assert set(row.architectures) == set(made.architectures)
    assert row.architecture in ARCHITECTURES
    assert not row.does.endswith(".")
