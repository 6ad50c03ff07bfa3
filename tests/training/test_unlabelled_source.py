# SPDX-License-Identifier: Apache-2.0
"""Windows to pretrain on: cut where they should be, in groups, and none that is kept back."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch

from precordia.core.errors import FormatError, OptionError
from precordia.core.input_scaling import ZScore
from precordia.core.record import Record
from precordia.embedding.prepare import prepare
from precordia.training.group_order import Choice, GroupOrder
from precordia.training.kept_back import rows_for_pretraining
from precordia.training.prepared_strips import prepare_strips
from precordia.training.record_source import RecordSource, parts_of
from precordia.training.unlabelled_source import open_unlabelled
from precordia.training.usual_input import usual_input

torch.set_num_threads(1)
SPEC = usual_input(("I", "II", "V1"), 100, 2)
Z_SPEC = dataclasses.replace(SPEC, steps=(*SPEC.steps, ZScore()))


def read_made(seconds: float, leads: tuple[str, ...], number: int) -> Record:
    rng = np.random.default_rng(number)
    t = np.arange(round(seconds * 200)) / 200
    beat = np.exp(-0.5 * (((t * 1.2 + 0.3) % 1 - 0.5) / 0.02) ** 2)
    signal = np.stack([(k + 1) * beat for k in range(len(leads))])
    return Record(signal=signal + 0.01 * rng.normal(size=signal.shape), fs=200, leads=leads)


def source(
    n: int = 6, *, seconds: float = 7.3, leads: tuple[str, ...] = ("I", "II", "V1"), **changes
) -> RecordSource:
    names = tuple(f"r{k}" for k in range(n))
    held = {
        "title": "made",
        "names": names,
        "patients": tuple(f"patient:{k}" for k in range(n)),
        "folds": ("",) * n,
        "parts": ("",) * n,
        "classes": ("a",),
        "targets": np.zeros((n, 1), np.float32),
        "read": partial(read_made, seconds, leads),
        "content": f"made-{seconds}-{leads}",
        "ages": np.arange(n, dtype=float) + 40,
        "males": np.arange(n) % 2.0,
        "members": ("made",) * n,
        "databases": ("made",),
    }
    return RecordSource(**{**held, **changes})


def at(stretches: list[int], places: list[float]) -> Choice:
    return Choice(np.array(stretches), np.array(places))


def test_a_window_is_what_the_whole_recording_holds_there(tmp_path):
    held = open_unlabelled([source()], SPEC, tmp_path)
    assert (len(held), held.n_records, held.n_patients) == (6, 6, 6)
    batch = held.batch(at([0, 3, 3, 5], [0.0, 0.5, 0.999999, 0.25]))
    assert batch.starts.tolist() == [0, 265, 530, 132]
    assert batch.ages.tolist() == [40, 43, 43, 45]
    assert batch.males.tolist() == [0, 1, 1, 1]
    assert batch.patients.tolist() == [0, 3, 3, 5]
    assert bool(batch.present.all())
    for window, number, start in zip(batch.windows, [0, 3, 3, 5], batch.starts, strict=True):
        whole = dataclasses.replace(SPEC, seconds=7.3)
        expected = prepare(held_record(number), whole).windows[0]
        error = np.abs(window.numpy() - expected[:, start : start + 200]).max()
        assert error <= 1.01 * np.abs(expected).max() / 65534


def held_record(number: int) -> Record:
    return read_made(7.3, ("I", "II", "V1"), number)


def test_windows_that_are_normalised_one_by_one_are_those_of_inference(tmp_path):
    held = open_unlabelled([source()], Z_SPEC, tmp_path)
    batch = held.batch(at([2] * 6, [k / 6 for k in range(6)]))
    assert batch.starts.tolist() == [0, 100, 200, 300, 400, 500]
    for window, start in zip(batch.windows, batch.starts.tolist(), strict=True):
        np.testing.assert_allclose(window.mean(dim=1), 0, atol=1e-3)
        np.testing.assert_allclose(window.std(dim=1, correction=0), 1, atol=1e-3)
        before = dataclasses.replace(SPEC, seconds=7.3)
        raw = prepare(held_record(2), before).windows[0][:, start : start + 200].astype(float)
        z = (raw - raw.mean(axis=1, keepdims=True)) / raw.std(axis=1, keepdims=True)
        np.testing.assert_allclose(window, z, atol=2e-3)


def test_long_recordings_count_once_for_each_minute_and_short_ones_are_lengthened(tmp_path):
    day = source(1, seconds=200)
    held = open_unlabelled([day, source(1, seconds=1.5)], SPEC, tmp_path)
    assert held.records.tolist() == [0, 0, 0, 1]
    batch = held.batch(at([0, 1, 2, 3], [0.0, 0.0, 0.99999, 0.7]))
    assert batch.starts.tolist() == [0, 6000, 19800, 0]
    assert float(batch.windows[3, :, 151:].abs().max()) == 0
    assert float(batch.windows[3, :, :149].abs().max()) > 0.1


@pytest.mark.parametrize("spec", [SPEC, Z_SPEC], ids=["anywhere", "grid"])
def test_neighbours_follow_each_other(spec, tmp_path):
    short = source(1, seconds=3, members=("other",))
    held = open_unlabelled([source(), short], spec, tmp_path, together=2)
    assert len(held) == 6, "three seconds hold no two windows"
    assert [r.code for r in held.remarks] == ["recordings-too-short"]
    for place in (0.0, 0.4, 0.9999):
        batch = held.batch(at([1, 4], [place, place]))
        assert batch.records.tolist() == [1, 1, 4, 4]
        assert (batch.starts[1::2] - batch.starts[0::2]).tolist() == [200, 200]
        assert int(batch.starts.max()) + 200 <= 730
    with pytest.raises(OptionError, match=r"none is that long.*input\.seconds=1"):
        open_unlabelled([source(seconds=3)], SPEC, tmp_path, together=2)


def test_absent_leads_are_said_and_zero(tmp_path):
    two = source(leads=("I", "V1"))
    batch = open_unlabelled([source(), two], SPEC, tmp_path).batch(at([0, 6], [0.1, 0.1]))
    assert batch.present.tolist() == [[True] * 3, [True, False, True]]
    assert float(batch.windows[1, 1].abs().max()) == 0


def test_how_many_recordings_lack_leads_is_said_once_for_all_that_was_named(tmp_path):
    some = [source(4), source(2, leads=("I", "II"), title="limbs")]
    texts = [r.text for r in open_unlabelled(some, SPEC, tmp_path).remarks]
    said = [text for text in texts if "zeros stand for them" in text]
    assert said == ["2 of 6 recordings lack leads, and zeros stand for them: V1 (2)."]
    texts = [r.text for r in open_unlabelled([source()], SPEC, tmp_path).remarks]
    assert not any("zeros" in text for text in texts)


def test_rpeaks_are_those_of_the_window_and_found_once(tmp_path, monkeypatch):
    held = open_unlabelled([source()], SPEC, tmp_path, rpeaks=True)
    batch = held.batch(at([0, 0], [0.0, 0.5]))
    for window, beats, start in zip(batch.windows, batch.rpeaks, batch.starts, strict=True):
        assert 1 <= len(beats) <= 3
        assert bool(((beats >= 0) & (beats < 200)).all())
        true = (np.arange(12) + 0.2) / 1.2 * 100 - float(start)
        assert all(np.abs(true - b).min() <= 2 for b in beats.tolist())
        assert float(window[:, beats].abs().min()) > 0.5
    monkeypatch.setattr(
        "precordia.training.strip_rpeaks.detect_window_rpeaks", lambda *_, **__: 1 / 0
    )
    again = open_unlabelled([source()], SPEC, tmp_path, rpeaks=True).batch(at([0], [0.5]))
    assert again.rpeaks[0].tolist() == batch.rpeaks[1].tolist()


def test_what_was_prepared_is_found_again_and_damage_is_told(tmp_path):
    strips = prepare_strips(source(), SPEC, tmp_path)
    unread = source(read=lambda number: 1 / 0)
    assert prepare_strips(unread, SPEC, tmp_path).folder == strips.folder
    (strips.folder / "strips.i16").write_bytes(b"12")
    with pytest.raises(FormatError, match="damaged"):
        prepare_strips(source(), SPEC, tmp_path)


def ptbxl(folds: tuple[str, ...], patients: tuple[str, ...]) -> RecordSource:
    n = len(folds)
    parts = tuple({"9": "validation", "10": "test"}.get(fold, "train") for fold in folds)
    keys = tuple(f"patient:ptbxl-{p}" for p in patients)
    return source(n, folds=folds, parts=parts, patients=keys, members=("ptbxl",) * n)


def challenge(names: tuple[str, ...], folds: tuple[str, ...], **changes) -> RecordSource:
    n = len(names)
    full = tuple(f"cinc2021/{name}" for name in names)
    return source(n, names=full, folds=folds, members=("cinc2021",) * n, **changes)


def test_folds_and_patients_that_are_kept_back_are_never_seen():
    rows, remarks = rows_for_pretraining(
        [
            ptbxl(("1", "9", "10", "8"), ("a", "b", "c", "d")),
            challenge(
                ("HR00001", "HR00002", "HR00003", "HR00004", "E00001", "Q0001"),
                ("2", "9", "", "3", "", ""),
                patients=(
                    *("patient:ptbxl-x", "patient:ptbxl-y", "record:HR00003"),
                    *("patient:ptbxl-b", "record:E00001", "record:Q0001"),
                ),
            ),
        ]
    )
    assert rows[0].tolist() == [0, 3]
    assert rows[1].tolist() == [0, 4, 5], "fold 9, unknown fold, patient of fold 9"
    assert {r.code for r in remarks} == {"folds-kept-back", "patients-kept-back", "folds-unknown"}
    assert any("ptbxl_table" in r.text for r in remarks)


def test_names_that_were_replaced_may_be_of_ptbxl():
    rows, _ = rows_for_pretraining([challenge(("E00001", "P-3fa9"), ("", ""))])
    assert rows[0].tolist() == [0]


def test_a_database_whose_folds_nobody_gave_is_taken_whole():
    published = {"folder": {"train": ("train",), "test": ("test",)}}
    for folds, kept in ((("", "", ""), [0, 1, 2]), (("train", "test", ""), [0])):
        parts = parts_of(folds, ("folder",) * 3, published)
        own = source(3, members=("folder",) * 3, folds=folds, parts=parts)
        assert rows_for_pretraining([own])[0][0].tolist() == kept


def test_folds_may_be_named():
    sources = [ptbxl(("1", "2", "9"), ("a", "b", "c")), source(2)]
    rows, _ = rows_for_pretraining(sources, ["2"])
    assert [r.tolist() for r in rows] == [[1], [0, 1]]
    rows, remarks = rows_for_pretraining(sources, ["2"])
    assert [r.text.partition(" are ")[2] for r in remarks] == [
        "in folds that were not named; left out."
    ]
    rows, remarks = rows_for_pretraining(sources, ["1", "9"])
    assert rows[0].tolist() == [0, 2]
    (warned,) = [r.text for r in remarks if r.code == "folds-of-comparison"]
    assert warned.startswith("1 recordings of")
    with pytest.raises(OptionError, match="no recording is left"):
        rows_for_pretraining([ptbxl(("9",), ("a",))])


def test_patients_of_two_databases_are_not_one_unless_they_are():
    mine = source(2, patients=("patient:1", "patient:ptbxl-1"), members=("a", "a"))
    other = source(2, patients=("patient:1", "patient:ptbxl-1"), members=("b", "b"))
    assert mine.patient_keys[0] != other.patient_keys[0]
    assert mine.patient_keys[1] == other.patient_keys[1]


def test_every_stretch_comes_once_an_epoch_and_epochs_differ():
    order = GroupOrder("records", 4, patients=np.arange(10), records=np.arange(10), seed=3)
    assert (order.n_batches, order.n_left_out) == (2, 2)
    epochs = [np.concatenate([order.batch(e, k).stretches for k in range(2)]) for e in range(30)]
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 30
    assert set(np.concatenate(epochs)) == set(range(10)), "none is left out for ever"
    again = GroupOrder("records", 4, patients=np.arange(10), records=np.arange(10), seed=3)
    for epoch, number in ((7, 1), (0, 0)):
        ours, theirs = again.batch(epoch, number), order.batch(epoch, number)
        assert ours.stretches.tolist() == theirs.stretches.tolist()
        assert ours.places.tolist() == theirs.places.tolist()


def test_pairs_of_patients_are_of_different_recordings_where_there_are_several():
    patients = np.array([0, 0, 0, 1, 1, 2, 3, 3, 4, 5])
    records = np.array([0, 0, 1, 2, 3, 4, 5, 5, 6, 7])
    order = GroupOrder("patients", 4, patients=patients, records=records, seed=0)
    assert (order.n_groups, order.n_batches) == (6, 3)
    seen = set()
    for epoch in range(20):
        whose = []
        for number in range(3):
            pairs = order.batch(epoch, number).stretches.reshape(2, 2)
            assert (patients[pairs[:, 0]] == patients[pairs[:, 1]]).all()
            whose += patients[pairs[:, 0]].tolist()
            for one, other in pairs.tolist():
                seen.add((one, other))
                if patients[one] in (0, 1):
                    assert records[one] != records[other]
                if patients[one] == 3:
                    assert one != other
        assert sorted(whose) == list(range(6)), "each patient once an epoch, none twice in a batch"
    assert {(3, 4), (4, 3), (6, 7), (5, 5), (0, 2), (1, 2)} <= seen


def of_database(names: tuple[str, ...], content: str, member: str = "ptbxl") -> RecordSource:
    n = len(names)
    return source(
        n,
        title=content,
        names=names,
        patients=tuple(f"patient:{name[-1]}" for name in names),
        content=content,
        members=(member,) * n,
        folds=("1",) * n,
        parts=("train",) * n,
    )


def test_a_store_named_twice_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"named twice \(made\)"):
        open_unlabelled([source(), source()], SPEC, tmp_path)


def test_a_recording_in_two_stores_of_a_database_is_taken_once(tmp_path):
    slow = of_database(("ptbxl/a1", "ptbxl/a2"), "slow")
    fast = of_database(("a2", "a3"), "fast")
    held = open_unlabelled([slow, fast], SPEC, tmp_path)
    assert (held.n_records, held.n_patients) == (3, 3)
    said = [r.text for r in held.remarks if r.code == "recordings-twice"]
    assert said == ["1 recordings of fast are in slow too; taken once."]


def test_patients_of_one_key_in_folders_of_ones_own_are_said(tmp_path):
    east = of_database(("a1", "a2"), "east", member="folder")
    west = of_database(("a2", "a3"), "west", member="folder")
    held = open_unlabelled([east, west], SPEC, tmp_path)
    assert (held.n_records, held.n_patients) == (4, 3)
    (said,) = [r.text for r in held.remarks if r.code == "patients-of-one-key"]
    assert said.startswith("1 patients of west have the keys of patients of east")
    assert "--as" in said
    other = of_database(("a2", "a3"), "west", member="ward")
    apart = open_unlabelled([east, other], SPEC, tmp_path)
    assert apart.n_patients == 4
    assert not [r for r in apart.remarks if r.code == "patients-of-one-key"]
