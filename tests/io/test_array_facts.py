# SPDX-License-Identifier: Apache-2.0
"""What files say of their arrays is found under the names in use."""

from __future__ import annotations

import math

import numpy as np
import pytest

from precordia.core.errors import SamplingRateError
from precordia.io.array_facts import Facts, fact_of_array, folded


@pytest.mark.parametrize(
    "name", ["fs", "Fs", "FS", "sampling_rate", "SamplingFrequency", "sample rate", "sfreq",
             "ECG.fs", "info/sampling_frequency"]
)  # fmt: skip
def test_the_rate_has_many_names(name):
    assert Facts([{name: 500}], "a").rate() == 500.0


def test_what_stands_nearest_to_the_signal_is_believed_first():
    facts = Facts([{"fs": 250.0, "unit": "uV"}, {"fs": 500.0, "leads": ["I"]}], "a")
    assert (facts.rate(), facts.unit(), facts.leads()) == (250.0, "uV", ["I"])


def test_a_rate_for_each_channel_counts_where_all_agree():
    assert Facts([{"Fs": [250.0, 250.0]}], "a").rate() == 250.0
    for wrong in ([250.0, 500.0], 0.0, -5.0, math.nan, "fast", 1e9, []):
        with pytest.raises(SamplingRateError, match="fs="):
            Facts([{"Fs": wrong}], "a").rate()


def test_names_of_leads_are_texts():
    assert Facts([{"labels": "I, II;V1"}], "a").leads() == ["I", "II", "V1"]
    assert Facts([{"labels": [0.0, 1.0]}], "a").leads() == []


def test_age_and_sex_are_kept_where_they_make_sense():
    patient = Facts([{"ECG.age": 61.0, "ECG.sex": "Male"}], "a").patient()
    assert (patient.age_years, patient.sex) == (61.0, "male")
    patient = Facts([{"age": 900.0, "sex": "?"}], "a").patient()
    assert math.isnan(patient.age_years)
    assert patient.sex is None


def test_axes_are_believed_only_in_our_words():
    assert Facts([{"axes": "record lead sample"}], "a").axes() == "record lead sample"
    assert Facts([{"axes": "x y"}], "a").axes() is None


def test_small_arrays_are_facts():
    assert fact_of_array(np.array(500, ">i2")) == 500.0
    assert fact_of_array(np.array([b"I", b"II"])) == ["I", "II"]
    assert fact_of_array(np.array("µV", ">U2")) == "µV"
    assert fact_of_array(np.zeros(10_000)) is None
    assert fact_of_array(np.array([1j])) is None


def test_text_that_is_no_unicode_is_replaced():
    broken = np.frombuffer(b"\xff\xff\xff\x7fI\0\0\0", "<U2")
    assert fact_of_array(broken)[0].endswith("I")


def test_names_are_compared_without_case_and_signs():
    assert folded("group/Lead_Names") == "leadnames"
