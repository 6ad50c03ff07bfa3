# SPDX-License-Identifier: Apache-2.0
"""Published encoders from the authors' file to the vector, and sentences where that cannot be."""

import argparse
import collections
import datetime
import functools
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from precordia.benchmarking.parity_fixture import filled_state
from precordia.cli.main import _exit_code
from precordia.core.errors import (
    LeadError,
    OptionError,
    SamplingRateError,
    SignalError,
    UnknownNameError,
    WeightsError,
)
from precordia.core.leads import STANDARD_12
from precordia.core.record import Record
from precordia.core.settings import settings
from precordia.embedding.embed import embed
from precordia.embedding.embed_files import embed_files
from precordia.embedding.prepare import prepare
from precordia.io.write import write
from precordia.models.convert_published import convert_published
from precordia.models.load_model import load_model
from precordia.models.pretrained import from_pretrained
from precordia.models.published_card import list_published, published_card


@pytest.fixture(autouse=True)
def places(tmp_path_factory, monkeypatch):
    """Folders of this test alone for models and vectors."""
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("places")
    monkeypatch.setenv("PRECORDIA_CACHE", str(place / "cache"))
    monkeypatch.setenv("PRECORDIA_MODELS", str(place / "models"))
    settings.cache_clear()
    yield place
    settings.cache_clear()


class TrainingSettings:
    """An object of a training program, as checkpoints hold them beside the weights."""

    def __init__(self):
        self.rate = 0.1


# What ECGFounder's and CLEF's own code would store, from what their networks are made of.


def authors_state(card, prefix=""):
    """Return random weights by the authors' keys: ours renamed back, and their idle norms."""
    spec = card.input
    model = load_model(
        card.architecture,
        n_outputs=card.n_outputs,
        leads=spec.leads,
        n_samples=spec.n_samples,
        fs=spec.fs,
        seed=3,
        **card.options,
    )
    parts = {"path.1": "conv1.conv", "path.3": "conv2.conv", "path.5": "conv3.conv"}
    parts |= {"path.6.squeeze": "se_fc1", "path.6.excite": "se_fc2"}
    state = {}
    for key, value in model.state_dict().items():
        name = key.replace("stem.0.", "first_conv.conv.").replace("head.", "dense.")
        if key.startswith("blocks."):
            _, stage, block, rest = key.split(".", 3)
            ours = next(part for part in parts if rest.startswith(part + "."))
            rest = rest.replace(ours, parts[ours], 1)
            name = f"stage_list.{stage}.block_list.{block}.{rest}"
        state[prefix + name] = value
    state[f"{prefix}first_bn.weight"] = torch.ones(32)
    state[f"{prefix}stage_list.1.block_list.0.bn1.running_mean"] = torch.zeros(32)
    return model.eval(), state


@pytest.fixture
def clef(tmp_path):
    """A checkpoint as Lightning stores it, objects of the training program included."""
    model, state = authors_state(published_card("clef.small"), "backbone.")
    held = {"state_dict": state, "epoch": 3, "hyper_parameters": TrainingSettings()}
    torch.save(held, tmp_path / "clef_small.ckpt")
    return model, tmp_path / "clef_small.ckpt"


def record(seconds=10.0, fs=500.0, leads=STANDARD_12, seed=0):
    rng = np.random.default_rng(seed)
    signal = np.cumsum(rng.normal(0, 0.02, (len(leads), round(seconds * fs))), axis=1)
    return Record(signal=signal, fs=fs, leads=leads)


def cli(capsys, *arguments):
    code = _exit_code([str(a) for a in arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_from_the_authors_file_to_their_vector(clef, places, capsys):
    model, file = clef
    code, out, err = cli(capsys, "convert-weights", file, "--model", "clef.small", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert Path(told["folder"]) == places / "models" / "clef.small"
    assert told["model"]["training_data"] == ["MIMIC-IV-ECG"]
    held = json.loads((places / "models" / "clef.small" / "config.json").read_text())
    assert held["input"]["fs"] == 500
    assert held["details"]["licence"] == "BSD-3-Clause-Clear"
    r = record()
    windows = prepare(r, published_card("clef.small").input, lead="I").windows
    with torch.inference_mode():
        expected = model.encode(torch.tensor(windows)).numpy()
    e = embed(r, model="clef.small")
    np.testing.assert_allclose(e.vector, expected[0], rtol=1e-5, atol=1e-6)
    assert (e.model, e.leads, e.dim) == ("clef.small", ("I",), 256)
    assert e.covers.tolist() == [[0, 5000]]
    other = embed(r, model="clef.small", lead="V2")
    assert other.leads == ("V2",)
    assert not np.allclose(other.vector, e.vector, atol=1e-4)
    folder = embed(r, model=str(places / "models" / "clef.small"))
    np.testing.assert_array_equal(folder.vector, e.vector)


def test_the_object_of_a_training_program_is_never_made(clef, monkeypatch):
    _, file = clef

    def made(*_):
        raise AssertionError("the object was made")

    monkeypatch.setattr(TrainingSettings, "__setstate__", made, raising=False)
    monkeypatch.setattr(TrainingSettings, "__new__", made, raising=False)
    assert convert_published(file, "clef.small")[0].dim == 256


@pytest.mark.parametrize("zipped", [True, False])
def test_settings_of_a_training_program_are_left_unread(tmp_path, zipped):
    model, state = authors_state(published_card("clef.small"))
    settings_ = {
        "place": Path("runs"),
        "parts": argparse.Namespace(lr=0.1, deep=[TrainingSettings()]),
        "best": np.float64(0.9),
        "ordered": collections.OrderedDict(a=1),
        "many": collections.Counter("aab"),
        "default": collections.defaultdict(list, a=[1]),
        "partial": functools.partial(int, base=2),
        "when": datetime.datetime(2025, 1, 1),
    }
    held = {"state_dict": state, "cfg": settings_}
    torch.save(held, tmp_path / "w.ckpt", _use_new_zipfile_serialization=zipped)
    made, folder = convert_published(tmp_path / "w.ckpt", "clef.small")
    again = from_pretrained(folder).eval()
    x = torch.randn(1, 1, 5000)
    with torch.inference_mode():
        assert torch.equal(again(x), model(x))
    assert made.details["published"] == "clef.small"


class _Harm:
    def __reduce__(self):
        return (os.system, ("touch /tmp/precordia-was-harmed-again",))


def test_code_beside_the_weights_is_not_run(tmp_path):
    _, state = authors_state(published_card("clef.small"))
    torch.save({"state_dict": state, "callbacks": [_Harm()]}, tmp_path / "w.ckpt")
    with pytest.raises(WeightsError, match=r"posix\.system"):
        convert_published(tmp_path / "w.ckpt", "clef.small")
    odd = {**state, "first_conv.conv.bias": TrainingSettings()}
    torch.save({"state_dict": odd}, tmp_path / "w.ckpt")
    with pytest.raises(WeightsError, match="no arrays"):
        convert_published(tmp_path / "w.ckpt", "clef.small")
    assert not Path("/tmp/precordia-was-harmed-again").exists()


def test_every_key_is_accounted_for(clef, tmp_path):
    _, state = authors_state(published_card("clef.small"))
    for changes, said in (
        ({"stranger.weight": torch.zeros(3)}, r"1 extra \(stranger.weight\)"),
        ({"first_conv.conv.bias": torch.zeros(31)}, "misshapen"),
        ({"first_conv.conv.bias": torch.full((32,), torch.nan)}, "not finite"),
    ):
        torch.save({**state, **changes}, tmp_path / "w.pt")
        with pytest.raises(WeightsError, match=said) as caught:
            convert_published(tmp_path / "w.pt", "clef.small")
        assert "zenodo" in str(caught.value)
    state.pop("first_conv.conv.bias")
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match=r"1 missing \(stem.0.bias\)"):
        convert_published(tmp_path / "w.pt", "clef.small")


@pytest.mark.parametrize("name", ["merl.resnet18", "merl.vit-tiny"])
def test_both_files_of_merl_are_taken(name, tmp_path):
    stem = name.replace(".", "_").replace("-", "_")
    place = os.environ.get("PRECORDIA_PARITY") or Path(__file__).parents[3] / "shared" / "parity"
    if not (Path(place) / f"{stem}.json").is_file():
        pytest.skip(f"NO FIXTURE {stem} at {place}")
    facts = json.loads((Path(place) / f"{stem}.json").read_text())
    whole = {k: torch.from_numpy(v) for k, v in filled_state(facts).items()}
    whole["lm_model.embeddings.weight"] = torch.zeros(3, 2)
    torch.save(whole, tmp_path / "ckpt.pth")
    encoder = {
        k.removeprefix("ecg_encoder."): v for k, v in whole.items() if k.startswith("ecg_encoder.")
    }
    torch.save(encoder, tmp_path / "encoder.pth")
    made = [convert_published(tmp_path / f"{n}.pth", name, to=tmp_path / n)[0]
            for n in ("ckpt", "encoder")]  # fmt: skip
    x = torch.rand(2, 12, 5000)
    with torch.inference_mode():
        assert torch.equal(made[0].eval().encode(x), made[1].eval().encode(x))
    torch.save({f"module.{k}": v for k, v in whole.items()}, tmp_path / "ddp.pth")
    convert_published(tmp_path / "ddp.pth", name, to=tmp_path / "ddp")


def test_weights_that_are_not_here_are_told_with_where_and_how(capsys, places):
    with pytest.raises(WeightsError) as caught:
        embed(record(), model="ecg-founder.12lead")
    said = str(caught.value)
    assert "https://huggingface.co/PKUDigitalHealth/ECGFounder" in said
    assert "precordia convert-weights 12_lead_ECGFounder.pth --model ecg-founder.12lead" in said
    path = write(record(), places / "r.npz")
    code, _, err = cli(capsys, "embed", places / "r.npz", "--model", "ecg-founder.12lead")
    assert code == 2, path
    assert "convert-weights" in err
    with pytest.raises(UnknownNameError, match=r"Did you mean 'ecg-founder.12lead'"):
        embed(record(), model="ecg-founder.12-lead")


@pytest.fixture
def small(tmp_path):
    """A folder of a tiny network for twelve leads that says how its input is made."""
    spec = published_card("merl.resnet18").input
    model = load_model("merl-resnet", n_outputs=2, leads=spec.leads, width=2, seed=1)
    details = {"published": "merl.resnet18"}
    model.save_pretrained(tmp_path / "small", input_spec=spec, details=details)
    return str(tmp_path / "small")


def test_leads_length_and_rate_that_do_not_do_are_told_with_a_remedy(small):
    with pytest.raises(LeadError, match=r"Encoders for these leads: precordia-any-lead, clef"):
        embed(record(leads=("I", "II")), model=small)
    with pytest.raises(SignalError, match=r"at least 2.5 s.*Encoders of shorter windows: .*helme"):
        embed(record(seconds=2), model=small)
    with pytest.raises(SamplingRateError, match=r"50 Hz.*at least 100 Hz.*precordia-any-lead"):
        embed(record(fs=50.0), model=small)
    e = embed(record(seconds=7), model=small)
    assert any("7 s recorded" in text for text in e.source.warnings)
    e = embed(record(fs=250.0), model=small)
    assert any("recorded at 250 Hz" in text for text in e.source.warnings)


def test_no_encoder_is_named_for_a_recording_without_a_signal(small):
    flat = replace(record(), signal=np.zeros((12, 1000)))
    with pytest.raises(LeadError, match="needs a lead with a signal") as told:
        embed(flat, model=small)
    assert "Encoders for these leads" not in str(told.value)


def test_one_lead_must_be_clear(clef):
    _, file = clef
    convert_published(file, "clef.small")
    assert embed(record(leads=("V5",)), model="clef.small").leads == ("V5",)
    assert embed(record(leads=("II", "III")), model="clef.small").leads == ("I",)
    with pytest.raises(LeadError, match="lead='V1'"):
        embed(record(leads=("V1", "V2")), model="clef.small")


def test_absent_leads_that_a_card_allows_are_told(tmp_path):
    spec = replace(published_card("merl.resnet18").input, missing_leads="zero")
    model = load_model("merl-resnet", n_outputs=0, leads=spec.leads, width=2, seed=1)
    model.save_pretrained(tmp_path / "m", input_spec=spec, details={"published": "x"})
    e = embed(record(leads=("I", "II", "V1")), model=str(tmp_path / "m"))
    assert any(text.startswith("V2, V3, V4, V5, V6 absent") for text in e.source.warnings)


def test_a_recording_of_a_minute_is_pieces_as_the_authors_take_them(small):
    r = record(seconds=25)
    e = embed(r, model=small)
    assert e.covers.tolist() == [[0, 5000], [5000, 10000], [7500, 12500]]
    whole = from_pretrained(small).eval()
    spec = published_card("merl.resnet18").input
    part = prepare(replace(r, signal=r.signal[:, 5000:10000]), spec).windows
    with torch.inference_mode():
        np.testing.assert_allclose(e.windows[1], whole.encode(torch.tensor(part))[0], atol=1e-6)


def test_the_rest_that_no_window_covers_is_told(tmp_path):
    spec = published_card("merl.resnet18").input
    spec = replace(spec, seconds=5)
    model = load_model("merl-resnet", n_outputs=0, leads=spec.leads, seconds=5, width=2)
    model.save_pretrained(tmp_path / "m", input_spec=spec, details={"published": "x"})
    e = embed(record(), model=str(tmp_path / "m"))
    assert e.covers.tolist() == [[0, 2500]]
    assert any("last 5 s are in no window" in text for text in e.source.warnings)


def test_a_folder_that_says_nothing_of_its_input_is_refused(tmp_path):
    model = load_model("merl-resnet", n_outputs=0, width=2)
    model.save_pretrained(tmp_path / "m")
    with pytest.raises(WeightsError, match="input_spec"):
        embed(record(), model=str(tmp_path / "m"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match=r"config\.json"):
        embed(record(), model=str(tmp_path / "empty"))


@pytest.fixture
def archive(tmp_path):
    place = tmp_path / "records"
    place.mkdir()
    for k in range(20):
        write(record(seed=k), place / f"r{k:02}.npz")
    (place / "r05b.npz").write_bytes(b"no ecg")
    write(record(leads=("I", "II")), place / "two.npz")
    return sorted(place.iterdir())


def test_files_are_embedded_in_groups_and_once(archive, small):
    first = list(embed_files(archive[:7], model=small))
    assert [m.path for m in first] == archive[:7]
    assert [m.embedding is None for m in first] == [False] * 6 + [True]
    again = list(embed_files(archive, model=small, n_jobs=2))
    assert [m.cached for m in again] == [True] * 6 + [False] * 16
    assert [m.path for m in again] == archive
    assert "Encoders for these leads" in again[-1].problem
    alone = embed(record(seed=3), model=small)
    np.testing.assert_allclose(again[3].embedding.vector, alone.vector, rtol=1e-4, atol=1e-6)


def test_another_lead_is_another_vector_in_the_cache(clef, tmp_path):
    _, file = clef
    convert_published(file, "clef.small")
    write(record(), tmp_path / "r.npz")
    one = next(embed_files([tmp_path / "r.npz"], model="clef.small"))
    two = next(embed_files([tmp_path / "r.npz"], model="clef.small", lead="V2"))
    assert not two.cached
    assert not np.allclose(one.embedding.vector, two.embedding.vector, atol=1e-4)
    assert next(embed_files([tmp_path / "r.npz"], model="clef.small", lead="V2")).cached


def test_other_weights_are_not_taken_from_the_cache(archive, tmp_path, small):
    list(embed_files(archive[:1], model=small))
    spec = published_card("merl.resnet18").input
    model = load_model("merl-resnet", n_outputs=2, leads=spec.leads, width=2, seed=2)
    model.save_pretrained(small, overwrite=True, input_spec=spec)
    assert not next(embed_files(archive[:1], model=small)).cached


def test_the_same_weights_in_another_network_are_not_taken_from_the_cache(tmp_path):
    write(record(), tmp_path / "r.npz")
    spec = published_card("merl.resnet18").input
    made = []
    for heads in (2, 4):
        options = {"width": 48, "depth": 1, "patch": 50, "heads": heads}
        shape = {"leads": spec.leads, "fs": spec.fs, "seconds": spec.seconds}
        model = load_model("vit1d", n_outputs=0, **shape, **options)
        model.save_pretrained(tmp_path / "m", overwrite=True, input_spec=spec)
        made.append(next(embed_files([tmp_path / "r.npz"], model=str(tmp_path / "m"))))
    one, other = made
    assert not other.cached
    assert not np.array_equal(one.embedding.vector, other.embedding.vector)
    assert one.embedding.source.version != other.embedding.source.version
    # weights of the same bytes: only the number of heads differs
    assert one.embedding.source.version[:12] == other.embedding.source.version[:12]


def test_half_the_digits_give_almost_the_same_vector(small):
    r = record()
    whole, half = embed(r, model=small), embed(r, model=small, half=True)
    off = np.linalg.norm(whole.vector - half.vector) / np.linalg.norm(whole.vector)
    assert 0 < off < 0.02
    assert half.source.version != whole.source.version
    with pytest.raises(OptionError, match="half"):
        embed(r, model="precordia-12lead", half=True)


def test_what_the_licence_forbids_is_refused_with_its_reason():
    withheld = [n for n in list_published() if not published_card(n).convertible]
    for name in withheld:
        with pytest.raises(WeightsError, match="licence"):
            embed(record(), model=name)
        with pytest.raises(WeightsError, match="licence"):
            convert_published("nothing.pth", name)


def test_without_pytorch_a_sentence_names_the_extra(small):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from precordia.core.errors import MissingExtraError\n"
        "from precordia.core.record import Record\n"
        "from precordia.core.leads import STANDARD_12\n"
        "from precordia.embedding.embed import embed\n"
        "r = Record(signal=np.random.default_rng(0).normal(size=(12, 5000)), fs=500,"
        " leads=STANDARD_12)\n"
        "try:\n"
        f"    embed(r, model={small!r})\n"
        "except MissingExtraError as error:\n"
        "    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "precordia[train]"' in told.stdout, told.stderr
