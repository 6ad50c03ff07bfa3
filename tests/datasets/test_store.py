# SPDX-License-Identifier: Apache-2.0
"""A store gives back what went into it, from any process."""

import multiprocessing
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from precordia.core.errors import (
    FormatError,
    LeadError,
    MissingFileError,
    OptionError,
    SignalError,
    UnknownNameError,
)
from precordia.core.leads import STANDARD_12
from precordia.core.record import Patient, Record
from precordia.core.statements import Statement
from precordia.datasets.databases import list_datasets
from precordia.datasets.dataset import load_dataset
from precordia.datasets.item import Item
from precordia.datasets.store import open_store
from precordia.datasets.store_build import build_store
from precordia.datasets.store_describe import describe_store
from precordia.io.write import write


@pytest.mark.parametrize("name", list_datasets())
def test_every_database_goes_into_a_store_and_comes_back(name, small, tmp_path):
    dataset = load_dataset(name, small(name))
    built = build_store(dataset, tmp_path / "store")
    store = open_store(tmp_path / "store")
    assert built.left_out == {}
    assert len(store) == built.n_added == len(dataset)
    table = store.table().to_pylist()
    for i, (item, row) in enumerate(zip(dataset, table, strict=True)):
        record = item.read()
        there = [k for k, lead in enumerate(record.signal) if not np.isnan(lead).all()]
        assert store.leads_of(i) == tuple(record.leads[k] for k in there)
        assert row["fs"] == store.fs_of(i) == record.fs
        np.testing.assert_allclose(
            store.signal(i), record.signal[there], atol=1.01 * row["error_mv"] + 1e-9, rtol=3e-7
        )
        assert row["error_mv"] < 0.0006
        assert row["labels"] == list(item.labels)
        assert row["patient_id"] == (item.known_as or item.patient.patient_id)
        assert (row["fold"], row["sex"]) == (item.fold, record.patient.sex)
    np.testing.assert_array_equal(store.targets(), dataset.targets())
    assert store.classes == dataset.classes


def test_a_store_of_ptbxl_holds_what_wfdb_reads(shared_data, tmp_path):
    import wfdb

    dataset = load_dataset("ptbxl", shared_data / "ptbxl", fs=500)[:12]
    built = build_store(dataset, tmp_path / "store")
    store = open_store(tmp_path / "store")
    plain = 0
    for i, item in enumerate(dataset):
        truth = wfdb.rdrecord(str(item.path.with_suffix(""))).p_signal.T
        np.testing.assert_allclose(store.signal(i), truth, rtol=3e-7, atol=1e-9)
        plain += 2 * truth.size
    assert built.n_bytes < 0.3 * plain
    folds = [item.fold for item in dataset]
    assert list(store.folds) == folds


def recording(folder, name, *, leads=("I", "II"), n=700, fs=100.0, seed=0, gap=False):
    signal = np.random.default_rng(seed).integers(-400, 400, (len(leads), n)) * np.float32(0.005)
    if gap:
        signal[0, 10:20] = np.nan
    return write(
        Record(signal=signal.astype(np.float32), fs=fs, leads=tuple(leads)), folder / f"{name}.npz"
    )


@pytest.fixture
def mixed(tmp_path):
    """Recordings of different lengths, rates and leads, with a gap and a lead without samples."""
    said = Statement(code="SR", scheme="scp-ecg", name="sinus rhythm", likelihood=80.0)
    first = Item(
        name="1", path=recording(tmp_path, "1", gap=True), labels=("AF",), statements=(said,),
        patient=Patient(patient_id="p1", age_years=61.0, sex="female"), fold="3", report="Flimmern",
        facts={"device": "cart 7"},
    )  # fmt: skip
    second = Item(name="2", path=recording(tmp_path, "2", leads=STANDARD_12, n=900, seed=1))
    third = Item(
        name="3", path=recording(tmp_path, "3", leads=("V1", "II"), fs=250.0, seed=2),
        labels=("AF", "LBBB"), patient=Patient(patient_id="p1"), fold="3",
    )  # fmt: skip
    return (first, second, third)


@pytest.fixture
def store(mixed, tmp_path):
    build_store(mixed, tmp_path / "store", name="own")
    return open_store(tmp_path / "store")


def test_lengths_rates_and_leads_may_differ(store, mixed):
    assert [store.signal(i).shape for i in range(3)] == [(2, 700), (12, 900), (2, 700)]
    assert [store.fs_of(i) for i in range(3)] == [100, 100, 250]
    assert store.leads_of(2) == ("V1", "II")
    for i, item in enumerate(mixed):
        np.testing.assert_allclose(store.signal(i), item.read().signal, rtol=3e-7)


def test_a_gap_stays_a_gap(store):
    missing = np.isnan(store.signal(0))
    assert missing[0, 10:20].all()
    assert missing.sum() == 10
    assert store.table(["n_missing"])["n_missing"].to_pylist() == [10, 0, 0]


def test_leads_may_be_chosen_and_absent_ones_are_nan(store):
    signal = store.signal(2, leads=("II", "I", "V1"))
    np.testing.assert_array_equal(signal[[2, 0]], store.signal(2))
    assert np.isnan(signal[1]).all()


def test_a_window_is_a_part_of_the_record(store):
    np.testing.assert_array_equal(store.window(1, 100, 50), store.signal(1)[:, 100:150])
    np.testing.assert_array_equal(store.window(0, 5, 10), store.signal(0)[:, 5:15])
    for start, n in ((-1, 5), (695, 6), (0, 701)):
        with pytest.raises(SignalError, match="has 700"):
            store.window(0, start, n)


def test_a_batch_needs_one_length_and_leads_that_are_named(store):
    batch = store.signals([0, 2], leads=("V1", "II"))
    assert batch.shape == (2, 2, 700)
    np.testing.assert_array_equal(batch[0], store.signal(0, leads=("V1", "II")))
    assert store.signals([]).shape[0] == 0
    with pytest.raises(SignalError, match="700 to 900 samples"):
        store.signals([0, 1])
    with pytest.raises(LeadError, match="2 different sets of leads"):
        store.signals([0, 2])


def test_a_record_knows_its_patient_and_statements(store, mixed):
    record = store.record(0)
    assert record.leads == ("I", "II")
    assert record.patient == Patient(patient_id="p1", age_years=61.0, sex="female")
    assert record.carried.statements == mixed[0].statements
    assert str(record.source).startswith("store")
    unknown = store.record(1).patient
    assert (unknown.patient_id, unknown.sex, np.isnan(unknown.age_years)) == (None, None, True)
    assert [r.n_samples for r in store] == [700, 900, 700]


def test_the_table_holds_what_is_known(store):
    row = store.table().to_pylist()[0]
    assert (row["report"], row["device"], row["source_file"]) == ("Flimmern", "cart 7", "1.npz")
    assert store.table(["fold", "name"]).to_pydict() == {
        "fold": ["3", "", "3"],
        "name": ["1", "2", "3"],
    }
    assert store.patients == ("patient:p1", "record:own/2", "patient:p1")
    with pytest.raises(UnknownNameError, match="Did you mean 'patient_id'"):
        store.table(["patientid"])


def test_a_class_that_a_database_does_not_know_is_unknown_and_not_absent(mixed, tmp_path):
    build_store(mixed[:1], tmp_path / "s", name="a")
    build_store([replace(mixed[2], labels=("LBBB",))], tmp_path / "s", name="b")
    store = open_store(tmp_path / "s")
    assert store.classes == ("AF", "LBBB")
    np.testing.assert_array_equal(store.targets(), [[1, np.nan], [np.nan, 1]])


def test_indices_count_from_the_end_too_and_others_are_refused(store):
    np.testing.assert_array_equal(store.signal(-1), store.signal(2))
    np.testing.assert_array_equal(store.signal(np.int64(1)), store.signal(1))
    with pytest.raises(OptionError, match="holds 3, from 0 on"):
        store.signal(3)


def test_both_codecs_hold_the_same(mixed, tmp_path):
    for codec in ("zstd", "lz4"):
        build_store(mixed, tmp_path / codec, codec=codec)
    one, other = open_store(tmp_path / "zstd"), open_store(tmp_path / "lz4")
    for i in range(3):
        np.testing.assert_array_equal(one.signal(i), other.signal(i))


def test_records_of_one_sample_and_of_many_lie_in_one_shard(tmp_path):
    lengths = (1, 2, 100_000, 3, 17)
    items = [Item(name=str(n), path=recording(tmp_path, str(n), n=n, seed=n)) for n in lengths]
    build_store(items, tmp_path / "store")
    store = open_store(tmp_path / "store")
    for i, item in enumerate(items):
        np.testing.assert_allclose(store.signal(i), item.read().signal, atol=0.0006)


def _sum(store):
    return float(np.nansum(store.signal(1))), len(store)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_store_works_in_other_processes(start, store):
    if start not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {start} here")
    expected = _sum(store)  # its files are open by now
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads
        with multiprocessing.get_context(start).Pool(1) as pool:
            assert pool.apply_async(_sum, (store,)).get(60) == expected


def test_threads_read_what_one_reads(store):
    alone = [_sum(store)[0]] * 64
    shared = pickle.loads(pickle.dumps(store))  # nothing of it is open yet
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda _: _sum(shared)[0], range(64)))
    assert together == alone


def test_a_store_of_which_nothing_could_be_read_is_empty_and_says_so(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"nothing")
    built = build_store([Item(name="a", path=tmp_path / "a.npz", labels=("AF",))], tmp_path / "s")
    store = open_store(tmp_path / "s")
    assert (len(store), list(built.left_out), built.n_added) == (0, ["a"], 0)
    assert (store.targets().shape, store.patients, store.folds) == ((0, 1), (), ())
    assert store.table(["name", "labels"]).num_rows == 0
    assert describe_store(store).left_out == built.left_out
    with pytest.raises(OptionError, match="holds 0"):
        store.signal(0)


def test_a_pickled_store_is_small_and_sees_what_it_saw(store, mixed, tmp_path):
    store.signal(0)
    frozen = pickle.dumps(store)
    assert len(frozen) < 5000
    build_store([replace(mixed[0], name="9")], tmp_path / "store", name="own")
    assert (len(pickle.loads(frozen)), len(open_store(tmp_path / "store"))) == (3, 4)


def test_what_is_no_store_is_told_apart(tmp_path):
    with pytest.raises(MissingFileError, match="is not there"):
        open_store(tmp_path / "nowhere")
    with pytest.raises(MissingFileError, match=r"no store.json"):
        open_store(tmp_path)
    (tmp_path / "store.json").write_text("[1")
    with pytest.raises(FormatError, match="cannot be read"):
        open_store(tmp_path)
