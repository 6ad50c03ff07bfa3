# SPDX-License-Identifier: Apache-2.0
"""--json prints one object on stdout and nothing else, whatever the command."""

from __future__ import annotations

import json

import pytest

from precordia.cli.main import main
from precordia.datasets.toy import toy_record

FILE = str(toy_record())
COMMANDS = [
    *([verb, FILE] for verb in ("info", "assess", "delineate", "measure", "classify", "beats")),
    ["embed", FILE],
    ["formats"],
    ["statements"],
    ["models", "list"],
    ["models", "show", "resnet1d"],
    ["dataset", "list"],
    ["dataset", "describe", "ptbxl"],
    ["simulate", "--scenario", "list"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_json_is_one_object_and_nothing_else(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([*command, "--json"])
    out, err = capsys.readouterr()
    assert left.value.code == 0
    assert isinstance(json.loads(out), dict)
    assert not err
