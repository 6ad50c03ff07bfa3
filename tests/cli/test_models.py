# SPDX-License-Identifier: Apache-2.0
"""``precordia models`` and ``precordia convert-weights``."""

import json
import subprocess
import sys

import pytest
import torch

from precordia.cli.main import main
from precordia.models.architectures import list_models
from precordia.models.load_model import load_model


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main([*map(str, arguments)])
    told = capsys.readouterr()
    return left.value.code, told.out, told.err


def test_models_are_listed_and_shown(capsys):
    code, out, _ = run(capsys, "models", "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(list_models())
    _, out, _ = run(capsys, "models", "list", "--json")
    assert [card["name"] for card in json.loads(out)["models"]] == list(list_models())
    _, out, _ = run(capsys, "models", "show", "vit1d")
    assert "option     patch = 20" in out
    _, out, _ = run(capsys, "models", "show", "vit1d", "--json")
    assert json.loads(out)["options"]["patch"] == 20
    code, _, err = run(capsys, "models", "show", "vit")
    assert code == 2
    assert "Did you mean 'vit1d'" in err


def test_listing_loads_no_framework():
    code = (
        "import sys\nfrom precordia.cli.main import app\n"
        "app(['models', 'list'], standalone_mode=False)\n"
        "print([m for m in ('torch', 'numpy.random') if m in sys.modules][:1])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "torch" not in told.stdout.splitlines()[-1]


def test_weights_are_converted_and_kept(capsys, tmp_path):
    torch.set_num_threads(1)
    model = load_model("resnet1d", n_outputs=2, leads=("I",), width=4)
    torch.save({"state_dict": model.state_dict()}, tmp_path / "w.pt")
    order = ("convert-weights", tmp_path / "w.pt", "--model", "resnet1d", "--to", tmp_path / "m")
    order = (*order, "--set", "width=4", "--leads", "I", "--classes", "NORM,AFIB")
    code, out, _ = run(capsys, *order, "--json")
    assert code == 0
    assert json.loads(out)["model"]["classes"] == ["NORM", "AFIB"]
    code, _, err = run(capsys, *order)
    assert code == 2
    assert "--force" in err
    assert run(capsys, *order, "--force")[0] == 0
    code, _, err = run(capsys, *order, "--set", "depth=2")
    assert code == 2
    assert "no option 'depth'" in err
