# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.core.errors import SamplingRateError, SignalError
from precordia.signal.gaps import bridge_gaps, check_fs, restore_gaps


def test_gaps_are_bridged_by_a_line_and_come_back():
    signal = np.array([[0.0, np.nan, np.nan, 3.0, np.nan], [np.nan] * 5], np.float32)
    filled, missing = bridge_gaps(signal)
    assert filled[0].tolist() == [0.0, 1.0, 2.0, 3.0, 3.0]
    assert filled[1].tolist() == [0.0] * 5
    again = restore_gaps(filled, missing, signal)
    assert again.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(again), np.isnan(signal))


@pytest.mark.parametrize("bad", [np.array([1.0, np.inf]), np.array(["a"]), np.array(1.0)])
def test_what_is_no_signal_is_refused(bad):
    with pytest.raises(SignalError):
        bridge_gaps(bad)


@pytest.mark.parametrize("fs", [0, -1, np.nan, np.inf, None, "fast"])
def test_what_is_no_rate_is_refused(fs):
    with pytest.raises(SamplingRateError):
        check_fs(fs)
