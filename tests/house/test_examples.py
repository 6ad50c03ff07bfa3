# SPDX-License-Identifier: Apache-2.0
"""Every example runs, is short, and ends in a figure or a number."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
IDS = [example.stem for example in EXAMPLES]


def test_examples_are_numbered_along_the_journey():
    assert [e.name[:3] for e in EXAMPLES] == [f"{k:02}_" for k in range(1, len(EXAMPLES) + 1)]


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_an_example_runs_and_ends_in_a_figure_or_a_number(example, tmp_path):
    run = subprocess.run(
        [sys.executable, "-W", "error", example],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    last = run.stdout.strip().splitlines()[-1]
    drawn = re.fullmatch(r"drawn in (\S+)", last)
    if drawn:
        assert (tmp_path / drawn[1]).stat().st_size > 1000
    else:
        assert re.search(r": [-+]?\d", last), f"neither figure nor number: {last}"


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_an_example_is_short_and_says_what_it_needs(example):
    text = example.read_text(encoding="utf-8")
    assert 15 <= len(text.splitlines()) <= 60
    words = ast.get_docstring(ast.parse(text))
    assert words is not None
    assert "Needs: " in words
    assert "Takes: " in words
