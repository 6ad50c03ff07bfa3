# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.core.errors import OptionError, SignalError
from precordia.core.fiducials import POSITIONS
from precordia.core.record import Record
from precordia.delineation import delineate as module
from precordia.delineation.delineate import DelineationSettings, delineate
from precordia.delineation.rpeaks import rpeaks_of_signal
from precordia.generation.simulate import simulate

NAMES = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "X", "Y", "Z")
METHODS = ["auto", "network", "rules"]


def of(signal, fs=500.0):
    signal = np.asarray(signal, np.float32)
    return Record(signal=signal, fs=fs, leads=NAMES[: len(signal)])


@pytest.fixture(scope="module")
def sinus():
    return simulate("sinus", seed=4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "signal",
    [
        np.zeros((12, 5000)),
        np.full((12, 5000), np.nan),
        np.full((2, 5000), 3.0),
        np.zeros((1, 3)),
        np.zeros((2, 0)),
        np.zeros((0, 5000)),
        np.random.default_rng(0).normal(0, 0.1, (12, 5000)),
        np.repeat(np.arange(5000)[None] > 2500, 12, axis=0),
    ],
    ids=["zeros", "missing", "constant", "3 samples", "empty", "no leads", "noise", "step"],
)
def test_what_is_no_ecg_has_no_beats(signal, method):
    found = delineate(of(signal), method=method)
    assert found.n_beats <= (3 if method == "network" else 0)  # alone it may be misled by a step
    assert tuple(found.leads) == NAMES[: len(signal)]


@pytest.mark.parametrize("method", METHODS)
def test_less_than_two_seconds_are_too_short_and_two_are_enough(sinus, method):
    assert delineate(of(sinus.signal[:, :990]), method=method).n_cycles == 0
    assert delineate(of(sinus.signal[:, :1250]), method=method).n_beats >= 1


@pytest.mark.parametrize("method", METHODS)
def test_beats_and_waves_of_a_simulated_heart_are_where_they_are(sinus, method):
    truth, found = sinus.carried.fiducials, delineate(sinus, method=method)
    assert found.n_beats == truth.n_beats
    for field in ("p_peak", "r_peak", "t_peak"):
        a, b = getattr(truth, field), getattr(found, field)
        error_ms = 2 * (b - a)[np.isfinite(a - b)]
        assert len(error_ms) >= truth.n_beats - 2
        assert abs(np.median(error_ms)) < 12


@pytest.mark.parametrize("method", METHODS)
def test_every_row_is_in_order(sinus, method):
    found = delineate(sinus, method=method)
    for waves in (found, *found.leads.values()):
        for kind in ("p", "qrs", "t"):
            onset, offset = getattr(waves, f"{kind}_onset"), getattr(waves, f"{kind}_offset")
            both = np.isfinite(onset) & np.isfinite(offset)
            assert (onset[both] < offset[both]).all()
        rows = np.array([getattr(waves, f) for f in ("p_peak", "r_peak", "t_peak")])
        assert not (np.diff(rows, axis=0) < 0).any()
        assert not (np.diff(waves.r_peak[np.isfinite(waves.r_peak)]) <= 0).any()


@pytest.mark.parametrize("method", METHODS)
def test_a_shift_of_the_record_shifts_every_bound_and_nothing_else(sinus, method):
    by = 400  # a whole number of working samples of either method
    whole, later = (delineate(of(x), method=method) for x in (sinus.signal, sinus.signal[:, by:]))
    for field in ("qrs_onset", "qrs_offset", "p_onset", "t_offset"):
        a, b = getattr(whole, field), getattr(later, field) + by
        a, b = (v[(v > 2000) & (v < 4000)] for v in (a, b))
        assert len(a) == len(b) > 2
        assert 2 * np.abs(a - b).max() < 6


@pytest.mark.parametrize("method", METHODS)
def test_an_inverted_record_has_the_same_beats(sinus, method):
    up, down = (delineate(of(v), method=method) for v in (sinus.signal, -sinus.signal))
    assert up.n_beats == down.n_beats
    np.testing.assert_allclose(up.qrs_onset, down.qrs_onset, atol=10)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("leads", [1, 2, 3, 15])
def test_any_number_of_leads(sinus, leads, method):
    found = delineate(of(np.tile(sinus.signal, (2, 1))[:leads]), method=method)
    assert found.n_beats == sinus.carried.fiducials.n_beats
    assert len(found.leads) == leads


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fs", [100.0, 360.0, 1000.0])
def test_any_sampling_rate(fs, method):
    record = simulate("sinus", seed=4, fs=fs)
    found = delineate(record, method=method)
    assert found.n_beats == record.carried.fiducials.n_beats
    assert np.nanmax(found.t_offset) < record.n_samples


@pytest.mark.parametrize("method", ["network", "rules"])
def test_flat_leads_are_absent_and_gaps_hold_no_waves(sinus, method):
    signal = sinus.signal.copy()
    signal[4], signal[5] = 0, np.nan
    signal[:, 2000:2600] = np.nan
    found = delineate(of(signal), method=method)
    for name in ("aVL", "aVF"):
        assert all(np.isnan(getattr(found.leads[name], f)).all() for f in POSITIONS)
    for waves in found.leads.values():
        for field in ("p_peak", "r_peak", "t_peak"):
            at = getattr(waves, field)
            assert not ((at > 2010) & (at < 2590)).any()


@pytest.mark.parametrize("rate", [30, 60, 150, 220, 250])
def test_beats_from_30_to_250_per_minute_are_counted(rate):
    record = simulate("junctional-rhythm", heart_rate_bpm=rate, rr_sd_ms=0.0, seed=1)
    found = delineate(record)
    inside = [v[(v > 500) & (v < 4500)] for v in (record.carried.fiducials.r_peak, found.r_peak)]
    assert abs(len(inside[0]) - len(inside[1])) <= 1


def test_beats_of_a_single_lead_are_those_of_the_r_peak_detector(sinus):
    alone = of(sinus.signal[1:2])
    np.testing.assert_allclose(delineate(alone).r_peak, rpeaks_of_signal(alone.signal, 500.0))


def test_the_rules_are_asked_where_the_network_sees_too_little(sinus, monkeypatch):
    from precordia.delineation.waves import LeadWaves

    blind = "precordia.delineation.network.delineate_with_network"
    monkeypatch.setattr(blind, lambda signal, fs: [LeadWaves() for _ in signal])
    found = delineate(sinus)
    assert found.n_beats == sinus.carried.fiducials.n_beats
    assert found.source.method == "delineate:rules"
    assert found.source.warnings
    assert delineate(sinus, method="network").n_beats == 0


def test_the_rules_are_used_where_there_is_no_network(sinus, monkeypatch):
    monkeypatch.setattr(module, "_has_network", lambda: False)
    assert delineate(sinus).source.method == "delineate:rules"


@pytest.mark.parametrize("method", METHODS)
def test_known_r_peaks_are_the_beats(sinus, method):
    given = np.rint(sinus.carried.fiducials.r_peak[2:5]).astype(int)
    found = delineate(sinus, rpeaks=given, method=method)
    assert found.n_beats == 3
    assert np.abs(found.r_peak[found.has_qrs] - given).max() <= 20


@pytest.mark.parametrize("method", ["network", "rules"])
def test_a_long_record_has_the_waves_of_its_parts_wherever_blocks_begin(method):
    record = simulate("sinus-arrhythmia", seed=2, seconds=180.0, fs=250.0)
    one = delineate(record, method=method, settings=DelineationSettings(block_s=400.0))
    many = delineate(record, method=method, settings=DelineationSettings(block_s=31.0))
    late = of(record.signal[:, 3750:], fs=250.0)
    alone = delineate(late, method=method)
    assert one.n_beats == many.n_beats
    for field in ("qrs_onset", "r_peak", "t_offset", "p_onset"):
        a, b, c = getattr(one, field), getattr(many, field), getattr(alone, field) + 3750
        assert 4 * np.nanmax(np.abs(a - b)) < 8
        k = np.searchsorted(one.r_peak, 3750 + 500)
        n = len(a) - k
        assert 4 * np.nanmax(np.abs(a[k:] - c[-n:])) < 8


def test_a_wrong_method_or_wrong_r_peaks_are_refused_in_a_sentence(sinus):
    with pytest.raises(OptionError, match="'auto', 'network' or 'rules'"):
        delineate(sinus, method="wavelet")
    with pytest.raises(SignalError, match="samples 0 to 4999"):
        delineate(sinus, rpeaks=np.array([10, 9000]))
    with pytest.raises((SignalError, TypeError)):  # the latter where shapes are checked
        delineate(sinus, rpeaks=np.array([[10, 20]]))
    with pytest.raises(OptionError, match="block"):
        DelineationSettings(block_s=1.0)


def test_fibrillation_has_no_p_waves_and_sinus_rhythm_has_one_a_beat():
    none = delineate(simulate("atrial-fibrillation", seed=3))
    assert np.isfinite(none.p_peak).sum() <= 1
    one = delineate(simulate("sinus", seed=3))
    assert np.isfinite(one.p_peak).sum() >= one.n_beats - 1
