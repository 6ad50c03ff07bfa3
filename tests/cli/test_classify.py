# SPDX-License-Identifier: Apache-2.0
"""precordia classify: who judges, and what is printed."""

import json

import pytest

from precordia.cli.main import _exit_code
from precordia.datasets.toy import toy_record

TOY = str(toy_record())


@pytest.fixture(scope="module")
def model(tiny_graph, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    return tiny_graph.build(folder, any_lead=True, says={"NDT": 0.8}, head={(1, "SR"): 50.0})


def told(capsys, *arguments):
    code = _exit_code(["classify", TOY, *arguments])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_rules_alone_ask_no_model(capsys):
    code, text, _ = told(capsys, "--method", "rules", "--json")
    found = json.loads(text)
    assert code == 0
    assert {f["method"] for f in found["findings"]} == {"rules"}
    assert found["probabilities"] == {}


def test_both_judge_unless_said_otherwise(capsys, model):
    code, text, _ = told(capsys, "--model", model, "--json")
    found = {f["code"]: f for f in json.loads(text)["findings"]}
    assert code == 0
    assert set(found["SR"]["says"]) == {"rules", "tiny"}
    assert set(found) >= {"NORM", "MI", "STTC", "CD", "HYP", "NDT"}


def test_the_leads_behind_a_finding_are_printed_on_request(capsys, model):
    _, plain, _ = told(capsys, "--model", model)
    _, explained, _ = told(capsys, "--model", model, "--explain")
    assert "without II, III, aVF" in explained
    assert "without" not in plain
    assert "superclasses: normal ECG (NORM) 0.10" in plain


def test_mistakes_are_sentences(capsys, model):
    code, _, err = told(capsys, "--method", "learnt")
    assert (code, "Did you mean 'learned'" in err) == (2, True)
    code, _, err = told(capsys, "--method", "rules", "--model", model)
    assert (code, "asks no model" in err) == (2, True)
    code, _, err = told(capsys, "--model", "nowhere.onnx")
    assert (code, "nowhere" in err) == (2, True)
