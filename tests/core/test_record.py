# SPDX-License-Identifier: Apache-2.0
"""A record checks itself on construction."""

import dataclasses

import numpy as np
import pytest

from precordia.core.errors import LeadError, OptionError, SamplingRateError, SignalError
from precordia.core.record import Patient, Record


def _record(**changes):
    given = {"signal": np.zeros((2, 100)), "fs": 500, "leads": ("I", "II")}
    return Record(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"signal": np.zeros(100)}, SignalError),
        ({"signal": np.zeros((2, 3, 4))}, SignalError),
        ({"signal": np.array([["a", "b"], ["c", "d"]])}, SignalError),
        ({"signal": np.zeros((2, 9), complex)}, SignalError),
        ({"signal": np.array([[np.inf, 0.0], [0.0, 0.0]])}, SignalError),
        ({"signal": np.array([[-np.inf, np.nan], [0.0, 0.0]])}, SignalError),
        ({"leads": ("I",)}, LeadError),
        ({"leads": ("I", "I")}, LeadError),
        ({"fs": 0}, SamplingRateError),
        ({"fs": -500}, SamplingRateError),
        ({"fs": float("nan")}, SamplingRateError),
        ({"fs": float("inf")}, SamplingRateError),
        ({"origin": "imagined"}, OptionError),
    ],
)
def test_what_is_no_record_is_refused_with_a_sentence(changes, error):
    with pytest.raises(error, match=r"\w+ \w+ .*[.]"):
        _record(**changes)


def test_signal_is_float32_and_read_only_and_the_given_array_stays_writable():
    given = np.zeros((2, 100), np.float32)
    record = _record(signal=given)
    assert record.signal.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        record.signal[0, 0] = 1
    given[0, 0] = 1


def test_integers_and_doubles_become_float32():
    assert _record(signal=np.ones((2, 5), np.int16)).signal.dtype == np.float32
    assert _record(signal=np.ones((2, 5))).signal.dtype == np.float32


def test_missing_samples_are_allowed():
    assert np.isnan(_record(signal=np.full((2, 4), np.nan)).signal).all()


def test_an_empty_record_is_a_record():
    empty = _record(signal=np.zeros((0, 0)), leads=())
    assert (empty.n_leads, empty.n_samples, empty.duration_s) == (0, 0, 0.0)


def test_replace_checks_again():
    with pytest.raises(LeadError):
        dataclasses.replace(_record(), leads=("I",))


def test_an_unknown_sex_is_refused():
    with pytest.raises(OptionError):
        Patient(sex="F")
