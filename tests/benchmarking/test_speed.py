# SPDX-License-Identifier: Apache-2.0
"""The speed task needs no recordings and times what it says."""

import time

import numpy as np
import pytest

from precordia.benchmarking.benchmark import benchmark
from precordia.benchmarking.timing import best_process_seconds, best_seconds, printed_numbers
from precordia.core.errors import FormatError


def test_every_stage_is_timed_without_recordings(tmp_path):
    scores = benchmark("speed", data=tmp_path, limit=1)
    for subject in ("read WFDB, 12 x 5000", "R-peaks, one lead", "SVG page", "import precordia"):
        assert any(s.subject == subject and s.value > 0 for s in scores)
    assert scores.find("time", subject="R-peaks, 1 h of one lead at 360 Hz").value > 0
    assert scores.hardware


def test_a_folder_that_is_not_there_is_said_before_anything_is_timed(tmp_path):
    began = time.perf_counter()
    with pytest.raises(FormatError, match="there is no folder"):
        benchmark("speed", data=tmp_path / "absent")
    assert time.perf_counter() - began < 2


def test_the_best_round_counts():
    naps = iter([0.0, 0.03, 0.01, 0.03])
    (best,) = best_seconds([lambda: time.sleep(next(naps))], rounds=3)
    assert 0.01 <= best < 0.03


def test_a_script_that_fails_gives_no_number():
    failing = "raise SystemExit(3)"
    assert np.isnan(printed_numbers(failing)).all()
    assert np.isnan(best_process_seconds(["-c", failing], rounds=1))


def test_a_process_is_timed_with_its_modules_compiled(monkeypatch, tmp_path):
    (tmp_path / "counted.py").write_text(
        "from pathlib import Path\nhere = Path(__cached__)\n"
        "compiled = here.exists()\nwith open('runs', 'a') as file:\n"
        "    file.write('compiled ' if compiled else 'source ')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert best_process_seconds(["-c", "import counted"], rounds=2) > 0
    # the compiled file is written before a module first runs, and found by later runs
    assert (tmp_path / "runs").read_text() == "compiled " * 3
    assert not list(tmp_path.rglob("*.pyc"))
