# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from precordia.core.errors import OptionError
from precordia.signal.windows import cut_windows, fit_length, window_starts


@given(st.integers(0, 500), st.integers(1, 100), st.integers(1, 100))
def test_windows_cover_every_sample_and_never_reach_beyond(n_samples, width, step):
    starts = window_starts(n_samples, width, step)
    assert (np.diff(starts) > 0).all()
    if n_samples >= width:
        assert starts[0] == 0
        assert starts[-1] + width == n_samples or starts[-1] + width > n_samples - step
        assert (starts + width <= n_samples).all()
        if step <= width:
            covered = np.zeros(n_samples, bool)
            for start in starts:
                covered[start : start + width] = True
            assert covered.all()


def test_what_is_too_short_is_extended_with_missing_samples():
    windows = cut_windows(np.ones((2, 300)), 100, seconds=5)
    assert windows.shape == (1, 2, 500)
    assert np.isnan(windows[0, :, 300:]).all()


def test_fit_length_crops_at_the_end():
    assert fit_length(np.arange(5.0), 3).tolist() == [0.0, 1.0, 2.0]


def test_impossible_lengths_are_refused():
    with pytest.raises(OptionError):
        fit_length(np.ones(3), -1)
    with pytest.raises(OptionError):
        window_starts(10, 0, 1)
