# SPDX-License-Identifier: Apache-2.0
"""Beats and minutes are cut from the right place, and no patient is in two parts."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from precordia.benchmarking import withheld
from precordia.benchmarking.classification import benchmark_classification
from precordia.benchmarking.classification_options import ClassificationOptions
from precordia.benchmarking.networks import find_network
from precordia.benchmarking.part_embeddings import embed_windows
from precordia.benchmarking.partition import cross_divide
from precordia.benchmarking.piece_cohorts import beat_cohort, minute_cohort
from precordia.benchmarking.protocol_tasks import DONE, REFUSED, benchmark_protocol
from precordia.benchmarking.withheld import Part
from precordia.core.errors import FormatError, OptionError
from precordia.core.record import Annotations, Patient, Record
from precordia.datasets.databases import dataset_card
from precordia.datasets.dataset import Dataset, load_dataset

#: recordings made up here stand for items, which a check of types tells apart
pytestmark = pytest.mark.skipif("CHECK_SHAPES" in os.environ, reason="types are checked")


class _Recording:
    """Stands for an item: its samples are 0, 1, 2 ... in units of 0.001 mV."""

    fs = 100.0

    def __init__(self, name, fold, patient, places, symbols, n_samples, leads=("II",)):
        self.name, self.fold, self.group = name, fold, patient
        self.patient = Patient(patient_id=patient)
        self.leads = leads
        self.n_samples, self.n_reads = n_samples, 0
        self.annotations = Annotations(sample=np.array(places, int), symbol=tuple(symbols))

    def read(self):
        self.n_reads += 1
        signal = np.tile(np.arange(self.n_samples) / 1000, (len(self.leads), 1))
        return Record(signal=signal.astype(np.float32), fs=self.fs, leads=self.leads)

    def read_annotations(self):
        return self.annotations


def _dataset(name, *items):
    card = dataset_card(name)
    return Dataset(card=card, folder=Path("."), task="", classes=(), items=items)


def test_a_beat_is_in_the_middle_of_its_piece_and_ends_are_held():
    one = _Recording("1", "DS1", "a", [5, 250, 300, 496], "NV+A", 500)
    cohort = beat_cohort(_dataset("mitdb", one), 1.0)
    assert cohort.targets.tolist() == [[1, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 1, 0, 0, 0]]
    start, middle, end = (cohort.record(k).signal[0] * 1000 for k in range(3))
    assert [len(start), len(middle), len(end)] == [100, 100, 100]
    assert [round(float(piece[50])) for piece in (start, middle, end)] == [5, 250, 496]
    assert (start[:45] == 0).all()
    assert np.allclose(end[53:], 499)
    assert one.n_reads == 1


def test_minutes_begin_at_their_marks_and_an_unnamed_lead_goes_to_lead_ii():
    night = _Recording("a01", "learning", "p", [0, 6000, 12000], "NA|", 18000, leads=("ECG",))
    cohort = minute_cohort(_dataset("apnea_ecg", night))
    assert cohort.targets.ravel().tolist() == [0, 1]
    piece = cohort.record(1)
    assert piece.leads == ("II",)
    assert piece.signal[0, [0, -1]].tolist() == pytest.approx([6.0, 11.999])


def test_what_has_no_marks_or_no_length_is_refused():
    one = _Recording("1", "DS1", "a", [], "", 500)
    with pytest.raises(FormatError, match="no recording of mitdb has marked beats"):
        beat_cohort(_dataset("mitdb", one), 1.0)
    with pytest.raises(OptionError, match="positive length"):
        beat_cohort(_dataset("mitdb", one), 0.0)


def test_embeddings_do_not_depend_on_how_many_windows_are_in_memory(monkeypatch):
    one = _Recording("1", "DS1", "a", range(100, 1500, 100), "N" * 14, 2000)
    two = _Recording("2", "DS1", "b", range(100, 1500, 100), "V" * 14, 2000)
    cohort = beat_cohort(_dataset("mitdb", one, two), 2.5)
    network = find_network("resnet1d", width=8).taking("centre")
    encoder = network.load(0, seed=0)
    spec = dataclasses.replace(network.spec, seconds=2.5)
    whole = embed_windows(encoder, Part(cohort), spec)
    assert whole.shape[0] == 28
    monkeypatch.setattr(withheld, "_PIECE", 5)
    monkeypatch.setattr(withheld, "HELD_BYTES", 1)
    part = Part(cohort)
    assert np.allclose(embed_windows(encoder, part, spec), whole, atol=1e-6)
    assert not part._held


def test_beats_of_mit_bih_are_those_of_its_annotations(shared_data):
    wfdb = pytest.importorskip("wfdb")
    folder = shared_data / "mitdb"
    dataset = load_dataset("mitdb", folder)
    few = tuple(item for item in dataset.items if item.name in ("106", "112", "114", "119", "208"))
    cohort = beat_cohort(dataclasses.replace(dataset, items=few), 1.0)
    marks = wfdb.rdann(str(folder / "119"), "atr")
    beats = [s for s in marks.symbol if s in "NLRejBAaJSnVErF/fQ?"]
    mine = [k for k, name in enumerate(cohort.names) if name.startswith("119#")]
    assert len(mine) == len(beats)
    column = cohort.classes.index("V")
    assert int(cohort.targets[mine, column].sum()) == beats.count("V") > 0
    signal = wfdb.rdrecord(str(folder / "119")).p_signal[:, 0]
    places = [p for p, s in zip(marks.sample, marks.symbol, strict=True) if s in beats]
    piece = cohort.record(mine[100])
    assert piece.signal[0, 180] == pytest.approx(signal[places[100]], abs=1e-5)
    for partition in cross_divide(cohort, 5):
        parts = [{cohort.patients[k] for k in rows}
                 for rows in (partition.train, partition.validation, partition.test)]  # fmt: skip
        assert parts[0].isdisjoint(parts[1] | parts[2])
        assert parts[1].isdisjoint(parts[2])


def test_beats_are_scored_like_records_with_intervals_over_patients(shared_data, tmp_path):
    dataset = load_dataset("mitdb", shared_data / "mitdb")
    names = ("106", "119", "208", "223", "230", "203")
    items = tuple(item for item in dataset.items if item.name in names)
    cohort = beat_cohort(dataclasses.replace(dataset, items=items), 2.5)
    few = cohort.part([k for k in range(len(cohort)) if int(cohort.names[k].split("#")[1]) < 40])
    spec = dataclasses.replace(find_network("resnet1d").spec, fs=100.0, seconds=2.5)
    options = ClassificationOptions(
        models=("resnet1d",), model_options={"width": 8}, spec=spec, take="centre",
        split="patients", cross_validate=3, draws=100, min_records=1, controls=False,
    )  # fmt: skip
    rows = benchmark_classification(few, tmp_path, options)
    areas = [r for r in rows if (r.metric, r.subject, r.kind) == ("macro_auroc", "all", "measured")]
    assert [r.n_patients for r in areas] == [2, 2, 2]
    assert sum(r.n_records for r in areas) == 240
    assert {r.task for r in areas} == {"beats"}


def test_the_protocol_says_which_half_is_missing_and_refuses_stores(shared_data, tmp_path):
    options = ClassificationOptions(baselines=("age-sex",), draws=100)
    done = benchmark_protocol("benchecg", [f"mitdb={shared_data / 'mitdb'}"], tmp_path, options)
    state = next(s for s in done.states if s.task.startswith("beats of MIT-BIH"))
    assert state.state == REFUSED
    assert "no record of mitdb is in test" in state.reason


def test_the_protocol_scores_the_halves_of_mit_bih(shared_data, tmp_path):
    folder = tmp_path / "mitdb"
    folder.mkdir()
    # 112 is among the patients of the first half that choose; two recordings stand for the second
    renamed = {"106": "106", "112": "112", "119": "119", "208": "208", "223": "100", "203": "103"}
    for old, new in renamed.items():
        for end in ("dat", "hea", "atr"):
            held = (shared_data / "mitdb" / f"{old}.{end}").read_bytes()
            held = held.replace(old.encode(), new.encode()) if end == "hea" else held
            (folder / f"{new}.{end}").write_bytes(held)
    options = ClassificationOptions(baselines=("age-sex",), draws=100)
    done = benchmark_protocol("benchecg", [f"mitdb={folder}"], tmp_path / "r", options)
    state = next(s for s in done.states if s.task.startswith("beats of MIT-BIH"))
    assert state.state == DONE, state.reason
    area = next(r for r in done.rows if (r.metric, r.subject) == ("macro_auroc", "all"))
    beats = len(beat_cohort(load_dataset("mitdb", folder), 1.0))
    assert (area.n_patients, area.split[:15]) == (2, "published folds")
    assert 2 * 2000 < area.n_records < beats
