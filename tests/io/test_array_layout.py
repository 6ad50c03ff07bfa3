# SPDX-License-Identifier: Apache-2.0
"""Leads, samples and records are told apart only where their lengths leave no doubt."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.errors import LeadError, OptionError, SignalError, UnitError
from precordia.core.leads import LIMB_FROM_I_II, STANDARD_12
from precordia.io.array_layout import (
    guess_axes,
    parse_axes,
    require_index,
    row_names,
    split_names,
    to_millivolts,
    unit_missing,
)


def guess(*shape, named=None, index=False):
    return guess_axes(shape, n_named=named, with_index=index, name="a.npy")


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((5000,), "sample"),
        ((12, 5000), "lead sample"),
        ((5000, 12), "sample lead"),
        ((1, 40), "lead sample"),
        ((40, 1), "sample lead"),
        ((2, 650_000), "lead sample"),
        ((827, 4096, 12), "record sample lead"),
        ((20, 12, 5000), "record lead sample"),
        ((1, 12, 5000), "record lead sample"),
    ],
)
def test_lengths_that_leave_no_doubt(shape, axes):
    assert guess(*shape) == tuple(axes.split())


@pytest.mark.parametrize(
    "shape", [(12, 12), (12, 50), (100, 60), (87_554, 187), (40, 400), (12, 5000, 30), (9, 9, 9)]
)
def test_lengths_that_leave_doubt_ask_for_axes(shape):
    with pytest.raises(OptionError, match="axes="):
        guess(*shape)


def test_named_leads_settle_the_doubt():
    assert guess(12, 50, named=12) == ("lead", "sample")
    assert guess(50, 12, named=12) == ("sample", "lead")
    assert guess(60, 100, named=100) == ("sample", "lead")
    with pytest.raises(OptionError):
        guess(12, 12, named=12)


def test_an_index_makes_the_other_dimension_records():
    assert guess(87_554, 187, index=True) == ("record", "sample")
    assert guess(12, 5000, index=True) == ("lead", "sample")


@pytest.mark.parametrize("shape", [(), (2, 3, 4, 5)])
def test_other_numbers_of_dimensions_are_refused(shape):
    with pytest.raises(SignalError, match="one to three"):
        guess(*shape)


def test_axes_are_words_one_for_each_dimension():
    assert parse_axes("record, lead,sample", 3) == ("record", "lead", "sample")
    assert parse_axes(["lead", "sample"], 2) == ("lead", "sample")
    for wrong in ("lead", "lead lead", "lead sample record", "x y", "record lead"):
        with pytest.raises(OptionError, match="one word"):
            parse_axes(wrong, 2)


def test_an_index_names_one_of_the_records():
    assert require_index(None, 1, name="a") == 0
    assert require_index(-1, 10, name="a") == 9
    assert require_index(np.int64(3), 10, name="a") == 3
    for wrong in (None, 10, -11, 1.5, True, "3"):
        with pytest.raises(OptionError):
            require_index(wrong, 10, name="a")


def test_values_are_scaled_in_double_precision_and_rounded_once():
    counts = np.arange(-32768, 32768, dtype=np.int16)[None]
    found = to_millivolts(counts, 0.00488, name="a", remarks=[])
    assert np.array_equal(found, (counts * 0.00488).astype(np.float32))
    assert found.dtype == np.float32


def test_what_is_missing_stays_missing_and_infinite_becomes_so():
    remarks = []
    found = to_millivolts(np.array([[1.0, np.nan, np.inf]]), 1.0, name="a", remarks=remarks)
    assert np.array_equal(np.isnan(found), [[False, True, True]])
    assert [r.code for r in remarks] == ["infinite"]


def test_values_that_no_electrode_gives_are_refused():
    with pytest.raises(UnitError, match="no electrode"):
        to_millivolts(np.array([[1e20]]), 1.0, name="a", remarks=[])


@pytest.mark.parametrize(
    ("amplitude", "unit"), [(1.0, "'mV'"), (1000.0, "'uV'"), (1e-3, "'V'"), (1e6, "'nV'")]
)
def test_the_error_names_the_units_that_an_ecg_could_have(amplitude, unit):
    said = str(unit_missing(amplitude * np.sin(np.arange(900.0))[None], name="a"))
    assert unit in said
    assert sum(f"'{u}'" in said.split("give it")[0] for u in ("mV", "uV", "V", "nV")) == 1


@pytest.mark.parametrize("rows", [np.zeros((2, 9)), np.full((2, 9), np.nan), np.ones((1, 1)) * 1e9])
def test_the_error_is_a_sentence_where_no_unit_fits(rows):
    assert "Give the step of the converter" in str(unit_missing(rows, name="a"))


def standard() -> np.ndarray:
    x = np.random.default_rng(1).normal(size=(12, 900)).astype(np.float32)
    x[2:6] = LIMB_FROM_I_II.astype(np.float32) @ x[:2]
    return x


def test_twelve_rows_that_obey_the_equations_are_the_standard_leads():
    remarks = []
    assert row_names(standard(), "x", remarks) == STANDARD_12
    assert remarks[0].code == "leads-assumed"


@pytest.mark.parametrize("order", [(1, 0, *range(2, 12)), (0, 1, 2, 3, 5, 4, *range(6, 12)),
                                   (*range(6, 12), *range(6))])  # fmt: skip
def test_twelve_rows_in_another_order_are_numbered(order):
    remarks = []
    names = row_names(standard()[list(order)], "x", remarks)
    assert names[0] == "row 1"
    assert remarks[0].code == "leads-unnamed"


def test_flat_rows_prove_nothing():
    assert row_names(np.zeros((12, 900), np.float32), "x", [])[0] == "row 1"


def test_a_single_row_takes_the_name_of_its_array_where_that_is_a_lead():
    assert row_names(np.ones((1, 9)), "MLII", []) == ("II",)
    assert row_names(np.ones((1, 9)), "val", []) == ("row 1",)


def test_names_are_split_at_commas():
    assert split_names("I, II ,V1") == ["I", "II", "V1"]
    with pytest.raises(LeadError):
        split_names(" , ")
