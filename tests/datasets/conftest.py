# SPDX-License-Identifier: Apache-2.0
import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny():
    """Builders of small databases, shared with the contract."""
    place = Path(__file__).with_name("tiny_databases.py")
    spec = importlib.util.spec_from_file_location("tiny_databases", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def small(tiny, tmp_path):
    """Give a function that builds a small database in a folder of its own."""

    def build(name):
        folder = tmp_path / name
        folder.mkdir()
        tiny.BUILDERS[name](folder)
        return folder

    return build
