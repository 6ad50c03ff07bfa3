# SPDX-License-Identifier: Apache-2.0
"""Rules that every listed model obeys; a new model is a row of the table and writes none."""

import copy
import hashlib
import inspect
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from precordia.core.errors import LeadError, OptionError, PrecordiaError, WeightsError
from precordia.core.leads import STANDARD_12
from precordia.core.registry import load_object
from precordia.models.architectures import ARCHITECTURES, list_models, model_card
from precordia.models.export import TOLERANCE, export_onnx
from precordia.models.load_model import load_model
from precordia.models.pretrained import from_pretrained

#: options that make a model small, so that the rules take seconds; a new model may add its own
TINY = {
    "resnet1d": {"width": 4},
    "resnet1d-wang": {"width": 8, "hidden": 8},
    "xresnet1d50": {"width": 4, "hidden": 8},
    "xresnet1d101": {"width": 4, "hidden": 8},
    "inception1d": {"width": 4, "bottleneck": 4, "hidden": 8},
    "net1d": {"size": "small"},
    "merl-resnet": {"width": 4},
    "merl-vit": {"width": 16, "depth": 2, "heads": 2},
    "ts2vec": {"width": 4, "dim": 8, "depth": 3},
    "ce-ssl": {"width": 16, "depth": 2, "heads": 2},
    "proto-ecg": {"width": 16, "prototypes": 6},
    "effnet1d": {"width": 4, "dim": 8, "expansion": 2, "dropout": 0.1},
    "s4": {"width": 8, "depth": 2},
    "vit1d": {"width": 16, "depth": 2, "heads": 2},
    "vit1d-leads": {"width": 16, "depth": 2, "heads": 2, "patch": 100},
    "lead-agnostic": {"size": "small"},
    "lead-queries": {"patch": 100, "lead_dim": 8, "width": 16, "depth": 2, "heads": 2},
    "aligned-beats": {"width": 6},
    "weimann-jepa": {"width": 16, "depth": 2, "heads": 2},
    "kim-jepa": {"width": 16, "depth": 2, "heads": 2, "patch": 100},
    "heart-lang": {"width": 16, "depth": 2, "heads": 2, "head_dim": 4, "mlp_dim": 16},
    "ecg-fm": {"width": 8, "dim": 16, "depth": 2, "heads": 2},
    "ecg-cpc": {"width": 8, "depth": 2, "steps": 250},
    "xecg": {"patch": 125, "dim": 16, "blocks": "sms", "heads": 2},
    "hubert-ecg": {"size": "tiny"},
    "melp": {"width": 8, "dim": 16, "depth": 2, "heads": 2, "embedding": 16},
    "unet1d": {"width": 4, "depth": 3},
}
#: models that were made for certain leads and refuse others in a sentence
CERTAIN_LEADS = {"aligned-beats"}

every_model = pytest.mark.parametrize("name", list_models())


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def make(name, n_outputs=3, **arguments):
    arguments = {"fs": 100, "seconds": 10, **TINY.get(name, {}), **arguments}
    return load_model(name, n_outputs=n_outputs, **arguments)


def lively(model, seed=1):
    """Move all weights off their beginnings, some of which hide whole paths behind zeros."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=random)
        for key, value in model.named_buffers():
            if key.endswith("running_var"):
                value += torch.rand(value.shape, generator=random)
    return model


def windows(n_records=3, n_leads=12, n_samples=1000, seed=0):
    random = np.random.default_rng(seed)
    time = np.arange(n_samples) / 100
    beats = np.exp(-((time * 1.2 % 1 - 0.3) ** 2) / 0.001)
    size = random.uniform(0.3, 1.5, (n_records, n_leads, 1))
    noise = 0.1 * random.standard_normal((n_records, n_leads, n_samples))
    return torch.from_numpy((size * beats + noise).astype(np.float32))


@every_model
def test_a_card_tells_parameters_dimension_and_options_as_they_are(name):
    card = model_card(name)
    model = load_model(name, n_outputs=5)
    assert card.name == name
    assert sum(p.numel() for p in model.parameters()) == card.parameters
    assert model.dim == card.dim
    signature = inspect.signature(load_object(ARCHITECTURES[name]).__init__)
    defaults = {
        key: p.default for key, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY
    }
    assert defaults == card.options


@every_model
def test_outputs_tokens_and_embedding_have_the_promised_shapes(name):
    model, x = make(name).eval(), windows()
    with torch.inference_mode():
        tokens, embedding = model.tokens(x), model.encode(x)
        of_samples = model_card(name).outputs == "sample"
        assert model.outputs == model_card(name).outputs
        assert model(x).shape == ((3, 3, 1000) if of_samples else (3, 3))
        assert embedding.shape == (3, model.dim)
        assert tokens.ndim == 3
        assert tokens.shape[::2] == (3, model.token_dim)
        if not of_samples:
            assert torch.equal(model(x), model.head(model.neck(embedding)))
    assert isinstance(model.head, nn.Linear)
    assert model.head.out_features == 3
    summary = model.describe()
    assert summary.n_tokens == tokens.shape[1]
    assert name in str(summary)


@every_model
def test_without_outputs_there_is_no_head(name):
    model, x = make(name, n_outputs=0).eval(), windows(1)
    assert not list(model.head.parameters())
    with torch.inference_mode():
        assert torch.equal(model(x), model.neck(model.encode(x)))


@every_model
def test_a_batch_gives_what_its_records_give_alone_and_evaluation_is_deterministic(name):
    model, x = lively(make(name)).eval(), windows()
    with torch.inference_mode():
        together = model(x)
        alone = torch.cat([model(x[k : k + 1]) for k in range(3)])
        assert torch.equal(together, model(x))
    assert torch.allclose(together, alone, atol=1e-4 * float(together.abs().max()))
    assert not torch.allclose(together[0], together[1], rtol=1e-3, atol=0.0)


@every_model
def test_a_seed_gives_the_same_weights_and_leaves_the_global_generator_alone(name):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, second, other = (make(name, seed=seed).state_dict() for seed in (7, 7, 8))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


@every_model
@pytest.mark.parametrize("leads", [("I",), ("II", "V5")])
def test_one_or_two_leads_will_do_or_are_refused_in_a_sentence(name, leads):
    if name in CERTAIN_LEADS:
        with pytest.raises(LeadError):
            make(name, leads=leads)
        return
    model = make(name, leads=leads).eval()
    with torch.inference_mode():
        assert model(windows(n_leads=len(leads))).isfinite().all()


@every_model
def test_gradients_reach_every_parameter(name):
    model = lively(make(name)).train()
    model(windows(6)).square().sum().backward()
    idle = [
        key for key, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0
    ]
    assert not idle


@every_model
def test_lower_layers_hold_each_parameter_but_the_heads_once(name):
    model = make(name)
    groups = model.lower_layers()
    held = [id(p) for group in groups for p in group]
    head = {id(p) for p in model.head.parameters()}
    assert len(groups) >= 2
    assert len(held) == len(set(held))
    assert {id(p) for p in model.parameters()} == set(held) | head
    assert not head & set(held)


@every_model
def test_saved_and_loaded_is_the_same_to_the_bit(name, tmp_path):
    model, x = lively(make(name)).eval(), windows(2)
    model.save_pretrained(tmp_path / "m", classes=("A", "B", "C"), training_data=("toy",))
    again = from_pretrained(tmp_path / "m").eval()
    with torch.inference_mode():
        assert torch.equal(model(x), again(x))
    assert (again.name, again.options, again.shape) == (model.name, model.options, model.shape)
    assert (again.classes, again.training_data) == (("A", "B", "C"), ("toy",))


@every_model
def test_weights_of_another_size_are_refused_by_their_keys(name, tmp_path):
    make(name).save_pretrained(tmp_path / "m")
    with pytest.raises(WeightsError, match="head='new'"):
        from_pretrained(tmp_path / "m", n_outputs=4)
    fresh = from_pretrained(tmp_path / "m", n_outputs=4, head="new")
    assert fresh.head.out_features == 4


@every_model
@pytest.mark.parametrize("n_outputs", [0, 3])
def test_a_graph_gives_what_the_model_gives(name, n_outputs, tmp_path):
    model = lively(make(name, n_outputs=n_outputs))
    report = export_onnx(model, tmp_path / "m.onnx", test_windows=windows(3).numpy())
    assert report.inputs[0] == "window"
    assert ("present" in report.inputs) == model.leaves_out_absent
    assert report.outputs == (("logits", "embedding") if n_outputs else ("embedding",))
    for output, apart in report.max_abs_difference.items():
        assert apart <= TOLERANCE * max(1.0, report.largest_output[output])
    assert model.training


#: digests of keys and shapes at default options: weights that somebody stored must stay loadable
KEYS = {
    "resnet1d": "448f0056bbc5",
    "resnet1d-wang": "d64008f7ef1d",
    "xresnet1d50": "4653c7d68d77",
    "xresnet1d101": "fb4db071d819",
    "inception1d": "a4f94acf1548",
    "net1d": "b163230a33d2",
    "s4": "762655078c48",
    "vit1d": "32a2e0b729c9",
    "vit1d-leads": "9f18de9b1b56",
    "lead-agnostic": "2b34ab046d3a",
    "unet1d": "9f4899703338",
    "weimann-jepa": "f1c692d2d003",
    "kim-jepa": "ccdd98ea8c9c",
    "heart-lang": "0b79a8c13d8f",
    "ecg-fm": "1e09df9b28e1",
    "hubert-ecg": "8a6e05bf3fcb",
    "ecg-cpc": "e67b6ce66d7c",
    "melp": "29cc54985148",
    "xecg": "03cef2194af6",
    "ts2vec": "554b76a83722",
    "effnet1d": "5de4c08deb2b",
    "proto-ecg": "b3be641730df",
    "ce-ssl": "8469ae59e84a",
    "merl-resnet": "448f0056bbc5",
    "merl-vit": "82ab30368772",
}


@every_model
def test_stored_weights_stay_loadable(name):
    """A changed digest breaks stored weights: rename keys on loading, or choose a new name."""
    state = load_model(name, n_outputs=5).state_dict()
    assert not {key.split(".")[0] for key in state} & {"model", "module", "encoder", "_orig_mod"}
    text = "\n".join(sorted(f"{key} {tuple(value.shape)}" for key, value in state.items()))
    if name in KEYS:
        assert hashlib.sha256(text.encode()).hexdigest()[:12] == KEYS[name]


@every_model
def test_training_with_sixteen_bits_gives_finite_gradients(name):
    model, x = lively(make(name)).train(), windows(4)
    present = torch.ones(4, 12)
    present[:, 3] = 0
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(x, present).float().square().sum()
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@every_model
def test_a_copy_is_a_model_of_its_own(name):
    model, x = make(name).eval(), windows(1)
    copied = copy.deepcopy(model)
    with torch.inference_mode():
        before = model(x)
        lively(copied)
        assert torch.equal(model(x), before)
        assert not torch.equal(copied(x), before)


@every_model
def test_what_stands_in_absent_rows_is_of_no_effect(name):
    model, x = lively(make(name)).eval(), windows()
    present = torch.ones(3, 12, dtype=torch.bool)
    present[:, [2, 7]] = False
    changed = x.clone()
    changed[:, [2, 7]] = torch.nan
    with torch.inference_mode():
        assert torch.equal(model(x, present), model(changed, present))
        assert torch.allclose(model(x, torch.ones(3, 12)), model(x), atol=1e-5)


@every_model
def test_wrong_windows_are_refused_in_a_sentence(name):
    model = make(name).eval()
    for wrong in (windows(n_leads=3), windows()[0], windows().to(torch.int32)):
        with pytest.raises(PrecordiaError, match="arrived"):
            model(wrong)
    with pytest.raises(PrecordiaError, match="present"):
        model(windows(), torch.ones(3, 2))


@every_model
def test_an_unknown_option_is_refused_with_the_nearest(name):
    option = next(iter(model_card(name).options))
    with pytest.raises(OptionError, match=f"'{option}'"):
        make(name, **{option + "s": 1})


LEFT_OUT = [n for n in list_models() if load_object(ARCHITECTURES[n]).leaves_out_absent]


@pytest.mark.parametrize("name", LEFT_OUT)
def test_absent_leads_count_as_if_they_were_not_there(name):
    whole = lively(make(name)).eval()
    part = make(name, leads=("V1", "I")).eval()
    part.load_state_dict(whole.state_dict())
    x = windows()
    present = torch.zeros(3, 12, dtype=torch.bool)
    rows = [STANDARD_12.index("V1"), STANDARD_12.index("I")]
    present[:, rows] = True
    with torch.inference_mode():
        expected = part(x[:, rows])
        assert torch.allclose(whole(x, present), expected, atol=1e-4 * expected.abs().max())
        assert not torch.allclose(whole(x), expected, atol=1e-3)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_leads_are_known_by_name_and_not_by_row(name):
    order = STANDARD_12[::-1]
    model, turned = lively(make(name)).eval(), make(name, leads=order).eval()
    turned.load_state_dict(model.state_dict())
    x = windows()
    with torch.inference_mode():
        expected = model(x)
        assert torch.allclose(turned(x.flip(1)), expected, atol=1e-4 * expected.abs().max())
        assert not torch.allclose(model(x.flip(1)), expected, atol=1e-3)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_leads_without_names_are_refused(name):
    with pytest.raises(LeadError, match="Name them"):
        make(name, n_leads=3)


def test_listing_loads_no_framework():
    code = "import sys, precordia as p; p.list_models(); print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_training_statistics_do_not_hear_of_absent_leads():
    model = make("lead-agnostic").train()
    x = windows(4)
    present = torch.zeros(4, 12, dtype=torch.bool)
    present[:, 0] = True
    model(x, present)
    lone = make("lead-agnostic", leads=("I",)).train()
    lone(x[:, :1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for key, value in lone.stem.state_dict().items():
            assert torch.allclose(value, model.stem.state_dict()[key], atol=1e-6), key
