# SPDX-License-Identifier: Apache-2.0
"""Saved models: whole, checked, told apart; damaged and foreign files end in a sentence."""

import json
import struct

import pytest
import torch

from precordia.core.errors import MissingExtraError, OptionError, OutputError, WeightsError
from precordia.core.input_spec import InputSpec
from precordia.core.input_steps import Resample, Window
from precordia.core.leads import STANDARD_12
from precordia.core.settings import settings
from precordia.embedding.load_encoder import load_encoder
from precordia.models.encoder import Encoder
from precordia.models.load_model import load_model
from precordia.models.pretrained import from_pretrained

SPEC = InputSpec(leads=STANDARD_12, fs=100, seconds=10, steps=(Resample(), Window()))


def small(**arguments):
    return load_model("resnet1d", **{"n_outputs": 2, "width": 4, **arguments})


@pytest.fixture
def saved(tmp_path):
    small().save_pretrained(
        tmp_path / "m",
        input_spec=SPEC,
        classes=("NORM", "AFIB"),
        training_data=("ptbxl",),
        details={"auroc": 0.9},
    )
    return tmp_path / "m"


def test_all_that_was_told_comes_back(saved):
    model = from_pretrained(saved)
    assert model.input_spec == SPEC
    assert (model.classes, model.training_data) == (("NORM", "AFIB"), ("ptbxl",))
    assert model.details == {"auroc": 0.9}
    model.save_pretrained(saved.parent / "again")
    first, second = (
        json.loads((folder / "config.json").read_text())
        for folder in (saved, saved.parent / "again")
    )
    assert first == second


def test_a_model_is_not_overwritten_unasked(saved):
    before = (saved / "model.safetensors").read_bytes()
    with pytest.raises(OutputError, match="overwrite=True"):
        small(seed=9).save_pretrained(saved)
    assert (saved / "model.safetensors").read_bytes() == before
    small(seed=9).save_pretrained(saved, overwrite=True)
    assert (saved / "model.safetensors").read_bytes() != before
    from_pretrained(saved)


def test_a_new_head_is_asked_for_by_name(saved):
    with pytest.raises(WeightsError, match=r"2 outputs and 5 were asked for.*head='new'"):
        from_pretrained(saved, n_outputs=5)
    model, old = from_pretrained(saved, n_outputs=5, head="new"), from_pretrained(saved)
    assert model.n_outputs == 5
    assert (model.classes, model.details) == ((), {})
    assert model.training_data == ("ptbxl",)  # what the encoder has seen stays known
    assert torch.equal(model.stem[0].weight, old.stem[0].weight)
    fresh = from_pretrained(saved, head="new", seed=3)
    assert not torch.equal(fresh.head.weight, old.head.weight)
    assert from_pretrained(saved, n_outputs=0).encode(torch.zeros(1, 12, 1000)).shape == (1, 32)


def test_a_head_can_be_put_in_place_of_another():
    for name in ("resnet1d", "xresnet1d50"):
        model = load_model(name, n_outputs=0, width=4).eval()
        model.replace_head(7, seed=1)
        assert model(torch.zeros(1, 12, 1000)).shape == (1, 7)
        model.replace_head(0)
        with pytest.raises(OptionError, match="n_outputs"):
            model.replace_head(-1)


def test_weights_go_to_other_leads_where_the_model_allows_it(tmp_path):
    model = load_model("lead-agnostic", n_outputs=2, size="small")
    model.save_pretrained(tmp_path / "m", input_spec=SPEC)
    one = from_pretrained(tmp_path / "m", leads=("I",))
    assert one.shape.n_leads == 1
    assert one.input_spec is None
    small().save_pretrained(tmp_path / "r")
    with pytest.raises(WeightsError, match=r"1 misshapen \(stem.0.weight 4x12x7 for 4x1x7\)"):
        from_pretrained(tmp_path / "r", leads=("I",))


def test_weights_of_another_model_are_told_by_name_and_keys(saved):
    with pytest.raises(WeightsError, match="holds weights of resnet1d; s4 was asked for"):
        load_model("s4", n_outputs=2, weights=saved)
    with pytest.raises(WeightsError, match=r"missing \(.*, \.\.\.\)"):
        from_pretrained(saved, size=34)
    config = json.loads((saved / "config.json").read_text())
    config["architecture"] = "resnet1d-wang"
    config["options"] = {}
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=r"missing .* extra .* misshapen"):
        from_pretrained(saved)


def test_a_class_can_be_asked_to_be_itself(saved):
    kind = type(small())
    assert type(kind.from_pretrained(saved)) is kind
    assert isinstance(Encoder.from_pretrained(saved), kind)
    other = type(load_model("vit1d", n_outputs=0, depth=1))
    with pytest.raises(OptionError, match="no ViT1d"):
        other.from_pretrained(saved)


@pytest.mark.parametrize("place", [0, 9, 200, -1])
def test_a_changed_byte_is_found(saved, place):
    file = saved / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[place] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="SHA-256"):
        from_pretrained(saved)


def _redescribe(folder, content):
    """Make the description agree with a file, as somebody who wants to harm would."""
    import hashlib

    (folder / "model.safetensors").write_bytes(content)
    config = json.loads((folder / "config.json").read_text())
    config["weights"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "config.json").write_text(json.dumps(config))


def test_headers_that_lie_are_refused(saved):
    whole = (saved / "model.safetensors").read_bytes()
    header = {"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}
    text = json.dumps(header).encode()
    for content in (
        b"",
        b"not safetensors at all",
        struct.pack("<Q", 1 << 60) + whole[8:],
        struct.pack("<Q", len(text)) + text,
        whole[: len(whole) // 2],
    ):
        _redescribe(saved, content)
        with pytest.raises(WeightsError, match="no safetensors file"):
            from_pretrained(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("options"),
        lambda c: c.update(format="other"),
        lambda c: c.update(format_version=99),
        lambda c: c.update(n_outputs="two"),
        lambda c: c["signal"].update(fs=-1),
        lambda c: c["signal"].update(n_leads=3),
        lambda c: c.update(input={"leads": 7}),
        lambda c: c.update(details=[]),
        lambda c: c.update(weights=None),
    ],
)
def test_a_damaged_description_is_a_sentence(saved, change):
    config = json.loads((saved / "config.json").read_text())
    change(config)
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="cannot be read"):
        from_pretrained(saved)


def test_what_is_no_folder_of_a_model_is_a_sentence(saved, monkeypatch, tmp_path):
    (saved / "config.json").write_text("[" * 100_000)
    with pytest.raises(WeightsError, match="cannot be read"):
        from_pretrained(saved)
    (saved / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"no model.safetensors"):
        from_pretrained(saved)
    with pytest.raises(WeightsError, match="is a file"):
        from_pretrained(saved / "config.json")
    with pytest.raises(WeightsError, match="there is no folder"):
        from_pretrained(tmp_path / "nothing")
    monkeypatch.setenv("PRECORDIA_OFFLINE", "1")
    settings.cache_clear()
    with pytest.raises(WeightsError, match="PRECORDIA_OFFLINE"):
        from_pretrained("somebody/something")


@pytest.mark.parametrize("name", ["model", "encoder"])
def test_the_folder_of_a_training_is_its_model(saved, name):
    saved.rename(saved.parent / name)
    assert from_pretrained(saved.parent).classes == ("NORM", "AFIB")
    assert load_encoder(str(saved.parent)).version == load_encoder(str(saved.parent / name)).version
    small(n_outputs=3).save_pretrained(saved.parent)  # its own comes first
    assert from_pretrained(saved.parent).n_outputs == 3


def test_the_hub_is_asked_for_what_is_no_folder(saved, monkeypatch):
    """With the hub's client replaced by one that knows a single repository."""
    import sys
    import types

    asked = []

    def snapshot_download(name, *, revision, allow_patterns, cache_dir):
        asked.append((name, revision, tuple(allow_patterns)))
        if name != "somebody/small":
            raise RuntimeError("404 Client Error\nnot found")
        return str(saved)

    monkeypatch.delenv("PRECORDIA_OFFLINE", raising=False)
    settings.cache_clear()
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"precordia\[hub\]"):
        from_pretrained("somebody/small")
    fake = types.ModuleType("huggingface_hub")
    fake.snapshot_download = snapshot_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", fake)
    assert from_pretrained("somebody/small@v2").n_outputs == 2
    assert asked == [("somebody/small", "v2", ("config.json", "model.safetensors"))]
    with pytest.raises(WeightsError, match="404 Client Error"):
        from_pretrained("somebody/else")


@pytest.fixture(autouse=True)
def _settings_anew():
    yield
    settings.cache_clear()


def test_what_does_not_fit_is_not_saved(tmp_path):
    with pytest.raises(OptionError, match="3 classes arrived for 2"):
        small().save_pretrained(tmp_path / "m", classes=("A", "B", "C"))
    with pytest.raises(OptionError, match="must agree"):
        small(seconds=5).save_pretrained(tmp_path / "m", input_spec=SPEC)
    with pytest.raises(OptionError, match="details cannot be stored"):
        small().save_pretrained(tmp_path / "m", details={"x": float("nan")})
    model = small()
    model.name = ""
    with pytest.raises(OptionError, match="no name"):
        model.save_pretrained(tmp_path / "m")
    assert not (tmp_path / "m" / "config.json").exists()


def test_leads_of_the_input_and_of_the_model_are_the_same_leads_in_the_same_order(tmp_path):
    two = InputSpec(leads=("I", "II"), fs=100, seconds=10, steps=(Resample(), Window()))
    turned = InputSpec(leads=("II", "I"), fs=100, seconds=10, steps=(Resample(), Window()))
    model = small(leads=("I", "II"))
    with pytest.raises(OptionError, match=r"\(II, I\).*\(I, II\).*must agree"):
        model.save_pretrained(tmp_path / "turned", input_spec=turned)
    assert not (tmp_path / "turned").exists()
    model.save_pretrained(tmp_path / "two", input_spec=two)
    assert from_pretrained(tmp_path / "two").input_spec == two
    small(n_leads=2).save_pretrained(tmp_path / "unnamed", input_spec=two)


def test_an_input_of_other_leads_does_not_stay_with_the_model(tmp_path):
    two = InputSpec(leads=("I", "II"), fs=100, seconds=10, steps=(Resample(), Window()))
    model = load_model("lead-agnostic", n_outputs=0, leads=("I", "II"), size="small")
    model.save_pretrained(tmp_path / "limb", input_spec=two)
    chest = from_pretrained(tmp_path / "limb", leads=("V1", "V2"))
    assert chest.shape.leads == ("V1", "V2")
    assert chest.input_spec is None


@pytest.mark.parametrize("given", [{"classes": "AB"}, {"training_data": "ptbxl"}])
def test_one_text_is_no_list_of_names(tmp_path, given):
    with pytest.raises(OptionError, match="a list of names is needed"):
        small().save_pretrained(tmp_path / "m", **given)


def test_a_class_is_named_once(tmp_path):
    with pytest.raises(OptionError, match="'NORM' more than once"):
        small().save_pretrained(tmp_path / "m", classes=("NORM", "NORM"))
