# SPDX-License-Identifier: Apache-2.0
"""precordia report and precordia export, as they are called."""

import json

import pytest

from precordia.cli.main import _exit_code
from precordia.datasets.toy import toy_record

TOY = str(toy_record())


def told(capsys, *arguments):
    code = _exit_code([str(a) for a in arguments])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_a_report_is_printed_with_its_notice(capsys):
    code, text, _ = told(capsys, "report", TOY, "--style", "short", "--language", "de")
    assert code == 0
    assert "Herzfrequenz" in text
    assert "Kein Medizinprodukt" in text


def test_json_holds_claims_and_grounding_and_compares(capsys):
    code, text, _ = told(capsys, "report", TOY, "--previous", TOY, "--json")
    held = json.loads(text)
    assert code == 0
    assert all(sentence["claims"] for sentence in held["sentences"])
    assert held["grounding"]["precision"] == 1.0
    assert any(s["section"] == "comparison" for s in held["sentences"])


def test_a_text_that_was_altered_is_seen(capsys, tmp_path):
    path = tmp_path / "report.txt"
    code, _, _ = told(capsys, "report", TOY, "--style", "short", "-o", path)
    assert code == 0
    assert "unsupported" not in told(capsys, "report", TOY, "--style", "short", "--check", path)[1]
    path.write_text(path.read_text("utf-8").replace("heart rate", "resting heart rate"), "utf-8")
    assert "unsupported" in told(capsys, "report", TOY, "--style", "short", "--check", path)[1]


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--style", "poem"], "no style 'poem'"),
        (["--language", "fr"], "no language 'fr'"),
        (["--previous", "nowhere.dcm"], "no file 'nowhere.dcm'"),
        (["--check", "nowhere.txt"], "no file 'nowhere.txt'"),
        (["--check", TOY.replace(".hea", ".dat")], "cannot be read as text"),
        (["-o", TOY], "exists and was left as it is"),
    ],
)
def test_mistakes_are_sentences(capsys, flags, sentence):
    code, _, problem = told(capsys, "report", TOY, *flags)
    assert code == 2
    assert sentence in problem
    assert "Traceback" not in problem


def test_a_set_is_written_once_and_grows(capsys, tmp_path):
    output = tmp_path / "set"
    bad = tmp_path / "bad.edf"
    bad.write_bytes(b"no EDF at all")
    code, text, _ = told(capsys, "export", TOY, bad, "-o", output, "--json")
    counts = json.loads(text)
    assert (code, counts["done"], counts["failed"]) == (0, 1, 1)
    assert counts["problems"][0]["file"] == str(bad)
    assert json.loads((output / "schema.json").read_text("utf-8"))["$schema"]
    rows = (output / "index.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(row)["file"] for row in rows] == [TOY]
    code, text, _ = told(capsys, "export", TOY, "-o", output)
    assert code == 0
    assert "0 written, 1 were there already" in text


def test_a_set_of_nothing_is_refused(capsys, tmp_path):
    code, _, problem = told(capsys, "export", tmp_path, "-o", tmp_path / "set")
    assert code == 2
    assert "no recording was found" in problem
    assert not (tmp_path / "set").exists()
