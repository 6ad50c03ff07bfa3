# SPDX-License-Identifier: Apache-2.0
"""The signal among the arrays of a file is found, or asked for."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.errors import (
    FormatError,
    LeadError,
    OptionError,
    SamplingRateError,
    UnitError,
)
from precordia.io.array_variables import (
    Variable,
    Wanted,
    choose_variable,
    record_of_variables,
)

ECG = np.random.default_rng(0).normal(size=(2, 1000))


def variable(name, array, **attributes):
    array = np.asarray(array)
    return Variable(
        name, array.shape, array.dtype.kind, lambda k: array if k is None else array[k], attributes
    )


def choose(*names, wanted=None, shape=(2, 500)):
    found = [variable(name, np.zeros(shape)) for name in names]
    return choose_variable(found, wanted, name="a").name


def made(*variables, facts=None, **wanted):
    given = {"fs": 500, "unit": "mV"} if facts is None else facts
    return record_of_variables(variables, given, Wanted(**wanted), name="a", method="read:x")


def test_the_only_array_is_the_signal():
    assert choose("anything") == "anything"


@pytest.mark.parametrize("name", ["signal", "ECG", "val", "p_signal", "group/tracings", "s.data"])
def test_a_usual_name_is_the_signal(name):
    assert choose("noise", name, "template") == name


def test_arrays_that_describe_the_signal_are_none():
    small = [variable("fs", [500.0, 500.0]), variable("labels", np.zeros(900)),
             variable("time", np.zeros(900)), variable("strange", np.zeros((2, 900)))]  # fmt: skip
    assert choose_variable(small, None, name="a").name == "strange"


def test_one_array_of_two_dimensions_among_vectors_is_the_signal():
    found = [variable("a", np.zeros(900)), variable("b", np.zeros((2, 900)))]
    assert choose_variable(found, None, name="x").name == "b"


def test_several_candidates_ask_for_a_name():
    with pytest.raises(OptionError, match=r"'before' \(2 x 500\).*variable="):
        choose("before", "after")
    assert choose("before", "after", wanted="after") == "after"
    assert choose("a/one", "a/two", wanted="two") == "a/two"
    with pytest.raises(OptionError, match="no array 'other'"):
        choose("before", "after", wanted="other")


def test_a_file_without_numbers_is_refused():
    with pytest.raises(FormatError, match="no array of numbers"):
        choose_variable([variable("a", [1j, 2j])], None, name="x")
    with pytest.raises(FormatError, match="no array of numbers"):
        choose_variable([], None, name="x")
    with pytest.raises(FormatError, match="no real numbers"):
        made(variable("a", [1j, 2j]), variable="a")


def test_nothing_is_guessed_that_the_file_leaves_out():
    with pytest.raises(SamplingRateError, match="fs="):
        made(variable("ecg", ECG), facts={})
    with pytest.raises(UnitError, match="'mV'"):
        made(variable("ecg", ECG), facts={"fs": 500})
    with pytest.raises(UnitError, match="no voltage"):
        made(variable("ecg", ECG), facts={"fs": 500, "unit": "mmHg"})
    with pytest.raises(UnitError):
        made(variable("ecg", ECG), unit="parsec")
    with pytest.raises(OptionError):
        made(variable("ecg", ECG), fs=-1)


def test_what_the_user_says_replaces_what_the_file_says():
    record = made(variable("ecg", ECG, leads=["I", "II"]), fs=250, unit="uV", leads=["V1", "V2"])
    assert (record.fs, record.leads) == (250, ("V1", "V2"))
    np.testing.assert_allclose(record.signal, ECG / 1000, rtol=1e-6)


def test_both_orientations_give_the_same_record():
    one = made(variable("ecg", ECG))
    two = made(variable("ecg", ECG.T))
    three = made(variable("ecg", ECG.T), axes="sample lead")
    assert np.array_equal(one.signal, two.signal)
    assert np.array_equal(one.signal, three.signal)


@pytest.mark.parametrize(
    ("order", "axes"),
    [((0, 1, 2), "record lead sample"), ((0, 2, 1), "record sample lead"),
     ((1, 2, 0), "lead sample record")],
)  # fmt: skip
def test_one_record_of_many_is_read(order, axes):
    many = np.random.default_rng(1).normal(size=(7, 2, 900)).astype(np.float32)
    record = made(variable("ecg", many.transpose(order)), axes=axes, index=5)
    assert np.array_equal(record.signal, many[5])
    with pytest.raises(OptionError, match="7 records"):
        made(variable("ecg", many.transpose(order)), axes=axes)


def test_a_column_of_times_gives_the_rate():
    time = variable("time", np.arange(1000) / 360)
    assert made(variable("ecg", ECG), time, facts={"unit": "mV"}).fs == 360


def test_rows_that_are_other_signals_are_companions():
    rows = np.vstack([ECG, np.full((1, 1000), 90.0)])
    record = made(variable("ecg", rows, leads=["ECG II", "V1", "PLETH"]))
    assert record.leads == ("II", "V1")
    assert record.companions[0].name == "PLETH"
    assert record.companions[0].signal[0] == 90.0
    with pytest.raises(LeadError, match="none says"):
        made(variable("ecg", ECG, leads=["PLETH", "RESP"]))


def test_each_row_may_have_its_own_unit():
    attributes = {"leads": ["I", "II", "ABP"], "row_units": ["uV", "mV", "mmHg"]}
    rows = np.vstack([ECG, ECG[:1]])
    record = made(variable("ecg", rows, **attributes), facts={"fs": 500})
    np.testing.assert_allclose(record.signal, ECG * [[1e-3], [1]], rtol=1e-6)
    assert record.companions[0].unit == "mmHg"


def test_names_that_do_not_fit_the_rows():
    with pytest.raises(LeadError, match="2 rows; 3 names"):
        made(variable("ecg", ECG), leads=["I", "II", "III"])
    assert made(variable("ecg", ECG, leads=["I", "II", "III"])).leads == ("row 1", "row 2")


def test_an_index_where_there_is_one_record_is_refused():
    with pytest.raises(OptionError, match="holds one record"):
        made(variable("ecg", ECG), index=3)
