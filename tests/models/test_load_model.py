# SPDX-License-Identifier: Apache-2.0
"""Models by name: arguments inferred and cross-checked, mistakes told in sentences."""

import pytest
import torch

from precordia.core.errors import (
    LeadError,
    OptionError,
    PrecordiaError,
    SamplingRateError,
    SignalError,
    UnknownNameError,
    WeightsError,
)
from precordia.core.leads import STANDARD_12
from precordia.models.load_model import load_model
from precordia.models.signal_shape import SignalShape, resolve_shape

USUAL = SignalShape(n_leads=12, n_samples=1000, fs=100.0, leads=STANDARD_12)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (12, 1000, 100.0)),
        ({"seconds": 5}, (12, 500, 100.0)),
        ({"fs": 500}, (12, 5000, 500.0)),
        ({"n_samples": 2500}, (12, 2500, 100.0)),
        ({"n_samples": 2500, "seconds": 5}, (12, 2500, 500.0)),
        ({"n_samples": 2500, "fs": 250}, (12, 2500, 250.0)),
        ({"n_samples": 2500, "seconds": 10, "fs": 250}, (12, 2500, 250.0)),
        ({"leads": ("I", "II")}, (2, 1000, 100.0)),
        ({"n_leads": 2, "leads": ["I", "II"]}, (2, 1000, 100.0)),
        ({"leads": "independent-8"}, (8, 1000, 100.0)),
    ],
)
def test_arguments_follow_from_one_another(given, expected):
    shape = resolve_shape(usual=USUAL, **given)
    assert (shape.n_leads, shape.n_samples, shape.fs) == expected


def test_twelve_leads_are_the_standard_ones_and_one_is_any():
    assert resolve_shape(n_leads=12, usual=USUAL).leads == STANDARD_12
    assert resolve_shape(n_leads=1, usual=USUAL).leads == ("any",)
    assert resolve_shape(n_leads=3, usual=USUAL).leads == ()


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"n_samples": 1000, "seconds": 10, "fs": 250}, OptionError, "2500 samples"),
        ({"seconds": 0.333, "fs": 100}, OptionError, "whole number"),
        ({"n_leads": 3, "leads": ("I", "II")}, LeadError, "names 2"),
        ({"leads": ("avr",)}, LeadError, "Did you mean 'aVR'"),
        ({"leads": ("I", "I")}, LeadError, "once"),
        ({"leads": "twelve"}, LeadError, "standard-12"),
        ({"leads": ()}, LeadError, "at least one"),
        ({"fs": -1}, SamplingRateError, "above 0"),
        ({"fs": float("nan")}, SamplingRateError, "above 0"),
        ({"seconds": "ten"}, OptionError, "above 0"),
        ({"n_samples": 10.5}, OptionError, "whole number"),
        ({"n_leads": 0}, OptionError, "at least 1"),
    ],
)
def test_contradictions_are_sentences(given, error, said):
    with pytest.raises(error, match=said):
        resolve_shape(usual=USUAL, **given)


@pytest.mark.parametrize(
    ("name", "given", "error", "said"),
    [
        ("resnet", {}, UnknownNameError, "Did you mean 'resnet1d'"),
        ("resnet1d", {"n_outputs": None}, OptionError, "0 for an encoder"),
        ("resnet1d", {"n_outputs": -1}, OptionError, "whole number"),
        ("resnet1d", {"sise": 18}, OptionError, "Did you mean 'size'"),
        ("resnet1d", {"n_lead": 12}, OptionError, "Did you mean 'n_leads'"),
        ("resnet1d", {"size": 19}, OptionError, "18, 34, 50"),
        ("resnet1d", {"width": "wide"}, OptionError, "a whole number such as 64"),
        ("resnet1d", {"kernel": 4}, OptionError, "odd"),
        ("resnet1d", {"dropout": 1.5}, OptionError, "below 1"),
        ("vit1d", {"width": 100, "heads": 6}, OptionError, "share evenly"),
        ("vit1d", {"patch": 2000}, OptionError, "shorter patch"),
        ("s4", {"state": 7}, OptionError, "even number"),
        ("net1d", {"norm": 1}, OptionError, "true or false"),
        ("lead-agnostic", {"leads": ("I",), "n_leads": 2}, LeadError, "names 1"),
    ],
)
def test_mistakes_are_sentences_and_name_the_nearest(name, given, error, said):
    with pytest.raises(error, match=said) as caught:
        load_model(name, **{"n_outputs": 5, **given})
    assert isinstance(caught.value, PrecordiaError)


def test_published_numbers_of_parameters():
    """S4: 2.2 M (independent count of the authors' model); the xresnet is in test_published."""
    model = load_model("s4", n_outputs=5)
    assert round(sum(p.numel() for p in model.parameters()) / 1e6, 1) == 2.2


def test_the_parameters_of_a_residual_network_follow_from_its_drawing():
    """Convolutions n_in n_out k, norms 2 n, two blocks of two a stage, 1x1 where widths change."""
    count = 12 * 64 * 7 + 2 * 64
    n_in = 64
    for n_out in (64, 128, 256, 512):
        count += 3 * n_in * n_out + 3 * 3 * n_out * n_out + 4 * 2 * n_out
        if n_in != n_out:
            count += n_in * n_out + 2 * n_out
        n_in = n_out
    count += 512 * 5 + 5
    model = load_model("resnet1d", n_outputs=5)
    assert sum(p.numel() for p in model.parameters()) == count


@pytest.mark.parametrize("size", [34, 50])
def test_larger_residual_networks_run(size):
    model = load_model("resnet1d", n_outputs=2, size=size, width=4).eval()
    with torch.inference_mode():
        assert model(torch.zeros(1, 12, 1000)).shape == (1, 2)


def test_windows_of_other_lengths_are_taken_or_refused():
    x = torch.zeros(1, 12, 740)
    with torch.inference_mode():
        assert load_model("resnet1d", n_outputs=2, width=4).eval()(x).shape == (1, 2)
        assert load_model("vit1d", n_outputs=0, width=12, depth=1).tokens(x).shape[1] == 37
        fixed = load_model("vit1d", n_outputs=2, width=12, depth=1, positions="learned")
        with pytest.raises(PrecordiaError, match="needs 1000 samples; 740 arrived"):
            fixed(x)
        with pytest.raises(PrecordiaError, match="at least 20 samples"):
            load_model("vit1d", n_outputs=2, width=12, depth=1)(x[..., :10])


def test_a_window_without_leads_is_refused():
    model = load_model("lead-agnostic", n_outputs=2, size="small").eval()
    present = torch.ones(2, 12)
    present[1] = 0
    with pytest.raises(PrecordiaError, match="no lead is present"):
        model(torch.zeros(2, 12, 1000), present)


def test_a_summary_names_what_a_person_asks_first():
    said = str(load_model("lead-agnostic", n_outputs=2, leads=("I",), size="small").describe())
    assert "1 lead (I), 1000 samples, 10 s at 100 Hz" in said
    assert "all of the window" in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("precordia-12lead", "trained and ready to use; 'precordia models show precordia-12lead'"),
        ("ecg-founder.12lead", r"embed\(record, model='ecg-founder.12lead'\).*load_model\('net1d'"),
        ("sssd-ecg.ptb-xl", "it makes signals and embeds none"),
        (".", r"Encoder.from_pretrained\('.'\)"),
    ],
)
def test_a_name_of_something_else_is_told_how_that_is_used(name, said):
    with pytest.raises((OptionError, WeightsError), match=said):
        load_model(name, n_outputs=1)


def test_arrays_and_doubles_are_refused_with_a_way_out():
    model = load_model("resnet1d", n_outputs=1, width=4)
    with pytest.raises(SignalError, match=r"needs a tensor; ndarray arrived.*from_numpy"):
        model(torch.zeros(1, 12, 1000).numpy())
    with pytest.raises(SignalError, match=r"float64 arrived.*x\.float\(\)"):
        model(torch.zeros(1, 12, 1000, dtype=torch.float64))
    double = model.double().eval()
    assert double(torch.zeros(1, 12, 1000, dtype=torch.float64)).dtype == torch.float64
