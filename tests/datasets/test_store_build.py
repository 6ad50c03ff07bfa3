# SPDX-License-Identifier: Apache-2.0
"""Building: only what is new, nothing twice, and no kill, full disk or mistake costs a record."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import (
    MissingExtraError,
    OptionError,
    OutputError,
    UnknownNameError,
)
from precordia.core.quality import Quality, QualityReason
from precordia.core.record import Patient, Record
from precordia.datasets import store_build, store_shard
from precordia.datasets.dataset import load_dataset
from precordia.datasets.item import Item
from precordia.datasets.store import open_store
from precordia.datasets.store_build import build_store
from precordia.datasets.store_verify import verify_store
from precordia.io.write import write

HERE = Path(__file__).parent


def recording(folder, name, *, n=300, fs=100.0, leads=("I", "II"), seed=0):
    signal = np.random.default_rng(seed).integers(-400, 400, (len(leads), n)) * 0.005
    made = Record(signal=signal.astype(np.float32), fs=fs, leads=leads)
    return write(made, folder / f"{name}.npz")


@pytest.fixture
def items(tmp_path):
    return tuple(
        Item(name=f"r{k}", path=recording(tmp_path, f"r{k}", seed=k), labels=("AF",) * (k % 2))
        for k in range(8)
    )


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def test_a_second_run_adds_only_what_is_new(items, tmp_path):
    first = build_store(items[:5], tmp_path / "s")
    before = content(tmp_path / "s")
    again = build_store(items[:5], tmp_path / "s")
    assert (first.n_added, again.n_added, again.n_before) == (5, 0, 5)
    assert content(tmp_path / "s") == before
    more = build_store(items, tmp_path / "s")
    assert (more.n_added, more.n_before) == (3, 5)
    assert open_store(tmp_path / "s").table(["name"])["name"].to_pylist() == [
        item.name for item in items
    ]


def test_several_processes_build_the_same_store(items, tmp_path):
    build_store(items, tmp_path / "one")
    build_store(items, tmp_path / "two", n_jobs=2)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_nothing_is_done_twice_or_over_without_being_asked(items, tmp_path):
    build_store(items[:2], tmp_path / "s")
    with pytest.raises(OptionError, match="r0, r1"):
        build_store([*items[:2], *items[:2]], tmp_path / "s")
    recording(tmp_path, "other", n=500)
    with pytest.raises(OptionError, match="another file than"):
        build_store([replace(items[0], path=tmp_path / "other.npz")], tmp_path / "s")
    same_size = recording(tmp_path, "r0_hr")
    assert same_size.stat().st_size == items[0].path.stat().st_size
    with pytest.raises(OptionError, match="another file than"):
        build_store([replace(items[0], path=same_size)], tmp_path / "s")
    begun = build_store([replace(items[0], path=tmp_path / "other.npz")], tmp_path / "s",
                        overwrite=True)  # fmt: skip
    assert (begun.n_added, begun.n_before) == (1, 0)
    assert open_store(tmp_path / "s").signal(0).shape == (2, 500)
    assert verify_store(tmp_path / "s").ok


def test_a_folder_of_other_files_is_left_alone(items, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "README.md").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"holds other files \(README.md\) and no store"):
            build_store(items, tmp_path / "own", overwrite=overwrite)
    assert content(tmp_path / "own") == {"README.md": b"mine"}
    with pytest.raises(OutputError, match="is a file"):
        build_store(items, tmp_path / "r0.npz")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"fs": 250}, "built with fs 100, and 250 was asked for"),
        ({"leads": ("II",)}, "built with leads as recorded, and II"),
        ({"seconds": 2.0}, "built with seconds as recorded, and 2"),
        ({"codec": "lz4"}, "built with codec zstd, and lz4"),
    ],
)
def test_one_store_has_one_rate_length_and_choice_of_leads(settings, said, items, tmp_path):
    build_store(items[:1], tmp_path / "s", fs=100)
    with pytest.raises(OptionError, match=said):
        build_store(items, tmp_path / "s", **settings)
    assert build_store(items, tmp_path / "s").n_added == 7  # left out, they are the store's


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"fs": -1}, OptionError), ({"fs": float("nan")}, OptionError),
        ({"leads": ()}, OptionError), ({"leads": ("II", "II")}, OptionError),
        ({"leads": ("avr",)}, OptionError),
        ({"leads": "II"}, OptionError), ({"seconds": 0}, OptionError),
        ({"codec": "zst"}, UnknownNameError), ({"name": " "}, OptionError),
        ({"n_jobs": 0}, OptionError),
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(settings, error, items, tmp_path):
    with pytest.raises(error):
        build_store(items, tmp_path / "s", **settings)


def test_labels_that_say_nothing_are_refused(items, tmp_path):
    for label in ("nan", "", " None", float("nan")):
        with pytest.raises(OptionError, match="is no class"):
            build_store([replace(items[0], labels=(label,))], tmp_path / "s")
    with pytest.raises(OptionError, match="no record arrived"):
        build_store([], tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_another_task_of_the_same_database_is_refused(small, tmp_path):
    folder = small("ptbxl")
    build_store(load_dataset("ptbxl", folder), tmp_path / "s")
    with pytest.raises(
        OptionError, match=r"with the task 'superdiagnostic'.*with the task 'rhythm'"
    ):
        build_store(load_dataset("ptbxl", folder, task="rhythm"), tmp_path / "s")


def test_remarks_name_single_classes_and_patients_in_two_folds(items, tmp_path):
    who = Patient(patient_id="p")
    chosen = [
        replace(items[0], labels=("AF",), patient=who, fold="1"),
        replace(items[1], labels=(), patient=who, fold="2"),
    ]
    said = " ".join(build_store(chosen, tmp_path / "s").remarks)
    assert "1 patient with records in more than one published fold" in said
    assert "1 class with a single record (AF)" in said


def test_what_cannot_be_read_is_left_out_by_name_and_tried_again(items, tmp_path):
    broken = replace(items[1], path=tmp_path / "broken.npz")
    broken.path.write_bytes(b"PK nothing")
    silent = write(
        Record(signal=np.full((2, 9), np.nan, np.float32), fs=100, leads=("I", "II")),
        tmp_path / "silent.npz",
    )
    chosen = [items[0], broken, replace(items[2], path=silent), items[3]]
    built = build_store(chosen, tmp_path / "s")
    assert built.n_added == 2
    assert list(built.left_out) == ["r1", "r2"]
    assert "holds no sample" in built.left_out["r2"]
    manifest = open_store(tmp_path / "s").manifest
    assert manifest.parts[0].left_out == built.left_out
    mended = build_store([items[0], items[1], items[2], items[3]], tmp_path / "s")
    assert (mended.n_added, mended.left_out) == (2, {})
    assert open_store(tmp_path / "s").manifest.parts[0].left_out == {}


def test_rates_leads_and_lengths_are_brought_to_those_of_the_store(tmp_path):
    t = np.arange(2500) / 250
    wave = np.stack([np.sin(2 * np.pi * 3 * t), np.cos(2 * np.pi * 5 * t), t * 0])
    made = Record(signal=wave.astype(np.float32), fs=250, leads=("V1", "II", "V6"))
    item = Item(name="a", path=write(made, tmp_path / "a.npz"))
    built = build_store([item], tmp_path / "s", fs=500, leads=("II", "V1", "V2"), seconds=3)
    store = open_store(tmp_path / "s")
    assert built.remarks[-1] == (
        "1 record of 250 Hz brought to 500 Hz: nothing is in them above 125 Hz."
    )
    assert len(store) == 3  # 10 s hold three pieces of 3 s
    assert store.table(["start_s"])["start_s"].to_pylist() == [0, 3, 6]
    assert [store.leads_of(i) for i in range(3)] == [("II", "V1", "V2")] * 3
    fine = np.arange(5000) / 500
    truth = np.stack([np.cos(2 * np.pi * 5 * fine), np.sin(2 * np.pi * 3 * fine)])
    for i in range(3):
        signal = store.signal(i)
        assert np.isnan(signal[2]).all()
        part = slice(1500 * i + 100, 1500 * i + 1500)  # the ends of the resampled are no sines
        np.testing.assert_allclose(signal[:2, 100:], truth[:, part], atol=0.002)


def test_a_recording_shorter_than_a_piece_stays_whole(items, tmp_path):
    build_store(items[:1], tmp_path / "s", seconds=10)
    assert open_store(tmp_path / "s").signal(0).shape == (2, 300)


def test_quality_is_what_the_callable_says(items, tmp_path):
    build_store(items[:2], tmp_path / "s", quality=_bad)
    row = open_store(tmp_path / "s").table().to_pylist()[0]
    assert row["quality_score"] == pytest.approx(0.25)
    assert row["acceptable"] is False
    assert row["quality_reasons"] == ["flat"]
    build_store(items[:1], tmp_path / "t")
    row = open_store(tmp_path / "t").table().to_pylist()[0]
    assert np.isnan(row["quality_score"])
    assert row["acceptable"] is None


def _bad(record):
    return Quality(acceptable=False, score=0.25, reasons=(QualityReason.FLAT,))


def test_patients_may_be_strangers_and_nothing_in_the_store_names_them(items, tmp_path):
    who = Patient(patient_id="4711", name="Ada Example")
    path = recording(tmp_path, "Ada")
    known = replace(items[0], name="Ada/1", path=path, patient=who, report="Ada says")
    broken = replace(items[1], name="Ada/2", path=tmp_path / "Ada2.npz")
    broken.path.write_bytes(b"PK nothing")
    build_store([items[2], replace(items[0], patient=who)], tmp_path / "plain")
    assert open_store(tmp_path / "plain").patients[1] == "patient:4711"
    assert not any(b"Ada" in held for held in content(tmp_path / "plain").values())

    for _ in range(2):  # the second run finds what is there
        built = build_store([known, broken, items[2]], tmp_path / "told", pseudonym=_stranger)
        assert list(built.left_out) == ["Ada/2"]
    told = open_store(tmp_path / "told")
    assert built.n_before == len(told) == 2
    assert told.patients == ("patient:" + _stranger("4711"), "record:items/" + _stranger("r2"))
    for held in content(tmp_path / "told").values():
        assert b"Ada" not in held
        assert b"4711" not in held
    for other in (None, str.swapcase):
        with pytest.raises(OptionError, match="one kind of names"):
            build_store(items, tmp_path / "told", pseudonym=other)


def _stranger(name):
    return hashlib.sha256(b"secret" + name.encode()).hexdigest()[:8]


def test_the_split_hash_depends_on_folds_and_not_on_the_order(items, tmp_path):
    folds = [replace(item, fold=str(k % 3)) for k, item in enumerate(items)]
    build_store(folds, tmp_path / "a")
    build_store(folds[:3], tmp_path / "b")
    build_store(folds[::-1], tmp_path / "b")
    build_store([*folds[:-1], replace(folds[-1], fold="9")], tmp_path / "c")
    a, b, c = (open_store(tmp_path / s).manifest.split_hash for s in "abc")
    assert a == b != c


def test_a_full_disk_is_a_sentence_and_costs_nothing(items, tmp_path, monkeypatch):
    monkeypatch.setattr(store_build, "_MOST_RECORDS", 3)
    build_store(items, tmp_path / "whole")
    settle, calls = store_shard._settle, []

    def full(out):
        calls.append(out)
        if len(calls) == 3:  # of the second shard
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        settle(out)

    monkeypatch.setattr(store_shard, "_settle", full)
    with pytest.raises(OutputError, match=r"No space left on device.*goes on from there"):
        build_store(items, tmp_path / "s")
    assert len(open_store(tmp_path / "s")) == 3
    assert verify_store(tmp_path / "s").ok
    monkeypatch.setattr(store_shard, "_settle", settle)
    assert build_store(items, tmp_path / "s").n_before == 3
    assert content(tmp_path / "s") == content(tmp_path / "whole")


def test_a_limit_on_the_size_of_files_is_met_by_the_real_system(items, tmp_path):
    resource = pytest.importorskip("resource")
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from precordia.core.errors import OutputError\n"
        "from precordia.datasets.item import Item\n"
        "from precordia.datasets.store_build import build_store\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "items = [Item(name='r0', path=Path(sys.argv[1]))]\n"
        "build_store(items, sys.argv[2])\n"
        "items.append(Item(name='big', path=Path(sys.argv[3])))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))\n"
        "try: build_store(items, sys.argv[2])\n"
        "except OutputError as error: print(error)\n"
    )
    assert resource
    big = recording(tmp_path, "big", n=60_000)
    done = subprocess.run(
        [sys.executable, "-c", script, items[0].path, tmp_path / "s", big],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "File too large" in done.stdout
    assert verify_store(tmp_path / "s").ok
    assert len(open_store(tmp_path / "s")) == 1


@pytest.fixture
def own_folder(tmp_path):
    """Give a folder of three recordings with labels."""
    folder = tmp_path / "own"
    folder.mkdir()
    rows = [f"r{k}.npz,p{k // 2},{'AF' if k % 3 else ''}" for k in range(3)]
    (folder / "labels.csv").write_text("path,patient_id,label\n" + "\n".join(rows))
    for k in range(3):
        recording(folder, f"r{k}", seed=k)
    return folder


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_instant_loses_nothing(own_folder, tmp_path):
    (tmp_path / "stores").mkdir()
    done = subprocess.run(
        [sys.executable, HERE / "killed_builds.py", own_folder, tmp_path / "stores"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert len(said) > 30
    assert {run["ended"] for run in said[:-1]} == {-signal.SIGKILL}
    assert said[-1]["ended"] == 0
    assert [run for run in said if run["again"] or not run["same"]] == []


def test_a_kill_from_outside_loses_nothing(own_folder, tmp_path):
    script = (
        "import sys, time; from precordia.datasets import store_build\n"
        "from precordia.datasets.dataset import load_dataset\n"
        "store_build._MOST_RECORDS = 1\n"
        "real = store_build.write_shard\n"
        "def slow(*a, **k): time.sleep(0.2); return real(*a, **k)\n"
        "if len(sys.argv) > 3: store_build.write_shard = slow\n"
        "store_build.build_store(load_dataset('folder', sys.argv[1]), sys.argv[2], n_jobs=2)\n"
    )

    def started(store, *more):
        return subprocess.Popen([sys.executable, "-c", script, own_folder, store, *more])

    assert started(tmp_path / "whole").wait(60) == 0
    store = tmp_path / "killed"
    running = started(store, "slowly")
    for _ in range(600):
        time.sleep(0.05)
        if (store / "records-00001.parquet").exists():
            break
    running.kill()
    assert running.wait() == -signal.SIGKILL
    assert started(store).wait(60) == 0
    assert content(store) == content(tmp_path / "whole")


def test_two_builds_at_once_are_told_apart(items, tmp_path):
    pytest.importorskip("fcntl")
    build_store(items[:1], tmp_path / "s")
    script = (
        "import sys; from pathlib import Path; from precordia.datasets.store_lock import writing\n"
        "with writing(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path / "s"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(OutputError, match="another process is writing"):
            build_store(items, tmp_path / "s")
        other.stdin.close()
    assert build_store(items, tmp_path / "s").n_added == 7


def test_without_pyarrow_the_extra_is_named(items, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"precordia\[parquet\]"):
        build_store(items, tmp_path / "s")
    with pytest.raises(MissingExtraError, match=r"precordia\[parquet\]"):
        open_store(tmp_path / "s")
