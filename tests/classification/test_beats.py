# SPDX-License-Identifier: Apache-2.0
"""The beat classifier: known rhythms are found; gain, polarity, order and rate do not matter."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from precordia.classification.beat_network import DILATIONS, beat_weights, judge_beats
from precordia.classification.beats import (
    CUT,
    FEW_BEATS,
    MISSING,
    NO_LEADS,
    PACED,
    beat_annotations,
    classify_beats,
)
from precordia.cli.main import main
from precordia.core.beats import Beats
from precordia.core.errors import OptionError, PrecordiaError
from precordia.core.record import Record
from precordia.generation.simulate import simulate
from precordia.io.read import read
from precordia.io.wfdb_annotation import read_annotations
from precordia.io.write import write
from precordia.measurement.measure import measure
from precordia.signal.resample import resample


def some_leads(record: Record, *names: str) -> Record:
    rows = [record.leads.index(name) for name in names]
    return Record(signal=record.signal[rows], fs=record.fs, leads=names)


@pytest.fixture(scope="module")
def premature() -> Record:
    record = simulate("ventricular-premature", seconds=40, seed=5)
    return some_leads(record, "II", "V1")


def test_a_steady_sinus_rhythm_has_no_ectopic_beats():
    beats = classify_beats(simulate("sinus", seconds=30, seed=2))
    assert set(beats.label) - {"Q"} == {"N"}
    assert beats.count("Q") <= 2  # those that an end cuts


@pytest.mark.parametrize(
    ("scenario", "label"),
    [
        ("ventricular-premature", "V"),
        ("bigeminy", "V"),
        ("couplets", "V"),
        ("atrial-premature", "S"),
    ],
)
def test_simulated_ectopic_beats_are_found(scenario, label):
    record = simulate(scenario, seconds=40, seed=4)
    beats = classify_beats(record)
    waves = record.carried.fiducials
    shown = np.isfinite(waves.r_peak)
    # truth by construction: a premature beat of the simulator comes early, at a fixed coupling
    rr = np.diff(waves.r_peak[shown], prepend=np.nan) / record.fs
    early = np.flatnonzero(rr < 0.8 * np.nanmedian(rr[rr > 0.9 * np.nanmean(rr)]))
    found = beats.sample[beats.of(label)]
    hit = [
        np.abs(found - p).min(initial=1e9) < 0.06 * record.fs for p in waves.r_peak[shown][early]
    ]
    assert len(early) > 5
    assert np.mean(hit) > 0.8
    other = {"V": "S", "S": "V"}[label]
    assert beats.count(other) <= 0.1 * len(early)


def test_gain_polarity_order_and_offset_change_nothing(premature):
    plain = classify_beats(premature)
    peaks = plain.sample
    changed = [
        replace(premature, signal=premature.signal * 7.3),
        replace(premature, signal=-premature.signal),
        replace(premature, signal=premature.signal + 2.0),
        replace(premature, signal=premature.signal[::-1], leads=premature.leads[::-1]),
    ]
    for other in changed:
        beats = classify_beats(other, rpeaks=peaks)
        assert beats.label == plain.label
        assert np.abs(beats.probability - plain.probability).max() < 0.02


@pytest.mark.parametrize("fs", [125.0, 250.0, 1000.0])
def test_another_sampling_rate_gives_the_same_classes(premature, fs):
    plain = classify_beats(premature)
    other = resample(premature.signal, premature.fs, fs)
    record = Record(signal=other.astype(np.float32), fs=fs, leads=premature.leads)
    peaks = np.round(plain.sample * fs / premature.fs).astype(int)
    beats = classify_beats(record, rpeaks=peaks)
    same = np.mean([a == b for a, b in zip(beats.label, plain.label, strict=True)])
    assert same > 0.97


def test_a_dead_lead_beside_changes_nothing(premature):
    peaks = classify_beats(premature).sample
    flat = np.zeros((1, premature.n_samples), np.float32)
    signal = np.concatenate([premature.signal, flat])
    beats = classify_beats(
        replace(premature, signal=signal, leads=("II", "V1", "V2")), rpeaks=peaks
    )
    assert beats.label == classify_beats(premature, rpeaks=peaks).label


def test_a_flat_line_has_no_beats_and_given_ones_are_not_judged():
    record = Record(signal=np.zeros((2, 5000), np.float32), fs=500.0, leads=("I", "II"))
    assert len(classify_beats(record)) == 0
    beats = classify_beats(record, rpeaks=np.arange(300, 4800, 400))
    assert set(beats.label) == {"Q"}
    assert set(beats.abstained) == {NO_LEADS}
    assert np.isnan(beats.probability).all()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_samples_are_no_beats(n):
    record = Record(signal=np.zeros((1, n), np.float32), fs=250.0, leads=("II",))
    assert len(classify_beats(record)) == 0


def test_three_beats_are_too_few(premature):
    beats = classify_beats(premature, rpeaks=np.array([1000, 1400, 1900]))
    assert set(beats.abstained) == {FEW_BEATS}


def test_missing_stretches_are_not_judged_and_the_rest_is(premature):
    plain = classify_beats(premature)
    signal = premature.signal.copy()
    signal[:, 5000:7000] = np.nan
    beats = classify_beats(replace(premature, signal=signal), rpeaks=plain.sample)
    inside = (plain.sample > 5100) & (plain.sample < 6900)
    assert inside.any()
    assert {why for why, k in zip(beats.abstained, inside, strict=True) if k} == {MISSING}
    away = (plain.sample < 4000) | (plain.sample > 8000)
    pairs = zip(beats.label, plain.label, away, strict=True)
    assert np.mean([a == b for a, b, k in pairs if k]) > 0.95


def test_beats_that_an_end_cuts_are_not_judged(premature):
    plain = classify_beats(premature)
    middle = plain.sample[5]
    part = replace(premature, signal=premature.signal[:, middle - 10 : plain.sample[25] + 10])
    inside = plain.sample[5:26] - middle + 10
    beats = classify_beats(part, rpeaks=inside)
    assert beats.abstained[0] == beats.abstained[-1] == CUT
    assert set(beats.abstained[1:-1]) == {""}


def test_paced_beats_are_q():
    beats = classify_beats(simulate("paced-ventricular", seconds=20, seed=1))
    assert beats.count("Q") > 0.8 * len(beats)
    assert PACED in beats.abstained


@pytest.mark.parametrize("rpeaks", [[500, 300], [-4, 900], [100, 10**8], [[1, 2]], [1.0, np.nan]])
def test_places_that_cannot_be_are_refused(premature, rpeaks):
    with pytest.raises(OptionError, match="rpeaks"):
        classify_beats(premature, rpeaks=np.array(rpeaks))


def test_blocks_and_stretches_change_nothing_of_the_networks():
    arrays = beat_weights().arrays
    features = np.random.default_rng(0).normal(size=(9000, len(arrays["mean"])))
    whole = judge_beats(features, arrays)
    reach = sum(DILATIONS)
    part = judge_beats(features[8000 : 8500 + reach], arrays)
    assert np.allclose(whole[8000 + reach : 8500], part[reach:500], atol=1e-5)
    assert np.allclose(whole.sum(axis=1), 1.0)


def test_beats_come_back_from_json_and_as_annotations(premature, tmp_path):
    beats = classify_beats(premature)
    again = Beats.from_json(beats.to_json())
    assert again.label == beats.label
    assert np.array_equal(again.sample, beats.sample)
    marks = beat_annotations(beats)
    assert marks.symbol == beats.label
    with pytest.raises(PrecordiaError, match="class of beats"):
        Beats(fs=1, n_samples=9, sample=np.array([1]), label=("X",), probability=np.zeros((1, 4)))


def test_the_command_prints_json_csv_and_writes_annotations(premature, tmp_path, capsys):
    file = write(premature, tmp_path / "a.edf")
    for arguments in (["--json"], ["--csv"], ["--annotations", str(tmp_path / "a.atr")]):
        with pytest.raises(SystemExit) as left:
            main(["beats", str(file), *arguments])
        assert left.value.code == 0
        out = capsys.readouterr().out
        if arguments == ["--json"]:
            said = json.loads(out)
            assert said["label"].count("V") > 3
        elif arguments == ["--csv"]:
            assert out.splitlines()[0].startswith("sample,seconds,class")
            assert len(out.splitlines()) == len(said["label"]) + 1
    written = read_annotations(tmp_path / "a.atr")
    assert written.sample.tolist() == said["sample"]
    with pytest.raises(SystemExit) as left:  # the file is there and stays
        main(["beats", str(file), "--annotations", str(tmp_path / "a.atr")])
    assert left.value.code == 2
    assert "--force" in capsys.readouterr().err


def test_marked_peaks_beside_the_r_wave_are_no_pacing_spikes(shared_data):
    record = read(shared_data / "mitdb" / "101.hea")
    marks = read_annotations(shared_data / "mitdb" / "101", "atr")
    at = [s for s, c in zip(marks.sample, marks.symbol, strict=True) if c in "NA"]
    for moved in (-8, 0, 8):
        assert PACED not in classify_beats(record, rpeaks=np.array(at)[5:-5] + moved).abstained


def test_ventricular_beats_of_a_recording_are_found(shared_data):
    """Record 119 was trained on: this only shows that files, units and classes are not mixed up."""
    record = read(shared_data / "mitdb" / "119.hea")
    marks = read_annotations(shared_data / "mitdb" / "119", "atr")
    at = np.array([s for s, c in zip(marks.sample, marks.symbol, strict=True) if c == "V"])
    beats = classify_beats(record)
    found = beats.sample[beats.of("V")]
    assert np.mean([np.abs(found - p).min() < 54 for p in at]) > 0.97


@pytest.mark.parametrize("kind", ["noise", "huge", "tiny", "constant", "impulses", "gap"])
def test_no_signal_makes_it_stumble(kind):
    """Warnings are errors here: no overflow, no division by nothing."""
    rng = np.random.default_rng(0)
    signal, peaks = rng.normal(size=(2, 3000)), np.arange(100, 2900, 150)
    if kind in ("huge", "tiny"):
        signal *= {"huge": 1e30, "tiny": 1e-12}[kind]
    elif kind in ("constant", "impulses"):
        signal[:] = 1.0
        signal[:, peaks] = 1.0 + (kind == "impulses")
    elif kind == "gap":
        signal[:, 500:2500] = np.nan
    record = Record(signal=signal.astype(np.float32), fs=250.0, leads=("I", "II"))
    beats = classify_beats(record, rpeaks=peaks)
    assert len(beats) == len(peaks)
    known = np.isfinite(beats.probability).all(axis=1)
    assert np.array_equal(known, np.array(beats.abstained) == "")
    assert np.allclose(beats.probability[known].sum(axis=1), 1.0)


@pytest.mark.parametrize("leads", [("I", "II"), ("II", "V1")])
def test_narrow_beats_of_few_leads_are_no_paced_ones(shared_data, leads):
    for name in ("00022_hr", "00056_hr"):  # nobody stated a pacemaker
        record = read(shared_data / "ptbxl" / "records500" / "00000" / f"{name}.hea")
        rows = [record.leads.index(lead) for lead in leads]
        few = Record(signal=record.signal[rows], fs=record.fs, leads=leads)
        assert not any("paced" in why for why in classify_beats(few).abstained)


def test_a_gap_makes_no_beat_early_or_late():
    record = simulate("sinus", seconds=30, noise="muscle", snr_db=25, seed=5)
    signal = record.signal.copy()
    signal[:, round(12 * record.fs) : round(15 * record.fs)] = np.nan
    beats = classify_beats(replace(record, signal=signal))
    judged = [label for label, why in zip(beats.label, beats.abstained, strict=True) if not why]
    assert len(judged) > 20
    assert set(judged) == {"N"}


def test_a_short_recording_whose_beats_are_all_alike_is_not_all_supraventricular(shared_data):
    """Normal sinus rhythm by the cardiologists; one family of beats says nothing of the class."""
    found = {"S": 0, "N": 0}
    for name in ("00001_hr", "00009_lr", "00022_hr", "00056_hr"):
        rate = "500" if name.endswith("hr") else "100"
        path = shared_data / "ptbxl" / f"records{rate}" / "00000" / f"{name}.hea"
        if not path.exists():
            continue
        record = read(path)
        row = record.leads.index("II")
        beats = classify_beats(replace(record, signal=record.signal[row : row + 1], leads=("II",)))
        found = {label: n + beats.count(label) for label, n in found.items()}
    assert found["N"] > 20
    assert found["S"] == 0


def test_no_beats_have_a_reason(tmp_path, capsys):
    flat = Record(signal=np.zeros((2, 5000), np.float32), fs=500.0, leads=("I", "II"))
    assert "no lead carries a signal" in classify_beats(flat).source.warnings[0]
    intervals = tmp_path / "rr.csv"
    intervals.write_text("rr_ms\n" + "800\n810\n790\n" * 30)
    with pytest.raises(SystemExit) as left:
        main(["beats", str(intervals)])
    assert left.value.code == 0
    assert "none: the file holds beat times, no signal" in capsys.readouterr().out


def test_beats_whose_spike_stands_at_the_r_peak_are_paced_as_the_rules_say(shared_data):
    path = shared_data / "ptbxl/records500/00000/00498_hr.hea"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    record = read(path)
    beats = classify_beats(record)
    judged = [why for why in beats.abstained if why != CUT]
    assert judged.count(PACED) >= 7
    assert measure(record).n_paced_beats >= judged.count(PACED)
