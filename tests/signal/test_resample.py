# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.core.errors import SamplingRateError
from precordia.core.record import Annotations, Carried, Record
from precordia.signal.resample import resample, resample_record

RATIOS = [(360, 500), (257, 500), (1000, 250), (500, 100), (100, 500), (128, 500), (999.7, 500)]


@pytest.mark.parametrize(("fs", "new_fs"), RATIOS)
def test_a_slow_sine_is_the_same_sine_at_the_new_rate(fs, new_fs):
    hertz = 0.3 * min(fs, new_fs) / 2
    old = np.arange(int(8 * fs)) / fs
    new = resample(np.sin(2 * np.pi * hertz * old + 0.4), fs, new_fs)
    expected = np.sin(2 * np.pi * hertz * np.arange(new.size) / new_fs + 0.4)
    edge = int(0.5 * new_fs)
    assert np.abs(new - expected)[edge:-edge].max() < 2e-4


@pytest.mark.parametrize(("fs", "new_fs"), RATIOS)
def test_length_covers_the_same_time(fs, new_fs):
    assert resample(np.zeros(int(8 * fs)), fs, new_fs).size == pytest.approx(8 * new_fs, abs=1)


@pytest.mark.parametrize(("fs", "new_fs"), RATIOS)
def test_a_constant_stays_exactly_constant(fs, new_fs):
    assert np.abs(resample(np.full(4000, 2.5), fs, new_fs) - 2.5).max() < 1e-12


def test_what_the_new_rate_cannot_hold_is_gone_and_not_folded():
    fast = np.sin(2 * np.pi * 70 * np.arange(5000) / 500)
    assert np.abs(resample(fast, 500, 100))[50:-50].max() < 1e-3


def test_agrees_with_scipy_on_a_smooth_signal():
    from scipy.signal import resample_poly

    rng = np.random.default_rng(0)
    rough = np.cumsum(rng.normal(size=(3, 3600)), axis=1)
    smooth = np.apply_along_axis(lambda x: np.convolve(x, np.hanning(41) / 20, "same"), 1, rough)
    ours = resample(smooth, 360, 500)
    theirs = resample_poly(smooth, 25, 18, axis=1, padtype="line")
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs)[:, 200:-200].max() < 2e-3 * smooth.std()


def test_a_pulse_is_not_delayed():
    pulse = np.exp(-0.5 * ((np.arange(3600) - 1800) / 5.0) ** 2)
    assert resample(pulse, 360, 500).argmax() == 2500


@pytest.mark.parametrize(("fs", "new_fs"), [(500, 250), (250, 500), (360, 500)])
def test_gaps_stay_where_and_as_long_as_they_were(fs, new_fs):
    signal = np.ones((2, int(4 * fs)), np.float32)
    signal[0, fs : 2 * fs] = np.nan
    new = resample(signal, fs, new_fs)
    assert new.dtype == np.float32
    gap = np.flatnonzero(np.isnan(new[0])) / new_fs
    assert gap[0] == pytest.approx(1.0, abs=1.01 / min(fs, new_fs))
    assert gap[-1] == pytest.approx(2.0, abs=2.01 / min(fs, new_fs))
    assert not np.isnan(new[1]).any()


def test_a_single_missing_sample_survives_decimation():
    signal = np.ones(5000)
    signal[1237] = np.nan
    assert np.isnan(resample(signal, 500, 50)).any()


def test_a_lead_that_is_all_missing_stays_missing():
    assert np.isnan(resample(np.full((1, 100), np.nan), 100, 250)).all()


@pytest.mark.parametrize("n_samples", [0, 1, 2, 3])
def test_hardly_any_samples_are_no_problem(n_samples):
    assert resample(np.ones(n_samples), 100, 250).size == np.ceil(2.5 * n_samples)


@pytest.mark.parametrize("new_fs", [0, -5, np.nan, 1e9])
def test_impossible_rates_are_refused(new_fs):
    with pytest.raises(SamplingRateError):
        resample(np.ones(10), 100, new_fs)


def test_a_record_takes_its_annotations_along():
    record = Record(
        signal=np.zeros((1, 720), np.float32),
        fs=360,
        leads=("II",),
        carried=Carried(annotations=Annotations(sample=np.array([360]), symbol=("N",))),
    )
    new = resample_record(record, fs=500)
    assert (new.fs, new.n_samples) == (500, 1000)
    assert new.carried.annotations.sample.tolist() == [500]
    assert new.source.parameters["from_fs"] == 360
    assert resample_record(record, fs=360) is record


def test_a_record_takes_its_fiducials_along():
    from precordia.generation.simulate import simulate

    record = simulate(seed=1)
    new = resample_record(record, fs=250)
    ours, theirs = new.carried.fiducials, record.carried.fiducials
    assert (ours.fs, ours.n_samples) == (250, 2500)
    np.testing.assert_allclose(ours.qrs_onset * 2, theirs.qrs_onset)
    np.testing.assert_allclose(ours.leads["V2"].t_offset * 2, theirs.leads["V2"].t_offset)
