# SPDX-License-Identifier: Apache-2.0
"""Shared set-up: no network, a fixed place for recordings, loud skips where they are missing."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

if os.environ.get("CHECK_SHAPES"):
    from jaxtyping import install_import_hook

    sys.path.insert(0, str(Path(__file__).parent / "shape_checks"))
    install_import_hook("precordia", "tower.check")

DATA = Path(
    os.environ.get("PRECORDIA_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real recordings; tests that need it are skipped, loudly, where it is missing."""
    if not DATA.is_dir():
        pytest.skip(f"NO RECORDINGS at {DATA}: set PRECORDIA_DATA to run this test")
    return DATA


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
