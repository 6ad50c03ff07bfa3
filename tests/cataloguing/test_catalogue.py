# SPDX-License-Identifier: Apache-2.0
"""A row for every recording, whatever becomes of the run; a page for all."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from precordia.cataloguing.catalogue import catalogue
from precordia.cataloguing.page import catalogue_page
from precordia.cataloguing.row import CatalogueRow
from precordia.cataloguing.summary import SCALES, Summary, summarise
from precordia.cataloguing.table import list_columns, write_csv_table
from precordia.cli.main import main
from precordia.core.errors import FormatError, MissingFileError, OptionError, OutputError
from precordia.core.leads import STANDARD_12
from precordia.core.record import Patient, Record
from precordia.generation.simulate import simulate
from precordia.io.write import write

pytestmark = pytest.mark.filterwarnings("ignore:.*no place for")


@pytest.fixture
def archive(tmp_path):
    """Six recordings and what lies around in archives."""
    place = tmp_path / "archive"
    (place / "deep" / "deeper").mkdir(parents=True)
    write(simulate(seed=1, heart_rate_bpm=75), place / "a.hea")
    write(simulate(seed=2, heart_rate_bpm=150), place / "deep" / "fast.edf")
    write(simulate(seed=3, heart_rate_bpm=45), place / "deep" / "deeper" / "slow.csv")
    flat = Record(signal=np.zeros((2, 5000)), fs=500.0, leads=("I", "II"))
    write(flat, place / "flat.hea")
    told = Patient(patient_id="4711", name="Quastenflosser")
    for name in ("p1.csv", "p2.csv"):
        one = simulate(seed=4)
        record = Record(signal=one.signal, fs=one.fs, leads=one.leads, patient=told)
        write(record, place / name, identifiers=True)
    (place / "bad.dcm").write_bytes(b"nothing")
    (place / "notes.txt").write_text("nothing")
    return place


def rows_of(path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_every_recording_has_its_row(archive, tmp_path, n_jobs):
    made = catalogue(archive, tmp_path / "index.csv", n_jobs=n_jobs)
    rows = rows_of(made.table)
    assert list(rows) == [
        *("a.hea", "bad.dcm", "flat.hea", "p1.csv", "p2.csv"),
        *("deep/fast.edf", "deep/deeper/slow.csv"),
    ]
    assert tuple(next(iter(rows.values()))) == list_columns()
    assert float(rows["deep/fast.edf"]["heart_rate_bpm"]) == pytest.approx(150, abs=3)
    assert float(rows["deep/deeper/slow.csv"]["heart_rate_bpm"]) == pytest.approx(45, abs=2)
    assert rows["flat.hea"]["acceptable"] == "False"
    assert "flat" in rows["flat.hea"]["quality_reasons"]
    assert rows["flat.hea"]["heart_rate_bpm"] == ""
    assert "dcm" in rows["bad.dcm"]["problem"]
    assert (made.summary.n_files, made.summary.n_failed) == (7, 1)
    assert not list(tmp_path.glob("*.journal"))


def test_patients_are_told_apart_and_not_named(archive, tmp_path):
    made = catalogue(archive, tmp_path / "index.csv", key=b"k" * 32)
    rows = rows_of(made.table)
    assert rows["p1.csv"]["patient"] == rows["p2.csv"]["patient"] != ""
    assert rows["a.hea"]["patient"] == ""
    text = made.table.read_text() + made.page.read_text()
    assert "4711" not in text
    assert "Quasten" not in text
    again = catalogue(archive, tmp_path / "again.csv", key=b"k" * 32)
    assert rows_of(again.table)["p1.csv"]["patient"] == rows["p1.csv"]["patient"]


def test_parquet_is_read_by_others_with_types(archive, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    made = catalogue(archive, tmp_path / "index.parquet")
    table = parquet.read_table(made.table)
    assert tuple(table.column_names) == list_columns()
    rows = {row["file"]: row for row in table.to_pylist()}
    assert rows["a.hea"]["leads"][:3] == ["I", "II", "III"]
    assert rows["a.hea"]["fs"] == 500.0
    assert rows["a.hea"]["acceptable"] is True
    assert rows["bad.dcm"]["acceptable"] is None
    assert rows["flat.hea"]["heart_rate_bpm"] is None


def test_nothing_is_overwritten_unless_told(archive, tmp_path):
    for name in ("index.csv", "index.html"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(OutputError, match="exists"):
            catalogue(archive, tmp_path / "index.csv")
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()


def test_a_killed_run_loses_nothing_and_goes_on(tmp_path):
    place = tmp_path / "many"
    place.mkdir()
    one = write(simulate(seed=1), tmp_path / "one.hea")
    for k in range(400):
        header = one.read_text().replace("one", f"r{k:03d}")
        (place / f"r{k:03d}.hea").write_text(header)
        os.link(tmp_path / "one.dat", place / f"r{k:03d}.dat")
    out, journal = tmp_path / "index.csv", tmp_path / "index.csv.journal"
    command = [sys.executable, "-m", "precordia", "catalogue", str(place), "-o", str(out), "--json"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if journal.exists() and journal.read_bytes().count(b"\n") > 20:
            break
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    n_held = journal.read_bytes().count(b"\n") - 1
    assert 20 <= n_held < 400
    with journal.open("ab") as file:
        file.write(b'{"file":"torn')  # as a crash in the middle of a line leaves it
    done = subprocess.run(command, check=True, capture_output=True)
    told = json.loads(done.stdout)
    assert told["resumed"] == n_held
    assert sorted(rows_of(out)) == [f"r{k:03d}.hea" for k in range(400)]
    assert not journal.exists()


def test_the_journal_of_another_folder_is_not_continued(archive, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    line = {"catalogue": 1, "folder": str(other), "options": {}, "key": "00" * 32}
    (tmp_path / "index.csv.journal").write_text(json.dumps(line) + "\n")
    with pytest.raises(FormatError, match="another folder"):
        catalogue(archive, tmp_path / "index.csv")
    catalogue(archive, tmp_path / "index.csv", overwrite=True)


@pytest.mark.parametrize("name", ["index", "index.xlsx", "index.json"])
def test_other_tables_are_refused_before_any_work(archive, tmp_path, name):
    with pytest.raises(OptionError, match="parquet"):
        catalogue(archive, tmp_path / name)


def test_an_empty_folder_and_no_folder_are_told(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="no recording"):
        catalogue(tmp_path / "empty", tmp_path / "index.csv")
    assert not list(tmp_path.glob("index*"))
    with pytest.raises(MissingFileError):
        catalogue(tmp_path / "nowhere", tmp_path / "index.csv")


def test_the_summary_counts_what_the_rows_say():
    rates = [20.0, 30.0, 59.9, 60.0, 250.0]
    rows = [CatalogueRow(file=f"{r}", heart_rate_bpm=r, duration_s=10, acceptable=r > 40)
            for r in rates]  # fmt: skip
    summary = summarise([*rows, CatalogueRow(file="x", problem="'x' has 7 bytes. Copy it.")])
    labels = SCALES["heart_rate_bpm"].labels()
    counted = dict(zip(labels, summary.classes["heart_rate_bpm"], strict=True))
    assert {k: n for k, n in counted.items() if n} == {
        "below 30": 1, "30 to 40": 1, "50 to 60": 1, "60 to 70": 1, "200 and more": 1
    }  # fmt: skip
    assert summary.least("slowest")[0] == (20.0, "20.0")
    assert summary.least("fastest")[0] == (250.0, "250.0")
    assert (summary.n_acceptable, summary.n_assessed, summary.n_failed) == (3, 5, 1)
    assert summary.problems == {"'…' has N bytes": 1}


def test_memory_does_not_grow_with_the_number_of_rows(tmp_path):
    def rows(n):
        for k in range(n):
            yield CatalogueRow(file=f"{k}", remarks=(f"kind {k}",), heart_rate_bpm=k % 200)

    peaks = []
    for n in (10_000, 40_000):
        tracemalloc.start()
        summarise(rows(n))
        write_csv_table(rows(n), tmp_path / f"{n}.csv", False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 50_000


def test_names_of_files_cannot_become_markup():
    row = CatalogueRow(file="<script>alert(1)</script>.hea", problem="<b>'x'</b>")
    page = catalogue_page(summarise([row]), title="<i>", version="0")
    assert "<script" not in page
    assert "<b>'x" not in page
    assert catalogue_page(Summary(), title="none", version="0").startswith("<!doctype html>")


def test_the_command_tells_in_json(archive, tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["catalogue", str(archive), "-o", str(tmp_path / "i.csv"), "--json"])
    assert left.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["recordings"], told["failed"]) == (7, 1)


def test_any_name_that_a_disk_takes_has_its_row(archive, tmp_path):
    content = (archive / "p1.csv").read_bytes()
    for name in (b"new\nline.csv", b'it\'s "one".csv', b"latin-\xe9\xff.csv", b"<b>.csv"):
        with open(os.path.join(os.fsencode(archive), name), "wb") as file:
            file.write(content)
    for suffix in (".csv", ".parquet"):
        made = catalogue(archive, tmp_path / f"index{suffix}", n_jobs=2)
        assert (made.summary.n_files, made.summary.n_failed) == (11, 1)
        (tmp_path / "index.html").unlink()
    assert {"new\nline.csv", 'it\'s "one".csv', "latin-\\xe9\\xff.csv", "<b>.csv"} <= {
        *rows_of(tmp_path / "index.csv")
    }


def test_its_own_table_is_no_recording(archive):
    first = catalogue(archive, archive / "index.csv")
    again = catalogue(archive, archive / "index.csv", overwrite=True)
    other = catalogue(archive, archive / "index.parquet", overwrite=True)
    assert first.summary.n_files == again.summary.n_files == other.summary.n_files == 7


def test_a_damaged_line_of_the_journal_is_made_again(archive, tmp_path, monkeypatch):
    _stopped(archive, tmp_path / "index.csv", monkeypatch)
    journal = tmp_path / "index.csv.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) > 3
    lines[1] = b'\xff\x00{"file": 3\n'
    lines[2] = lines[2].replace(b'"n_leads":', b'"n_leads":"no",')
    journal.write_bytes(b"".join(lines))
    assert catalogue(archive, tmp_path / "index.csv").summary.n_files == 7


def test_a_run_is_not_continued_with_another_key(archive, tmp_path, monkeypatch):
    _stopped(archive, tmp_path / "index.csv", monkeypatch)
    with pytest.raises(OptionError, match="another key"):
        catalogue(archive, tmp_path / "index.csv", key=bytes(range(32)))


def _stopped(folder, table, monkeypatch):
    """Leave what a run leaves that Ctrl-C stopped after five rows."""
    rows = []

    def stop(row):
        rows.append(row)
        if len(rows) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        catalogue(folder, table, progress=stop)


def test_a_folder_that_may_not_be_opened_is_told(archive, tmp_path, monkeypatch):
    scandir, access = os.scandir, os.access

    def refused(path):
        if str(path).endswith("deeper"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    monkeypatch.setattr(os, "access", lambda p, *a: not str(p).endswith("deeper") and access(p, *a))
    rows = rows_of(catalogue(archive, tmp_path / "index.csv").table)
    assert "Permission denied" in rows["deep/deeper"]["problem"]
    assert rows["a.hea"]["problem"] == ""


def test_a_mistake_of_ours_costs_one_row(archive, tmp_path, monkeypatch):
    def breaks(record):
        raise ZeroDivisionError

    monkeypatch.setattr("precordia.cataloguing.row.assess", breaks)
    made = catalogue(archive, tmp_path / "index.csv")
    assert made.summary.n_files == made.summary.n_failed == 7


def test_a_full_disk_is_told_and_the_run_goes_on_later(archive, tmp_path):
    resource = pytest.importorskip("resource")

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    command = [sys.executable, "-m", "precordia", "catalogue", str(archive), "-o"]
    command.append(str(tmp_path / "index.csv"))
    full = subprocess.run(command, capture_output=True, preexec_fn=little_room)
    assert (full.returncode, b"Make room" in full.stderr) == (2, True)
    assert subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="needs the process table of Linux")
def test_a_killed_run_leaves_no_process_behind(tmp_path):
    place = tmp_path / "many"
    place.mkdir()
    for k in range(200):
        write(Record(signal=np.ones((12, 5000)), fs=500.0, leads=STANDARD_12), place / f"{k}.npz")
    command = [sys.executable, "-m", "precordia", "catalogue", str(place), "--jobs", "2", "-o"]
    run = subprocess.Popen([*command, str(tmp_path / "index.csv")], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    deadline = time.monotonic() + 20
    while len(_processes_of(run.pid)) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    run.kill()
    run.wait()
    while _processes_of(run.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _processes_of(run.pid) == []


def _processes_of(session: int) -> list[int]:
    held = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            ended = b") Z " in Path("/proc", name, "stat").read_bytes()
            if os.getsid(int(name)) == session and not ended:
                held.append(int(name))
        except OSError:
            continue
    return held
