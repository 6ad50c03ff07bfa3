# SPDX-License-Identifier: Apache-2.0
"""Compressed arrays may grow, within reason."""

from __future__ import annotations

import pytest

from precordia.core.errors import FormatError
from precordia.io.array_growth import ALWAYS_BYTES, LARGEST_GROWTH, check_growth


def test_small_and_dense_arrays_are_allowed():
    check_growth(ALWAYS_BYTES, 1, name="a", what="x")
    check_growth(10 * ALWAYS_BYTES, 10 * ALWAYS_BYTES // LARGEST_GROWTH + 1, name="a", what="x")


def test_what_grows_beyond_any_recording_is_refused():
    with pytest.raises(FormatError, match="no recording does"):
        check_growth(1 << 40, 1 << 20, name="a", what="x")
