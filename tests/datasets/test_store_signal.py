# SPDX-License-Identifier: Apache-2.0
"""Signals as whole numbers: nothing is lost that was there, and anyone can decode them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from precordia.core.errors import FormatError
from precordia.datasets.store_quantise import MISSING, quantise
from precordia.datasets.store_readme import DECODING
from precordia.datasets.store_signal import millivolts_of, pack, unpack

SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 60))


@given(SHAPES.flatmap(lambda shape: arrays(np.int16, shape)))
@settings(max_examples=60, deadline=None)
def test_any_whole_numbers_come_back(units):
    np.testing.assert_array_equal(unpack(pack(units), len(units)), units)


@given(SHAPES.flatmap(lambda shape: arrays(np.int16, shape)))
@settings(max_examples=30, deadline=None)
def test_the_lines_of_the_readme_decode_any_signal(units):
    leads = [f"L{k}" for k in range(len(units))]
    scale = [0.001 * (k + 1) for k in range(len(units))]
    names = {"np": np, "row": {"signal": pack(units), "leads": leads, "scale_mv": scale}}
    exec(DECODING, names)
    expected = np.where(units == -32768, np.nan, units * np.array(scale)[:, None])
    np.testing.assert_allclose(names["signal"], expected)


@pytest.mark.parametrize("step", [0.005, 0.001, 0.0025, 1 / 204.8, 4.88e-3, 1 / 1671.3, 0.15625e-3])
def test_the_step_of_a_converter_is_found_and_nothing_is_lost(step):
    counts = np.random.default_rng(1).normal(0, 300, (3, 5000)).round()
    given_mv = (counts * step).astype(np.float32)
    held = quantise(given_mv)
    assert held.error_mv == 0
    np.testing.assert_allclose(
        millivolts_of(held.units, np.array(held.scale_mv, np.float32), gaps=False),
        given_mv, rtol=3e-7,
    )  # fmt: skip


def test_counts_themselves_come_back_where_all_are_used():
    counts = np.arange(-900, 900)[None]
    held = quantise((counts / 213.7).astype(np.float32))
    np.testing.assert_array_equal(held.units, counts)


def test_a_step_finer_than_the_differences_of_a_few_samples_is_found():
    counts = np.array([0] * 4000 + [2, 4, 6, 9, 700, 1401])
    held = quantise((counts[None] * 0.00321).astype(np.float32))
    assert held.error_mv == 0
    np.testing.assert_allclose(held.units * held.scale_mv[0], counts[None] * 0.00321, rtol=1e-5)


@pytest.mark.parametrize(
    ("peak_mv", "most_mv"), [(1.5, 0.5e-3), (0.02, 0.5e-5), (400.0, 400 / 32767 / 2)]
)
def test_what_is_on_no_grid_is_rounded_by_half_a_step_at_most(peak_mv, most_mv):
    signal = np.sin(np.arange(5000) * 0.0137)[None] * peak_mv
    held = quantise(signal.astype(np.float32))
    back = millivolts_of(held.units, np.array(held.scale_mv, np.float32), gaps=False)
    worst = np.abs(back - signal).max()
    assert 0 < worst <= most_mv * 1.01
    assert worst == pytest.approx(held.error_mv, rel=0.05)


def test_gaps_stay_gaps_and_the_lowest_number_is_no_sample():
    signal = np.array([[0.0, np.nan, 32.767, -32.767, 0.001]], np.float32)
    held = quantise(signal)
    assert (held.n_missing, held.units[0, 1]) == (1, MISSING)
    assert (held.units == MISSING).sum() == 1
    back = millivolts_of(held.units, np.array(held.scale_mv, np.float32), gaps=True)
    np.testing.assert_allclose(back, signal, rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.3, -7e-5, 31.0])
def test_a_flat_lead_stays_flat(value):
    held = quantise(np.full((1, 50), value, np.float32))
    back = held.units[0] * held.scale_mv[0]
    assert np.ptp(back) == 0
    assert back[0] == pytest.approx(value, abs=0.5e-3)


def test_bytes_that_are_no_signal_are_refused():
    with pytest.raises(FormatError, match="multiple of twice the 12 leads"):
        unpack(b"123", 12)
