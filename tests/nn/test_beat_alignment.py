# SPDX-License-Identifier: Apache-2.0
"""Beats are found where they are, averaged over those of one shape, and limb leads regain size."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from precordia.core.leads import STANDARD_12  # noqa: E402
from precordia.generation.simulate import simulate  # noqa: E402
from precordia.models.aligned_beats import AlignedBeatsNet  # noqa: E402
from precordia.models.signal_shape import SignalShape  # noqa: E402
from precordia.nn.beat_alignment import BeatAlignment, limb_proportions  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def scored(signal):
    """Return a batch of one window, each lead a z-score."""
    x = signal - signal.mean(axis=1, keepdims=True)
    return torch.from_numpy((x / x.std(axis=1, keepdims=True))[None].astype(np.float32))


def places_in(window):
    align, present = BeatAlignment(100), torch.ones(1, 12)
    places, found = align.find(window, present)
    return places[found > 0].numpy()


@pytest.mark.parametrize("scenario", ["sinus", "sinus-tachycardia", "left-bundle-block"])
def test_every_simulated_beat_is_found_within_50_ms_and_nothing_else(scenario):
    from precordia.delineation.rpeaks import detect_rpeaks

    record = simulate(scenario, fs=100, seed=3)
    truth = np.asarray(detect_rpeaks(simulate(scenario, fs=500, seed=3))) / 5
    found = places_in(scored(record.signal))
    assert len(found) == len(truth)
    assert np.abs(found - truth).max() <= 5


def bumps(places, shapes, n=1000):
    """Return one lead with a bump of a height and width (samples) at each place."""
    t = np.arange(n)
    wave = [h * np.exp(-(((t - p) / w) ** 2)) for p, (h, w) in zip(places, shapes, strict=True)]
    return np.sum(wave, axis=0)


def test_an_ectopic_beat_hardly_counts_in_the_mean():
    places = np.arange(60, 960, 90)
    usual = bumps(places, [(1.0, 3.0)] * len(places))
    one_odd = bumps(places, [(-1.0, 7.0) if k == 4 else (1.0, 3.0) for k in range(len(places))])
    present = torch.ones(1, 12)
    align = BeatAlignment(100)
    first, second = (
        align(torch.from_numpy(np.tile(w, (1, 12, 1)).astype(np.float32)), present).mean
        for w in (usual, one_odd)
    )
    assert (first - second).abs().max() < 0.02
    plain = np.mean([one_odd[p - 36 : p + 60] for p in places], axis=0)
    ideal = usual[places[0] - 36 : places[0] + 60]
    assert np.abs(plain - ideal).max() > 0.1


def test_rhythm_tells_the_distance_of_beats_and_its_variation():
    even = bumps(np.arange(60, 960, 80), [(1.0, 3.0)] * 12)
    uneven_places = np.cumsum([60, 60, 100, 70, 120, 60, 90, 110, 65, 95])
    uneven = bumps(uneven_places, [(1.0, 3.0)] * 10)
    align, present = BeatAlignment(100), torch.ones(1, 12)
    numbers = [
        align(torch.from_numpy(np.tile(w, (1, 12, 1)).astype(np.float32)), present).rhythm[0]
        for w in (even, uneven)
    ]
    assert float(numbers[0][1]) + 0.85 == pytest.approx(0.8, abs=0.002)
    assert float(numbers[0][2]) / 5 < 0.005
    expected = np.diff(uneven_places) / 100
    assert float(numbers[1][1]) + 0.85 == pytest.approx(expected.mean(), abs=0.01)
    assert float(numbers[1][2]) / 5 == pytest.approx(expected.std(), abs=0.01)


def test_limb_leads_regain_their_mutual_size_from_z_scores():
    signal = simulate("left-anterior-fascicular-block", fs=100, seed=1).signal
    sizes = signal[:6].std(axis=1)
    found = limb_proportions(scored(signal), torch.ones(1, 12))[0].numpy()
    np.testing.assert_allclose(found[:6], sizes / np.sqrt((sizes**2).mean()), rtol=0.02, atol=0.01)
    np.testing.assert_array_equal(found[6:], 1)


def test_without_all_limb_leads_no_size_is_claimed():
    present = torch.ones(1, 12)
    present[0, 4] = 0
    window = scored(simulate("sinus", fs=100, seed=1).signal) * present[:, :, None]
    np.testing.assert_array_equal(limb_proportions(window, present).numpy(), 1)


def test_a_flat_window_gives_finite_numbers():
    shape = SignalShape(n_leads=12, n_samples=1000, fs=100, leads=STANDARD_12)
    model = AlignedBeatsNet(shape, 3, width=6).eval()
    assert torch.isfinite(model(torch.zeros(1, 12, 1000))).all()


def test_the_size_of_one_precordial_lead_changes_nothing_but_that_lead():
    window = scored(simulate("sinus", fs=100, seed=2).signal)
    align, present = BeatAlignment(100), torch.ones(1, 12)
    louder = window.clone()
    louder[:, 8] *= 1.05
    one, two = align(window, present).mean, align(louder, present).mean
    torch.testing.assert_close(two[:, 8], one[:, 8] * 1.05, atol=2e-3, rtol=2e-3)
    torch.testing.assert_close(two[:, :8], one[:, :8], atol=2e-3, rtol=2e-3)
