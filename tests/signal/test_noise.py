# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.core.errors import OptionError, SignalError
from precordia.core.leads import STANDARD_12
from precordia.signal.noise import add_noise, draw_noise, join_electrode_noise, keep_limb_identities

RNG = np.random.default_rng(11)


def _snr_db(clean, noisy):
    return 10 * np.log10(clean.var(axis=-1) / (noisy - clean).var(axis=-1))


@pytest.mark.parametrize("snr_db", [-6.0, 0.0, 12.0, 40.0])
def test_each_lead_reaches_the_ratio_that_was_asked_for(snr_db):
    clean, noise = RNG.normal(size=(3, 4000)) * [[1], [0.2], [5]], RNG.normal(size=(3, 4000))
    np.testing.assert_allclose(
        _snr_db(clean, add_noise(clean, noise, snr_db=snr_db)), snr_db, atol=1e-9
    )


def test_one_factor_for_the_record_keeps_limb_identities():
    clean = join_electrode_noise(RNG.normal(size=(9, 3000)))
    noise = join_electrode_noise(RNG.normal(size=(9, 3000)))
    noisy = add_noise(clean, noise, snr_db=6, scale="record")
    np.testing.assert_allclose(noisy[2], noisy[1] - noisy[0], atol=1e-12)
    assert np.median(_snr_db(clean, noisy)) == pytest.approx(6, abs=0.01)


def test_gaps_and_flat_leads_are_left_alone():
    clean = RNG.normal(size=(3, 500))
    clean[0, 100:200] = np.nan
    clean[1] = 0.0
    noisy = add_noise(clean, RNG.normal(size=(3, 500)), snr_db=3)
    np.testing.assert_array_equal(np.isnan(noisy), np.isnan(clean))
    np.testing.assert_array_equal(noisy[1], 0.0)


def test_excerpts_differ_between_leads_and_repeat_with_the_seed():
    recording = np.cumsum(RNG.normal(size=(2, 20_000)), axis=1)
    first = draw_noise(recording, 360, fs=500, n_samples=2500, n_leads=4, seed=5)
    again = draw_noise(recording, 360, fs=500, n_samples=2500, n_leads=4, seed=5)
    np.testing.assert_array_equal(first, again)
    assert first.shape == (4, 2500)
    assert np.abs(np.corrcoef(first) - np.eye(4)).max() < 0.99
    assert not np.array_equal(
        first, draw_noise(recording, 360, fs=500, n_samples=2500, n_leads=4, seed=6)
    )


def test_an_excerpt_is_a_piece_of_the_recording():
    recording = np.sin(2 * np.pi * 7 * np.arange(3600) / 360)
    drawn = draw_noise(recording, 360, fs=500, n_samples=2000, n_leads=1, seed=0)[0]
    spectrum = np.abs(np.fft.rfft(drawn * np.hanning(2000)))
    assert np.fft.rfftfreq(2000, 1 / 500)[spectrum.argmax()] == pytest.approx(7, abs=0.26)


def test_a_recording_that_is_too_short_is_repeated():
    drawn = draw_noise(RNG.normal(size=300), 360, fs=500, n_samples=5000, n_leads=2, seed=0)
    assert drawn.shape == (2, 5000)
    assert np.isfinite(drawn).all()


def test_real_noise_can_be_drawn(shared_data):
    wfdb = pytest.importorskip("wfdb")
    recorded = wfdb.rdrecord(str(shared_data / "nstdb" / "ma"))
    drawn = draw_noise(recorded.p_signal.T, recorded.fs, fs=500, n_samples=5000, n_leads=9, seed=1)
    twelve = join_electrode_noise(drawn)
    np.testing.assert_allclose(
        twelve[STANDARD_12.index("aVL")], twelve[0] - twelve[1] / 2, atol=1e-9
    )


def test_what_cannot_be_noise_is_refused():
    with pytest.raises(SignalError, match="varying"):
        draw_noise(np.zeros(100), 360, fs=500, n_samples=10, n_leads=1, seed=0)
    with pytest.raises(SignalError):
        add_noise(np.ones((2, 5)), np.ones((2, 6)), snr_db=3)
    with pytest.raises(OptionError):
        add_noise(np.ones((2, 5)), np.ones((2, 5)), snr_db=np.nan)
    with pytest.raises(SignalError, match="nine"):
        join_electrode_noise(np.ones((8, 5)))


def test_limb_leads_are_recomputed_only_where_one_and_two_are_there():
    rows = RNG.normal(size=(3, 10))
    fixed = keep_limb_identities(rows, ("II", "aVF", "I"))
    np.testing.assert_allclose(fixed[1], rows[0] - rows[2] / 2)
    np.testing.assert_array_equal(keep_limb_identities(rows, ("I", "aVF", "V1")), rows)
