# SPDX-License-Identifier: Apache-2.0
"""The command ask: text for people, one JSON object for programs, a sentence for mistakes."""

from __future__ import annotations

import json

import pytest

from precordia.cli.main import main
from precordia.datasets.toy import toy_record

FILE = str(toy_record())


def test_an_answer_is_one_json_object(capsys):
    with pytest.raises(SystemExit) as left:
        main(["ask", FILE, "What is the heart rate?", "--previous", FILE, "--json"])
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert left.value.code == 0
    assert not err
    assert told["answers"][0].endswith("bpm")
    assert told["evidence"][0]["measure"] == "heart_rate_bpm"


def test_what_cannot_be_told_is_said_with_the_facts(capsys):
    with pytest.raises(SystemExit) as left:
        main(["ask", FILE, "Will it rain tomorrow?"])
    out, _ = capsys.readouterr()
    assert left.value.code == 0
    assert "cannot be told" in out
    assert "heart rate" in out


def test_unknown_wordings_of_the_benchmark_are_refused(capsys):
    with pytest.raises(SystemExit) as left:
        main(["benchmark", "ecg-qa", "--wording", "templates"])
    assert left.value.code == 2
    assert "template" in capsys.readouterr().err
