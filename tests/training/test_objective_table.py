# SPDX-License-Identifier: Apache-2.0
"""The table of objectives tells the truth about the classes behind it."""

from __future__ import annotations

import inspect

import pytest

from precordia.core.errors import OptionError, UnknownNameError
from precordia.core.registry import load_object
from precordia.models.architectures import list_models, model_card
from precordia.models.options import complete_options
from precordia.training.objective_table import (
    complete_objective_options,
    list_objectives,
    objective_row,
)
from precordia.training.pretrain_request import read_request


@pytest.mark.parametrize("name", list_objectives())
def test_a_row_says_what_its_class_says(name):
    row = objective_row(name)
    kind = load_object(row.path, extra="train")
    assert set(kind.architectures) == set(row.architectures)
    assert kind.grouping == row.grouping
    assert kind.needs == frozenset(row.needs)
    told = {
        key: parameter.default
        for key, parameter in inspect.signature(kind.__init__).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    assert told == dict(row.options)
    assert row.architecture in list_models()
    complete_options(model_card(row.architecture), row.model_options)
    assert not row.architectures or row.architecture in row.architectures
    assert read_request(name, steps=1).spec.n_samples > 0


def test_unknown_objectives_and_options_name_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'simclr'"):
        objective_row("simclar")
    with pytest.raises(OptionError, match="Did you mean 'temperature'"):
        complete_objective_options("simclr", {"temperture": 1})
    with pytest.raises(OptionError, match="a number such as"):
        complete_objective_options("simclr", {"temperature": True})
    assert complete_objective_options("simclr", {"temperature": 1})["temperature"] == 1.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"temperature": 0}, "above 0"),
        ({"temperature": -4}, "at least 0"),
        ({"temperature": float("nan")}, "at least 0"),
        ({"noise": float("inf")}, "at least 0"),
        ({"n_views": 1}, "at least 2"),
    ],
)
def test_numbers_that_no_loss_can_use_are_refused_before_anything_is_read(given, said):
    with pytest.raises(OptionError, match=said):
        complete_objective_options("simclr", given)


@pytest.mark.parametrize("name", list_objectives())
def test_the_usual_options_may_be_told(name):
    usual = dict(objective_row(name).options)
    assert complete_objective_options(name, usual) == usual
