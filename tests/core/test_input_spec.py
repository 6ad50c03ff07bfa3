# SPDX-License-Identifier: Apache-2.0
"""A spec checks itself, keeps its order, and goes to a table and back."""

import pytest

from precordia.core.errors import PrecordiaError
from precordia.core.input_spec import InputSpec, rates_after
from precordia.core.input_steps import STEPS, Resample, Window, read_step
from precordia.core.leads import STANDARD_12

TABLE = {
    "leads": "standard-12",
    "fs": 500,
    "seconds": 10,
    "steps": [{"step": "resample"}, {"step": "window"}, {"step": "z-score", "over": "all"}],
}
#: one sound table of every step
SOUND = {
    "fill-gaps": {"method": "mean", "longest_s": 0.2},
    "resample": {"method": "fourier", "fs": 500, "lowest_fs": 100},
    "decimate": {"factor": 5, "across_leads": True},
    "butterworth": {"kind": "highpass", "low_hz": 0.5, "order": 2, "form": "ba"},
    "fir": {"low_hz": 0.5, "high_hz": 40, "window": "hann"},
    "notch": {"hz": 50, "phase": "causal"},
    "running-median": {"seconds": [0.2, 0.6]},
    "remove-mean": {"over": "all"},
    "scale": {"factor": 2, "offset": 1},
    "clip": {"low": -5, "high": 5},
    "z-score": {"over": "all", "epsilon": 1e-8, "epsilon_use": "floor"},
    "robust": {"epsilon": 1e-6},
    "max-abs": {"over": "all"},
    "min-max": {"low": -3, "high": 3},
    "standardise": {"mean": [0.1], "sd": [0.2]},
    "window": {"take": "sliding", "step_s": 1.25, "tail": "drop", "short": "edge", "side": "both"},
}


def test_every_step_is_known_here():
    assert set(SOUND) == set(STEPS)


@pytest.mark.parametrize("name", SOUND)
def test_a_step_survives_its_table(name):
    step = read_step({"step": name} | SOUND[name])
    assert read_step(step.to_table()) == step
    assert hash(read_step(step.to_table())) == hash(step)
    assert set(step.to_table()) == {"step", *SOUND[name]}


@pytest.mark.parametrize("name", SOUND)
def test_a_step_refuses_what_it_does_not_know(name):
    with pytest.raises(PrecordiaError, match=f"step '{name}' has an entry 'colour'"):
        read_step({"step": name, "colour": "red"} | SOUND[name])
    for key in SOUND[name]:
        for wrong in ("purple", float("nan"), [], {}, -1e9 if key != "offset" else "x", 10**400):
            if (key, wrong) in (
                ("low", -1e9),
                ("mean", -1e9),
                ("factor", -1e9),
            ) and name != "decimate":
                continue
            with pytest.raises(PrecordiaError, match=r"needed|must|needs"):
                read_step({"step": name} | SOUND[name] | {key: wrong})


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"step": "butterwort", "low_hz": 1}, "Did you mean 'butterworth'"),
        ({"low_hz": 1}, "a step is a table"),
        ("window", "a step is a table"),
        ({"step": "notch"}, "without hz"),
        ({"step": "butterworth", "kind": "lowpass", "low_hz": 3}, "needs high_hz"),
        ({"step": "butterworth", "low_hz": 40, "high_hz": 3}, "must rise"),
        ({"step": "clip", "low": 5, "high": -5}, "low must be below"),
        ({"step": "window", "take": "sliding"}, "sliding windows need step_s"),
        ({"step": "window", "step_s": 1}, "sliding windows need step_s"),
        ({"step": "window", "tail": "pad", "short": "refuse"}, "the tail needs a way"),
        ({"step": "scale", "factor": 0}, "another factor"),
    ],
)
def test_contradictions_within_a_step_are_refused(table, sentence):
    with pytest.raises(PrecordiaError, match=sentence):
        read_step(table)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"leads": "standard-13"}, "one of standard-12"),
        ({"leads": []}, "at least one lead"),
        ({"leads": ["I", "AVR"]}, "Did you mean 'aVR'"),
        ({"leads": ["I", "I"]}, "named once"),
        ({"leads": ["any", "I"]}, "stands for one lead"),
        ({"fs": 0}, "a rate in Hz"),
        ({"fs": True}, "a rate in Hz"),
        ({"seconds": float("inf")}, "a length in s"),
        ({"seconds": 0.0011}, "whole number of samples"),
        ({"unit": "mm"}, "mV, uV, V"),
        ({"missing_leads": "guess"}, "refuse, zero"),
        ({"steps": []}, "0 'window' steps"),
        ({"steps": [{"step": "window"}] * 2}, "2 'window' steps"),
        ({"steps": "window"}, "a list of tables"),
        ({"colour": "red"}, "entry 'colour'"),
        ({"steps": [{"step": "resample", "fs": 250}, {"step": "window"}]}, "end at 250 Hz"),
        ({"steps": [{"step": "decimate", "factor": 2}, {"step": "window"}]}, "no step before"),
        (
            {
                "fs": 100,
                "steps": [{"step": "resample"}, {"step": "notch", "hz": 50}, {"step": "window"}],
            },
            "rate above 100 Hz",
        ),
        (
            {"steps": [{"step": "standardise", "mean": [0, 0], "sd": [1]}, {"step": "window"}]},
            "2 numbers for 12 leads",
        ),
        (
            {
                "missing_leads": "zero",
                "steps": [
                    {"step": "resample", "fs": 1000},
                    {"step": "window"},
                    {"step": "decimate", "factor": 2, "across_leads": True},
                ],
            },
            "needs every lead",
        ),
    ],
)
def test_contradictions_within_a_spec_are_refused(change, sentence):
    with pytest.raises(PrecordiaError, match=sentence):
        InputSpec.from_table(TABLE | change)


def test_a_missing_entry_is_named():
    for key in TABLE:
        with pytest.raises(PrecordiaError, match=f"has no {key}"):
            InputSpec.from_table({k: v for k, v in TABLE.items() if k != key})


def test_text_that_is_no_card_is_refused():
    with pytest.raises(PrecordiaError, match="not TOML"):
        InputSpec.from_toml("[input")
    with pytest.raises(PrecordiaError, match=r"no table \[input\]"):
        InputSpec.from_toml("name = 'x'")
    with pytest.raises(PrecordiaError, match=r"\[input\] table is needed"):
        InputSpec.from_toml("input = 3")


def test_the_order_of_steps_leads_and_numbers_changes_the_fingerprint():
    spec = InputSpec.from_table(TABLE)
    others = [
        TABLE | {"steps": TABLE["steps"][::-1]},
        TABLE | {"leads": list(STANDARD_12[::-1])},
        TABLE | {"fs": 250},
        TABLE | {"steps": [*TABLE["steps"][:2], {"step": "z-score"}]},
    ]
    prints = {spec.fingerprint, *(InputSpec.from_table(other).fingerprint for other in others)}
    assert len(prints) == 5
    assert (
        InputSpec.from_table(TABLE | {"leads": list(STANDARD_12)}).fingerprint == spec.fingerprint
    )
    assert InputSpec.from_table(TABLE, model="x") == spec


@pytest.mark.parametrize(
    ("steps", "needed"),
    [
        ([{"step": "window"}], "absolute"),
        ([{"step": "window"}, {"step": "z-score"}], "none"),
        ([{"step": "window"}, {"step": "z-score", "over": "all"}], "relative"),
        ([{"step": "window"}, {"step": "z-score", "epsilon": 0.1}], "absolute"),
        (
            [{"step": "clip", "low": -5, "high": 5}, {"step": "window"}, {"step": "z-score"}],
            "absolute",
        ),
        ([{"step": "scale", "factor": 5}, {"step": "window"}, {"step": "max-abs"}], "none"),
        (
            [{"step": "scale", "factor": 5, "offset": 1}, {"step": "window"}, {"step": "max-abs"}],
            "absolute",
        ),
    ],
)
def test_a_spec_knows_what_it_depends_on(steps, needed):
    assert InputSpec.from_table(TABLE | {"steps": steps}).scale_needed == needed


def test_rates_follow_the_steps():
    steps = (Resample(fs=500), Window(), read_step({"step": "decimate", "factor": 5}))
    spec = InputSpec(leads=("I",), fs=100, seconds=5, steps=steps)
    assert [rate for _, rate in rates_after(spec)] == [500, 500, 100]
