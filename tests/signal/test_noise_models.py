# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.core.errors import UnknownNameError
from precordia.signal.noise_models import list_noise_models, model_noise

BANDS_HZ = {  # where at least 80 % of the power must lie
    "baseline-wander": (0.0, 0.6),
    "powerline-50": (49.0, 51.0),
    "powerline-60": (59.0, 61.0),
    "white": (0.0, 250.0),
    "muscle": (15.0, 250.0),
    "electrode-motion": (0.0, 10.0),
}


@pytest.mark.parametrize("kind", list_noise_models())
def test_a_model_has_unit_size_and_its_own_band(kind):
    rows = model_noise(kind, n_samples=10_000, n_leads=4, fs=500, seed=1)
    np.testing.assert_allclose(rows.std(axis=1), 1.0)
    power = (np.abs(np.fft.rfft(rows * np.hanning(10_000), axis=1)) ** 2).sum(axis=0)
    frequencies = np.fft.rfftfreq(10_000, 1 / 500)
    low, high = BANDS_HZ[kind]
    inside = (frequencies >= low) & (frequencies <= high)
    assert power[inside].sum() > 0.8 * power.sum()


@pytest.mark.parametrize("kind", list_noise_models())
def test_a_seed_decides_and_leads_differ(kind):
    size = {"n_samples": 1000, "n_leads": 3, "fs": 250}
    first = model_noise(kind, seed=3, **size)
    np.testing.assert_array_equal(first, model_noise(kind, seed=3, **size))
    assert not np.allclose(first[0], first[1])
    assert not np.array_equal(first, model_noise(kind, seed=4, **size))


@pytest.mark.parametrize("kind", list_noise_models())
@pytest.mark.parametrize("n_samples", [0, 1, 7])
def test_hardly_any_samples_are_no_problem(kind, n_samples):
    rows = model_noise(kind, n_samples=n_samples, n_leads=2, fs=100, seed=0)
    assert rows.shape == (2, n_samples)
    assert np.isfinite(rows).all()


def test_an_unknown_model_is_refused_with_a_hint():
    with pytest.raises(UnknownNameError, match="muscle"):
        model_noise("muscles", n_samples=10, n_leads=1, fs=100, seed=0)
