# SPDX-License-Identifier: Apache-2.0
"""Inputs of published encoders: every spec is sound, and those with known numbers give them."""

import dataclasses
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import PrecordiaError
from precordia.core.input_spec import InputSpec
from precordia.core.input_steps import STEPS, Window
from precordia.core.leads import FRANK, STANDARD_12
from precordia.core.record import Record
from precordia.embedding.prepare import prepare
from precordia.models.published_card import Fixture, list_published, published_card

#: numbers that the models' own code gave for a signal in closed form
PARITY = Path(os.environ.get("PRECORDIA_PARITY") or Path(__file__).parents[3] / "shared" / "parity")


def known_signal(fs: float = 500, n_samples: int = 5000) -> np.ndarray:
    """A record in closed form: bursts at 72 a minute, wander, 50 Hz, 11 Hz and offsets."""
    t = np.arange(n_samples) / fs
    lead = np.arange(12)[:, np.newaxis]
    burst = np.exp(-(((1.2 * t) % 1 - 0.3) ** 2) / 0.002)
    return (
        (0.5 + 0.1 * lead) * np.sin(2 * np.pi * (1.3 + 0.1 * lead) * t) * burst
        + 0.2 * np.sin(2 * np.pi * 0.25 * t + 0.5 * lead)
        + 0.05 * np.sin(2 * np.pi * 50 * t)
        + 0.05 * np.sin(2 * np.pi * 11 * t + lead)
        + 0.02 * (lead - 5)
    )


RECORD = Record(signal=known_signal(), fs=500, leads=STANDARD_12)


def _inputs() -> Iterator[tuple[str, InputSpec, Fixture | None, str]]:
    """Yield name, spec, and the fixture that has its numbers, with the fixture's name."""
    for name in list_published():
        card = published_card(name)
        own = {k: f for k, f in card.fixtures.items() if f.kind == "input"}
        if card.input is not None:
            stem = next((k for k, f in own.items() if f.input is None), "")
            yield name, card.input, own.get(stem), stem
        for stem, fixture in own.items():
            if fixture.input is not None:
                yield f"{name}:{stem}", fixture.input, fixture, stem


CASES = list(_inputs())
SPECS = [pytest.param(spec, id=name) for name, spec, _, _ in CASES]
NUMBERS = [pytest.param(spec, f, stem, id=name) for name, spec, f, stem in CASES if f is not None]


def spec_of(beginning: str) -> InputSpec:
    return next(spec for name, spec, _, _ in CASES if name.startswith(beginning))


def test_every_preparation_with_known_numbers_is_here():
    stems = {stem for _, _, fixture, stem in CASES if fixture is not None}
    wanted = ("ecgfounder_preproc_filtered", "ecgfounder_preproc_ptbxl_eval", "clef_preproc")
    wanted += ("merl_preproc", "hubert_ecg_preproc", "ecgjepa_kim_preproc")
    assert {*wanted, "ecgjepa_weimann_preproc"} <= stems


@pytest.mark.parametrize("spec", SPECS)
def test_a_spec_survives_its_table_its_text_and_json(spec):
    for other in (
        InputSpec.from_table(spec.to_table()),
        InputSpec.from_toml(spec.to_toml()),
        InputSpec.from_json(spec.to_json()),
    ):
        assert other == spec
        assert hash(other) == hash(spec)
        assert other.fingerprint == spec.fingerprint


@pytest.mark.parametrize("spec", SPECS)
def test_a_published_input_is_made_of_any_rate_order_and_length(spec):
    order = (*STANDARD_12[::-1], *FRANK)
    for fs, n_samples in ((500, 5000), (257, 2570), (1000, 7000), (400, 20_000)):
        signal = known_signal(fs, n_samples)[::-1]
        signal = np.concatenate([signal, signal[:3]])
        lead = "II" if spec.leads == ("any",) else None
        prepared = prepare(Record(signal=signal, fs=fs, leads=order), spec, lead=lead)
        assert prepared.windows.shape[1:] == (spec.n_leads, spec.n_samples)
        assert prepared.windows.dtype == np.float32
        assert np.isfinite(prepared.windows).all()
        assert prepared.covers.max() <= n_samples


@pytest.mark.parametrize(("spec", "fixture", "stem"), NUMBERS)
def test_a_published_input_gives_what_the_models_own_code_gave(spec, fixture, stem):
    if not PARITY.is_dir():
        pytest.skip(f"NO NUMBERS at {PARITY}: set PRECORDIA_PARITY to run this test")
    facts = json.loads((PARITY / f"{stem}.json").read_text(encoding="utf-8"))
    assert known_signal().sum() == pytest.approx(facts["raw_check"]["sum"], abs=1e-6)
    if fixture.steps is not None:
        steps = (*spec.steps[: fixture.steps], Window())
        spec = replace(spec, fs=500, seconds=10, steps=steps)
    # The signal of the numbers obeys no equation between leads, so nothing may be derived.
    leads = STANDARD_12 if fixture.each_lead else (None,)
    parts = [prepare(RECORD, spec, lead=lead) for lead in leads]
    assert not any(part.derived for part in parts)
    found = np.concatenate([part.windows[0] for part in parts])
    known = np.load(PARITY / f"{stem}.npz")
    places = {
        "first64": slice(None, 64),
        "last64": slice(-64, None),
        "every": slice(None, None, facts["output"]["every_stride"]),
    }
    assert list(found.shape) == facts["output"]["shape"]
    largest = np.abs(known["every"]).max(axis=1)
    for name, place in places.items():
        off = np.abs(found[:, place] - known[name]).max(axis=1) / largest
        assert off.max() < fixture.tolerance, name
    for name, function in (("mean", np.mean), ("std", np.std), ("min", np.min), ("max", np.max)):
        off = np.abs(function(found.astype(float), axis=1) - facts["output"][name]) / largest
        assert off.max() < fixture.tolerance, name


def test_an_order_of_leads_taken_by_place_would_be_seen():
    spec = spec_of("ecg-jepa.vit")
    swapped = replace(spec, leads=(*STANDARD_12[:4], "aVF", "aVL", *STANDARD_12[6:]))
    a, b = prepare(RECORD, spec).windows, prepare(RECORD, swapped).windows
    assert np.abs(a[:, 4] - b[:, 5]).max() > 0.01


def test_models_that_stretch_after_lengthening_do_not_end_in_zeros():
    spec = spec_of("merl")
    short = Record(signal=known_signal()[:, :2500], fs=500, leads=STANDARD_12)
    prepared = prepare(short, spec)
    assert prepared.recorded.tolist() == [[0, 2500]]
    assert 0.1 < prepared.windows[0, 0, -1] < 0.9


def test_segments_of_a_recording_standardised_as_a_whole_are_not_standardised_each():
    spec = spec_of("ecg-fm")
    windows = prepare(RECORD, spec).windows
    assert windows.shape == (2, 12, 2500)
    assert np.abs(windows.mean(axis=2)).max() > 1e-3
    assert np.abs(windows.mean(axis=(0, 2))).max() < 1e-6


def test_leads_put_end_to_end_leak_into_each_other():
    from scipy.signal import decimate, filtfilt, firwin

    spec = spec_of("hubert-ecg")
    x = filtfilt(
        firwin(151, (0.05, 47), pass_zero=False, fs=500), [1.0], RECORD.signal.astype(float)
    )
    least, most = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
    x = 2 * (x - least) / (most - least + 1e-8) - 1
    flat = decimate(x[:, :2500].ravel(), 5)
    np.testing.assert_allclose(prepare(RECORD, spec).windows[0].ravel(), flat, atol=1e-6)


@pytest.mark.parametrize("spec", SPECS)
def test_two_leads_are_refused_or_completed_never_invented(spec):
    two = Record(signal=known_signal()[:2], fs=500, leads=("I", "II"))
    if spec.leads == ("any",):
        assert prepare(two, spec, lead="I").leads == ("I",)
    elif spec.missing_leads == "zero":
        prepared = prepare(two, spec)
        assert prepared.absent == STANDARD_12[6:]
        assert not prepared.windows[:, 6:].any()
    else:
        with pytest.raises(PrecordiaError, match=r"needs I, II.*V1, V2.*cannot be computed"):
            prepare(two, spec)


PAGE = Path(__file__).parents[2] / "docs" / "preparation.md"


def test_the_table_on_the_page_is_a_sound_input():
    text = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    prepared = prepare(RECORD, InputSpec.from_toml(text))
    assert prepared.windows.shape == (1, 12, 5000)


def test_the_page_names_every_step_and_all_that_it_may_be_told():
    rows = [r for r in PAGE.read_text(encoding="utf-8").splitlines() if r.startswith("| `")]
    for name, kind in STEPS.items():
        (row,) = [r for r in rows if f"`{name}`" in r.split("|")[1]]
        for entry in dataclasses.fields(kind):
            assert f"`{entry.name}`" in row, (name, entry.name)
            for word in entry.metadata.get("allowed", ()):
                assert word in row or entry.name in ("kind", "phase", "window"), (name, word)
