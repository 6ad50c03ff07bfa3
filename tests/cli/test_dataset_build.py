# SPDX-License-Identifier: Apache-2.0
"""``precordia dataset build``, and stores where the other verbs of ``dataset`` take them."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from precordia.cli.main import _exit_code, command_line
from precordia.core.record import Record
from precordia.datasets.store import open_store
from precordia.io.write import write


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "own"
    place.mkdir()
    t = np.arange(1000) / 100
    for k in range(3):
        wave = np.sin(2 * np.pi * (1 + k) * t)
        made = Record(signal=np.stack([wave, -wave]).astype(np.float32), fs=100, leads=("I", "II"))
        write(made, place / f"r{k}.npz")
    rows = "path,patient_id,label\nr0.npz,4711,AF\nr1.npz,4712,\nr2.npz,4711,AF\nr9.npz,4713,AF\n"
    (place / "labels.csv").write_text(rows)
    return place


def told(*arguments):
    done = CliRunner().invoke(command_line(), ["dataset", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_store_is_built_described_and_verified(folder, tmp_path):
    store = tmp_path / "store"
    said = json.loads(told("build", "folder", folder, "--to", store, "--no-quality", "--json"))
    assert (said["n_added"], said["n_before"], said["left_out"]) == (3, 0, {})
    assert "1 row of labels without a recording (r9.npz)" in said["remarks"][0]
    about = json.loads(told("describe", store, "--json"))
    assert (about["n_records"], about["n_patients"], about["classes"]) == (3, 2, {"AF": 2})
    assert json.loads(told("verify", store, "--json"))["ok"] is True
    assert "0 records added, 3 there before" in told(
        "build", "folder", folder, "--to", store, "--no-quality"
    )


def test_options_reach_the_store(folder, tmp_path):
    told(
        *("build", "folder", folder, "--to", tmp_path / "s", "--fs", 50, "--leads", "II, V1"),
        *("--seconds", 4, "--codec", "lz4", "--as", "ward", "--limit", 2, "--jobs", 2),
        *("--key", tmp_path / "secret.key"),
    )
    store = open_store(tmp_path / "s")
    assert [store.signal(i).shape for i in range(len(store))] == [(2, 200)] * 4
    assert store.leads_of(0) == ("II", "V1")
    row = store.table().to_pylist()[0]
    assert row["dataset"] == "ward"
    assert row["patient_id"].startswith("P-")
    assert np.isfinite(row["quality_score"])


def test_ptbxl_is_taken_at_the_rate_that_is_not_below_the_wanted_one(shared_data, tmp_path):
    for fs, n in ((100, 1000), (250, 2500)):
        store = tmp_path / f"s{fs}"
        told("build", "ptbxl", shared_data / "ptbxl", "--to", store, "--fs", fs, "--limit", 1,
             "--no-quality")  # fmt: skip
        held = open_store(store)
        assert held.signal(0).shape == (12, n)
        name = held.table(["source_file"])["source_file"][0].as_py()
        assert ("records500" if fs > 100 else "records100") in name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("build", "folders", ".", "--to", "s"), "Did you mean 'folder'"),
        (("build", "folder", "nowhere", "--to", "s"), "there is no folder"),
        (("build", "folder", "OWN", "--to", "s", "--codec", "zip"), "no codec 'zip'"),
        (("build", "folder", "OWN", "--to", "s", "--leads", "avr"), "Did you mean 'aVR'"),
        (("build", "folder", "OWN", "--to", "OWN"), "and no store; nothing was touched"),
        (("describe", "OWN"), "is no store"),
        (("verify", "nowhere"), "no dataset 'nowhere'"),
        (("verify", "ptbxl"), "folder of ptbxl is needed"),
    ],
)
def test_mistakes_are_sentences(arguments, said, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = [str(folder) if word == "OWN" else word for word in arguments]
    assert _exit_code(["dataset", *given]) == 2
    shown = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert said in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (None, "Write one, in CSV, with the columns path, label"),
        ("path;label\nr0.npz;AF\n", "semicolons"),
        ("file,class\nr0.npz,AF\n", "it has file, class. Name the columns so"),
        ("path,label\nr0.npz,\xc4\n".encode("latin-1"), "Save it as CSV in UTF-8"),
    ],
)
def test_a_table_of_ones_own_is_never_compared_with_a_published_one(
    table, said, folder, tmp_path, capsys
):
    place = folder / "labels.csv"
    place.unlink()
    if table is not None:
        place.write_bytes(table if isinstance(table, bytes) else table.encode())
    for verb in (["describe"], ["verify"], ["build", "--to", str(tmp_path / "store")]):
        assert _exit_code(["dataset", verb[0], "folder", str(folder), *verb[1:]]) == 2
        problem = capsys.readouterr().err
        assert said in problem
        assert "published" not in problem
    assert not (tmp_path / "store").exists()


def test_a_misspelt_fold_is_told(folder, capsys):
    rows = "path,label,fold\nr0.npz,AF,learn\nr1.npz,AF,test\n"
    (folder / "labels.csv").write_text(rows)
    assert _exit_code(["dataset", "describe", "folder", str(folder)]) == 0
    assert "(learn)" in capsys.readouterr().out


def test_a_store_of_which_every_recording_was_refused_is_no_success(folder, tmp_path, capsys):
    to = str(tmp_path / "store")
    code = _exit_code(["dataset", "build", "folder", str(folder), "--to", to, "--leads", "V9"])
    assert code == 2
    assert "left out" in capsys.readouterr().out
