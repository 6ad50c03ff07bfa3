# SPDX-License-Identifier: Apache-2.0
"""Waves and intervals of lead II as ECG-QA has them: beside NeuroKit2, and the answers."""

from __future__ import annotations

import csv
import warnings

import numpy as np
import pytest

from precordia.benchmarking.ecg_qa_intervals import (
    LABELLED_LIMITS,
    intervals_as_labelled,
    intervals_of_waves,
)
from precordia.benchmarking.ecg_qa_waves import LabelledWaves, waves_as_labelled
from precordia.core.record import Record
from precordia.generation.simulate import simulate
from precordia.io.read import read
from precordia.signal.resample import resample

_PEER = {
    "p_onset": "ECG_P_Onsets",
    "p_offset": "ECG_P_Offsets",
    "q_peak": "ECG_Q_Peaks",
    "s_peak": "ECG_S_Peaks",
    "t_offset": "ECG_T_Offsets",
}


def _leads(shared_data, n):
    paths = sorted((shared_data / "ptbxl" / "records500").rglob("*_hr.hea"))[:n]
    for path in paths:
        record = read(path)
        yield np.asarray(record.signal[record.leads.index("II")], float)


def test_waves_are_those_of_neurokit2(shared_data, monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = pytest.importorskip("neurokit2")
        module = pytest.importorskip("neurokit2.ecg.ecg_delineate")
    later = module._dwt_delineate_qrs_bounds

    def up_to_r(rpeaks, dwtmatr, ppeaks, tpeaks, qpeaks, sampling_rate):
        return later(rpeaks, dwtmatr, ppeaks, tpeaks, rpeaks, sampling_rate=sampling_rate)

    # the versions that the answers were made with looked for the onset up to R
    monkeypatch.setattr(module, "_dwt_delineate_qrs_bounds", up_to_r)
    apart = {name: [] for name in (*_PEER, "qrs_onset")}
    for lead in _leads(shared_data, 6):
        ours = waves_as_labelled(lead)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cleaned = peer.ecg_clean(lead, sampling_rate=500)
            _, beats = peer.ecg_peaks(cleaned, sampling_rate=500)
            _, theirs = peer.ecg_delineate(cleaned, beats, sampling_rate=500)
        assert ours.r_peak.tolist() == list(beats["ECG_R_Peaks"])
        for name, key in (_PEER | {"qrs_onset": "ECG_R_Onsets"}).items():
            here, there = getattr(ours, name)[1:-1], np.array(theirs[key], float)[1:-1]
            assert np.isnan(here).tolist() == np.isnan(there).tolist()
            apart[name] += np.abs(here - there)[np.isfinite(here)].tolist()
    for name, distances in apart.items():
        assert len(distances) > 40
        assert max(distances) <= 1, name  # samples of 2 ms
        assert np.mean(np.array(distances) == 0) >= 0.9, name


def test_intervals_span_what_they_say():
    r_peak = np.array([500, 1000, 1500, 2600])
    waves = LabelledWaves(
        r_peak=r_peak,
        p_onset=r_peak - 80.0,
        p_offset=r_peak - 30.0,
        qrs_onset=r_peak - 20.0,
        q_peak=r_peak - 10.0,
        s_peak=np.array([510, 1015, 1515, np.nan]),
        t_offset=r_peak + 170.0,
    )
    found = intervals_of_waves(waves)
    assert found["rr interval"] == 1000.0  # the pause of 2.2 s does not count
    assert found["p duration"] == 102.0
    assert found["pr interval"] == 122.0
    assert found["qrs duration"] == 52.0
    assert found["qt interval"] == 362.0
    assert found["qt corrected"] == 362.0


def test_rate_and_missing_leads():
    record = simulate(seed=3, heart_rate_bpm=75)
    assert intervals_as_labelled(record)["rr interval"] == pytest.approx(800, abs=25)
    slower = Record(
        signal=np.asarray(resample(record.signal, record.fs, 100)), fs=100, leads=record.leads
    )
    coarse, fine = intervals_as_labelled(slower), intervals_as_labelled(record)
    assert coarse["qt interval"] == pytest.approx(fine["qt interval"], abs=12)
    assert coarse["rr interval"] == pytest.approx(fine["rr interval"], abs=4)
    alone = Record(signal=record.signal[:1], fs=record.fs, leads=("I",))
    assert intervals_as_labelled(alone) == {}


@pytest.mark.parametrize("signal", [np.zeros(5000), np.zeros(10), np.full(5000, 2.0)])
def test_a_lead_without_beats_has_no_intervals(signal):
    found = intervals_of_waves(waves_as_labelled(signal))
    assert all(np.isnan(value) for value in found.values())


def test_a_normalised_lead_gives_nearly_the_same(shared_data):
    apart = {name: [] for name in ("rr interval", "p duration", "qrs duration", "qt interval")}
    for lead in _leads(shared_data, 5):
        told = intervals_of_waves(waves_as_labelled(lead))
        scaled = np.asarray(resample((lead - lead.mean()) / lead.std(), 500, 100))
        record = Record(signal=scaled[None], fs=100, leads=("II",))
        found = intervals_as_labelled(record, normalised=True)
        for name, distances in apart.items():
            distances.append(abs(found[name] - told[name]))
    for name, distances in apart.items():  # without millivolts another wave may be taken for T
        assert np.nanmedian(distances) <= 6, name


def test_the_range_of_rr_and_p_is_the_one_that_the_answers_imply(shared_data):
    from precordia.datasets.ecg_qa_rows import read_question_rows

    with (shared_data / "ptbxl" / "ptbxl_database.csv").open() as lines:
        files = {int(r["ecg_id"]): r["filename_lr"] for r in csv.DictReader(lines)}
    rows = [
        r
        for r in read_question_rows(shared_data / "ecg-qa")
        if r.template in (68, 69, 70) and all(i in files for i in r.ecg_ids)
    ][:16]
    wanted = {68: (False, True), 69: (True, False), 70: (False, False)}
    right = {"rr interval": [], "p duration": []}
    found = {
        i: intervals_as_labelled(read(shared_data / "ptbxl" / f"{files[i]}.hea"))
        for i in {i for r in rows for i in r.ecg_ids}
    }
    for row in rows:
        for name, told in right.items():
            ranges = [LABELLED_LIMITS.range_of(name, found[i][name]) for i in row.ecg_ids]
            normal = tuple(r.startswith("within") for r in ranges)
            told.append((normal == wanted[row.template]) == (name in row.answers))
    assert np.mean(right["rr interval"]) >= 0.97
    assert np.mean(right["p duration"]) >= 0.97
