# SPDX-License-Identifier: Apache-2.0
"""Data elements are what an independent DICOM library reads back."""

from __future__ import annotations

import io

import pytest
from pydicom.filereader import read_dataset

from precordia.core.errors import OutputError
from precordia.io.dicom_elements import code_item, decimal_text, encode_elements, plain_text


def decoded(elements):
    return read_dataset(io.BytesIO(encode_elements(elements)), False, True)


def test_texts_numbers_and_sequences_come_back():
    found = decoded({
        0x00100010: ("PN", "Ærlig^Åse"),
        0x00080005: ("CS", "ISO_IR 192"),
        0x003A0005: ("US", 12),
        0x0040A132: ("UL", (1, 70_000)),
        0x00080018: ("UI", "1.2.3"),
        0x0040A043: ("SQ", [code_item("2:1", "MDC", "Lead I"), code_item("2:2", "MDC", "Lead II")]),
        0x54001010: ("OW", b"\1\2\3\4"),
    })  # fmt: skip
    assert str(found.PatientName) == "Ærlig^Åse"
    assert found.NumberOfWaveformChannels == 12
    assert list(found.ReferencedSamplePositions) == [1, 70_000]
    assert found.SOPInstanceUID == "1.2.3"
    assert [item.CodeMeaning for item in found.ConceptNameCodeSequence] == ["Lead I", "Lead II"]
    assert found.WaveformData == b"\1\2\3\4"


def test_elements_stand_in_ascending_order_and_have_even_length():
    found = encode_elements({0x00200013: ("IS", "1"), 0x00080060: ("CS", "ECG")})
    assert found.index(b"ECG ") < found.index(b"1 ")
    assert len(found) % 2 == 0


def test_an_element_without_a_value_is_empty_and_present():
    found = decoded({0x00100020: ("LO", None), 0x00400555: ("SQ", [])})
    assert found.PatientID in (None, "")
    assert len(found.AcquisitionContextSequence) == 0


def test_a_text_cannot_break_out_of_its_value():
    assert plain_text("a\\b\r\nc\0d", 64) == "a b  c d"
    found = decoded({0x00100020: ("LO", "x" * 200)})
    assert found.PatientID == "x" * 64


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-9, 123456789.123456789, -2.5e-7, 32767.0])
def test_decimals_have_at_most_sixteen_characters(value):
    text = decimal_text(value)
    assert len(text) <= 16
    assert float(text) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_decimals_refuse_what_is_no_number(value):
    with pytest.raises(OutputError):
        decimal_text(value)


def test_a_value_that_is_too_long_is_refused():
    with pytest.raises(OutputError, match="at most 65,534"):
        encode_elements({0x0040A132: ("UL", (0,) * 20_000)})
