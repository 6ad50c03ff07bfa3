# SPDX-License-Identifier: Apache-2.0
"""The front door: names, weight of the import, promises."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import precordia
from precordia.core.deprecation import PROMISES


@pytest.mark.parametrize("name", precordia.__all__)
def test_every_public_name_loads_and_is_documented(name):
    thing = getattr(precordia, name)
    assert name == "__version__" or thing.__doc__


def test_editors_and_type_checkers_see_every_public_name():
    stub = ast.parse(Path(precordia.__file__).with_suffix(".pyi").read_text())
    told = {
        name.asname: statement.module
        for statement in stub.body
        if isinstance(statement, ast.ImportFrom)
        for name in statement.names
    }
    where = {name: getattr(precordia, name).__module__ for name in told}
    assert told == where
    assert {*told, "__version__"} == set(precordia.__all__)


def test_completion_offers_the_public_names_alone():
    assert dir(precordia) == sorted(precordia.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute"):
        precordia.no_such_thing  # noqa: B018


def _loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"numpy", "scipy", "matplotlib", "pydicom", "onnxruntime", "torch"}
    assert not heavy & _loaded_by("import precordia")


def test_the_commands_load_nothing_heavy_before_one_is_chosen():
    heavy = {"numpy", "scipy", "matplotlib", "onnxruntime", "torch", "transformers"}
    assert not heavy & _loaded_by("import precordia.cli.main as m; m.command_line()")


def test_a_command_that_is_chosen_loads_no_other():
    loaded = _loaded_by("import precordia.cli.main as m; m.command_line('similar')")
    assert "precordia.cli.index" in loaded
    assert not {"precordia.cli.examine", "precordia.cli.benchmark"} & loaded


def test_reading_and_measuring_load_no_training_framework():
    code = "import precordia as p; p.examine(p.read(p.toy_record()))"
    heavy = {"torch", "sklearn", "pandas", "wfdb", "matplotlib", "scipy"}
    assert not heavy & _loaded_by(code)


def test_listing_formats_loads_no_reader():
    assert "pydicom" not in _loaded_by("import precordia; precordia.list_formats()")


def test_promised_removals_are_kept():
    for module in pkgutil.walk_packages(precordia.__path__, "precordia."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name, _, removed_in in PROMISES:
        assert precordia.__version__ < removed_in, f"{name} was to go in {removed_in}"
