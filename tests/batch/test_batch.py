# SPDX-License-Identifier: Apache-2.0
"""Many files: one bad one never stops the rest, and a run goes on where it stopped."""

import csv
import io
import os

import pytest

from precordia import batch
from precordia.batch import STUDY, examine_many, plan_jobs, recordings_of, summary_csv
from precordia.core.errors import OptionError
from precordia.core.study import Study
from precordia.generation.simulate import simulate
from precordia.io.write import write
from precordia.reporting.summary_table import TABLE, earlier_rows

pytestmark = pytest.mark.filterwarnings("ignore:.*has no place for")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "in"
    (place / "deep").mkdir(parents=True)
    write(simulate(seed=1), place / "a.edf")
    write(simulate("atrial-fibrillation", seed=2), place / "deep" / "a.hea")
    (place / "bad.dcm").write_bytes(b"not a recording")
    (place / "notes.txt").write_text("nothing")
    return place


def test_a_folder_gives_each_recording_once(folder):
    found = [p.name for p in recordings_of([folder])]
    assert sorted(found) == ["a.edf", "a.hea", "bad.dcm"]


def test_equal_stems_get_folders_of_their_own(folder, tmp_path):
    jobs = plan_jobs(recordings_of([folder]), tmp_path / "out")
    assert len({job.folder for job in jobs}) == len(jobs)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_bad_file_never_stops_the_rest_and_a_second_run_skips(folder, tmp_path, n_jobs):
    jobs = plan_jobs(recordings_of([folder]), tmp_path / "out")
    outcomes = list(examine_many(jobs, n_jobs=n_jobs))
    assert sorted(o.status for o in outcomes) == ["done", "done", "failed"]
    (failed,) = [o for o in outcomes if o.status == "failed"]
    assert failed.job.path.name == "bad.dcm"
    assert failed.problem
    for o in outcomes:
        if o.status == "done":
            study = Study.from_json((o.job.folder / STUDY).read_text())
            assert study.record.n_leads == 12
            assert (o.job.folder / "report.html").exists()
    again = list(examine_many(jobs))
    assert sorted(o.status for o in again) == ["failed", "skipped", "skipped"]
    rows = list(csv.DictReader(io.StringIO(summary_csv(again))))
    assert len(rows) == 3
    assert all(r["heart_rate_bpm"] for r in rows if r["status"] == "skipped")


def test_recordings_of_one_name_in_two_runs_are_two_studies(tmp_path):
    rates = {"monday": 60, "friday": 90}
    for day, rate in rates.items():
        (tmp_path / day).mkdir()
        write(simulate(heart_rate_bpm=rate, seed=1), tmp_path / day / "ecg.edf")
    out, earlier = tmp_path / "out", []
    for day in (*rates, *rates):
        outcomes = list(examine_many(plan_jobs([tmp_path / day / "ecg.edf"], out)))
        (out / TABLE).write_text(summary_csv(outcomes, earlier))
        earlier = earlier_rows(out)
    assert [o.status for o in outcomes] == ["skipped"]
    rows = {row["file"]: row for row in earlier}
    assert len(rows) == len({row["folder"] for row in rows.values()}) == 2
    for day, rate in rates.items():
        row = rows[str(tmp_path / day / "ecg.edf")]
        assert float(row["heart_rate_bpm"]) == pytest.approx(rate, abs=2)
        study = Study.from_json((out / row["folder"] / STUDY).read_text())
        assert study.measurements.heart_rate_bpm == pytest.approx(rate, abs=2)


def _die(job, overwrite, identifiers, options):
    if job.path.name == "bad.dcm":
        os._exit(1)
    return batch.Outcome(job=job, status="done", row={})


def test_a_dying_worker_takes_only_its_file_with_it(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "_examine_one", _die)
    jobs = plan_jobs(recordings_of([folder]), tmp_path / "out")
    outcomes = list(examine_many(jobs, n_jobs=2))
    assert {o.job.path.name: o.status for o in outcomes if o.status == "failed"} == {
        "bad.dcm": "failed"
    }
    assert len(outcomes) == 3


def test_no_processes_are_refused():
    with pytest.raises(OptionError):
        list(examine_many([], n_jobs=0))
