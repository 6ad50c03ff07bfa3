# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from precordia.core.source import Source
from precordia.delineation.assemble import assemble
from precordia.delineation.waves import LeadWaves

FS = 500.0
N = 5000


def wave(*peaks, half=20.0, sure=0.9):
    return np.array([[p - half, p, p + half, sure] for p in peaks], float).reshape(-1, 4)


def leads_of(n, p=(), qrs=(), t=()):
    return [LeadWaves(wave(*p), wave(*qrs), wave(*t, half=40)) for _ in range(n)]


def joined(lead_waves, rpeaks=None, n=N, signal=None):
    if signal is None:
        signal = np.random.default_rng(0).normal(0, 0.3, (len(lead_waves), n)).astype(np.float32)
    names = [f"L{k}" for k in range(len(lead_waves))]
    return assemble(lead_waves, signal, FS, names, rpeaks, source=Source())


def test_a_row_holds_the_p_wave_before_and_the_t_wave_after_its_qrs():
    found = joined(leads_of(3, p=(420, 920), qrs=(500, 1000), t=(650, 1150)))
    np.testing.assert_array_equal(found.p_peak, [420, 920])
    np.testing.assert_array_equal(found.t_peak, [650, 1150])
    np.testing.assert_array_equal(found.leads["L1"].qrs_onset, [480, 980])
    assert found.n_beats == found.n_cycles == 2


def test_a_blocked_p_wave_is_a_row_without_qrs_and_t():
    found = joined(leads_of(3, p=(420, 1220, 1920), qrs=(500, 2000), t=(650, 2150)))
    np.testing.assert_array_equal(found.p_peak, [420, 1220, 1920])
    np.testing.assert_array_equal(found.has_qrs, [True, False, True])
    assert np.isnan([found.r_peak[1], found.t_peak[1], found.qrs_onset[1]]).all()
    assert (found.n_beats, found.n_cycles) == (2, 3)


def test_a_p_wave_far_before_its_qrs_is_blocked_too():
    found = joined(leads_of(2, p=(1600,), qrs=(500, 2000)))
    np.testing.assert_array_equal(found.has_qrs, [True, False, True])


def test_a_blocked_p_wave_of_one_lead_alone_is_dropped():
    lead_waves = leads_of(4, p=(420, 1920), qrs=(500, 2000))
    lead_waves[0].p = wave(420, 1220, 1920)
    assert joined(lead_waves).n_cycles == 2


def test_the_last_p_wave_of_a_record_is_not_called_blocked():
    found = joined(leads_of(3, p=(420, N - 150), qrs=(500, 1000)))
    assert found.n_cycles == 2
    assert np.isnan(found.p_peak[1])


def test_a_p_wave_without_any_qrs_makes_no_row():
    assert joined(leads_of(3, p=(420, 920))).n_cycles == 0


def test_a_qrs_of_a_minority_makes_no_beat_and_one_of_half_the_leads_does():
    lead_waves = leads_of(4, qrs=(500,))
    lead_waves[0].qrs = wave(500, 1500)
    assert joined(lead_waves).n_beats == 1
    lead_waves[1].qrs = wave(500, 1510)
    assert joined(lead_waves).n_beats == 2


def test_dead_leads_have_no_vote():
    signal = np.random.default_rng(0).normal(0, 0.3, (4, N)).astype(np.float32)
    signal[1:3], signal[3] = 0, np.nan
    lead_waves = [*leads_of(1, qrs=(500,)), *leads_of(3)]
    found = joined(lead_waves, signal=signal)
    assert found.n_beats == 1
    assert np.isnan(found.leads["L3"].r_peak).all()


def test_a_lead_that_sees_one_qrs_twice_makes_no_second_beat():
    lead_waves = leads_of(3, qrs=(500,))
    lead_waves[2].qrs = np.concatenate([wave(495, half=8), wave(530, half=8, sure=0.4)])
    found = joined(lead_waves)
    assert found.n_beats == 1
    assert found.leads["L2"].qrs_onset[0] == 487


def test_known_r_peaks_are_the_beats_and_no_others():
    lead_waves = leads_of(3, qrs=(500, 1000))
    found = joined(lead_waves, rpeaks=np.array([504, 3000]))
    np.testing.assert_array_equal(found.r_peak, [504, 3000])
    assert found.qrs_onset[0] == 480
    assert np.isnan(found.qrs_onset[1])
    assert joined(lead_waves, rpeaks=np.array([], int)).n_cycles == 0


def test_global_bounds_are_those_of_outer_leads_but_not_of_an_outlier():
    lead_waves = [LeadWaves(qrs=np.array([[480 - k, 500.0, 520 + k, 1.0]])) for k in range(12)]
    lead_waves[0].qrs[0, 0] = 430
    found = joined(lead_waves)
    assert 470 <= found.qrs_onset[0] <= 474
    assert 526 <= found.qrs_offset[0] <= 530


def test_confidence_is_nan_with_the_wave_and_falls_with_dissent():
    lead_waves = leads_of(4, p=(420,), qrs=(500,))
    lead_waves[0].p = wave()
    found = joined(lead_waves)
    assert np.isnan(found.leads["L0"].p_confidence[0])
    assert np.isnan(found.t_confidence[0])
    assert found.p_confidence[0] == pytest.approx(0.9 * 3 / 4)


def test_nothing_found_is_no_error():
    assert joined(leads_of(12)).n_cycles == 0
    assert joined([], signal=np.zeros((0, N), np.float32)).n_cycles == 0
    assert joined(leads_of(2), signal=np.zeros((2, 0), np.float32)).n_cycles == 0


def test_bounds_that_a_lead_does_not_know_stay_unknown():
    lead_waves = leads_of(2, qrs=(500,))
    for lead in lead_waves:
        lead.qrs[0, [0, 2]] = np.nan
    found = joined(lead_waves)
    assert found.n_beats == 1
    assert np.isnan(found.qrs_onset[0])
    assert np.isfinite(found.leads["L0"].r_peak[0])


def test_joining_loses_no_annotated_wave(shared_data):
    """The cardiologists' waves of LUDB, per lead, go in and come out again."""
    wfdb = pytest.importorskip("wfdb")
    folder = shared_data / "ludb" / "data"
    total = lost = 0
    names = sorted((p.stem for p in folder.glob("*.hea")), key=int)[::3]
    for name in names:
        record = wfdb.rdrecord(str(folder / name))
        lead_waves = [_annotated(folder / name, lead.lower()) for lead in record.sig_name]
        signal = record.p_signal.T.astype(np.float32)
        found = assemble(lead_waves, signal, 500.0, record.sig_name, None, source=Source())
        for given, lead in zip(lead_waves, found.leads.values(), strict=True):
            for kind in ("p", "qrs", "t"):
                inside = getattr(given, kind)
                inside = inside[(inside[:, 1] > 1000) & (inside[:, 1] < 4000), 2]
                came_out = getattr(lead, f"{kind}_offset")
                total += np.isfinite(inside).sum()
                lost += np.setdiff1d(inside[np.isfinite(inside)], came_out).size
    assert total > 8000
    assert lost / total < 0.001


def _annotated(stem, lead):
    import wfdb

    marks = wfdb.rdann(str(stem), lead)
    tables = {"p": [], "N": [], "t": []}
    for k, symbol in enumerate(marks.symbol):
        if symbol in tables:
            row = [np.nan, marks.sample[k], np.nan, 1.0]
            if k and marks.symbol[k - 1] == "(":
                row[0] = marks.sample[k - 1]
            if k + 1 < len(marks.symbol) and marks.symbol[k + 1] == ")":
                row[2] = marks.sample[k + 1]
            tables[symbol].append(row)
    return LeadWaves(*(np.array(v, float).reshape(-1, 4) for v in tables.values()))
