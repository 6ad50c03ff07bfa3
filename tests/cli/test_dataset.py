# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from precordia.cli.main import main
from precordia.datasets.databases import list_datasets


def _run(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(["dataset", *map(str, words)])
    said = capsys.readouterr()
    return left.value.code, said.out, said.err


@pytest.fixture
def own(tmp_path):
    from precordia.datasets.toy import toy_record

    for end in (".hea", ".dat"):
        (tmp_path / f"toy{end}").write_bytes(toy_record().with_suffix(end).read_bytes())
    (tmp_path / "labels.csv").write_text("path,patient_id,label\ntoy.hea,1,normal\n")
    return tmp_path


def test_list_names_every_database(capsys):
    code, out, _ = _run(capsys, "list")
    assert code == 0
    assert all(line.split()[0] in list_datasets() for line in out.splitlines())
    cards = json.loads(_run(capsys, "list", "--json")[1])
    assert [card["name"] for card in cards["databases"]] == list(list_datasets())


def test_describe_prints_the_card_or_what_is_in_the_folder(capsys, own):
    code, out, _ = _run(capsys, "describe", "mitdb")
    assert code == 0
    assert "201 (DS1) and 202 (DS2)" in out
    said = json.loads(_run(capsys, "describe", "folder", own, "--json")[1])
    assert (said["n_records"], said["classes"]) == (1, {"normal": 1})
    assert json.loads(_run(capsys, "describe", "mitdb", "--json")[1])["n_patients"] == 47


def test_verify_leaves_with_2_where_a_record_does_not_read(capsys, own):
    assert _run(capsys, "verify", "folder", own)[0] == 0
    (own / "toy.dat").write_bytes(b"")
    code, out, _ = _run(capsys, "verify", "folder", own, "--json")
    assert code == 2
    assert json.loads(out)["ok"] is False


def test_fetch_asks_first(capsys, tmp_path):
    code, out, err = _run(capsys, "fetch", "ptbxl", tmp_path / "x")
    assert (code, out) == (2, "")
    assert "about 3.0 GB from physionet.org" in err
    assert err.rstrip().endswith("say yes with --yes.")
    assert not (tmp_path / "x").exists()


def test_mistakes_are_sentences(capsys, own):
    assert "Did you mean 'ptbxl'" in _run(capsys, "describe", "ptbx")[2]
    assert "no NAME=VALUE" in _run(capsys, "describe", "folder", own, "--option", "fs")[2]
    code, _, err = _run(capsys, "describe", "folder", own, "--option", "separator=,")
    assert (code, err) == (0, "")


def test_a_recording_without_unit_and_rate_is_told_them(capsys, tmp_path):
    rows = "\n".join(f"{k % 7},{k % 5}" for k in range(2000))
    (tmp_path / "a.csv").write_text(f"I,II\n{rows}\n")
    (tmp_path / "labels.csv").write_text("path,label\na.csv,x\n")
    assert _run(capsys, "verify", "folder", tmp_path)[0] == 2
    told = ["--option", 'reading={unit = "uV", fs = 500}']
    assert _run(capsys, "verify", "folder", tmp_path, *told)[0] == 0
    code, _, err = _run(capsys, "verify", "folder", tmp_path, "--option", "reading=uV")
    assert code == 2
    assert "a table of options for reading is needed" in err
    assert "is no table" in _run(capsys, "verify", "folder", tmp_path, "--option", "reading={x")[2]


@pytest.mark.parametrize("command", ["list", "describe", "verify", "fetch"])
def test_every_help_has_an_example(capsys, command):
    assert "Example:  precordia dataset" in _run(capsys, command, "--help")[1]
