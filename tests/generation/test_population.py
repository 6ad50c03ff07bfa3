# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.core.errors import UnknownNameError
from precordia.generation.population import draw_scenario
from precordia.generation.scenarios import list_scenarios
from precordia.generation.simulate import simulate


@pytest.mark.parametrize("name", list_scenarios())
def test_every_drawn_heart_can_be_simulated(name):
    for seed in range(8):
        record = simulate(draw_scenario(seed, name=name), seed=seed)
        assert np.isfinite(record.signal).all()
        assert 0.05 < np.abs(record.signal).max() < 12
        assert record.carried.fiducials.n_beats >= 3


def test_hearts_differ_and_repeat_with_their_seed():
    axes, qrs, pr = [], [], []
    for seed in range(200):
        numbers = simulate(draw_scenario(seed, name="sinus"), seed=seed).carried.measurements
        axes.append(numbers["qrs_axis_deg"])
        qrs.append(numbers["qrs_ms"])
        pr.append(numbers["pr_ms"])
    assert 15 < np.std(axes) < 35
    assert 4 < np.std(qrs) < 10
    assert 10 < np.std(pr) < 25
    first, again = draw_scenario(3), draw_scenario(3)
    assert first == again


def test_bounds_of_a_drawn_heart_are_still_exact():
    for seed in range(20):
        record = simulate(draw_scenario(seed, name="sinus"), seed=seed, fs=1000)
        truth = record.carried.fiducials
        height = np.abs(record.signal).max(axis=0)
        k = 2
        pr_segment = slice(int(np.ceil(truth.p_offset[k])) + 1, int(truth.qrs_onset[k]))
        assert height[pr_segment].max(initial=0.0) == 0.0
        assert height[int(truth.qrs_onset[k]) + 8] > 0.015


def test_an_unknown_scenario_is_refused():
    with pytest.raises(UnknownNameError):
        draw_scenario(0, name="magic")
