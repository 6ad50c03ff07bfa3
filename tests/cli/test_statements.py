# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from precordia.cli.main import main


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(["statements", *arguments])
    out, err = capsys.readouterr()
    return left.value.code, out, err


def test_one_meaning_is_told_in_full(capsys):
    code, out, err = run(capsys, "complete", "left", "bundle", "branch", "blok")
    assert (code, err) == (0, "")
    first, *rest = out.splitlines()
    assert first == "complete left bundle branch block [scp-ecg CLBBB]"
    text = "\n".join(rest)
    assert "name, 1 letter put right" in text
    assert "kompletter Linksschenkelblock" in text
    assert "snomed-ct 733534002, aha 104" in text
    assert "I, aVL, V1, V5, V6" in text
    assert "doi:" in text
    assert all(len(line) <= 98 for line in rest)


def test_several_meanings_are_listed_and_none_is_chosen(capsys):
    code, out, _ = run(capsys, "AMI")
    assert code == 0
    assert "[scp-ecg AMI]" in out
    assert "[snomed-ct 57054005]" in out
    assert "Give one of the codes" in out


def test_json_holds_every_candidate_with_what_is_known(capsys):
    code, out, _ = run(capsys, "AFib", "--json")
    assert code == 0
    (found,) = json.loads(out)["found"]
    assert found["code"] == "AFIB"
    assert found["entry"]["plain_de"].startswith("ein unregelmäßiger")
    assert "SR" in found["excludes"]
    assert found["found_together"][0]["ppmi"] > 0
    code, out, _ = run(capsys, "AMI", "--json")
    assert len(json.loads(out)["found"]) == 2


def test_words_that_name_nothing_are_a_users_mistake(capsys):
    code, out, err = run(capsys, "qwertz")
    assert (code, out) == (2, "")
    assert "no statement 'qwertz'" in err
    assert "precordia statements" in err


def test_the_list_is_there_without_a_name(capsys):
    code, out, _ = run(capsys)
    assert code == 0
    assert "CLBBB      733534002          complete left bundle branch block" in out
