# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of other programs: every key accounted for, code refused."""

import zipfile

import pytest
import safetensors.torch
import torch

from precordia.core.errors import MissingFileError, WeightsError
from precordia.models.convert import convert_weights
from precordia.models.load_model import load_model
from precordia.models.pretrained import from_pretrained

TINY = {"width": 4, "hidden": 8}


def theirs(model):
    """Rename weights of our xresnet back to the keys of the benchmark's code, copies included."""
    state = {}
    heads = {"neck.0": "8.2", "neck.2": "8.4", "neck.4": "8.6", "head": "8.8"}
    for key, value in model.state_dict().items():
        part, rest = key.split(".", 1)
        if part == "stem":
            state[rest] = value
        elif part == "blocks":
            stage, block, way, rest = rest.split(".", 3)
            place = f"{int(stage) + 4}.{block}"
            names = ("convs", "convpath.0") if way == "path" else ("idpath",)
            state |= {f"{place}.{name}.{rest}": value for name in names}
        else:
            prefix = next(name for name in heads if key.startswith(name + "."))
            state[key.replace(prefix, heads[prefix], 1)] = value
    return state


@pytest.fixture
def model():
    return load_model("xresnet1d50", n_outputs=3, seed=4, **TINY).eval()


def test_a_checkpoint_of_the_benchmark_becomes_a_folder(model, tmp_path):
    torch.save({"model": theirs(model), "opt": {"lr": 0.1}}, tmp_path / "best.pth")
    made = convert_weights(
        tmp_path / "best.pth", model="xresnet1d50", to=tmp_path / "m", classes="ABC", **TINY
    )
    assert made.n_outputs == 3
    again, x = from_pretrained(tmp_path / "m").eval(), torch.randn(2, 12, 250)
    with torch.inference_mode():
        assert torch.equal(again(x), model(x))
    assert again.classes == ("A", "B", "C")


def test_our_own_keys_and_safetensors_are_taken(model, tmp_path):
    state = {f"module.{key}": value for key, value in model.state_dict().items()}
    state = {k: v for k, v in state.items() if "num_batches_tracked" not in k}
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    made = convert_weights(
        tmp_path / "w.safetensors", model="xresnet1d50", to=tmp_path / "m", **TINY
    )
    assert torch.equal(made.head.weight, model.head.weight)


def refused(tmp_path, name="w.pt", **arguments):
    with pytest.raises(WeightsError) as caught:
        convert_weights(
            tmp_path / name, **{"model": "xresnet1d50", "to": tmp_path / "m", **TINY, **arguments}
        )
    assert not (tmp_path / "m").exists()
    return str(caught.value)


def test_a_key_too_many_too_few_or_of_another_shape_is_refused(model, tmp_path):
    state = theirs(model)
    state["8.9.weight"] = torch.zeros(2)
    torch.save(state, tmp_path / "w.pt")
    assert "1 extra (8.9.weight)" in refused(tmp_path)
    state = theirs(model)
    del state["4.0.convs.0.0.weight"]
    torch.save(state, tmp_path / "w.pt")
    assert "1 missing (blocks.0.0.path.0.0.weight)" in refused(tmp_path)
    torch.save(theirs(model), tmp_path / "w.pt")
    assert "misshapen" in refused(tmp_path, kernel=7)
    assert "1 misshapen (stem.0.0.weight" in refused(tmp_path, leads=("I",))


class _Harm:
    def __reduce__(self):
        return (open, ("/tmp/precordia-was-harmed", "w"))


def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path):
    torch.save({"state_dict": {"a": torch.zeros(1)}, "model_args": _Harm()}, tmp_path / "w.pt")
    assert "code that would run" in refused(tmp_path)
    torch.save(torch.nn.Linear(2, 2), tmp_path / "w.pt")
    assert "code that would run" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", b"\x80\x02}q\x00."])
def test_what_is_no_checkpoint_is_a_sentence(content, tmp_path):
    (tmp_path / "w.pt").write_bytes(content)
    refused(tmp_path)
    (tmp_path / "w.safetensors").write_bytes(content)
    refused(tmp_path, "w.safetensors")


def test_archives_that_grow_are_refused(model, tmp_path):
    with zipfile.ZipFile(tmp_path / "w.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", b"\0" * 20_000_000)
    assert "claims to hold" in refused(tmp_path)


def test_numbers_that_are_not_finite_are_refused(model, tmp_path):
    state = theirs(model)
    state["8.8.bias"] = torch.tensor([0.0, torch.nan, 0.0])
    torch.save(state, tmp_path / "w.pt")
    assert "head.bias" in refused(tmp_path)


def test_lists_and_other_things_are_refused(tmp_path):
    torch.save([1, 2], tmp_path / "w.pt")
    assert "a list" in refused(tmp_path)
    torch.save({"a": 1}, tmp_path / "w.pt")
    assert "no arrays (a)" in refused(tmp_path)
    with pytest.raises(MissingFileError):
        convert_weights(tmp_path / "no.pt", model="xresnet1d50", to=tmp_path / "m")
