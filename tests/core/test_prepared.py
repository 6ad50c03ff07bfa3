# SPDX-License-Identifier: Apache-2.0
"""What a model gets is checked, frozen, and goes to JSON and back."""

import numpy as np
import pytest

from precordia.core.errors import SignalError
from precordia.core.input_spec import InputSpec
from precordia.core.input_steps import Window
from precordia.core.prepared import Prepared

SPEC = InputSpec(leads=("I",), fs=10, seconds=1, steps=(Window(),))


def made(**change) -> Prepared:
    return Prepared(**{
        "windows": np.ones((2, 1, 10), np.float32), "fs": 10.0, "leads": ("I",), "spec": SPEC,
        "covers": np.array([[0, 10], [10, 20]]), "recorded": np.array([[0, 10], [0, 10]]),
        "filled": np.zeros((2, 1)),
    } | change)  # fmt: skip


def test_it_survives_json():
    prepared = made()
    back = Prepared.from_json(prepared.to_json())
    assert back.spec == SPEC
    assert back.windows.dtype == np.float32
    np.testing.assert_array_equal(back.windows, prepared.windows)
    np.testing.assert_array_equal(back.covers, prepared.covers)
    assert repr(back) == "Prepared(2 windows of 1 leads and 10 samples at 10 Hz)"


def test_windows_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        made().windows[0] = 0


def test_wrong_shapes_are_refused():
    for change in ({"windows": np.ones((2, 1, 9), np.float32)}, {"covers": np.ones((1, 2), int)}):
        with pytest.raises(SignalError, match="has shape"):
            made(**change)
