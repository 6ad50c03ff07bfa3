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
from precordia.models.published_card import list_published, published_card
from precordia.models.shipped import CARDS


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main([*map(str, arguments)])
    told = capsys.readouterr()
    return left.value.code, told.out, told.err


def test_models_are_listed_and_shown(capsys):
    code, out, _ = run(capsys, "models", "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [
        *list_models(),
        *CARDS,
        *list_published(),
    ]
    _, out, _ = run(capsys, "models", "list", "--json")
    assert [card["name"] for card in json.loads(out)["models"]] == list(list_models())
    assert list(json.loads(out)["shipped"]) == list(CARDS)
    assert [card["name"] for card in json.loads(out)["published"]] == list(list_published())
    _, out, _ = run(capsys, "models", "show", "vit1d")
    assert "option     patch = 20" in out
    _, out, _ = run(capsys, "models", "show", "vit1d", "--json")
    assert json.loads(out)["options"]["patch"] == 20
    code, _, err = run(capsys, "models", "show", "vit")
    assert code == 2
    assert "Did you mean 'vit1d'" in err


@pytest.mark.parametrize("name", CARDS)
def test_what_ships_is_shown_with_data_licence_and_scores(capsys, name):
    code, out, _ = run(capsys, "models", "show", name)
    assert code == 0
    for entry in ("data: ", "licence", "scores", "rebuild: python benchmarks/"):
        assert f"\n{entry}" in out
    _, out, _ = run(capsys, "models", "show", name, "--json")
    assert json.loads(out)["scores"]


@pytest.mark.parametrize("name", list_published())
def test_a_published_encoder_is_shown_with_input_licence_data_and_fixtures(capsys, name):
    card = published_card(name)
    code, out, _ = run(capsys, "models", "show", name)
    assert code == 0
    for told in (card.licence, card.weights.address, *card.training_data, *card.fixtures):
        assert told in out
    assert ("convert-weights" in out) == card.convertible
    _, out, _ = run(capsys, "models", "show", name, "--json")
    assert json.loads(out)["fixtures"].keys() == card.fixtures.keys()


def test_a_mistake_in_the_name_of_what_ships_gets_the_nearest(capsys):
    code, _, err = run(capsys, "models", "show", "precordia-12-lead")
    assert code == 2
    assert "Did you mean 'precordia-12lead'" in err


def test_listing_loads_no_framework():
    code = (
        "import sys\nfrom precordia.cli.main import command_line\n"
        "command_line()(['models', 'list'], standalone_mode=False)\n"
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
