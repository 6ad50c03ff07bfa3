# SPDX-License-Identifier: Apache-2.0
"""The way into the command and out of it: Ctrl-C at once, closed pipes, no output at all."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

import precordia
from precordia.cli.main import _FILES, command_line

POSIX = pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX")
COMMAND = [sys.executable, "-m", "precordia"]


@POSIX
def test_ctrl_c_while_the_command_is_still_imported_is_a_word_and_code_130(tmp_path):
    (tmp_path / "typer.py").write_text(
        "import os, signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "os.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n"
    )
    run = subprocess.run(
        [*COMMAND, "formats"], env=dict(os.environ, PYTHONPATH=str(tmp_path)),
        cwd=Path(precordia.__file__).parents[1], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 130
    assert run.stderr == "precordia: interrupted.\n"


def test_nothing_is_imported_before_ctrl_c_has_its_answer():
    code = (
        "import sys; before = set(sys.modules); import precordia.__main__; "
        "print(*(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) <= {"precordia", "precordia.__main__", "gc", "__future__"}


def test_the_installed_command_begins_there():
    project = Path(__file__).parents[2] / "pyproject.toml"
    scripts = tomllib.loads(project.read_text("utf-8"))["project"]["scripts"]
    assert scripts == {"precordia": "precordia.__main__:main"}


@POSIX
@pytest.mark.parametrize("words", [["formats"], ["formats", "--json"], ["--help"], ["--version"]])
def test_a_reader_that_has_left_is_no_mistake(words):
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as nobody:
        run = subprocess.run(
            [*COMMAND, *words], stdout=nobody, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (run.returncode, run.stderr) == (0, "")


@POSIX
def test_output_that_was_closed_before_is_no_mistake():
    closed = ["sh", "-c", 'exec "$0" "$@" >&-', *COMMAND, "formats"]
    run = subprocess.run(closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def test_every_command_is_there_when_it_is_the_only_one():
    everything = typer.main.get_command(command_line()).commands
    assert len(everything) > len(_FILES)
    for name in everything:
        alone = typer.main.get_command(command_line(name)).commands
        assert name in alone
        assert alone[name].help == everything[name].help
        assert len(alone) < 3
