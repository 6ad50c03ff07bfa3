# SPDX-License-Identifier: Apache-2.0
"""``precordia tokens``: symbols for people and for programs."""

import json

import numpy as np
import pytest

from precordia.cli.main import main
from precordia.core.tokens import Tokens
from precordia.datasets.toy import toy_record
from precordia.io.read import read
from precordia.tokens.saved import load_tokenizer

TOY = str(toy_record())


def _run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(["tokens", TOY, *arguments])
    out = capsys.readouterr()
    return left.value.code, out.out, out.err


def test_json_holds_tokens_that_decode(capsys):
    code, out, err = _run(capsys, "--tokenizer", "rvq", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    back = load_tokenizer("rvq").decode(Tokens.from_dict(told["tokens"]))
    record = read(TOY)
    error = np.sqrt(np.mean((back.signal - record.signal.astype(float)) ** 2))
    assert told["distortion"]["rmse_mv"] == pytest.approx(error, rel=1e-4)
    assert told["bits_per_second_and_lead"]["fixed"] > 0


def test_text_shows_cost_likeness_and_symbols(capsys):
    code, out, _ = _run(capsys, "-t", "beats")
    assert code == 0
    assert "bits a second and lead" in out
    assert "PRD" in out
    assert "\n  V6: " in out


def test_what_comes_back_is_written_and_nothing_is_overwritten(capsys, tmp_path):
    path = tmp_path / "back.csv"
    code, _, _ = _run(capsys, "--decoded", str(path))
    assert code == 0
    assert read(path).leads == read(TOY).leads
    code, _, err = _run(capsys, "--decoded", str(path))
    assert code == 2
    assert "--force" in err


def test_an_unknown_tokenizer_is_one_sentence(capsys):
    code, out, err = _run(capsys, "-t", "abab")
    assert (code, out) == (2, "")
    assert "Did you mean 'abba'?" in err
