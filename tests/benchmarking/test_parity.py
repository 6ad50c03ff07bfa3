# SPDX-License-Identifier: Apache-2.0
"""Models agree with what their authors' code gives, and the comparison can tell."""

import json
import math
import os
import shutil
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from precordia.benchmarking import parity
from precordia.benchmarking.parity import (
    cards_by_fixture,
    compare_fixture,
    compare_fixtures,
    find_fixtures,
)
from precordia.benchmarking.parity_fixture import (
    conditions,
    filled_state,
    pseudo_random,
    signal_input,
)
from precordia.cli.main import main
from precordia.core.errors import FormatError, MissingFileError, UnknownNameError
from precordia.models.load_model import load_model
from precordia.models.published_card import Fixture, published_card

PLACE = Path(os.environ.get("PRECORDIA_PARITY") or Path(__file__).parents[3] / "shared" / "parity")
#: 297 million parameters: the command compares them, this suite does not
TOO_LARGE = {"clef_large"}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def folder():
    if not PLACE.is_dir():
        pytest.skip(f"NO FIXTURES at {PLACE}: set PRECORDIA_PARITY to run this test")
    return PLACE


@pytest.mark.parametrize("stem", sorted(set(cards_by_fixture()) - TOO_LARGE))
def test_a_model_gives_what_its_authors_code_gives(folder, stem):
    if not (folder / f"{stem}.json").is_file():
        pytest.skip(f"NO FIXTURE {stem} at {folder}")
    result = compare_fixture(folder / f"{stem}.json")
    assert result.verdict == "agrees", result
    assert result.differences


# The rule, once more, a number at a time.


def hashed(key, i, seed):
    x = (i + zlib.crc32(key.encode()) + seed * 0x9E3779B9) % 2**32
    x ^= x >> 16
    x = x * 0x85EBCA6B % 2**32
    x ^= x >> 13
    x = x * 0xC2B2AE35 % 2**32
    x ^= x >> 16
    return x / 2**31 - 1


def wave(b, lead, t, n, fs, shift):
    tau = t / fs + 0.13 * b + shift
    burst = math.sin(2 * math.pi * (1.3 + 0.1 * lead) * tau)
    burst *= math.exp(-((((1.2 * tau) % 1) - 0.3) ** 2) / 0.002)
    return 4 * (burst + 0.1 * math.sin(0.37 * fs * tau + lead) + 0.01 * (lead + 1) * t / n)


def naive_state(facts):
    state = {}
    for key, shape, dtype in facts["state_dict"]:
        n = math.prod(shape)
        if key.endswith("num_batches_tracked"):
            state[key] = np.zeros(shape, np.int64)
            continue
        assert dtype == "float32"
        u = np.array([hashed(key, i, facts["seed"]) for i in range(n)])
        override = next((o for o in facts["overrides"] if o["key"] == key), None)
        if override:
            u = override["offset"] + override["gain"] * u
        elif key.endswith("running_var"):
            u = 1 + 0.5 * abs(u)
        elif key.endswith("running_mean"):
            u = 0.1 * u
        elif key in facts["norm_weight_keys"]:
            u = 1 + 0.1 * u
        elif len(shape) >= 2 and shape[0] > 1:
            u = facts["weight_gain"] * math.sqrt(3 * shape[0] / n) * u
        else:
            u = 0.1 * u
        state[key] = u.astype(np.float32).reshape(shape)
    return state


def sums(arrays):
    flat = np.concatenate([a.ravel() for a in arrays]).astype(float)
    return {"count": flat.size, "sum": flat.sum(), "sumsq": (flat**2).sum()}


TINY = {"width": 4}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A fixture of a tiny model with a seed, a shift, an override and a gain of its own."""
    model = load_model("merl-resnet", n_outputs=3, n_samples=64, fs=100, **TINY).eval()
    keys = model.state_dict()
    facts = {
        "seed": 11,
        "shift_s": 0.37,
        "weight_gain": 1.25,
        "norm_weight_keys": ["stem.1.weight"],
        "overrides": [{"key": "head.bias", "offset": 0.5, "gain": 2.0}],
        "tied_keys": [],
        "state_dict": [
            [k, list(v.shape), str(v.dtype).removeprefix("torch.")] for k, v in keys.items()
        ],
    }
    state = naive_state(facts)
    learned = [v for v in state.values() if v.dtype == np.float32]
    x = [[[wave(b, k, t, 64, 100, 0.37) for t in range(64)] for k in range(12)] for b in (0, 1)]
    x = np.array(x, np.float32)
    model.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    with torch.inference_mode():
        tokens, logits = model.tokens(torch.from_numpy(x)), model(torch.from_numpy(x))
    facts |= {
        "fill_check": sums(learned),
        "input_check": {**sums([x]), "shape": [2, 12, 64], "first8": x.ravel()[:8].tolist()},
        "outputs": {
            "encoder_output": {"shape": [2, 32, 4], "stride": 3},
            "logits": {"shape": [2, 3], "stride": 1},
        },
    }
    told = {
        "encoder_output": tokens.transpose(1, 2).numpy().ravel()[::3],
        "logits": logits.numpy().ravel(),
    }
    (tmp_path / "made.json").write_text(json.dumps(facts))
    np.savez(tmp_path / "made.npz", **told)
    card = replace(published_card("merl.resnet18"), n_outputs=3, options=TINY)
    changes = Fixture(n_samples=64, fs=100)
    monkeypatch.setattr(parity, "cards_by_fixture", lambda: {"made": (card, changes)})
    return tmp_path / "made.json", facts, told


def written(made, **changes):
    path, facts, _ = made
    path.write_text(json.dumps(facts | changes))
    return compare_fixture(path)


def test_another_seed_shift_and_gain_are_followed(made):
    result = compare_fixture(made[0])
    assert result.verdict == "agrees", result
    assert set(result.differences) == {"encoder_output", "logits"}


def test_a_number_that_is_off_is_seen(made):
    path, _, told = made
    np.savez(path.with_suffix(".npz"), **(told | {"logits": told["logits"] * (1 + 3e-5)}))
    result = compare_fixture(path)
    assert result.verdict == "disagrees"
    assert result.reason == "logits beyond 1e-05"
    assert result.differences["logits"] == pytest.approx(3e-5, rel=0.1)
    assert result.differences["encoder_output"] < 1e-6
    np.savez(path.with_suffix(".npz"), **(told | {"logits": told["logits"][:-1]}))
    assert compare_fixture(path).verdict == "disagrees"
    np.savez(path.with_suffix(".npz"), **(told | {"logits": np.full(6, np.nan)}))
    assert compare_fixture(path).verdict == "disagrees"


def test_sums_are_compared_before_outputs(made):
    facts = made[1]
    for changes in (
        {"seed": 12},
        {"weight_gain": 1.0},
        {"overrides": []},
        {"norm_weight_keys": []},
        {"shift_s": 0.38},
        {"fill_check": facts["fill_check"] | {"count": 7}},
        {"fill_check": None},
        {"input_check": facts["input_check"] | {"shape": [2, 12, 65]}},
        {"after_fill": "turn every kernel around"},
        {"state_dict": facts["state_dict"][1:]},
        {"state_dict": [["a", [2**40], "float32"]]},
        {"state_dict": "none"},
        {"outputs": {"beats": {"shape": [1], "stride": 1}}},
        {"outputs": {"logits": {"shape": [2, 3], "stride": "x"}}},
    ):
        result = written(made, **changes)
        assert result.verdict == "unreadable", (changes, result)
        assert result.reason
        assert "Traceback" not in result.reason


def test_a_shape_that_differs_disagrees(made):
    result = written(made, outputs={"logits": {"shape": [3, 2], "stride": 1}})
    assert result.verdict == "disagrees"


def test_damaged_files_and_code_in_them_are_sentences(made):
    path = made[0]
    numbers = path.with_suffix(".npz")
    whole = numbers.read_bytes()
    np.savez(numbers, logits=np.array([{"code": 1}], dtype=object))
    assert "allow_pickle" in compare_fixture(path).reason
    for damaged in (b"", b"text", whole[: len(whole) // 2]):
        numbers.write_bytes(damaged)
        assert compare_fixture(path).verdict == "unreadable"
    numbers.unlink()
    assert "made.npz" in compare_fixture(path).reason
    for text in ("", "{", "[1]", "{}", '{"outputs": 1}'):
        path.write_text(text)
        numbers.write_bytes(whole)
        assert compare_fixture(path).verdict == "unreadable"


def test_layouts_of_the_authors_hold_the_same_numbers(made):
    facts = made[1]
    x, _ = signal_input(facts, 12, 64, 100)
    for theirs in (x.transpose(0, 2, 1), x.reshape(2, 768), x[:, :, None]):
        check = {**sums([theirs]), "shape": theirs.shape, "first8": theirs.ravel()[:8]}
        ours, _ = signal_input(facts | {"input_check": check}, 12, 64, 100)
        np.testing.assert_array_equal(ours, x)
    with pytest.raises(FormatError, match="shape"):
        signal_input(facts | {"input_check": check | {"shape": [2, 5]}}, 12, 64, 100)


def test_ties_constants_and_conjugates_follow_the_rule():
    facts = {
        "seed": 3,
        "weight_gain": 1.0,
        "norm_weight_keys": [],
        "overrides": [],
        "tied_keys": [["a.weight", "b.weight"]],
        "constant_keys": [
            {"key": "table", "shape": [3], "first4": [1.0, 2.0, 3.0], "sum": 6.0},
            {"key": "mask", "shape": [2], "first4": [0.0, 0.0], "sum": 0.0},
        ],
        "after_fill": "kernel.Q is overwritten with the complex conjugate of kernel.P",
        "state_dict": [
            ["a.weight", [2, 3], "float32"],
            ["b.weight", [2, 3], "float32"],
            ["kernel.P", [1, 4, 2], "float32"],
            ["kernel.Q", [1, 4, 2], "float32"],
            ["mask", [2], "float32"],
            ["table", [3], "float32"],
        ],
    }
    plain = naive_state(facts)
    learned = [v for k, v in plain.items() if k not in ("mask", "table")]
    facts["fill_check"] = sums(learned)
    state = filled_state(facts, {"table": np.array([1, 2, 3])})
    np.testing.assert_array_equal(state["a.weight"], plain["b.weight"])
    np.testing.assert_array_equal(state["b.weight"], plain["b.weight"])
    np.testing.assert_array_equal(state["kernel.Q"][..., 0], plain["kernel.P"][..., 0])
    np.testing.assert_array_equal(state["kernel.Q"][..., 1], -plain["kernel.P"][..., 1])
    np.testing.assert_array_equal(state["table"], [1, 2, 3])
    assert np.isnan(state["mask"]).all()
    with pytest.raises(FormatError, match="constant table"):
        filled_state(facts, {"table": np.array([1, 2, 4])})


def test_numbers_by_rule_do_not_depend_on_how_many_are_made():
    assert pseudo_random("a", 4, 0).tolist() == [
        0.5463010924868286,
        -0.1890887776389718,
        0.8943501403555274,
        -0.0840843734331429,
    ]
    whole = pseudo_random("layer.weight", 1000, 5)
    np.testing.assert_array_equal(whole[400:], pseudo_random("layer.weight", 600, 5, 400))


def test_only_what_is_named_is_compared(folder):
    names = [p.stem for p in find_fixtures(folder, ["merl.vit-tiny", "clef_small"])]
    assert names == ["clef_small", "merl_vit_tiny"]
    with pytest.raises(UnknownNameError, match="Did you mean 'clef_small'"):
        find_fixtures(folder, ["clef_smal"])


def test_another_set_of_the_same_kind_is_known_by_how_its_name_begins(folder, tmp_path):
    for ending in (".json", ".npz"):
        shutil.copy(folder / f"clef_small{ending}", tmp_path / f"clef_small_seed7{ending}")
        shutil.copy(folder / f"clef_small{ending}", tmp_path / f"clef_smaller{ending}")
    one, two = compare_fixtures(find_fixtures(tmp_path))
    assert (one.fixture, one.verdict, one.model) == ("clef_small_seed7", "agrees", "clef.small")
    assert two.verdict == "no such model"
    assert [p.stem for p in find_fixtures(tmp_path, ["clef.small"])] == ["clef_small_seed7"]


def test_what_no_card_names_has_no_model(tmp_path):
    (tmp_path / "stranger.json").write_text("{}")
    (result,) = compare_fixtures(find_fixtures(tmp_path))
    assert result.verdict == "no such model"
    with pytest.raises(MissingFileError):
        find_fixtures(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFileError):
        find_fixtures(tmp_path / "empty")


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main(["models", "parity", *map(str, arguments)])
    told = capsys.readouterr()
    return left.value.code, told.out, told.err


def test_the_command_tells_and_leaves_with_one_where_something_disagrees(folder, tmp_path, capsys):
    for ending in (".json", ".npz"):
        shutil.copy(folder / f"clef_small{ending}", tmp_path)
        shutil.copy(folder / f"merl_preproc{ending}", tmp_path)
    code, out, _ = run(capsys, tmp_path)
    assert code == 0
    assert "2 agree, 0 disagree" in out
    (tmp_path / "merl_preproc.npz").chmod(0o600)
    (tmp_path / "merl_preproc.npz").write_bytes(b"not numbers")
    code, out, _ = run(capsys, tmp_path, "--json")
    assert code == 1
    told = json.loads(out)
    assert told["counts"] == {"agrees": 1, "disagrees": 0, "no such model": 0, "unreadable": 1}
    assert run(capsys, tmp_path, "--only", "clef.small")[0] == 0
    code, _, err = run(capsys, tmp_path, "--only", "nothing")
    assert code == 2
    assert "no fixture 'nothing'" in err


def told_conditions(note, n_records=2):
    return {"input_note": note, "input_check": {"shape": [n_records, 8, 10]}}


def test_steps_and_statements_of_each_record_are_read_from_the_words():
    note = "8 leads; labels multi-hot: record 0 has classes 1,7, record 1 has 4; diffusion steps 13"
    step, labels = conditions(told_conditions(note + " and 170"), 9)
    assert step.tolist() == [13, 170]
    assert [np.flatnonzero(row).tolist() for row in labels] == [[1, 7], [4]]
    assert labels.sum() == 3
    three = "record 2 has class 0, record 0 has 1, record 1 has classes 2, 3; diffusion steps 5, 6"
    step, labels = conditions(told_conditions(three + " and 7", 3), 4)
    assert step.tolist() == [5, 6, 7]
    assert labels.argmax(axis=1).tolist() == [1, 2, 0]
    assert labels.sum() == 4
    for wrong in (note, note.replace("record 1", "record 3") + " and 170", "8 leads", ""):
        with pytest.raises(FormatError, match="not understood"):
            conditions(told_conditions(wrong), 9)
    with pytest.raises(FormatError, match="statement 7"):
        conditions(told_conditions(note + " and 170"), 5)
