# SPDX-License-Identifier: Apache-2.0
"""Pages are current, their code runs, their links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
README = ROOT / "README.md"


def test_generated_blocks_are_current():
    build = [sys.executable, ROOT / "docs" / "build.py", "--check"]
    run = subprocess.run(build, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]


def test_the_python_of_the_readme_runs_without_warnings(tmp_path):
    code = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)[1]
    assert len(code.splitlines()) <= 30
    # What EDF cannot hold is named in a warning, which is the behaviour that is documented.
    run = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore:EDF", "-c", code],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    assert (tmp_path / "ecg.svg").exists()
    assert (tmp_path / "copy.edf").exists()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_readme_says_what_this_is_not():
    assert "Not a medical device" in README.read_text("utf-8")


def test_contributing_is_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) <= 60


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_files_named_in_the_recipes_exist(page):
    if page.parent.name != "recipes":
        return
    for name in re.findall(r"`((?:src|tests|benchmarks|docs)/[\w./]+)`", page.read_text("utf-8")):
        assert (ROOT / name).exists(), name
