# SPDX-License-Identifier: Apache-2.0
"""Lists of samples: whole numbers, or a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.errors import FormatError
from precordia.io.number_list import parse_integers


@pytest.mark.parametrize("text", ["1 -2 3", "1,-2,3", " 1\n\t-2 ,\r\n 3 "])
def test_numbers_are_read_however_they_are_separated(text):
    assert parse_integers(text, name="x", what="lead I").tolist() == [1, -2, 3]


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_nothing_gives_no_numbers(text):
    assert parse_integers(text, name="x", what="lead I").size == 0


@pytest.mark.parametrize("text", ["1 2 x", "1.5", "1 0x10", "9" * 40, "-" + "9" * 12, "1 - 2"])
def test_anything_else_is_refused_by_name(text):
    with pytest.raises(FormatError, match=r"'x\.xml'.*lead V2"):
        parse_integers(text, name="x.xml", what="lead V2")


def test_long_lists_keep_every_sample():
    x = np.random.default_rng(1).integers(-32768, 32767, 5000)
    read = parse_integers(" ".join(map(str, x)), name="x", what="lead I")
    assert np.array_equal(read, x)
